"""Latency: commands between the trader and the venue."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from qkt.brokers.paper.book import Resting
from qkt.core.watch import NEVER
from qkt.orders import CancelOrder, MoveOrder, Order, ResizeOrder

Freight = Resting | CancelOrder | ResizeOrder | MoveOrder


class Transit:
    """What is on its way, handed out on arrival in order of arrival, then of sending."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Freight]] = []
        self._sent = 0
        self.due = NEVER

    def send(self, freight: Freight, due: int) -> None:
        """Let it arrive at the first tick at or after `due` (epoch ms)."""
        heapq.heappush(self._heap, (due, self._sent, freight))
        self._sent += 1
        self.due = self._heap[0][0]

    def arrived(self, ts: int) -> Iterator[Freight]:
        while self.due <= ts:
            _, _, freight = heapq.heappop(self._heap)
            self.due = self._heap[0][0] if self._heap else NEVER
            yield freight

    def ids(self) -> list[str]:
        """Orders under way, by id."""
        return [freight.order.id for _, _, freight in self._heap if isinstance(freight, Resting)]

    def order(self, order: Order) -> Resting | None:
        """The order if it has not arrived yet."""
        return next((r for _, _, r in self._heap if isinstance(r, Resting) and r.order is order), None)
