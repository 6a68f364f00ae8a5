"""Sessions and the children of portfolios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.glyphs import trend
from tui.table import Cell, Column, Context, Table, signed

if TYPE_CHECKING:
    from qkt.runtime.control.rows import StrategyRow

# A session whose feed is silent for so long shows as old.
SILENT = 30_000


def state(row: StrategyRow) -> str:
    """The state in a word; a halt says whether it is of the day, persistent, or an operator's."""
    if row.halt is not None and row.state in ("RUN", "WARM"):
        return f"HALT {row.halt[0]}"
    if row.gate is False and row.state == "RUN":
        return "OFF"
    return row.state


STATE_ROLES = {
    "RUN": "text",
    "WARM": "accent",
    "STOPPING": "warn",
    "STOPPED": "dim",
    "FAULT": "alarm",
    "DOWN": "alarm",
    "OFF": "dim",
}


def state_cell(row: StrategyRow, context: Context) -> Cell:
    word = state(row)
    if row.fidelity is not None and row.fidelity.state == "differs":
        return Cell(f"{word} !", "alarm")  # its recording comes to something else
    return Cell(word, STATE_ROLES.get(word, "alarm"))


def silence(row: StrategyRow, context: Context) -> int | None:
    """Milliseconds since its last tick by its own clock, of a session that should be getting some."""
    if row.state != "RUN" or row.last_tick is None:
        return None
    return (context.now if row.clock is None else row.clock) - row.last_tick


def age_cell(row: StrategyRow, context: Context) -> Cell:
    ms = silence(row, context)
    return Cell(fmt.age(ms), "warn" if ms is not None and ms >= SILENT else "dim")


def name_cell(row: StrategyRow, context: Context) -> Cell:
    if row.parent is None:
        return Cell(fmt.clean(row.name), "bold")
    return Cell(f"  {fmt.clean(row.name.rpartition('/')[2])}")


def trend_cell(row: StrategyRow, context: Context) -> Cell:
    if context.thrifty:
        return Cell("")
    return Cell(trend([float(value) for value in row.trend], 8, context.glyphs), "accent")


def summary(rows: Sequence[StrategyRow], context: Context) -> str:
    """How many are in which state, the ordinary first."""
    counts: dict[str, int] = {}
    for row in rows:
        word = state(row).split()[0].lower()
        counts[word] = counts.get(word, 0) + 1
    order = ("run", "warm", "off", "halt", "stopping", "stopped", "fault", "down")
    return "  ".join(f"{word} {counts[word]}" for word in order if word in counts)


def mark(row: StrategyRow, context: Context) -> str:
    ms = silence(row, context)
    silent = ms is not None and ms >= SILENT
    return context.glyphs.stale if silent or not context.view.linked else ""


STRATEGIES = Table(
    name="strategies",
    title="STRATEGIES",
    rows=lambda view: view.tables.strategies.values(),
    empty="No strategies. D deploys one.",
    order="DAY P&L",
    mark=mark,
    note=summary,
    parent=lambda row: row.parent,
    columns=(
        Column("NAME", name_cell, lambda row: row.name, width=14, most=24),
        Column("STATE", state_cell, state, width=7),
        Column("DAY P&L", lambda r, c: Cell(fmt.gain(r.day_pnl), signed(r.day_pnl)), lambda r: r.day_pnl, 9, right=True),
        Column("OPEN P&L", lambda r, c: Cell(fmt.gain(r.open_pnl), signed(r.open_pnl)), lambda r: r.open_pnl, 9, right=True),
        Column("POS", lambda r, c: str(r.positions), lambda r: r.positions, 3, right=True, rank=1),
        Column("ORD", lambda r, c: str(r.orders), lambda r: r.orders, 3, right=True, rank=1),
        Column("DD", lambda r, c: fmt.percent(r.drawdown_pct), lambda r: r.drawdown_pct, 6, right=True, rank=2),
        Column(
            "LAST FILL",
            lambda r, c: Cell(fmt.when(r.last_fill, c.view.present(r.name)), "dim"),
            lambda r: r.last_fill,
            9,
            rank=4,
        ),
        Column("AGE", age_cell, lambda r: r.last_tick, 4, right=True, rank=3, live=True),
        Column("TREND", trend_cell, width=8, rank=5),
        Column("EQUITY", lambda r, c: fmt.money(r.equity), lambda r: r.equity, 10, right=True, rank=5),
        Column("TRADES", lambda r, c: str(r.trades), lambda r: r.trades, 6, right=True, rank=6),
        Column("MAX DD", lambda r, c: fmt.percent(r.max_drawdown_pct), lambda r: r.max_drawdown_pct, 6, right=True, rank=7),
        Column("MODE", lambda r, c: Cell(r.mode, "warn" if r.mode == "LIVE" else "dim"), lambda r: r.mode, 5, rank=8),
        Column("ACCOUNT", lambda r, c: Cell(fmt.account(r.account), "dim"), lambda r: r.account, 8, rank=9, most=16),
    ),
)


def weight_cell(row: StrategyRow, context: Context) -> Cell:
    return Cell(fmt.UNKNOWN if row.weight is None else fmt.share(row.weight * 100, 1))


def gate_cell(row: StrategyRow, context: Context) -> Cell:
    if row.operator_stopped:
        return Cell("STOPPED", "warn")
    if row.gate is None:
        return Cell("")
    return Cell("ON", "up") if row.gate else Cell("OFF", "dim")


def tree_name(row: StrategyRow, context: Context) -> Cell:
    """A child stands beneath its book, behind a branch."""
    if row.parent is None:
        return Cell(fmt.clean(row.name), "bold")
    siblings = [one.name for one in context.view.tables.strategies.values() if one.parent == row.parent]
    branch = context.glyphs.branch[1 if row.name == max(siblings) else 0]
    return Cell(branch + fmt.clean(row.name.rpartition("/")[2]))


PORTFOLIO = Table(
    name="portfolio",
    title="PORTFOLIOS",
    reads=("strategies",),
    rows=lambda view: [row for row in view.tables.strategies.values() if row.kind == "portfolio" or row.parent is not None],
    empty="No portfolio. D deploys one from a file with PORTFOLIO.",
    order="BOOK",
    descending=False,
    mark=mark,
    parent=lambda row: row.parent,
    columns=(
        Column("BOOK", tree_name, lambda row: row.name, width=20, most=30),
        Column("STATE", state_cell, width=7),
        Column("GATE", gate_cell, width=7),
        Column("WEIGHT", weight_cell, width=6, right=True),
        Column("RISK", lambda r, c: fmt.share(r.risk_share_pct, 0), width=5, right=True, rank=3),
        Column("DAY P&L", lambda r, c: Cell(fmt.gain(r.day_pnl), signed(r.day_pnl)), width=9, right=True),
        Column("OPEN P&L", lambda r, c: Cell(fmt.gain(r.open_pnl), signed(r.open_pnl)), width=9, right=True, rank=2),
        Column("HOLD", lambda r, c: "" if r.hold is None else ("yes" if r.hold else "no"), width=4, rank=7),
        Column("CAPITAL", lambda r, c: fmt.money(r.capital), width=10, right=True, rank=5),
        Column("POS", lambda r, c: str(r.positions), width=3, right=True, rank=4),
        Column("DD", lambda r, c: fmt.percent(r.drawdown_pct), width=6, right=True, rank=6),
        Column(
            "WHY",
            lambda r, c: Cell(fmt.clean(r.gate_reason or r.reason or r.blocked or ""), "dim"),
            width=12,
            rank=1,
            stretch=True,
        ),
    ),
)
