"""How much an entry puts at risk when it fills: the distance to the first place of its stop, however that stop moves later."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.numbers import exact, q8
from qkt.orders.order import Order
from qkt.strategy import ExitForm, ExitPrice, Trail, TrailingExit

HUNDREDTH = Decimal("0.01")


def initial_risk(order: Order, price: Decimal) -> Decimal | None:
    """The stop's distance from a fill at `price` (quote currency, 8 decimals), None for an order without a stop."""
    stop = None if order.bracket is None else order.bracket.stop_loss
    if stop is None:
        return None
    if isinstance(stop, TrailingExit):
        return _distance(stop.trail, price)
    if isinstance(stop, ExitPrice):
        return _distance(stop, price)
    return q8(stop.distance)


def _distance(stop: ExitPrice | Trail, price: Decimal) -> Decimal:
    if stop.form is ExitForm.AT:
        return q8(abs(price - stop.value))
    return q8(exact(price, stop.value, HUNDREDTH) if stop.form is ExitForm.PCT else stop.value)
