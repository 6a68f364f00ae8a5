"""Getting out of the market: an operator's, a gate's, or a book's that may lose no more. It ends flat."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.clock import Clock
from qkt.core.events import LogLine, OrderFilled
from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind, OrderState, Purpose
from qkt.ledger import Books
from qkt.orders import Leaving, Order, OrderApproved, OrderEnded, OrderManager
from qkt.risk.closing import close_legs


class WayOut:
    """Takes entries back and closes legs. An entry that is filled before its cancel arrives is closed with every slice of it,
    and brings nothing that should have followed it.

    Must hear fills when everybody but the strategies has.
    """

    def __init__(self, scope: Scope, books: Books, orders: OrderManager, clock: Clock) -> None:
        self._scope = scope
        self._books = books
        self._orders = orders
        self._clock = clock
        # Entries that were taken back and may still be filled, by id.
        self._unwanted: dict[str, Order] = {}
        self._late = 0
        scope.subscribe(OrderEnded, self._on_ended)
        scope.subscribe(OrderFilled, self._on_filled)

    def take(self, prefix: str, reason: str, *, strategy: str | None = None, symbol: str | None = None) -> int:
        """Get out of everything, or of what a strategy or a symbol has. `prefix` begins the ids of the closes, `reason` is
        what the entries hear. Returns how many legs there were."""
        self._scope.publish(Leaving(strategy, symbol))
        for order in self._orders.live_orders():
            if not order.reduce_only and strategy in (None, order.strategy) and symbol in (None, order.symbol):
                order.unwanted = True
                self._unwanted[order.id] = order
                self._orders.cancel(order, reason)
        now = self._clock.now()
        return close_legs(self._scope, self._books, now, prefix, Purpose.CLOSE, strategy=strategy, symbol=symbol)

    def under_way(self, strategy: str | None = None) -> bool:
        """Whether an entry of a strategy, or of any, that was taken back may still be filled."""
        return any(strategy in (None, order.strategy) for order in self._unwanted.values())

    def _on_ended(self, event: OrderEnded) -> None:
        if event.order.state is not OrderState.FILLED:  # else the fill itself is still to be heard
            self._unwanted.pop(event.order.id, None)

    def _on_filled(self, fill: OrderFilled) -> None:
        order = self._unwanted.get(fill.order_id)
        if order is None or fill.repeated:
            return
        if not order.live:
            del self._unwanted[order.id]
        if fill.opened_leg is not None:
            self._close(order, fill.opened_leg, fill)

    def _close(self, order: Order, leg: int, fill: OrderFilled) -> None:
        lots: Decimal = min(fill.opened_quantity, self._books.leg_quantity(leg))
        if lots == ZERO:
            return
        self._late += 1
        self._scope.publish(LogLine(order.strategy, "WARN", f"{order.id} was filled before its cancel arrived, and is closed"))
        side, now = order.side.opposite, self._clock.now()
        name = f"late{self._late}-{leg}"
        close = Order(name, order.strategy, order.symbol, side, lots, OrderKind.MARKET, Purpose.CLOSE, now, leg_id=leg)
        self._scope.publish(OrderApproved(close))
