"""Books and their children: who may trade and why, with what weight, and what it brings."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.runtime import control
from tui.said import Said
from tui.screens.base import WIDE, DeckScreen
from tui.tables.positions import POSITIONS
from tui.tables.risk import HALTS, LIMITS
from tui.tables.strategies import PORTFOLIO
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.log import LogPane
from tui.widgets.pane import Pane


class Portfolio(DeckScreen):
    NAME = "portfolio"

    def make_panes(self) -> Sequence[Pane]:
        self.books = Grid(PORTFOLIO, id="books", numbered=False)
        self.positions = Grid(POSITIONS, id="positions", only=self._of_book, hide=("ACCOUNT",))
        self.limits = Grid(LIMITS, id="limits", only=self._limit_of_book, numbered=False)
        self.halts = Grid(HALTS, id="halts", only=self._limit_of_book)
        self.story = LogPane(id="log", only=self._line_of_book)
        return self.books, self.positions, self.limits, self.halts, self.story

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            return [(1, [self.books, self.positions, self.limits, self.halts, self.story])]
        return [(54, [self.books, self.positions, self.story]), (46, [self.limits, self.halts])]

    def _books(self) -> set[str]:
        rows = self.dashboard.context.view.tables.strategies.values()
        return {row.name for row in rows if row.kind == "portfolio" or row.parent is not None}

    def _of_book(self, row: object) -> bool:
        return getattr(row, "session", "") in self._books()

    def _limit_of_book(self, row: object) -> bool:
        """Limits without a book of their name bind all."""
        scope = str(getattr(row, "scope", ""))
        sessions = self.dashboard.context.view.tables.strategies
        return scope in self._books() or (isinstance(row, control.rows.LimitRow) and scope not in sessions)

    def _line_of_book(self, line: Said) -> bool:
        return line.scope in self._books()
