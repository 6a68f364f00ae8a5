"""Open legs and working orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Literal

from qkt.brokers.quotes import Quote
from qkt.core.numbers import q8, quotient, to_decimal
from qkt.core.terms import Purpose, Side
from qkt.ledger.legs import Leg
from qkt.orders import Order
from qkt.portfolio import alias_of
from qkt.runtime.control.rows import OrderRow, PositionRow
from qkt.runtime.session import LiveSession
from qkt.runtime.views.kept import Kept
from qkt.runtime.views.sessions import account_of

if TYPE_CHECKING:
    from qkt.runtime.machine import SessionMachine


def position_rows(live: LiveSession, kept: Kept[PositionRow] | None = None) -> Iterator[PositionRow]:
    """The session's open legs with what protects them."""
    machine = live.machine
    books = machine.session.books
    kept = kept or Kept()
    exits: dict[int, list[Order]] = {}
    for order in machine.session.orders.live_orders():
        if order.leg_id is not None and order.reduce_only:
            exits.setdefault(order.leg_id, []).append(order)
    for book in books.strategies.values():
        for legs in book.open_books():
            last = machine.board.last(legs.symbol)
            for leg in legs:
                own = exits.get(leg.id, [])
                facts = (leg.quantity, leg.entry, *((o.stop, o.limit, machine.holds(o), o.purpose) for o in own))
                mark = None if last is None else to_decimal(last)
                make, move = partial(_position, live, book.strategy, leg, own, mark), partial(_marked, machine, leg, mark)
                yield kept.row(f"{live.name}:{leg.id}", facts, make, mark, move)
    kept.turn()


def _position(live: LiveSession, owner: str, leg: Leg, own: Sequence[Order], mark: Decimal | None) -> PositionRow:
    machine = live.machine
    stop = next((o.stop for o in own if o.purpose is Purpose.STOP_LOSS and o.stop is not None), None)
    target = next((o.limit for o in own if o.purpose is Purpose.TAKE_PROFIT and o.limit is not None), None)
    return PositionRow(
        session=live.name,
        account=account_of(live.registration),
        leg=str(leg.id),
        child=alias_of(owner),
        symbol=leg.symbol,
        side="LONG" if leg.side is Side.BUY else "SHORT",
        quantity=leg.quantity,
        entry=leg.entry,
        opened=leg.opened_at,
        **_worth(machine, leg, mark),
        stop=stop,
        target=target,
        engine_held=tuple(f"{o.kind.value} {o.id}" for o in own if machine.holds(o)),
        protected=_protected(machine, own),
        digits=digits_of(machine, leg.symbol),
    )


def _marked(machine: SessionMachine, leg: Leg, mark: Decimal | None, row: PositionRow) -> PositionRow:
    return row.model_copy(update=_worth(machine, leg, mark))


def _worth(machine: SessionMachine, leg: Leg, mark: Decimal | None) -> dict[str, Decimal | None]:
    """What of a position moves with the market."""
    if mark is None:
        return {"mark": None, "pnl": None, "r": None}
    return {"mark": mark, "pnl": _profit(machine, leg, mark), "r": _in_risk(leg, mark)}


def _profit(machine: SessionMachine, leg: Leg, mark: Decimal) -> Decimal:
    books = machine.session.books
    return books.converter.value(q8(books.open_profit(leg, mark)), leg.symbol, mark)


def _in_risk(leg: Leg, mark: Decimal) -> Decimal | None:
    """The open profit in units of the distance to the first stop."""
    if not leg.risked:
        return None
    return q8(quotient(leg.sign * (mark - leg.entry) * leg.entered, leg.risked))


def _protected(machine: SessionMachine, own: Sequence[Order]) -> Literal["venue", "engine", "none"]:
    stops = [order for order in own if order.purpose is Purpose.STOP_LOSS]
    if not stops:
        return "none"
    return "engine" if all(machine.holds(order) for order in stops) else "venue"


def digits_of(machine: SessionMachine, symbol: str) -> int:
    """How many decimals the symbol's price has."""
    return machine.settings.instruments.resolve(symbol).digits


def order_rows(live: LiveSession, kept: Kept[OrderRow] | None = None) -> Iterator[OrderRow]:
    """The session's orders that are not terminal."""
    board, name = live.machine.board, live.name
    kept = kept or Kept()
    quotes: dict[str, Quote | None] = {}
    for order in live.machine.session.orders.live_orders():
        symbol = order.symbol
        if symbol not in quotes:
            quotes[symbol] = board.quote(symbol)
        quote = quotes[symbol]
        price = None if quote is None else quote.buy if order.side is Side.BUY else quote.sell
        facts = (order.state, order.quantity, order.filled, order.limit, order.stop)
        yield kept.row(f"{name}:{order.id}", facts, partial(_order, live, order, price), price, partial(_distant, order, price))
    kept.turn()


def _distant(order: Order, price: float | None, row: OrderRow) -> OrderRow:
    return row.model_copy(update={"distance": _distance(order, price)})


def _distance(order: Order, price: float | None) -> Decimal | None:
    """From the price that the order would meet to its level."""
    level = order.stop if order.stop is not None else order.limit
    return None if level is None or price is None else q8(level - to_decimal(price))


def _order(live: LiveSession, order: Order, price: float | None) -> OrderRow:
    return OrderRow(
        session=live.name,
        account=account_of(live.registration),
        order=order.id,
        child=alias_of(order.strategy),
        symbol=order.symbol,
        side=order.side.value,
        kind=order.kind.value,
        purpose=order.purpose.value,
        status=order.state.value,
        quantity=order.quantity,
        filled=order.filled,
        price=order.limit,
        stop=order.stop,
        distance=_distance(order, price),
        time_in_force=order.tif.value,
        expires=order.expires_at,
        placed=order.created_at,
        leg=None if order.leg_id is None else str(order.leg_id),
        venue="engine" if live.machine.holds(order) else "venue",
        protective=order.reduce_only,
        parent=order.parent or None,
        rule=None if order.rule is None else order.rule + 1,
        average=order.average,
        digits=digits_of(live.machine, order.symbol),
    )
