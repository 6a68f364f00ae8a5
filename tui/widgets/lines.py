"""The second and the last line of a screen: where one is and what goes on, and what can be done here."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip

from tui.actions import FLEET, SCREENS, Action
from tui.notice import Notice
from tui.table import Cell
from tui.widgets.drawn import Drawn
from tui.widgets.pane import Line, strip

SHORT = {
    "overview": "Over",
    "strategy": "Strat",
    "orders": "Ord",
    "market": "Mkt",
    "portfolio": "Book",
    "logs": "Log",
    "backtest": "Test",
    "system": "Sys",
}


class _OneLine(Drawn):
    DEFAULT_CSS = "_OneLine { height: 1; width: 1fr; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._line: Line = []
        self._asked: object = None

    def known(self, asked: object) -> bool:
        """Whether the line is made of this already; from now on it is."""
        before, self._asked = self._asked, asked
        return before == asked

    def set_line(self, line: Line) -> None:
        if line != self._line:
            self._line = line
            self.spoil()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return strip(self._line, self.size.width, self.dashboard.palette)


class NavLine(_OneLine):
    """The screens with their keys; a notice stands in their place for as long as there is one."""

    class Chosen(Message):
        def __init__(self, screen: str) -> None:
            super().__init__()
            self.screen_name = screen

    def __init__(self) -> None:
        super().__init__(id="nav")
        self._spots: list[tuple[int, int, str]] = []

    def show(self, screen: str, notice: Notice | None, marks: Sequence[Cell]) -> None:
        width = self.app.size.width
        if self.known((screen, notice, list(marks), width)):
            return
        right = [cell for mark in marks for cell in (Cell(" "), mark)][1:]
        if notice is not None:
            room = width - sum(len(cell.text) for cell in right) - 2
            text = f" {notice.text[:room]} "
            line = [Cell(text, notice.role)]
        else:
            line = self._screens(screen, width)
        gap = width - sum(len(cell.text) for cell in (*line, *right))
        self.set_line([*line, Cell(" " * max(gap, 1)), *right])

    def _screens(self, screen: str, width: int) -> list[Cell]:
        line: list[Cell] = []
        self._spots = []
        at = 0
        for number, (name, title) in enumerate(SCREENS.items(), 1):
            word = title if width >= 130 else SHORT.get(name, title)
            here = name == screen
            gap = "  " if width >= 130 else " "
            cells = [Cell(str(number % 10), "accent" if not here else "focus"), Cell(f" {word}", "focus" if here else "dim")]
            length = sum(len(cell.text) for cell in cells)
            self._spots.append((at, at + length, name))
            at += length + len(gap)
            line += [*cells, Cell(gap)]
        return [*line, Cell("o Fleet", "focus")] if screen == FLEET and width >= 100 else line[:-1]

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spots:
            if start <= event.x < end:
                self.post_message(self.Chosen(name))


class Footer(_OneLine):
    """What applies to the focused row, key and word."""

    class Asked(Message):
        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._spots: list[tuple[int, int, str]] = []

    def show(self, actions: Sequence[Action]) -> None:
        width = self.app.size.width
        if self.known((list(actions), width)):
            return
        line: list[Cell] = []
        self._spots = []
        used = 0
        for action in _chosen(actions, width):
            word = f" {action.footer}"
            length = len(action.label) + len(word)
            self._spots.append((used, used + length, action.id))
            line += [Cell(action.label, "focus"), Cell(word, "dim"), Cell("  ")]
            used += length + 2
        self.set_line(line[:-1])

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spots:
            if start <= event.x < end:
                self.post_message(self.Asked(name))


# What stays when the line is too short: the last to go are the first here.
MATTER = ("kill", "halt", "help", "palette", "leave", "lock", "stop", "resume", "start", "deploy", "open", "filter", "flatten")


LAST = ("help", "leave")


def _chosen(actions: Sequence[Action], width: int) -> list[Action]:
    """Those with a word, as many as fit, in the order of the register."""
    offered = [action for action in actions if action.footer]
    by_worth = sorted(offered, key=lambda action: MATTER.index(action.id) if action.id in MATTER else len(MATTER))
    kept: set[str] = set()
    used = 0
    for action in by_worth:
        length = len(action.label) + len(action.footer) + 3
        if used + length - 2 <= width:
            kept.add(action.id)
            used += length
    return sorted((action for action in offered if action.id in kept), key=lambda action: action.id in LAST)
