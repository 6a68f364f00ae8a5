"""What happened while nobody looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from qkt.core.errors import QktError
from tui import format as fmt
from tui.screens.dialog import Dialog, wrapped
from tui.table import Cell, signed
from tui.widgets.pane import Line

if TYPE_CHECKING:
    from qkt.runtime.control.details import Digest
    from tui.app import Dashboard


async def tell(app: Dashboard, since: int) -> None:
    """Ask the engine what happened since a moment (epoch ms), and show it if there is anything."""
    try:
        digest = await app.link.digest(since)
    except QktError as problem:
        app.say(f"no digest: {problem}", "warn")
        return
    if worth_saying(digest):
        app.push_screen(DigestDialog(digest))


def worth_saying(digest: Digest) -> bool:
    """Whether anything happened at all."""
    return bool(digest.starts) or any(one.fills or one.refused or one.halts for one in digest.sessions)


class DigestDialog(Dialog[None]):
    """Any key closes it."""

    def __init__(self, digest: Digest) -> None:
        super().__init__()
        self._digest = digest

    def title_text(self) -> str:
        return f"Since {fmt.moment(self._digest.since)}, {fmt.age(self._digest.until - self._digest.since)} ago"

    def lines(self, width: int) -> list[Line]:
        digest = self._digest
        lines: list[Line] = []
        for account in digest.accounts:
            gained = None if account.before is None else account.now - account.before
            now = f"{fmt.money(account.now)} {fmt.clean(account.currency)}"
            lines.append(
                [
                    Cell(f"{fmt.clip(fmt.account(account.account), 24):<26}", "bold"),
                    Cell(f"{now:<24}", "bold"),
                    Cell(f"{fmt.gain(gained):>12}", signed(gained)),
                ]
            )
        lines.append([Cell("")])
        for session in digest.sessions:
            if not (session.fills or session.refused or session.halts):
                continue
            words = [f"{session.fills} fill{'' if session.fills == 1 else 's'}"]
            words += [f"{session.refused} refused"] if session.refused else []
            lines.append(
                [
                    Cell(f"{fmt.clip(fmt.clean(session.session), 24):<26}"),
                    Cell(f"{', '.join(words):<24}", "dim"),
                    Cell(f"{fmt.gain(session.realised):>12}", signed(session.realised)),
                ]
            )
            for halt in session.halts:
                lines += [[Cell(f"  halted: {part}", "alarm")] for part in wrapped(fmt.clean(halt), width - 10)]
        for start in digest.starts:
            lines.append([Cell(f"the engine began anew at {fmt.moment(start)}", "warn")])
        room = max(self.app.size.height - 6, 3)
        return [*lines[:room], [Cell(f"{'any key closes':>{width}}", "dim")]]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(None)
