"""Entries of which only one may fill: one cancels the other.

The second is sent when the first is acknowledged, so that a refused first leg leaves nothing behind. Whatever ends one of
them, a fill of any size or a cancel, an expiry, a refusal, takes the other one with it.
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
    """Links by the ids of both orders, until both are terminal. Must hear approvals before the order manager sends them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._links: dict[str, _Link] = {}
        scope.subscribe(OrderApproved, self._on_approved)
        scope.subscribe(OrderWorking, self._on_working)
        scope.subscribe(OrderExecuted, self._on_executed)
        scope.subscribe(OrderEnded, self._on_ended)

    def __len__(self) -> int:
        """Orders that are linked and not terminal."""
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
        self._take_back_sibling(event.order, f"{event.order.id} was filled")

    def _on_ended(self, event: OrderEnded) -> None:
        order = event.order
        self._take_back_sibling(order, f"{order.id} was {order.state.lower()}")
        self._links.pop(order.id, None)

    def _take_back_sibling(self, order: Order, reason: str) -> None:
        link = self._links.get(order.id)
        if link is None:
            return
        sibling = link.sibling(order)
        if sibling.state is not OrderState.CREATED:
            self._scope.publish(WithdrawOrder(sibling, reason))
        elif self._links.pop(sibling.id, None) is not None:  # it was never sent
            sibling.state = OrderState.CANCELLED
            self._scope.publish(OrderCancelled(sibling.id, sibling.strategy, sibling.symbol, reason))
