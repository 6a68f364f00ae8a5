"""Everything at a glance: what runs, what it holds, what the markets do, what happened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tui import format as fmt
from tui.format import MINUTE
from tui.screens.base import WIDE, DeckScreen
from tui.tables.market import MARKET
from tui.tables.positions import FILLS, ORDERS, POSITIONS
from tui.tables.risk import ALERTS, EXPOSURE, HALTS, LIMITS
from tui.tables.strategies import STRATEGIES
from tui.tables.system import FEEDS
from tui.viewmodel import ChangeSet, View
from tui.widgets.curve import CurvePane, Point
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.log import LogPane
from tui.widgets.pane import Pane

DAY_OF_EQUITY = 24 * 3_600_000


class Overview(DeckScreen):
    NAME = "overview"

    def make_panes(self) -> Sequence[Pane]:
        self.strategies = Grid(STRATEGIES, id="strategies")
        self.positions = Grid(POSITIONS, id="positions")
        self.market = Grid(MARKET, id="market", hide=("FEED", "VENUE", "TICKS", "REFUSED"))
        self.orders = Grid(ORDERS, id="orders", hide=("ORDER", "HELD BY", "FOR"))
        self.fills = Grid(FILLS, id="fills", hide=("ACCOUNT",))
        self._of: str | None = None
        self._asked_at = 0
        self.equity = CurvePane("EQUITY", id="equity", label=lambda value: f"{value:,.2f}", rows=5)
        self.exposure = Grid(EXPOSURE, id="exposure")
        self.feeds = Grid(FEEDS, id="feeds", title="FEEDS", hide=("DROPPED",))
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
            self.equity,
            self.exposure,
            self.limits,
            self.halts,
            self.feeds,
            self.alerts,
            self.story,
        )

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            more = [self.orders, self.fills] if height >= 40 else []
            return [(1, [self.strategies, self.positions, self.market, *more, self.story])]
        curve = [self.equity] if height >= 40 else []
        left = [self.strategies, self.positions, self.orders, self.fills, *curve]
        right = [self.market, self.exposure, self.limits, self.halts, self.feeds, self.alerts]
        return [(53, left), (47, right)]

    def foot(self, width: int, height: int) -> Pane | None:
        return self.story if width >= WIDE else None

    def apply(self, view: View, changes: ChangeSet) -> None:
        super().apply(view, changes)
        self._draw_equity(view)

    def follow_cursor(self) -> None:
        self._draw_equity(self.dashboard.context.view)

    def _draw_equity(self, view: View) -> None:
        """The day of the strategy under the cursor: money of different accounts is never drawn as one."""
        row = self.strategies.current
        if row is None or not view.linked or not self.equity.placed:
            return
        if row.key != self._of or view.ts - self._asked_at >= MINUTE:
            self._of, self._asked_at = row.key, view.ts
            self.look("equity", partial(self._ask, row.key, view), self.equity.fail)

    async def _ask(self, name: str, view: View) -> None:
        since = max(view.present(name) - DAY_OF_EQUITY, 0)
        points = await self.dashboard.link.equity(name, since=since, most=self.equity.most)
        self.equity.give([Point(point.ts, float(point.equity)) for point in points], fmt.clean(name))
