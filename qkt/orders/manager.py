"""The order manager owns the life of every order of its scope.

It sends approved orders to their broker or to the engine's own book of held orders, follows what becomes of them, and tells
it. Terminal orders leave; later events about them are ignored.
"""

from __future__ import annotations

from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import (
    CancelFailed,
    LogLine,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderModified,
    OrderMoved,
    OrderRejected,
)
from qkt.core.numbers import EXACT
from qkt.core.terms import OrderState, Purpose
from qkt.orders.deadlines import Deadlines
from qkt.orders.entries import EntryBook
from qkt.orders.events import (
    CancelOrder,
    MoveOrder,
    OrderApproved,
    OrderEnded,
    OrderExecuted,
    OrderWorking,
    ResizeOrder,
    SubmitOrder,
    WithdrawOrder,
)
from qkt.orders.held import HeldOrders
from qkt.orders.legs import LegView
from qkt.orders.order import Order
from qkt.orders.protection import GuardedLeg, Protection
from qkt.strategy import CancelSignal


class OrderManager:
    """Live orders by id. Entries, protection and held orders keep what is theirs."""

    def __init__(self, scope: Scope, legs: LegView, held: HeldOrders, deadlines: Deadlines) -> None:
        self._scope = scope
        self._held = held
        self._orders: dict[str, Order] = {}
        # Orders whose new size waits for their venue to acknowledge them.
        self._resized: set[str] = set()
        self._entries = EntryBook(legs)
        self._protection = Protection(scope, legs, deadlines, self)
        scope.subscribe(OrderApproved, self._on_approved)
        scope.subscribe(CancelSignal, self._on_cancel_signal)
        scope.subscribe(WithdrawOrder, lambda command: self.cancel(command.order, command.reason))
        scope.subscribe(OrderAccepted, self._on_accepted)
        scope.subscribe(OrderRejected, self._on_rejected)
        scope.subscribe(OrderCancelled, self._on_cancelled)
        scope.subscribe(OrderModified, self._on_modified)
        scope.subscribe(CancelFailed, self._on_cancel_failed)
        scope.subscribe(OrderMoved, self._on_moved)
        scope.subscribe(OrderFilled, self._on_filled)

    # ------------------------------------------------------------------ views

    def live_orders(self) -> list[Order]:
        """Orders that are not terminal, oldest first, with their current levels."""
        self._held.show_levels()
        return list(self._orders.values())

    def open_entries(self, strategy: str, symbol: str) -> int:
        """Live entry orders of the strategy on the symbol that would grow its exposure."""
        return self._entries.growing((strategy, symbol))

    # ----------------------------------------------------------------- sending

    def _on_approved(self, event: OrderApproved) -> None:
        order = event.order
        known = self._orders.get(order.id)
        if known is not None:
            if known.acknowledged:
                self._scope.publish(OrderAccepted(known.id, known.strategy, known.symbol, known.quantity))
            return
        if order.expires_at is not None and order.expires_at <= event.at:
            self._orders[order.id] = order
            reason = f"expired before it was sent: good till {order.expires_at}, now {event.at}"
            self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, reason, order.rule))
            return
        self.send(order)

    def send(self, order: Order) -> None:
        """Let the order live: at its venue, or in the engine when its level moves."""
        self._orders[order.id] = order
        self._entries.add(order)
        if order.motion is not None:
            self._held.hold(order)
            return
        order.state = OrderState.SUBMITTED
        self._scope.publish(SubmitOrder(order))

    def _on_cancel_signal(self, signal: CancelSignal) -> None:
        book = (signal.strategy, signal.symbol)
        doomed = self._entries.of(book)
        if signal.including_protection:
            doomed += self._protection.exits(book)
        for order in doomed:
            self.cancel(order, "cancelled by the strategy")

    def cancel(self, order: Order, reason: str) -> None:
        """Ask for a cancel, once. A venue cannot cancel what it has not acknowledged yet: then the request waits for that."""
        if not order.live or order.cancel_reason is not None:
            return
        order.cancel_reason = reason
        if order.held:
            self._held.cancel(order, reason)
        elif order.acknowledged:
            self._scope.publish(CancelOrder(order, reason))

    def resize(self, order: Order, quantity: Decimal) -> None:
        """Let the order stand at this remaining quantity; like a cancel, it waits for the acknowledgement."""
        if order.remaining == quantity:
            return
        order.quantity = order.filled + quantity
        if order.held:
            self._held.resize(order, quantity)
        elif order.acknowledged:
            self._scope.publish(ResizeOrder(order, quantity))
        elif order.state is OrderState.SUBMITTED:
            self._resized.add(order.id)

    def move(self, order: Order, level: Decimal) -> None:
        """Ask that the order waits for another price; it does so from the venue's acknowledgement on."""
        if order.live and order.acknowledged and order.motion is None and order.cancel_reason is None:
            self._scope.publish(MoveOrder(order, level))

    def guard(self, leg: GuardedLeg, purpose: Purpose, level: Decimal, at: int, reason: str) -> None:
        """Let the leg have a stop, or a target, at this level in the place of what it has of that kind."""
        self._protection.guard(leg, purpose, level, at, reason)

    # ------------------------------------------------------ what brokers report

    def _on_accepted(self, event: OrderAccepted) -> None:
        order = self._orders.get(event.order_id)
        if order is None or order.acknowledged:
            return
        if order.id not in self._resized:
            order.quantity = event.quantity
        self._acknowledge(order)

    def _acknowledge(self, order: Order) -> None:
        """The venue has the order: a cancel or a size that waited for that goes out now."""
        order.acknowledged = True
        fired = order.motion is not None and not order.held
        if order.state is OrderState.SUBMITTED:
            order.state = OrderState.WORKING
        resized = order.id in self._resized
        self._resized.discard(order.id)
        if order.cancel_reason is not None:
            self._scope.publish(CancelOrder(order, order.cancel_reason))
            return
        if resized:
            self._scope.publish(ResizeOrder(order, order.remaining))
        if not fired:  # a held order has worked since it was held
            self._scope.publish(OrderWorking(order))

    def _on_modified(self, event: OrderModified) -> None:
        """What the venue made of a size, unless a newer one waits to be sent."""
        order = self._orders.get(event.order_id)
        if order is not None and order.id not in self._resized:
            order.quantity = EXACT.add(order.filled, event.quantity)

    def _on_moved(self, event: OrderMoved) -> None:
        order = self._orders.get(event.order_id)
        if order is not None:
            moved = order.moved_to(event.level)
            order.limit, order.stop, order.reference = moved.limit, moved.stop, moved.reference

    def _on_rejected(self, event: OrderRejected) -> None:
        self._refused(event, "was rejected")
        self._end(event.order_id, OrderState.REJECTED)

    def _on_cancelled(self, event: OrderCancelled) -> None:
        if event.refused:
            self._refused(event, "was rejected after a part of it")
        self._end(event.order_id, OrderState.CANCELLED)

    def _refused(self, event: OrderRejected | OrderCancelled, what: str) -> None:
        """What the venue would not do is told where it was to take risk away, and then guarded otherwise."""
        order = self._orders.get(event.order_id)
        if order is None:
            return
        if order.reduce_only:
            level = "WARN" if order.purpose is Purpose.TAKE_PROFIT else "ERROR"
            self._scope.publish(LogLine(order.strategy, level, f"{order.id} {what} ({event.reason})"))
        self._protection.on_rejected(order, event.at)

    def _on_cancel_failed(self, event: CancelFailed) -> None:
        """The order works on, and may be asked to go again."""
        order = self._orders.get(event.order_id)
        if order is not None:
            order.cancel_reason = None

    def _end(self, order_id: str, state: OrderState) -> None:
        order = self._orders.get(order_id)
        if order is None or not order.live:
            return
        order.state = state
        self._forget(order)
        self._scope.publish(OrderEnded(order))

    def _forget(self, order: Order) -> None:
        """A terminal order leaves every index."""
        self._orders.pop(order.id, None)
        self._resized.discard(order.id)
        self._entries.remove(order)
        self._protection.forget(order)

    def _on_filled(self, event: OrderFilled) -> None:
        order = self._orders.get(event.order_id)
        if order is None or not order.live or event.repeated:
            return
        order.add_fill(event.quantity, event.price, event.complete)
        self._protection.on_fill(order, event)
        if event.complete:
            self._forget(order)
        self._scope.publish(OrderExecuted(order, event))
        if event.complete:
            self._scope.publish(OrderEnded(order))
        elif not order.acknowledged:  # a fill says it too
            self._acknowledge(order)
