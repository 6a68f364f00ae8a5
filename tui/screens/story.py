"""Why an order was filled: the rule and its values, the size, risk, the order's life, the quote it met."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from qkt.core.errors import QktError
from tui import format as fmt
from tui.clipboard import copy_from
from tui.screens.dialog import Dialog, wrapped
from tui.table import Cell
from tui.widgets.pane import Line

WIDEST = 110
"""Columns inside the widest box."""
STEPS = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": 10, "pageup": -10, "home": -10_000, "end": 10_000}


class StoryDialog(Dialog[None]):
    """Asks the engine once, which does the session again for it; what is longer than the screen scrolls."""

    def __init__(self, session: str, order: str) -> None:
        super().__init__()
        self._session = session
        self._order = order
        self._told: Sequence[str] = ()
        self._problem = ""
        self.first = 0

    def title_text(self) -> str:
        return f"Why {fmt.clean(self._order)} was filled"

    def inner_width(self) -> int:
        return WIDEST

    def on_mount(self) -> None:
        self.app.run_worker(self._ask(), group="look.story", exclusive=True)

    async def _ask(self) -> None:
        width = max(min(self.app.size.width - 6, WIDEST), 40)
        try:
            self._told = (await self.dashboard.link.story(self._session, order=self._order, width=width)).lines
        except QktError as problem:
            self._problem = str(problem)
        if self.is_current:
            self.redraw()

    def lines(self, width: int) -> list[Line]:
        if self._problem:
            return [[Cell(part, "alarm")] for part in wrapped(self._problem, width)]
        if not self._told:
            return [[Cell("the session is done again up to there", "dim")]]
        room = max(self.app.size.height - 6, 3)
        self.first = max(min(self.first, len(self._told) - room), 0)
        return [[told_line(line)] for line in self._told[self.first : self.first + room]]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in STEPS:
            self.first = max(self.first + STEPS[event.key], 0)
            self.redraw()
        elif event.key == "y":
            copy_from(self.dashboard, "\n".join(self._told))
        elif event.key in ("escape", "backspace", "enter", "q"):
            self.dismiss(None)


def told_line(text: str) -> Cell:
    """Conditions that hold stand out from those that do not, and headings from what stands below them."""
    words = fmt.clean(text)
    if words.endswith("  TRUE"):
        return Cell(words, "up")
    if words.endswith("  FALSE"):
        return Cell(words, "down")
    return Cell(words, "text" if words.startswith(" ") else "bold")
