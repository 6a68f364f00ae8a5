"""Symbols as their feeds quote them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.glyphs import trend
from tui.table import Cell, Column, Context, Table

if TYPE_CHECKING:
    from qkt.runtime.control.rows import MarketRow


def price_cell(value: object, row: MarketRow) -> str:
    return fmt.price(value, row.digits)  # type: ignore[arg-type]


def day_cell(row: MarketRow, context: Context) -> Cell:
    """Change of the day, behind the sign of the last move."""
    if row.stale:
        return Cell(f"  {fmt.gain(row.day_pct)}", "dim")
    move = context.view.move(row.symbol)
    sign = context.glyphs.up if move > 0 else context.glyphs.down if move < 0 else " "
    role = "text" if not row.day_pct else "up" if row.day_pct > 0 else "down"
    return Cell(f"{sign} {fmt.gain(row.day_pct)}", role)


def age_cell(row: MarketRow, context: Context) -> Cell:
    ms = None if row.ts is None else (context.now if row.clock is None else row.clock) - row.ts
    return Cell(f"{fmt.age(ms)} STALE", "warn") if row.stale else Cell(fmt.age(ms), "dim")


def trend_cell(row: MarketRow, context: Context) -> Cell:
    if context.thrifty:
        return Cell("")
    return Cell(trend([float(value) for value in row.recent], 12, context.glyphs), "accent")


def ticks_a_second(rows: Sequence[MarketRow], context: Context) -> str:
    return f"{sum((row.rate for row in rows), 0):,.0f} ticks/s" if rows else ""


def digits(row: MarketRow) -> int:
    return 2 if row.digits is None else row.digits


MARKET = Table(
    name="market",
    title="MARKET",
    rows=lambda view: view.tables.market.values(),
    empty="No symbol is quoted. A deployed strategy brings its own.",
    order="SYMBOL",
    descending=False,
    mark=lambda row, context: context.glyphs.stale if row.stale or not context.view.linked else "",
    role=lambda row, context: "dim" if row.stale else None,
    note=ticks_a_second,
    columns=(
        Column("SYMBOL", lambda r, c: fmt.symbol(r.symbol), lambda r: r.symbol, width=8, most=14),
        Column("BID", lambda r, c: price_cell(r.bid, r), lambda r: r.bid, width=9, right=True, point=True),
        Column("ASK", lambda r, c: price_cell(r.ask, r), lambda r: r.ask, width=9, right=True, point=True),
        Column("SPR", lambda r, c: price_cell(r.spread, r), lambda r: r.spread, width=7, right=True, point=True, rank=2),
        Column("DAY%", day_cell, lambda r: r.day_pct, width=7, right=True),
        Column("T/S", lambda r, c: f"{r.rate:,.0f}", lambda r: r.rate, width=4, right=True, rank=1),
        Column("AGE", age_cell, lambda r: r.ts, width=9, rank=0, live=True),
        Column("LAST 60 S", trend_cell, width=12, rank=3),
        Column("TICKS", lambda r, c: fmt.count(r.ticks), lambda r: r.ticks, width=9, right=True, rank=5),
        Column(
            "REFUSED",
            lambda r, c: Cell(fmt.count(r.refused), "warn" if r.refused else "dim"),
            lambda r: r.refused,
            7,
            True,
            rank=6,
        ),
        Column("FAULT", lambda r, c: Cell(fmt.clean(r.fault or ""), "warn"), lambda r: r.fault, width=10, rank=8, most=30),
        Column("FEED", lambda r, c: Cell(fmt.clean(r.feed), "dim"), lambda r: r.feed, width=10, rank=4, most=18),
        Column(
            "VENUE",
            lambda r, c: Cell(fmt.clean(r.symbol.rpartition(":")[0]), "dim"),
            lambda r: r.symbol,
            width=9,
            rank=7,
            most=14,
        ),
    ),
)
