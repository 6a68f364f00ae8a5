"""All symbols, the bars that are being made of them, and the feeds they come from."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.base import WIDE, DeckScreen
from tui.tables.market import MARKET
from tui.tables.rules import STREAMS
from tui.tables.system import FEEDS
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.pane import Pane


class Market(DeckScreen):
    NAME = "market"

    def make_panes(self) -> Sequence[Pane]:
        self.market = Grid(MARKET, id="market")
        self.streams = Grid(STREAMS, id="streams")
        self.feeds = Grid(FEEDS, id="feeds")
        return self.market, self.streams, self.feeds

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            return [(1, [self.market, self.streams, self.feeds])]
        return [(62, [self.market]), (38, [self.streams, self.feeds])]
