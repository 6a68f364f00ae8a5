"""A pane of figures and sentences: what it says is a function of the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.table import Cell, Context
from tui.widgets.pane import Line, Pane

Said = Callable[[Context, int], tuple[Sequence[Cell], list[Line]]]
"""Context and width in; cells of the title beyond its word, and the lines beneath it, out."""


class Facts(Pane):
    """Not focused: there is nothing to choose in it."""

    can_focus = False
    LEAST = 1

    def __init__(self, title: str, said: Said, *, id: str, rows: int = 1) -> None:
        super().__init__(title, id=id)
        self._said = said
        self._rows_wanted = rows
        self._heads: Sequence[Cell] = ()

    def rows_wanted(self) -> int:
        return self._rows_wanted

    def rows_shown(self, rows: int) -> None:
        """Want so many lines from now on."""
        self._rows_wanted = rows
        self._tallest = 0

    def body(self, width: int, height: int) -> list[Line]:
        self._heads, lines = self._said(self.context, width)
        return lines

    def _title(self, width: int) -> Line:
        return [Cell(f"{self.heading}  " if self._heads else self.heading, "title"), *self._heads]


def pairs(found: Sequence[tuple[str, Cell]], width: int, gap: int = 3) -> list[Line]:
    """Names and values side by side, as many in a line as fit."""
    lines: list[Line] = []
    line: list[Cell] = []
    used = 0
    for name, cell in found:
        length = len(name) + 1 + len(cell.text)
        if line and used + gap + length > width:
            lines.append(line)
            line, used = [], 0
        if line:
            line.append(Cell(" " * gap))
            used += gap
        line += [Cell(f"{name} ", "dim"), cell]
        used += length
    return [*lines, line] if line else lines
