"""The order manager owns the life of every order of its scope.

It sends approved orders to their broker, places the exits of a filled entry, and keeps the promise of protection: an exit
only ever reduces the leg it is bound to, goes when the leg goes, and shrinks when the leg shrinks.
"""

from __future__ import annotations

from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import LogLine, OrderAccepted, OrderCancelled, OrderFilled, OrderRejected
from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind, OrderState, Purpose, Side
from qkt.orders.events import (
    CancelOrder,
    OrderApproved,
    OrderEnded,
    OrderExecuted,
    OrderWorking,
    ResizeOrder,
    SubmitOrder,
    WithdrawOrder,
)
from qkt.orders.exits import ExitPair, exit_levels
from qkt.orders.legs import LegView
from qkt.orders.order import Order
from qkt.strategy import CancelSignal

Book = tuple[str, str]


class OrderManager:
    """Live orders by id, entries by strategy and symbol, exit pairs by the leg they guard."""

    def __init__(self, scope: Scope, legs: LegView) -> None:
        self._scope = scope
        self._legs = legs
        self._orders: dict[str, Order] = {}
        self._entries: dict[Book, dict[str, Order]] = {}
        self._pairs: dict[Book, list[ExitPair]] = {}
        self._pair_of: dict[str, ExitPair] = {}
        self._pair_of_entry: dict[str, ExitPair] = {}
        scope.subscribe(OrderApproved, self._on_approved)
        scope.subscribe(CancelSignal, self._on_cancel_signal)
        scope.subscribe(WithdrawOrder, lambda command: self._cancel(command.order, command.reason))
        scope.subscribe(OrderAccepted, self._on_accepted)
        scope.subscribe(OrderRejected, self._on_rejected)
        scope.subscribe(OrderCancelled, self._on_cancelled)
        scope.subscribe(OrderFilled, self._on_filled)

    # ------------------------------------------------------------------ views

    def live_orders(self) -> list[Order]:
        """Orders that are not terminal, oldest first."""
        return list(self._orders.values())

    def open_entries(self, strategy: str, symbol: str) -> int:
        """Live entry orders of the strategy on the symbol that would grow its exposure."""
        net = self._legs.net_quantity(strategy, symbol)
        return sum(not _reduces(order, net) for order in self._entries.get((strategy, symbol), {}).values())

    # ----------------------------------------------------------------- sending

    def _on_approved(self, event: OrderApproved) -> None:
        order = event.order
        known = self._orders.get(order.id)
        if known is not None:
            return
        self._track(order)
        if order.expires_at is not None and order.expires_at <= event.at:
            reason = f"expired before it was sent: good till {order.expires_at}, now {event.at}"
            self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, reason, order.rule))
            return
        order.state = OrderState.SUBMITTED
        self._scope.publish(SubmitOrder(order))

    def _track(self, order: Order) -> None:
        self._orders[order.id] = order
        if order.purpose is Purpose.ENTRY:
            self._entries.setdefault((order.strategy, order.symbol), {})[order.id] = order

    def _on_cancel_signal(self, signal: CancelSignal) -> None:
        book = (signal.strategy, signal.symbol)
        doomed = list(self._entries.get(book, {}).values())
        if signal.including_protection:
            doomed += [order for pair in self._pairs.get(book, []) for order in pair.live]
        for order in doomed:
            self._cancel(order, "cancelled by the strategy")

    def _cancel(self, order: Order, reason: str) -> None:
        """Ask for a cancel, once. A venue cannot cancel what it has not acknowledged yet: then the request waits for that."""
        if not order.live or order.cancel_reason is not None:
            return
        order.cancel_reason = reason
        if order.acknowledged:
            self._scope.publish(CancelOrder(order, reason))

    # ------------------------------------------------------ what brokers report

    def _on_accepted(self, event: OrderAccepted) -> None:
        order = self._orders.get(event.order_id)
        if order is None or order.acknowledged:
            return
        order.quantity = event.quantity
        self._acknowledge(order)

    def _acknowledge(self, order: Order) -> None:
        """The venue has the order: a cancel that waited for that goes out now."""
        order.acknowledged = True
        if order.state is OrderState.SUBMITTED:
            order.state = OrderState.WORKING
        if order.cancel_reason is not None:
            self._scope.publish(CancelOrder(order, order.cancel_reason))
        else:
            self._scope.publish(OrderWorking(order))

    def _on_rejected(self, event: OrderRejected) -> None:
        order = self._orders.get(event.order_id)
        if order is not None and order.purpose.protective:
            text = f"the position is unprotected: {order.id} was rejected ({event.reason})"
            self._scope.publish(LogLine(order.strategy, "ERROR", text))
        self._end(event.order_id, OrderState.REJECTED)

    def _on_cancelled(self, event: OrderCancelled) -> None:
        self._end(event.order_id, OrderState.CANCELLED)

    def _end(self, order_id: str, state: OrderState) -> None:
        order = self._orders.pop(order_id, None)
        if order is None or not order.live:
            return
        order.state = state
        self._forget(order)
        self._scope.publish(OrderEnded(order))

    def _forget(self, order: Order) -> None:
        """A terminal order leaves every index."""
        self._orders.pop(order.id, None)
        self._pair_of_entry.pop(order.id, None)
        if order.purpose is Purpose.ENTRY:
            self._entries[(order.strategy, order.symbol)].pop(order.id, None)
        pair = self._pair_of.pop(order.id, None)
        if pair is not None and not pair.live:
            pairs = self._pairs[(order.strategy, order.symbol)]
            if pair in pairs:
                pairs.remove(pair)

    def _on_filled(self, event: OrderFilled) -> None:
        order = self._orders.get(event.order_id)
        if order is None or not order.live:
            return
        order.add_fill(event.quantity, event.price, event.complete)
        pair = self._pair_of.get(order.id)
        if pair is not None:
            self._on_exit_filled(pair, order, event.quantity)
        elif order.bracket is not None and event.opened_leg is not None:
            self._guard(order, event.opened_leg, event.quantity, event.price)
        if event.complete:
            self._forget(order)
        self._protect((event.strategy, event.symbol))
        self._scope.publish(OrderExecuted(order, event))
        if event.complete:
            self._scope.publish(OrderEnded(order))
        elif not order.acknowledged:  # a fill says it too
            self._acknowledge(order)

    def _on_exit_filled(self, pair: ExitPair, order: Order, quantity: Decimal) -> None:
        """The sibling goes with a complete exit and shrinks with a partial one."""
        pair.quantity -= quantity
        for sibling in pair.live:
            if sibling is order:
                continue
            if not order.live or pair.quantity <= 0:
                self._cancel(sibling, f"{order.id} was filled")
            else:
                self._resize(sibling, pair.quantity)

    # -------------------------------------------------------------- protection

    def _guard(self, entry: Order, leg_id: int, quantity: Decimal, price: Decimal) -> None:
        """Place the exits of an entry at its first fill and let them grow with every further slice."""
        pair = self._pair_of_entry.get(entry.id)
        if pair is not None:
            pair.quantity += quantity
            for order in pair.live:
                self._resize(order, pair.quantity)
            return
        assert entry.bracket is not None
        levels = exit_levels(entry.bracket, entry.side, price)
        if not levels.sane(entry.side, price):
            text = f"{entry.id} filled at {price}, beyond its own exits (stop {levels.stop}, target {levels.target})"
            self._scope.publish(LogLine(entry.strategy, "ERROR", f"{text}: closing at market"))
            self._send(self._exit(entry, "-close", Purpose.CLOSE, OrderKind.MARKET, leg_id, quantity, None))
            return
        target = stop = None
        if levels.target is not None:
            kind = OrderKind.LIMIT
            target = self._exit(entry, "-tp", Purpose.TAKE_PROFIT, kind, leg_id, quantity, levels.target)
        if levels.stop is not None:
            stop = self._exit(entry, "-sl", Purpose.STOP_LOSS, OrderKind.STOP, leg_id, quantity, levels.stop)
        pair = ExitPair(leg_id, quantity, stop, target)
        self._pairs.setdefault((entry.strategy, entry.symbol), []).append(pair)
        if entry.live:
            self._pair_of_entry[entry.id] = pair
        orders = pair.live
        for order in orders:
            self._pair_of[order.id] = pair
        for order in orders:
            self._send(order)

    def _exit(
        self,
        entry: Order,
        suffix: str,
        purpose: Purpose,
        kind: OrderKind,
        leg_id: int,
        quantity: Decimal,
        level: Decimal | None,
    ) -> Order:
        return Order(
            id=entry.bracket_id + suffix,
            strategy=entry.strategy,
            symbol=entry.symbol,
            side=entry.side.opposite,
            quantity=quantity,
            kind=kind,
            purpose=purpose,
            created_at=entry.created_at,
            reference=level,
            limit=level if kind is OrderKind.LIMIT else None,
            stop=level if kind is OrderKind.STOP else None,
            role=entry.role,
            leg_id=leg_id,
            rule=entry.rule,
            parent=entry.id,
        )

    def _send(self, order: Order) -> None:
        self._track(order)
        order.state = OrderState.SUBMITTED
        self._scope.publish(SubmitOrder(order))

    def _protect(self, book: Book) -> None:
        """Fit the exits of a book to its legs: gone with a closed leg, newest pairs first when the leg is too small."""
        pairs = self._pairs.get(book)
        if not pairs:
            return
        left: dict[int, Decimal] = {}
        for pair in list(pairs):
            room = left.get(pair.leg_id)
            if room is None:
                room = self._legs.leg_quantity(pair.leg_id)
            keep = min(pair.quantity, room)
            left[pair.leg_id] = room - keep
            if keep == pair.quantity and keep > 0:
                continue
            pair.quantity = max(keep, ZERO)
            for order in pair.live:
                if keep > 0:
                    self._resize(order, keep)
                else:
                    self._cancel(order, "its leg is closed")

    def _resize(self, order: Order, quantity: Decimal) -> None:
        if order.remaining != quantity:
            order.quantity = order.filled + quantity
            self._scope.publish(ResizeOrder(order, quantity))


def _reduces(order: Order, net: Decimal) -> bool:
    """Whether filling the entry could only bring the position nearer to flat."""
    against = order.side is (Side.SELL if net > 0 else Side.BUY)
    return net != 0 and against and order.remaining <= abs(net)
