"""Open legs, working orders and fills."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.table import Cell, Column, Context, Table, signed

if TYPE_CHECKING:
    from qkt.runtime.control.rows import FillRow, OrderRow, PositionRow


def side(word: str) -> Cell:
    return Cell("SHRT" if word == "SHORT" else word)


def mark_cell(row: PositionRow, context: Context) -> Cell:
    """The mark, behind the sign of its last move."""
    move = context.view.move(row.symbol)
    sign = context.glyphs.up if move > 0 else context.glyphs.down if move < 0 else " "
    return Cell(f"{sign} {fmt.level(row.mark, row.digits)}", ("down", "text", "up")[move + 1])


def points(row: PositionRow) -> Decimal | None:
    if row.mark is None:
        return None
    return row.mark - row.entry if row.side == "LONG" else row.entry - row.mark


def pnl_cell(row: PositionRow, context: Context) -> Cell:
    """What the leg is worth in the units of the screen."""
    role = signed(row.pnl)
    match context.units:
        case "money":
            return Cell(fmt.gain(row.pnl), role)
        case "points":
            places = row.digits
            return Cell(fmt.gain(points(row), 2 if places is None else places), role)
        case "r":
            return Cell(fmt.times(row.r), role)
        case "percent":
            moved = points(row)
            return Cell(fmt.percent(None if moved is None else moved / row.entry * 100, 2), role)


def protection_cell(row: PositionRow, context: Context) -> Cell:
    """Whether a stop stands, and whether it ends with the session."""
    if row.protected == "none":
        return Cell("NONE", "alarm")
    return Cell("eng", "warn") if row.engine_held or row.protected == "engine" else Cell("ok", "dim")


def owner(row: PositionRow | OrderRow | FillRow, context: Context) -> Cell:
    return Cell(fmt.clean(row.session))


def stale(row: PositionRow, context: Context) -> str:
    market = context.view.tables.market.get(row.symbol)
    return context.glyphs.stale if not context.view.linked or (market is not None and market.stale) else ""


def open_total(rows: Sequence[PositionRow], context: Context) -> str:
    """The open profit of each mode: paper and live are never summed, nor are currencies."""
    if not rows:
        return ""
    accounts = context.view.tables.accounts
    totals: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        account = accounts.get(row.account)
        kind = ("", "") if account is None else (account.mode, account.currency)
        totals[kind] = totals.get(kind, Decimal(0)) + (row.pnl or Decimal(0))
    if len(totals) == 1:
        return f"open {fmt.gain(next(iter(totals.values())))}"
    return "  ".join(f"open {mode} {fmt.gain(total)} {currency}".rstrip() for (mode, currency), total in totals.items())


POSITIONS = Table(
    name="positions",
    title="POSITIONS",
    reads=("positions", "market", "accounts"),
    rows=lambda view: view.tables.positions.values(),
    empty="No positions.",
    order="",
    mark=stale,
    note=open_total,
    columns=(
        Column("STRATEGY", owner, lambda r: r.session, width=14, most=20),
        Column("SYMBOL", lambda r, c: fmt.symbol(r.symbol), lambda r: r.symbol, width=7, most=12),
        Column("SIDE", lambda r, c: side(r.side), lambda r: r.side, width=4),
        Column("QTY", lambda r, c: fmt.quantity(r.quantity), lambda r: r.quantity, width=5, right=True, point=True),
        Column("ENTRY", lambda r, c: fmt.price(r.entry, r.digits), lambda r: r.entry, width=8, right=True, point=True, rank=3),
        Column("MARK", mark_cell, lambda r: r.mark, width=9, right=True, point=True, rank=3),
        Column("P&L", pnl_cell, lambda r: r.pnl, width=8, right=True),
        Column("R", lambda r, c: Cell(fmt.times(r.r), signed(r.r)), lambda r: r.r, width=4, right=True, rank=5),
        Column("HELD", lambda r, c: Cell(held(r, c), "dim"), lambda r: -r.opened, width=5, right=True, rank=6, live=True),
        Column("PROT", protection_cell, lambda r: r.protected, width=4, rank=2),
        Column("STOP", lambda r, c: fmt.level(r.stop, r.digits), lambda r: r.stop, width=8, right=True, point=True, rank=7),
        Column(
            "TARGET", lambda r, c: fmt.level(r.target, r.digits), lambda r: r.target, width=8, right=True, point=True, rank=8
        ),
        Column("ACCOUNT", lambda r, c: Cell(fmt.account(r.account), "dim"), lambda r: r.account, width=8, rank=9, most=16),
    ),
)


def held(row: PositionRow, context: Context) -> str:
    """How long the leg has been open by the clock of its session."""
    return fmt.age(context.view.present(row.session) - row.opened)


KINDS = {
    "Market": "MARKET",
    "Limit": "LIMIT",
    "Stop": "STOP",
    "StopLimit": "ST LIM",
    "IfTouched": "TOUCH",
    "TrailingStop": "TRAIL",
    "TrailingStopLimit": "TR LIM",
    "ArmedTrailingStop": "TRAIL",
    "SteppedStop": "STEPS",
    "TimeTighteningStop": "TIGHTEN",
}
PURPOSES = {"STOP": "STOP L", "TP": "TAKE P", "END_OF_DATA": "END"}


def order_type(kind: str | None, purpose: str | None) -> str:
    """What an order is in a word: what it waits for, and of plain exits, what they are there for."""
    if kind in ("Stop", "Limit") and purpose in PURPOSES:
        return PURPOSES[purpose]
    return KINDS.get(kind or "", fmt.clean(kind or fmt.UNKNOWN))


def purpose_cell(row: OrderRow | FillRow, context: Context) -> Cell:
    return Cell(PURPOSES.get(row.purpose, fmt.clean(row.purpose)), "dim")


def order_level(row: OrderRow) -> Decimal | None:
    return row.stop if row.stop is not None else row.price


def distance_cell(row: OrderRow, context: Context) -> Cell:
    places = row.digits
    return Cell(fmt.gain(row.distance, 2 if places is None else places))


def status_cell(row: OrderRow, context: Context) -> Cell:
    return Cell(fmt.clean(row.status), "dim" if row.status in ("WORKING", "ACCEPTED") else "warn")


def placed(row: OrderRow, context: Context) -> str:
    return fmt.age(context.view.present(row.session) - row.placed)


ORDERS = Table(
    name="orders",
    title="WORKING ORDERS",
    reads=("orders", "market"),
    rows=lambda view: view.tables.orders.values(),
    empty="No working orders.",
    order="",
    mark=lambda row, context: "" if context.view.linked else context.glyphs.stale,
    columns=(
        Column("STRATEGY", owner, lambda r: r.session, width=14, most=20),
        Column("SYMBOL", lambda r, c: fmt.symbol(r.symbol), lambda r: r.symbol, width=7, most=12),
        Column("SIDE", lambda r, c: r.side, lambda r: r.side, width=4),
        Column("TYPE", lambda r, c: order_type(r.kind, r.purpose), lambda r: r.kind, width=6, most=10),
        Column("FOR", purpose_cell, lambda r: r.purpose, width=6, rank=5, most=10),
        Column("QTY", lambda r, c: fmt.quantity(r.quantity), lambda r: r.quantity, width=5, right=True, point=True),
        Column("PRICE", lambda r, c: fmt.level(order_level(r), r.digits), order_level, width=8, right=True, point=True),
        Column("DIST", distance_cell, lambda r: r.distance, width=8, right=True, point=True, rank=1),
        Column("TIF", lambda r, c: Cell(fmt.clean(r.time_in_force), "dim"), lambda r: r.time_in_force, width=3, rank=3),
        Column("AGE", lambda r, c: Cell(placed(r, c), "dim"), lambda r: -r.placed, width=4, right=True, rank=4, live=True),
        Column("STATUS", status_cell, lambda r: r.status, width=9, rank=6),
        Column("HELD BY", lambda r, c: Cell(r.venue, "dim"), lambda r: r.venue, width=7, rank=8),
        Column("ORDER", lambda r, c: Cell(fmt.clean(r.order), "dim"), lambda r: r.order, width=8, rank=7, most=32),
    ),
)


FILLS = Table(
    name="fills",
    title="FILLS",
    reads=("fills",),
    rows=lambda view: view.tables.fills.values(),
    empty="No fills yet.",
    order="TIME",
    columns=(
        Column(
            "TIME",
            lambda r, c: Cell(fmt.when(r.ts, c.view.present(r.session)), "dim"),
            lambda r: (r.ts, r.number),
            width=11,
            arrives=True,
        ),
        Column("STRATEGY", owner, lambda r: r.session, width=14, most=20),
        Column("SYMBOL", lambda r, c: fmt.symbol(r.symbol), lambda r: r.symbol, width=7, most=12),
        Column("SIDE", lambda r, c: r.side, lambda r: r.side, width=4),
        Column("QTY", lambda r, c: fmt.quantity(r.quantity), lambda r: r.quantity, width=5, right=True, point=True),
        Column("PRICE", lambda r, c: fmt.price(r.price, r.digits), lambda r: r.price, width=8, right=True, point=True),
        Column(
            "REALISED", lambda r, c: Cell(fmt.gain(r.realised), signed(r.realised)), lambda r: r.realised, 9, right=True, rank=1
        ),
        Column("COST", lambda r, c: Cell(fmt.gain(-r.cost), "dim"), lambda r: r.cost, width=6, right=True, rank=3),
        Column("SLIP", lambda r, c: Cell(fmt.price(r.slippage), "dim"), lambda r: r.slippage, width=5, right=True, rank=5),
        Column("FOR", purpose_cell, lambda r: r.purpose, width=6, rank=2, most=10),
        Column("ORDER", lambda r, c: Cell(fmt.clean(r.order), "dim"), lambda r: r.order, width=8, rank=4, most=32),
        Column("ACCOUNT", lambda r, c: Cell(fmt.account(r.account), "dim"), lambda r: r.account, width=8, rank=6, most=16),
    ),
)
