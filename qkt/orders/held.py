"""Orders that the engine holds because no venue knows their kind: the trailing family.

They are PENDING here, and go to the broker as the market or limit order of their trigger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import OrderAccepted, OrderCancelled, OrderModified, Tick
from qkt.core.numbers import EXACT, q8
from qkt.core.terms import OrderState
from qkt.core.watch import NEVER, AnyWatch, Waits
from qkt.orders.deadlines import Deadline, Deadlines, Phase
from qkt.orders.events import SubmitOrder
from qkt.orders.moving import MovingStop, moving_stop
from qkt.orders.order import Order


@dataclass(slots=True, eq=False)
class _Held:
    order: Order
    stop: MovingStop
    deadline: Deadline | None


class HeldOrders:
    """Moves the levels of held orders with every tick and fires them in the order in which they came.

    Must hear ticks after the broker and before the strategy. Says what a venue would say of its orders. Implements `Waiting`.
    """

    due = NEVER

    def __init__(self, scope: Scope, waits: Waits, deadlines: Deadlines, last: Callable[[str], float | None]) -> None:
        self._scope = scope
        self._waits = waits
        self._deadlines = deadlines
        self._last = last
        self._by_symbol: dict[str, list[_Held]] = {}
        # Why an order may not leave although it has triggered, None when it may.
        self.barred: Callable[[Order], str | None] = _never
        waits.add(self)

    def watches(self) -> list[AnyWatch]:
        return [watch for book in self._by_symbol.values() for held in book for watch in held.stop.watches]

    def hold(self, order: Order) -> None:
        """Keep the order until its level is reached."""
        order.state = OrderState.PENDING
        stop = moving_stop(order, self._last(order.symbol), self._waits)
        held = _Held(order, stop, None)
        if order.expires_at is not None:
            reason = f"expired at {order.expires_at}"
            held.deadline = self._deadlines.plan(order.expires_at, Phase.EXPIRE, lambda: self.cancel(order, reason))
        self._by_symbol.setdefault(order.symbol, []).append(held)
        self._waits.changed()
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, order.quantity))

    def cancel(self, order: Order, reason: str) -> None:
        held = self._find(order)
        if held is not None:
            self._remove(held)
            self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason))

    def resize(self, order: Order, quantity: Decimal) -> None:
        """Tell that the order now stands at this quantity."""
        self._scope.publish(OrderModified(order.id, order.strategy, order.symbol, quantity))

    def show_levels(self) -> None:
        """Write the current level of every held order into it."""
        for book in self._by_symbol.values():
            for held in book:
                held.order.stop = held.stop.level

    def on_tick(self, tick: Tick) -> None:
        book = self._by_symbol.get(tick.symbol)
        if not book:
            return
        fired = [held for held in book if held.stop.on_tick(tick)]
        for held in fired:
            if held in book:  # an order fired before it may have cancelled it
                self._fire(held)

    def _fire(self, held: _Held) -> None:
        order = held.order
        reason = self.barred(order)
        if reason is not None:
            self.cancel(order, reason)
            return
        self._remove(held)
        order.stop = order.reference = level = held.stop.level
        if order.limit_offset is not None:
            order.limit = order.reference = q8(EXACT.add(level, order.side.sign * order.limit_offset))
        order.state = OrderState.SUBMITTED
        order.acknowledged = False
        self._scope.publish(SubmitOrder(order))

    def _find(self, order: Order) -> _Held | None:
        return next((held for held in self._by_symbol.get(order.symbol, ()) if held.order is order), None)

    def _remove(self, held: _Held) -> None:
        self._by_symbol[held.order.symbol].remove(held)
        if held.deadline is not None:
            self._deadlines.drop(held.deadline)
        self._waits.changed()


def _never(order: Order) -> str | None:  # noqa: ARG001 - nothing bars an order that nobody judges
    return None
