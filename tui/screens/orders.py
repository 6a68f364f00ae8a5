"""Positions, working orders, fills, what was refused and what became of every order, of all strategies."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.base import WIDE, DeckScreen
from tui.tables.histories import Past, history_table
from tui.tables.positions import FILLS, ORDERS, POSITIONS
from tui.viewmodel import ChangeSet, View
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.pane import Pane

# Milliseconds, by the frames, after which lives are asked for again when something happened.
AGAIN = 1_000


class Orders(DeckScreen):
    NAME = "orders"

    def make_panes(self) -> Sequence[Pane]:
        self._lives: list[Past] = []
        self._asked_at = 0
        self._stale = True
        self.positions = Grid(POSITIONS, id="positions")
        self.orders = Grid(ORDERS, id="orders")
        self.fills = Grid(FILLS, id="fills")
        refusals = history_table("REJECTIONS", lambda view: [one for one in self._lives if one.refused], "Nothing was refused.")
        history = history_table("HISTORY", lambda view: self._lives, "No order has been placed yet.")
        self.refused = Grid(refusals, id="rejections", hide=("TYPE", "STATUS", "FOR", "RULE", "ORDER"))
        self.history = Grid(history, id="history")
        return self.positions, self.orders, self.fills, self.refused, self.history

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            return [(1, [self.positions, self.orders, self.fills, self.refused, self.history])]
        return [(1, [self.positions, self.orders, self.fills]), (1, [self.history, self.refused])]

    def apply(self, view: View, changes: ChangeSet) -> None:
        self._stale = self._stale or changes.touches("orders") or changes.touches("fills")
        if self._stale and view.linked and view.ts - self._asked_at >= AGAIN:
            self._stale, self._asked_at = False, view.ts
            self.look("lives", self._ask)
        super().apply(view, changes)

    async def _ask(self) -> None:
        self._lives = [Past(life) for life in await self.dashboard.link.orders()]
        for grid in (self.history, self.refused):
            grid.renew()
            grid.apply(self.dashboard.context.view, ChangeSet(everything=True))
        self.deck.settle()
