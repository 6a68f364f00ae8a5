"""Levels that the venue cannot keep and the adapter watches instead: parts of a scaled-out target, stops of a position that
has one already, orders that want the market once it is touched. They end with the process, as all does that the engine holds.
"""

from __future__ import annotations

from decimal import Decimal

from qkt.core.events import Tick
from qkt.core.terms import OrderKind, Side
from qkt.orders import Order


class Levels:
    """Watched orders by symbol, in the order in which they came."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, list[Order]] = {}

    def ids(self) -> list[str]:
        return [order.id for orders in self._by_symbol.values() for order in orders]

    def add(self, order: Order) -> None:
        self._by_symbol.setdefault(order.symbol, []).append(order)

    def holds(self, order: Order) -> bool:
        return order in self._by_symbol.get(order.symbol, ())

    def remove(self, order: Order) -> bool:
        """Watch it no longer. Returns whether it was."""
        orders = self._by_symbol.get(order.symbol, [])
        if order not in orders:
            return False
        orders.remove(order)
        return True

    def expired(self, tick: Tick) -> list[Order]:
        orders = self._by_symbol.get(tick.symbol, ())
        return [order for order in orders if order.expires_at is not None and tick.ts >= order.expires_at]

    def hit(self, tick: Tick) -> list[Order]:
        """Orders of the tick's symbol whose level it reaches; they are watched no longer."""
        orders = self._by_symbol.get(tick.symbol)
        if not orders:
            return []
        found = [order for order in orders if _reached(order, tick)]
        for order in found:
            orders.remove(order)
        return found


def _reached(order: Order, tick: Tick) -> bool:
    """A stop waits for a worse price, everything else for a better one; buyers look at the ask, sellers at the bid."""
    buys = order.side is Side.BUY
    level: Decimal | None = order.limit if order.venue_kind is OrderKind.LIMIT else order.stop
    assert level is not None
    price = tick.buy if buys else tick.sell
    below = buys is not (order.venue_kind is OrderKind.STOP)
    return price <= float(level) if below else price >= float(level)
