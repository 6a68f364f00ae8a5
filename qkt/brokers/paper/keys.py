"""Names of orders for random draws."""

from __future__ import annotations

from collections import Counter

from qkt.orders import Order


class DrawKeys:
    """Names an order by what it is rather than by its number, so that an order more elsewhere leaves its draws alone.

    Orders alike in everything, sent at the same instant, are told apart by their order of arrival.
    """

    def __init__(self) -> None:
        self._alike: Counter[str] = Counter()

    def of(self, order: Order) -> str:
        what = (order.strategy, order.symbol, order.side, order.kind, order.purpose, order.role, order.rule, order.created_at)
        name = "|".join(map(str, what))
        self._alike[name] += 1
        return f"{name}|{self._alike[name]}"
