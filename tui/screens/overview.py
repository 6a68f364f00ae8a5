"""Everything at a glance: what runs, what it holds, what the markets do, what happened."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.base import WIDE, DeckScreen
from tui.tables.market import MARKET
from tui.tables.positions import FILLS, ORDERS, POSITIONS
from tui.tables.risk import ALERTS, HALTS, LIMITS
from tui.tables.strategies import STRATEGIES
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.log import LogPane
from tui.widgets.pane import Pane


class Overview(DeckScreen):
    NAME = "overview"

    def make_panes(self) -> Sequence[Pane]:
        self.strategies = Grid(STRATEGIES, id="strategies")
        self.positions = Grid(POSITIONS, id="positions")
        self.market = Grid(MARKET, id="market", hide=("FEED", "VENUE", "TICKS", "REFUSED"))
        self.orders = Grid(ORDERS, id="orders", hide=("ORDER", "HELD BY"))
        self.fills = Grid(FILLS, id="fills", hide=("ACCOUNT",))
        self.limits = Grid(LIMITS, id="limits", numbered=False)
        self.halts = Grid(HALTS, id="halts")
        self.alerts = Grid(ALERTS, id="alerts")
        self.story = LogPane(id="log")
        return (
            self.strategies,
            self.positions,
            self.market,
            self.orders,
            self.fills,
            self.limits,
            self.halts,
            self.alerts,
            self.story,
        )

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            panes = [
                self.strategies,
                self.positions,
                self.market,
                *([self.orders, self.fills] if height >= 40 else []),
                self.story,
            ]
            return [(1, panes)]
        left = [self.strategies, self.positions, self.orders, self.fills, self.story]
        right = [self.market, self.limits, self.halts, self.alerts]
        return [(53, left), (47, right)]
