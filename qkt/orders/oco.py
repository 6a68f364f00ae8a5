"""Entries of which only one may fill: one cancels the other.

The second is sent when the first is acknowledged, so that a refused first leg leaves nothing behind. A fill of any size
decides for that order, which goes on alone; a cancel, an expiry or a refusal of one ends both.
"""

from __future__ import annotations

from dataclasses import dataclass

from qkt.core.bus import Scope
from qkt.core.events import OrderCancelled
from qkt.core.terms import OrderState
from qkt.orders.events import OrderApproved, OrderEnded, OrderExecuted, OrderWorking, WithdrawOrder
from qkt.orders.order import Order


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    first: Order
    second: Order

    def sibling(self, order: Order) -> Order:
        return self.second if order is self.first else self.first


class OcoEntries:
    """Links by the ids of both orders, until one of them is filled or both have ended.

    Must hear approvals before the order manager sends them.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._links: dict[str, _Link] = {}
        scope.subscribe(OrderApproved, self._on_approved)
        scope.subscribe(OrderWorking, self._on_working)
        scope.subscribe(OrderExecuted, self._on_executed)
        scope.subscribe(OrderEnded, self._on_ended)

    def __len__(self) -> int:
        """Orders that are linked."""
        return len(self._links)

    def _on_approved(self, event: OrderApproved) -> None:
        if event.sibling is not None:
            link = _Link(event.order, event.sibling)
            self._links[link.first.id] = self._links[link.second.id] = link

    def _on_working(self, event: OrderWorking) -> None:
        link = self._links.get(event.order.id)
        if link is not None and event.order is link.first and link.second.state is OrderState.CREATED:
            self._scope.publish(OrderApproved(link.second))

    def _on_executed(self, event: OrderExecuted) -> None:
        self._part(event.order, "filled")

    def _on_ended(self, event: OrderEnded) -> None:
        self._part(event.order, event.order.state.lower())

    def _part(self, order: Order, what: str) -> None:
        """Something decided for or against an order: its sibling is taken back, and neither hears of the other again."""
        link = self._links.pop(order.id, None)
        if link is None:
            return
        sibling, reason = link.sibling(order), f"{order.id} was {what}"
        del self._links[sibling.id]
        if sibling.state is not OrderState.CREATED:
            self._scope.publish(WithdrawOrder(sibling, reason))
        else:  # it was never sent
            sibling.state = OrderState.CANCELLED
            self._scope.publish(OrderCancelled(sibling.id, sibling.strategy, sibling.symbol, reason))
