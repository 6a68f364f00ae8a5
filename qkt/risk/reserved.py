"""Exposure that is open, and exposure that working entries have reserved."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.numbers import EXACT, ZERO, total
from qkt.core.terms import LegRole
from qkt.ledger import Books
from qkt.orders import Order
from qkt.risk.claims import Exposure, claims_of, sums, totals, worst


class Reservations:
    """Entries that were approved and are not terminal yet. An entry and its sibling, of which one fills, are one group and
    count once, at the larger of the two. Where orders are `late` to arrive, the sibling can fill while its cancel is on its
    way: there both count."""

    def __init__(self, books: Books, *, late: bool) -> None:
        self._books = books
        self.late = late
        self.of_both = sums if late else worst
        self._groups: list[tuple[Order, ...]] = []

    def add(self, *orders: Order) -> None:
        """Reserve for entries that were approved; what has ended is forgotten."""
        self._groups = [*self._live(), orders]

    def symbols(self) -> list[str]:
        """Symbols of which more may come."""
        return [claim.symbol for group in self._live() for order in group for claim in claims_of(order, None)]

    def entries(self, strategy: str | None) -> list[Order]:
        """Entries of one strategy, or of all, that may still fill, oldest first."""
        return [order for group in self._live() for order in group if strategy in (None, order.strategy)]

    def working(self, strategy: str) -> int:
        """How many entries of a strategy may still fill; alternatives, of which one does, are one."""
        return sum(any(order.strategy == strategy for order in group) for group in self._live())

    def touched(self, strategy: str) -> set[str]:
        """Symbols on which the strategy holds something or may come to by what works."""
        held = {legs.symbol for legs in self._books.strategies[strategy].open_books()}
        return held.union(claim.symbol for order in self.entries(strategy) for claim in claims_of(order, None))

    def _live(self) -> list[tuple[Order, ...]]:
        """Groups with what may still fill of them."""
        groups = (tuple([order for order in group if order.live]) for group in self._groups)
        return [group for group in groups if group]

    def pending(self, exposure: Exposure, strategy: str | None) -> Decimal:
        """Lots that working entries may add to one side of a symbol, of one strategy or of all."""
        return total(self._of_group(group, strategy).get(exposure, ZERO) for group in self._live())

    def _of_group(self, group: tuple[Order, ...], strategy: str | None) -> dict[Exposure, Decimal]:
        found: dict[Exposure, Decimal] = {}
        for order in group:
            if strategy in (None, order.strategy):
                found = self.of_both(found, totals(claims_of(order, None)))
        return found

    def open(self, exposure: Exposure, strategy: str | None) -> Decimal:
        """Lots of the legs on one side of a symbol, of one strategy or of all."""
        symbol, side = exposure
        books = [book for name, book in self._books.strategies.items() if strategy in (None, name)]
        legs = (leg for book in books for leg in book.book(symbol))
        return total(leg.quantity for leg in legs if leg.side is side)

    def room_to_reduce(self, order: Order) -> Decimal:
        """How many lots of the strategy's own primary leg the order would close, less what other entries against that leg
        may close before it. Zero for orders that make legs of their own."""
        primary = self._books.strategies[order.strategy].book(order.symbol).primary
        if primary is None or primary.side is order.side or order.role is not LegRole.PRIMARY:
            return ZERO
        ahead = total(self._netting(group, order) for group in self._live())
        return max(ZERO, EXACT.subtract(primary.quantity, ahead))

    def only_reduces(self, order: Order) -> bool:
        """Whether all it can do is to close a part of its strategy's own primary leg."""
        return not brings_more(order) and order.remaining <= self.room_to_reduce(order)

    @staticmethod
    def _netting(group: tuple[Order, ...], order: Order) -> Decimal:
        """The most that a group may take from the primary leg before the order comes."""
        return max((other.remaining for other in group if _same_book(other, order)), default=ZERO)


def _same_book(a: Order, b: Order) -> bool:
    same = a.strategy == b.strategy and a.symbol == b.symbol and a.side is b.side
    return same and a.role is LegRole.PRIMARY and a is not b


def brings_more(order: Order) -> bool:
    """Whether other entries follow it."""
    signal = order.signal
    return signal is not None and bool(signal.stack is not None or signal.tiers or signal.on_fill)
