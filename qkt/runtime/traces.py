"""Correlation: which input an order goes back to, so that one word leads from a tick to every fill that it brought."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

KEPT = 4096
"""Orders, and legs, that are remembered for a session."""

TELLING = ("order", "submit", "fill")
"""Effects that traces are learnt from."""


class Traces:
    """Names effects by run and input, `3.1842`. What happens to an order carries the name of the input at which it was decided,
    and the orders that it brings along, its exits among them, carry that one's."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._orders: dict[Hashable, str] = {}
        self._legs: dict[Hashable, str] = {}
        self._at = 0
        # What orders go back to that are sent next: the fill before them in the same input, else the input itself.
        self._cause = ""

    def knows(self, order: str) -> bool:
        """Whether the order was decided before."""
        return order in self._orders

    def of(self, at: int, kind: str, value: dict[str, Any]) -> tuple[str, str | None]:
        """The trace of an effect of input `at`, and the order that it is about."""
        own = f"{self._run}.{at}"
        if at != self._at:
            self._at, self._cause = at, own
        order = value.get("order_id")
        if order is None:
            return own, None
        if kind == "order":
            _remember(self._orders, order, self._orders.get(value["parent"], own))
        elif kind == "submit" and order not in self._orders:
            _remember(self._orders, order, self._cause)
        elif kind == "fill":
            symbol, opened, closed = value["symbol"], value["leg_opened"], value["leg_closed"]
            self._cause = self._legs.get((symbol, closed)) or self._orders.get(order, own)
            _remember(self._orders, order, self._cause)
            if opened is not None:
                _remember(self._legs, (symbol, opened), self._cause)
        return self._orders.get(order, own), order


def _remember(known: dict[Hashable, str], key: Hashable, trace: str) -> None:
    if len(known) >= KEPT:
        del known[next(iter(known))]
    known[key] = trace
