"""Back-tests and the trades that they made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.glyphs import bar
from tui.table import Cell, Column, Context, Table, signed
from tui.viewmodel import View

if TYPE_CHECKING:
    from qkt.runtime.control.details import RunTrade
    from qkt.runtime.control.rows import RunRow

STATE_ROLES = {"queued": "dim", "running": "accent", "done": "text", "failed": "alarm", "cancelled": "dim"}


def state_cell(row: RunRow, context: Context) -> Cell:
    if row.state == "running" and row.progress_pct is not None:
        return Cell(f"{row.progress_pct:.0f}%", "accent")
    return Cell(row.state, STATE_ROLES[row.state])


def progress_cell(row: RunRow, context: Context) -> Cell:
    if row.state == "running" and row.progress_pct is not None:
        return Cell(f"{bar(float(row.progress_pct) / 100, 12, context.glyphs)} {fmt.day(row.at)}", "accent")
    return Cell(fmt.clean(row.error or ""), "alarm")


def span_cell(row: RunRow, context: Context) -> Cell:
    if row.first is None:
        return Cell("")
    return Cell(f"{fmt.day(row.first)} .. {fmt.day(row.last)}", "dim")


def took(row: RunRow) -> str:
    if row.started is None or row.ended is None:
        return fmt.UNKNOWN
    return f"{(row.ended - row.started) / 1000:.1f} s"


RUNS = Table(
    name="runs",
    title="RUNS",
    rows=lambda view: view.tables.runs.values(),
    empty="No back-test has been asked for. N runs one.",
    order="RUN",
    columns=(
        Column("RUN", lambda r, c: Cell(fmt.clean(r.run), "dim"), lambda r: r.asked, width=4, most=10, arrives=True),
        Column("FILE", lambda r, c: Cell(fmt.clean(r.name), "bold"), lambda r: r.name, width=14, most=26),
        Column("STATE", state_cell, lambda r: r.state, width=9),
        Column("NET", lambda r, c: Cell(fmt.gain(r.net), signed(r.net)), lambda r: r.net, width=10, right=True),
        Column("SHARPE", lambda r, c: "-" if r.sharpe is None else f"{r.sharpe:.2f}", lambda r: r.sharpe, 6, right=True),
        Column("MAX DD", lambda r, c: fmt.percent(r.max_drawdown_pct), lambda r: r.max_drawdown_pct, 6, right=True),
        Column("N", lambda r, c: fmt.count(r.trades), lambda r: r.trades, width=5, right=True, rank=1),
        Column("PROGRESS", progress_cell, width=23, rank=2, most=40),
        Column("SPAN", span_cell, lambda r: r.first, width=24, rank=4),
        Column("TOOK", lambda r, c: Cell(took(r), "dim"), width=7, right=True, rank=3),
        Column("BY", lambda r, c: Cell(fmt.clean(r.author), "dim"), lambda r: r.author, width=8, rank=5, most=16),
    ),
)


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade of a run as a row."""

    of: RunTrade
    digits: int

    @property
    def key(self) -> str:
        return str(self.of.number)

    @property
    def symbol(self) -> str:
        return self.of.symbol


def digits(trades: Iterable[RunTrade]) -> int:
    """The decimals of the prices of a run, so that its columns stand on one point."""
    return max((-int(price.normalize().as_tuple().exponent) for t in trades for price in (t.entry, t.exit)), default=2)


def trades_table(rows: Callable[[View], Iterable[Trade]]) -> Table:
    """The trades of the run that is looked at."""
    return Table(
        name="trades",
        title="TRADES",
        reads=("runs",),
        rows=rows,
        empty="No trades.",
        order="P&L",
        columns=(
            Column("#", lambda r, c: Cell(f"{r.of.number:03}", "dim"), lambda r: r.of.number, width=4),
            Column("OPENED", lambda r, c: fmt.moment(r.of.opened), lambda r: r.of.opened, width=16),
            Column("SYMBOL", lambda r, c: fmt.symbol(r.of.symbol), lambda r: r.of.symbol, width=7, rank=2, most=12),
            Column("SIDE", lambda r, c: "SHRT" if r.of.side == "SHORT" else "LONG", lambda r: r.of.side, width=4),
            Column("QTY", lambda r, c: fmt.quantity(r.of.quantity), lambda r: r.of.quantity, 5, right=True, point=True),
            Column(
                "ENTRY", lambda r, c: fmt.price(r.of.entry, r.digits), lambda r: r.of.entry, 8, right=True, point=True, rank=3
            ),
            Column("EXIT", lambda r, c: fmt.price(r.of.exit, r.digits), lambda r: r.of.exit, 8, right=True, point=True, rank=4),
            Column("P&L", lambda r, c: Cell(fmt.gain(r.of.pnl), signed(r.of.pnl)), lambda r: r.of.pnl, 9, right=True),
            Column("R", lambda r, c: Cell(fmt.times(r.of.r), signed(r.of.r)), lambda r: r.of.r, width=5, right=True, rank=1),
            Column(
                "HELD",
                lambda r, c: Cell(fmt.age(r.of.closed - r.of.opened), "dim"),
                lambda r: r.of.closed - r.of.opened,
                6,
                True,
                rank=5,
            ),
            Column(
                "EXIT BY", lambda r, c: Cell(fmt.clean(r.of.reason), "dim"), lambda r: r.of.reason, width=9, rank=6, most=16
            ),
        ),
    )
