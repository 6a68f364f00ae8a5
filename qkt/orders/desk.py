"""The desk turns signals into orders: ids, kinds, prices. It decides nothing."""

from __future__ import annotations

from qkt.core.bus import Scope
from qkt.core.calendars import calendar_for
from qkt.core.ids import OrderIds
from qkt.core.numbers import q8
from qkt.core.terms import OrderKind, Purpose, TimeInForce
from qkt.orders.events import OrderRequested
from qkt.orders.order import Order
from qkt.strategy import CloseSignal, EnterSignal


class SignalDesk:
    """Publishes an `OrderRequested` for every order that a signal stands for."""

    def __init__(self, scope: Scope, ids: OrderIds) -> None:
        self._scope = scope
        self._ids = ids
        scope.subscribe(EnterSignal, self._on_enter)
        scope.subscribe(CloseSignal, self._on_close)

    def _on_enter(self, signal: EnterSignal) -> None:
        plain_id = self._ids.signal()
        order = Order(
            id=plain_id if signal.plain else self._ids.named(signal.strategy),
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=signal.side,
            quantity=q8(signal.quantity),
            kind=signal.kind,
            purpose=Purpose.ENTRY,
            created_at=signal.at,
            reference=signal.stop or signal.limit,
            limit=signal.limit,
            stop=signal.stop,
            tif=signal.tif,
            expires_at=_deadline(signal),
            motion=signal.trail,
            limit_offset=signal.limit_offset,
            time_exit_ms=signal.time_exit_ms,
            bracket=signal.bracket,
            bracket_id=self._ids.named(signal.strategy) if signal.bracket else "",
            rule=signal.rule,
            signal_price=signal.reference,
        )
        self._scope.publish(OrderRequested(order))

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


def _deadline(signal: EnterSignal) -> int | None:
    """When the order expires: at its own time, or with its market's session."""
    if signal.tif is TimeInForce.DAY:
        return calendar_for(signal.symbol).next_close(signal.at)
    return signal.expires_at
