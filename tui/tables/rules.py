"""Rules of a strategy with what they are worth now, and the streams that they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui import format as fmt
from tui.table import Cell, Column, Context, Table

if TYPE_CHECKING:
    from qkt.runtime.control.rows import RuleRow, StreamRow


def value_cell(row: RuleRow, context: Context) -> Cell:
    """What the condition is worth: its word repeats whether it holds."""
    if row.value is None and row.true is None:
        return Cell(fmt.UNKNOWN, "dim")
    holds = "" if row.true is None else "true" if row.true else "false"
    value = fmt.clean(row.value or "")
    text = holds if value.lower() in ("", "true", "false") else f"{value} {holds}".rstrip()
    return Cell(text, "up" if row.true else "dim")


def fired_cell(row: RuleRow, context: Context) -> Cell:
    if row.last_fired is None:
        return Cell("never", "dim")
    return Cell(f"{fmt.when(row.last_fired, context.view.present(row.session))}  x{row.count}")


def armed_cell(row: RuleRow, context: Context) -> Cell:
    """A rule that has fired waits until its condition was false once."""
    return Cell("waits", "warn") if row.armed is False else Cell("")


RULES = Table(
    name="rules",
    title="RULES",
    rows=lambda view: view.tables.rules.values(),
    empty="No rules: a strategy in Python, or one that does not run.",
    order="#",
    descending=False,
    columns=(
        Column("#", lambda r, c: Cell(str(r.number), "dim"), lambda r: r.number, width=2, right=True),
        Column("RULE", lambda r, c: fmt.clean(r.text), width=40, stretch=True),
        Column("VALUE NOW", value_cell, lambda r: r.value, width=11, most=18),
        Column("LAST FIRED", fired_cell, lambda r: r.last_fired, width=12),
        Column("", armed_cell, width=5, rank=2),
        Column("LINE", lambda r, c: Cell(str(r.line), "dim"), lambda r: r.line, width=4, right=True, rank=1),
    ),
)


def closes_cell(row: StreamRow, context: Context) -> Cell:
    """When the present bar ends. One that should have ended waits for a quote."""
    if row.due is None:
        return Cell(fmt.UNKNOWN, "dim")
    if row.overdue:
        return Cell(f"{fmt.clock(row.due)} overdue", "warn")
    return Cell(fmt.clock(row.due))


STREAMS = Table(
    name="streams",
    title="STREAMS",
    rows=lambda view: view.tables.streams.values(),
    empty="No streams.",
    order="SYMBOL",
    descending=False,
    columns=(
        Column("SYMBOL", lambda r, c: fmt.symbol(r.symbol), lambda r: r.symbol, width=8, most=14),
        Column("BAR", lambda r, c: fmt.clean(r.timeframe), lambda r: r.timeframe, width=4),
        Column("CLOSES", closes_cell, lambda r: r.due, width=10),
        Column("STREAM", lambda r, c: Cell(fmt.clean(r.stream), "dim"), lambda r: r.stream, width=8, rank=1, most=16),
        Column("STRATEGY", lambda r, c: Cell(fmt.clean(r.session), "dim"), lambda r: r.session, width=14, rank=2, most=22),
    ),
)
