"""An order from its beginning to what became of it, with the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

from qkt.core.errors import QktError
from tui import format as fmt
from tui.screens.dialog import Dialog, wrapped
from tui.screens.story import StoryDialog
from tui.table import Cell
from tui.tables.positions import PURPOSES, order_type
from tui.widgets.pane import Line

if TYPE_CHECKING:
    from qkt.runtime.control.details import OrderLife


class OrderLifeDialog(Dialog[None]):
    """Asks the engine once."""

    def __init__(self, session: str, order: str) -> None:
        super().__init__()
        self._session = session
        self._order = order
        self._found: OrderLife | None = None
        self._problem = ""

    def title_text(self) -> str:
        return f"Order {fmt.clean(self._order)} of {fmt.clean(self._session)}"

    def on_mount(self) -> None:
        self.dashboard.background(self._ask, "look.order", exclusive=True)

    async def _ask(self) -> None:
        try:
            lives = await self.dashboard.link.orders(self._session, order=self._order, limit=1)
        except QktError as problem:
            self._problem = str(problem)
        else:
            self._found = lives[-1] if lives else None
            self._problem = "" if lives else "the engine knows nothing of this order any more"
        if self.is_current:
            self.redraw()

    def lines(self, width: int) -> list[Line]:
        if self._problem:
            return [[Cell(part, "alarm")] for part in wrapped(self._problem, width)]
        life = self._found
        if life is None:
            return [[Cell("waiting for its life", "dim")]]
        kind = order_type(life.kind, life.purpose)
        words = f"{life.side or ''} {kind} {fmt.quantity(life.quantity)} {fmt.symbol(life.symbol)}".strip()
        level = life.stop if life.stop is not None else life.price
        at = f" @ {fmt.price(level)}" if level is not None else ""
        purpose = PURPOSES.get(life.purpose or "", fmt.clean(life.purpose or ""))
        about = [
            f"for {purpose}" if purpose else "",
            f"rule {life.rule}" if life.rule else "",
            f"leg {life.leg}" if life.leg else "",
        ]
        lines: list[Line] = [
            [Cell(f"{words}{at}", "bold"), Cell(f"   {fmt.clean(life.status)}", "accent")],
            [Cell("  ".join(part for part in about if part), "dim")],
            [Cell("")],
        ]
        for step in life.steps:
            lead = f"{fmt.clock(step.ts):<9}{fmt.clean(step.what):<11}"
            for i, part in enumerate(wrapped(fmt.clean(step.text), width - len(lead))):
                lines.append([Cell(lead if i == 0 else " " * len(lead), "dim"), Cell(part)])
        if life.reason:
            lines += [[Cell("")], *([Cell(part, "warn")] for part in wrapped(fmt.clean(life.reason), width))]
        if life.filled:
            lines += [[Cell("")], [Cell("e explains why it was filled", "dim")]]
        return lines

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key == "e":
            self.app.push_screen(StoryDialog(self._session, self._order))
        elif event.key in ("escape", "backspace", "enter", "q"):
            self.dismiss(None)
