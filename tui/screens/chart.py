"""The bars of a stream with what a session did in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from qkt.runtime import control
from tui.screens.base import WIDE, DeckScreen
from tui.tables.positions import FILLS, ORDERS, POSITIONS
from tui.viewmodel import ChangeSet, View
from tui.widgets.chart import CandlePane
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from qkt.runtime.control.details import Chart

# Milliseconds, by the frames, between two looks at the bars.
AGAIN = 1_000
BARS = 500


class ChartScreen(DeckScreen):
    NAME = "chart"

    def make_panes(self) -> Sequence[Pane]:
        self._stream: str | None = None
        self._shown: tuple[str | None, str | None] = (None, None)
        self._chart: Chart | None = None
        self._asked_at = 0
        hidden = ("STRATEGY", "ACCOUNT", "SYMBOL")
        self.candles = CandlePane(id="candles")
        self.positions = Grid(POSITIONS, id="positions", only=self._on_chart, hide=hidden)
        self.orders = Grid(ORDERS, id="orders", only=self._on_chart, hide=hidden)
        self.fills = Grid(FILLS, id="fills", only=self._on_chart, hide=hidden)
        return self.candles, self.positions, self.orders, self.fills

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            below = [self.positions, self.orders] if height >= 34 else []
            return [(1, [self.candles, *below])]
        if height < 30:
            return [(70, [self.candles]), (30, [self.positions, self.orders, self.fills])]
        return [(1, [self.candles, self.positions, self.orders])]

    def subject(self) -> str | None:
        return self.dashboard.subject.session

    def _on_chart(self, row: object) -> bool:
        chart = self._chart
        if chart is None or not isinstance(row, control.rows.Row):
            return False
        return getattr(row, "session", None) == chart.session and getattr(row, "symbol", None) == chart.symbol

    def apply(self, view: View, changes: ChangeSet) -> None:
        app = self.dashboard
        name = self._session(view)
        if (name, app.subject.symbol) != self._shown:
            self._shown = (name, app.subject.symbol)
            self._stream = self._stream_of(view, name, app.subject.symbol)
            self._asked_at = 0
            self.candles.hair = None
        if name is None:
            self.candles.fail("No strategy has bars to show. D deploys one.")
        elif view.linked and view.ts - self._asked_at >= AGAIN:
            self._asked_at = view.ts
            self.look("bars", partial(self._ask, name), self.candles.fail)
        super().apply(view, changes)

    def _session(self, view: View) -> str | None:
        """The chosen session, else one that has the chosen symbol, else the first."""
        app = self.dashboard
        strategies = view.tables.strategies
        if app.subject.session in strategies and (
            app.subject.symbol is None or app.subject.symbol in strategies[app.subject.session].symbols
        ):
            return app.subject.session
        owner = next((row.session for row in view.tables.streams.values() if row.symbol == app.subject.symbol), None)
        if owner is not None:
            return owner
        return app.subject.session if app.subject.session in strategies else min(strategies, default=None)

    def _stream_of(self, view: View, session: str | None, symbol: str | None) -> str | None:
        rows = (row for row in view.tables.streams.values() if row.session == session and row.symbol == symbol)
        return next((row.stream for row in rows), None)

    async def _ask(self, session: str) -> None:
        chart = await self.dashboard.link.chart(session, self._stream, limit=BARS)
        view = self.dashboard.context.view
        changed = self._chart is None or (self._chart.session, self._chart.symbol) != (chart.session, chart.symbol)
        self._chart = chart
        legs = [row for row in view.tables.positions.values() if self._on_chart(row)]
        self.candles.give(chart, legs)
        if changed:
            for grid in (self.positions, self.orders, self.fills):
                grid.narrow(self._on_chart)
                grid.apply(view, ChangeSet(everything=True))
            self.deck.settle()

    # ------------------------------------------------------------------- actions

    def do_plus(self) -> None:
        self.candles.zoom_bars(1)

    def do_minus(self) -> None:
        self.candles.zoom_bars(-1)

    def do_timeframe(self) -> None:
        """The next stream of the session."""
        chart = self._chart
        if chart is None or len(chart.streams) < 2:
            self.dashboard.say("this strategy has one stream only", "dim")
            return
        now = chart.streams.index(chart.stream) if chart.stream in chart.streams else -1
        self._stream = chart.streams[(now + 1) % len(chart.streams)]
        self._asked_at = 0
        self.apply(self.dashboard.context.view, ChangeSet())
