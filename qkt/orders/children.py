"""Entries that another entry brings: one triggers others."""

from __future__ import annotations

from dataclasses import replace

from qkt.core.bus import Scope
from qkt.core.terms import OrderState
from qkt.orders.events import OrderEnded


class FillChildren:
    """Sends the children of an entry as signals of their own once it has filled to the last lot, with the quantities the
    strategy gave them. An entry that ends in any other way, or is closed as it fills, drops them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        scope.subscribe(OrderEnded, self._on_ended)

    def _on_ended(self, event: OrderEnded) -> None:
        signal = event.order.signal
        if signal is None or event.order.unwanted or event.order.state is not OrderState.FILLED:
            return
        for child in signal.on_fill:
            # The rule's firing got through with the parent: a child that is refused must not arm it again.
            self._scope.publish(replace(child, rule=None))
