"""How much an entry puts at risk when it fills: the distance to the first place of its stop, however that stop moves later."""

from __future__ import annotations

from decimal import Decimal

from qkt.orders.exits import first_stop
from qkt.orders.order import Order


def initial_risk(order: Order, price: Decimal) -> Decimal | None:
    """The stop's distance from a fill at `price` (quote currency, 8 decimals), None for an order without a stop."""
    if order.bracket is None or order.bracket.stop_loss is None:
        return None
    return abs(price - first_stop(order.bracket.stop_loss, order.side, price))
