"""Feeds and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import format as fmt
from tui.table import Cell, Column, Context, Table

if TYPE_CHECKING:
    from qkt.runtime.control.rows import FeedRow

STATE_ROLES = {"connected": "up", "connecting": "warn", "stale": "warn", "lost": "alarm", "ended": "dim"}


def lag_cell(row: FeedRow, context: Context) -> str:
    return fmt.UNKNOWN if row.lag_ms is None else f"{row.lag_ms:,} ms"


FEEDS = Table(
    name="feeds",
    title="FEEDS",
    rows=lambda view: view.tables.feeds.values(),
    empty="No feed is open. A deployed strategy opens one.",
    order="FEED",
    descending=False,
    mark=lambda row, context: context.glyphs.stale if row.state in ("stale", "lost") or not context.view.linked else "",
    columns=(
        Column("FEED", lambda r, c: fmt.clean(r.feed), lambda r: r.feed, width=12, most=24),
        Column("STATE", lambda r, c: Cell(r.state, STATE_ROLES[r.state]), lambda r: r.state, width=10),
        Column("LAG", lag_cell, lambda r: r.lag_ms, width=7, right=True, rank=1),
        Column("T/S", lambda r, c: "-" if r.rate is None else f"{r.rate:,.0f}", lambda r: r.rate, width=6, right=True, rank=2),
        Column("SYMBOLS", lambda r, c: str(r.symbols), lambda r: r.symbols, width=7, right=True, rank=3),
        Column("TICKS", lambda r, c: fmt.count(r.ticks), lambda r: r.ticks, width=10, right=True, rank=4),
        Column(
            "DROPPED",
            lambda r, c: Cell(fmt.count(r.dropped), "warn" if r.dropped else "dim"),
            lambda r: r.dropped,
            7,
            True,
            rank=5,
        ),
        Column("WHY", lambda r, c: Cell(fmt.clean(r.reason or ""), "dim"), lambda r: r.reason, width=10, rank=6, most=40),
    ),
)
