"""Live entry orders by strategy and symbol."""

from __future__ import annotations

from qkt.core.terms import Purpose, Side
from qkt.orders.legs import LegView
from qkt.orders.order import Order

Book = tuple[str, str]
"""A strategy and a symbol."""


class EntryBook:
    """Knows the entries that are not terminal, oldest first, and which of them would grow a position."""

    def __init__(self, legs: LegView) -> None:
        self._legs = legs
        self._by_book: dict[Book, dict[str, Order]] = {}

    def add(self, order: Order) -> None:
        if order.purpose is Purpose.ENTRY:
            self._by_book.setdefault((order.strategy, order.symbol), {})[order.id] = order

    def remove(self, order: Order) -> None:
        orders = self._by_book.get((order.strategy, order.symbol))
        if orders is not None:
            orders.pop(order.id, None)

    def of(self, book: Book) -> list[Order]:
        return list(self._by_book.get(book, {}).values())

    def growing(self, book: Book) -> int:
        """How many would grow the strategy's exposure when they fill: those that cannot only bring it nearer to flat."""
        orders = self._by_book.get(book)
        if not orders:
            return 0
        net = self._legs.net_quantity(*book)
        if not net:
            return len(orders)
        against, size = (Side.SELL, net) if net > 0 else (Side.BUY, -net)
        return len(orders) - sum(order.side is against and order.remaining <= size for order in orders.values())
