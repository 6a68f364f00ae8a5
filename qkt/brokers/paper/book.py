"""The book: working orders by symbol in the order of submission, and what a tick does to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import Tick
from qkt.core.terms import OrderKind, Side
from qkt.core.watch import Reads, Watch
from qkt.orders import Order


@dataclass(slots=True, eq=False)
class Resting:
    """A working order and the quote it waits for. `armed` is false while a stop-limit's stop has not been hit."""

    order: Order
    quantity: Decimal
    watch: Watch
    armed: bool

    @classmethod
    def of(cls, order: Order, quantity: Decimal) -> Resting:
        """What the order waits for: a limit and a market-if-touched for a better price, a stop for a worse one."""
        buys = order.side is Side.BUY
        kind = order.venue_kind
        level = order.limit if kind is OrderKind.LIMIT else order.stop
        assert level is not None
        below = buys if kind in (OrderKind.LIMIT, OrderKind.IF_TOUCHED) else not buys
        side = Reads.ASK if buys else Reads.BID
        watch = Watch(order.symbol, side, below=below, level=float(level), deadline=order.expires_at)
        return cls(order, quantity, watch, armed=kind is not OrderKind.STOP_LIMIT)

    def wait_for_limit(self) -> None:
        """The stop of a stop-limit was hit: from now on it is a limit."""
        assert self.order.limit is not None
        self.armed = True
        self.watch.level = float(self.order.limit)
        self.watch.below = self.order.side is Side.BUY
        self.watch.row = -1


NO_ORDERS: list[Resting] = []


class OrderBook:
    """Finds orders, and which of them a tick ends or hits."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, list[Resting]] = {}

    def watches(self) -> Iterator[Watch]:
        return (resting.watch for orders in self._by_symbol.values() for resting in orders)

    def add(self, resting: Resting) -> None:
        self._by_symbol.setdefault(resting.order.symbol, []).append(resting)

    def remove(self, resting: Resting) -> None:
        self._by_symbol[resting.order.symbol].remove(resting)

    def find(self, order: Order) -> Resting | None:
        return next((r for r in self._by_symbol.get(order.symbol, NO_ORDERS) if r.order is order), None)

    def __contains__(self, resting: Resting) -> bool:
        return resting in self._by_symbol.get(resting.order.symbol, NO_ORDERS)

    def sift(self, tick: Tick) -> tuple[list[Resting], list[Resting]]:
        """Orders of the tick's symbol whose deadline has come, and those of the others whose level it reaches."""
        book = self._by_symbol.get(tick.symbol)
        if not book:
            return NO_ORDERS, NO_ORDERS
        ts, price, bid, ask = tick.ts, tick.price, tick.bid, tick.ask
        buy, sell = price if ask is None else ask, price if bid is None else bid
        expired, hit = NO_ORDERS, NO_ORDERS
        for resting in book:
            watch = resting.watch
            deadline = watch.deadline
            if deadline is not None and ts >= deadline:
                expired = [*expired, resting]
                continue
            price = buy if watch.reads is Reads.ASK else sell
            if price <= watch.level if watch.below else price >= watch.level:
                hit = [*hit, resting]
        return expired, hit
