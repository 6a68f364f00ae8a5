"""Back-tests: what runs, what came of it, and the trades that it made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from qkt.runtime import control
from tui import format as fmt
from tui.screens.base import WIDE, DeckScreen
from tui.screens.inspector import Inspector
from tui.table import Cell, Context, signed
from tui.tables.runs import RUNS, Trade, digits, trades_table
from tui.viewmodel import ChangeSet, View
from tui.widgets.curve import CurvePane, Point
from tui.widgets.deck import Columns
from tui.widgets.facts import Facts, pairs
from tui.widgets.grid import Grid
from tui.widgets.pane import Line, Pane

if TYPE_CHECKING:
    from qkt.runtime.control.details import RunResult
    from qkt.runtime.control.rows import RunRow


class BackTest(DeckScreen):
    NAME = "backtest"

    def make_panes(self) -> Sequence[Pane]:
        self._result: RunResult | None = None
        self._asked: str | None = None
        self._trades: list[Trade] = []
        self.marked: str | None = None
        self.runs = Grid(RUNS, id="runs")
        self.facts = Facts("RESULT", self._facts, id="result", rows=2)
        self.equity = CurvePane("EQUITY", id="equity", label=lambda value: f"{value:,.0f}", rows=7, times=False, fills=True)
        self.drawdown = CurvePane(
            "DRAWDOWN", id="drawdown", label=lambda value: f"{value:.1f}%", rows=4, role="down", fills=True
        )
        self.trades = Grid(trades_table(lambda view: self._trades), id="trades", empty="Choose a run that is done.")
        return self.runs, self.facts, self.equity, self.drawdown, self.trades

    def columns(self, width: int, height: int) -> Columns:
        curves: list[Pane] = [self.facts, self.equity, self.drawdown]
        if width < WIDE:
            return [(1, [self.runs, *curves, self.trades])]
        return [(52, [self.runs, self.trades]), (48, curves)]

    # -------------------------------------------------------------------- frames

    def apply(self, view: View, changes: ChangeSet) -> None:
        super().apply(view, changes)
        self._look_at_run(view)

    def follow_cursor(self) -> None:
        self._look_at_run(self.dashboard.context.view)

    def _look_at_run(self, view: View) -> None:
        """Ask for the result of the run under the cursor, once it is done."""
        row = self.runs.current
        if not isinstance(row, control.rows.RunRow):
            return
        asked = f"{row.run} {row.state}"
        if asked == self._asked:
            return
        self._asked = asked
        self._result = None
        self._show_result()
        if row.state == "done":
            self.look("run", partial(self._ask, row.run), self.equity.fail)

    async def _ask(self, run: str) -> None:
        self._result = await self.dashboard.link.run(run)
        self._show_result()

    def _show_result(self) -> None:
        result = self._result
        found = () if result is None else result.trades
        decimals = digits(found)
        self._trades = [Trade(trade, decimals) for trade in found]
        curve = () if result is None else result.curve
        self.equity.give([Point(point.ts, point.equity) for point in curve])
        self.drawdown.give([Point(point.ts, point.drawdown_pct) for point in curve])
        self.trades.narrow(None)
        self.trades.apply(self.dashboard.context.view, ChangeSet(everything=True))
        self.facts.repaint()
        self.deck.settle()

    def _facts(self, context: Context, width: int) -> tuple[Sequence[Cell], list[Line]]:
        row = self.runs.current
        if not isinstance(row, control.rows.RunRow):
            return (), [[Cell("  N runs a strategy over history.", "dim")]]
        head = [Cell(fmt.clean(row.name), "bold"), Cell(f"  {', '.join(fmt.symbol(one) for one in row.symbols)}", "dim")]
        if row.first is not None:
            head.append(Cell(f"  {fmt.day(row.first)} .. {fmt.day(row.last)}", "dim"))
        if row.ticks is not None:
            head.append(Cell(f"  {row.ticks:,} ticks", "dim"))
        if row.error:
            return head, [[Cell(fmt.clip(fmt.clean(row.error), width), "alarm")]]
        lines = pairs(_figures(row), width)
        other = context.view.tables.runs.get(self.marked or "")
        if other is not None and other.run != row.run:
            lines += [
                [Cell(f"against run {fmt.clean(other.run)} {fmt.clean(other.name)}", "title")],
                *pairs(_figures(other), width),
            ]
        return head, lines

    # ------------------------------------------------------------------- actions

    def do_compare(self) -> None:
        """Mark this run; the figures of the one under the cursor then stand above its own."""
        row = self.runs.current
        if isinstance(row, control.rows.RunRow):
            self.marked = None if self.marked == row.run else row.run
            said = f"comparing with run {row.run}" if self.marked else "comparing with nothing"
            self.facts.rows_shown(5 if self.marked else 2)
            self.dashboard.say(said)
            self.apply(self.dashboard.context.view, ChangeSet(everything=True))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        if not isinstance(event.row, control.rows.RunRow) or self._result is None:
            return
        event.prevent_default()
        metrics = [(name.replace("_", " "), _metric(value)) for name, value in self._result.metrics.items()]
        warnings = [("warning", fmt.clean(warning)) for warning in self._result.warnings]
        self.app.push_screen(Inspector(f"Run {event.row.run}", event.row, [*warnings, *metrics]))


def _figures(row: RunRow) -> list[tuple[str, Cell]]:
    def number(value: object, form: str = ".2f") -> Cell:
        return Cell(fmt.UNKNOWN if value is None else format(value, form))

    return [
        ("NET", Cell(fmt.gain(row.net), signed(row.net))),
        ("RETURN", Cell(fmt.percent(row.return_pct), signed(row.return_pct))),
        ("CAGR", Cell(fmt.percent(row.cagr_pct))),
        ("SHARPE", number(row.sharpe)),
        ("MAX DD", Cell(fmt.percent(row.max_drawdown_pct))),
        ("N", Cell(fmt.count(row.trades))),
        ("WIN", Cell(fmt.share(row.win_pct, 0))),
        ("PF", number(row.profit_factor)),
    ]


def _metric(value: object) -> str:
    if value is None:
        return fmt.UNKNOWN
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else fmt.clean(str(value))
