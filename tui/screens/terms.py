"""A rule taken apart: every term of its condition with what it is worth now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from qkt.core.errors import QktError
from tui import format as fmt
from tui.screens.dialog import Dialog, wrapped
from tui.table import Cell
from tui.widgets.pane import Line

if TYPE_CHECKING:
    from qkt.runtime.control.rows import RuleTerms


class Terms(Dialog[None]):
    """Asks the engine once a second for as long as it is open."""

    def __init__(self, session: str, number: int) -> None:
        super().__init__()
        self._session = session
        self._number = number
        self._found: RuleTerms | None = None
        self._problem = ""

    def title_text(self) -> str:
        return f"Rule {self._number} of {self._session}"

    def on_mount(self) -> None:
        self._ask()
        self.set_interval(1.0, self._ask)

    def _ask(self) -> None:
        self.dashboard.background(self._asked, "look.terms", exclusive=True)

    async def _asked(self) -> None:
        try:
            self._found = await self.dashboard.link.terms(self._session, self._number)
        except QktError as problem:
            self._problem = str(problem)
        if self.is_current:
            self.redraw()

    def lines(self, width: int) -> list[Line]:
        if self._problem:
            return [[Cell(part, "alarm")] for part in wrapped(self._problem, width)]
        found = self._found
        if found is None:
            return [[Cell("waiting for its values", "dim")]]
        rule = found.rule
        lines: list[Line] = [[Cell(part, "bold")] for part in wrapped(fmt.clean(rule.text), width)]
        fired = f"fired {rule.count} times, last {fmt.moment(rule.last_fired)}" if rule.last_fired else "has not fired yet"
        lines += [[Cell(f"line {rule.line}, {fired}", "dim")], [Cell("")]]
        room = max(self.app.size.height - 8 - len(lines), 3)
        for term in found.terms[:room]:
            value = fmt.UNKNOWN if term.value is None else fmt.clean(term.value)
            words = fmt.clip(f"{'  ' * term.depth}{fmt.clean(term.text)}", width - len(value) - 2)
            role = {"TRUE": "up", "FALSE": "down"}.get(value.upper(), "text")
            lines.append([Cell(f"{words:<{width - len(value)}}"), Cell(value, role if term.value is not None else "dim")])
        if len(found.terms) > room:
            lines.append([Cell(f"and {len(found.terms) - room} more terms", "dim")])
        return lines

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in ("escape", "backspace", "enter", "q"):
            self.dismiss(None)
