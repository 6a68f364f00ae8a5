"""Closing legs at market, whatever risk says: an operator's, a gate's or a halt's way out."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.terms import OrderKind, Purpose
from qkt.ledger import Books
from qkt.orders import Order, OrderApproved


def close_legs(
    scope: Scope,
    books: Books,
    now: int,
    prefix: str,
    purpose: Purpose,
    *,
    strategy: str | None = None,
    symbol: str | None = None,
    leg: int | None = None,
    quantity: Decimal | None = None,
) -> int:
    """Close every open leg, or only those of a strategy or a symbol, or one, when named; no more than `quantity` lots of
    each where that is given. `now` is the time of the orders (epoch ms), `prefix` begins their ids. Returns how many legs
    there were."""
    found = [
        (book.strategy, legs.symbol, one)
        for book in books.strategies.values()
        for legs in book.open_books()
        for one in legs
        if strategy in (None, book.strategy) and symbol in (None, legs.symbol) and leg in (None, one.id)
    ]
    for owner, market, one in found:
        lots = one.quantity if quantity is None else min(quantity, one.quantity)
        side = one.side.opposite
        order = Order(f"{prefix}-{one.id}", owner, market, side, lots, OrderKind.MARKET, purpose, now, leg_id=one.id)
        scope.publish(OrderApproved(order))
    return len(found)
