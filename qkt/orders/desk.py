"""The desk turns signals into orders: ids, kinds, prices. It decides nothing."""

from __future__ import annotations

from qkt.core.bus import Scope
from qkt.core.calendars import calendar_for
from qkt.core.ids import OrderIds
from qkt.core.numbers import q8
from qkt.core.terms import LegRole, OrderKind, Purpose, TimeInForce
from qkt.orders.events import OrderRequested
from qkt.orders.order import Order
from qkt.strategy import CloseSignal, EnterSignal, OcoEntrySignal


class SignalDesk:
    """Publishes an `OrderRequested` for every order that a signal stands for."""

    def __init__(self, scope: Scope, ids: OrderIds) -> None:
        self._scope = scope
        self._ids = ids
        scope.subscribe(EnterSignal, self._on_enter)
        scope.subscribe(OcoEntrySignal, self._on_oco)
        scope.subscribe(CloseSignal, self._on_close)

    def _on_enter(self, signal: EnterSignal) -> None:
        plain_id = self._ids.signal()
        order_id = plain_id if signal.plain else self._ids.named(signal.strategy)
        if signal.stack is None:
            order = self._entry(signal, order_id, signal.at)
        else:
            order = _seed(self._entry(signal, f"{order_id}-l1", signal.at), order_id)
        self._scope.publish(OrderRequested(order))

    def _on_oco(self, signal: OcoEntrySignal) -> None:
        """Two orders that risk judges together. Legs with exits stand beside each other: should both fill, neither nets the
        other away. The earlier deadline binds both."""
        self._ids.signal()
        first, second = (self._entry(leg, self._ids.named(leg.strategy), signal.at) for leg in (signal.first, signal.second))
        self._ids.named(signal.strategy)  # the pair's own number
        deadlines = [order.expires_at for order in (first, second) if order.expires_at is not None]
        for order in (first, second):
            order.expires_at = min(deadlines, default=None)
            if order.bracket is not None:
                order.role = LegRole.INDEPENDENT
        self._scope.publish(OrderRequested(first, second))

    def _entry(self, signal: EnterSignal, order_id: str, at: int) -> Order:
        bracketed = signal.bracket is not None and signal.stack is None
        return Order(
            id=order_id,
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=signal.side,
            quantity=q8(signal.quantity),
            kind=signal.kind,
            purpose=Purpose.ENTRY,
            created_at=at,
            reference=signal.stop or signal.limit,
            limit=signal.limit,
            stop=signal.stop,
            tif=signal.tif,
            expires_at=_deadline(signal, at),
            motion=signal.trail,
            limit_offset=signal.limit_offset,
            time_exit_ms=signal.time_exit_ms,
            bracket=signal.bracket,
            bracket_id=self._ids.named(signal.strategy) if bracketed else "",
            rule=signal.rule,
            signal_price=signal.reference,
            signal=signal,
        )

    def _on_close(self, signal: CloseSignal) -> None:
        for leg in signal.legs:
            self._ids.signal()
            order = Order(
                id=self._ids.named(signal.strategy),
                strategy=signal.strategy,
                symbol=signal.symbol,
                side=leg.side.opposite,
                quantity=q8(leg.quantity),
                kind=OrderKind.MARKET,
                purpose=Purpose.CLOSE,
                created_at=signal.at,
                leg_id=leg.leg_id,
                rule=signal.rule,
                signal_price=signal.reference,
            )
            self._scope.publish(OrderRequested(order))


def _seed(order: Order, stack_id: str) -> Order:
    """The first layer of a pyramid: its exits are named after itself, and it belongs to the pyramid."""
    order.bracket_id = order.id
    order.parent = stack_id
    return order


def _deadline(signal: EnterSignal, at: int) -> int | None:
    """When the order expires: at its own time, or with its market's session."""
    if signal.tif is TimeInForce.DAY:
        return calendar_for(signal.symbol).next_close(at)
    return signal.expires_at
