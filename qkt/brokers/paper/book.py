"""The book: working orders by symbol in the order of submission, and what a tick does to them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import inf

from qkt.core.events import Tick
from qkt.core.terms import OrderKind, Side
from qkt.core.watch import Reads, Waits, Watch
from qkt.orders import Order


@dataclass(slots=True, eq=False)
class Resting:
    """A working order, the lots it still wants, and the quote it waits for.

    `key` names it for random draws, `slices` counts its fills so far. `armed` tells that it works as a limit: always one, or
    a stop-limit whose stop was hit; `touched` that the market has been at the limit without filling it; `triggered` that it
    goes on as a market order. `doomed` is why it is cancelled as soon as it arrives. `live` ends when it leaves the book.
    """

    order: Order
    quantity: Decimal
    watch: Watch
    key: str
    armed: bool
    slices: int = 0
    touched: bool = False
    triggered: bool = False
    doomed: str | None = None
    live: bool = True

    @classmethod
    def of(cls, order: Order, quantity: Decimal, key: str = "") -> Resting:
        """What the order waits for: a limit and a market-if-touched for a better price, a stop for a worse one, a market
        order for any."""
        buys = order.side is Side.BUY
        kind = order.venue_kind
        limit = kind is OrderKind.LIMIT
        if kind is OrderKind.MARKET:
            level, below = inf, True
        else:
            price = order.limit if limit else order.stop
            assert price is not None
            level, below = float(price), buys if limit or kind is OrderKind.IF_TOUCHED else not buys
        watch = Watch(order.symbol, Reads.ASK if buys else Reads.BID, below, level, order.expires_at)
        return cls(order, quantity, watch, key, limit)

    def arm(self) -> None:
        """The stop of a stop-limit was hit: from now on it is a limit."""
        assert self.order.limit is not None
        self.armed = True
        self.watch.below = self.order.side is Side.BUY
        self.wait_for(float(self.order.limit))

    def trigger(self) -> None:
        """What is left of a stop that was hit goes on as a market order."""
        self.triggered = True
        self.watch.below = True
        self.wait_for(inf)

    def wait_for(self, level: float) -> None:
        self.watch.level = level
        self.watch.row = -1


NO_ORDERS: list[Resting] = []


class OrderBook:
    """Finds orders, and which of them a tick ends or hits."""

    def __init__(self, waits: Waits) -> None:
        self._by_symbol: dict[str, list[Resting]] = {}
        self._waits = waits

    def watches(self) -> list[Watch]:
        return [resting.watch for orders in self._by_symbol.values() for resting in orders]

    def ids(self) -> list[str]:
        return [resting.order.id for orders in self._by_symbol.values() for resting in orders]

    def add(self, resting: Resting) -> None:
        self._by_symbol.setdefault(resting.order.symbol, []).append(resting)
        self._waits.changed()

    def remove(self, resting: Resting) -> None:
        resting.live = False
        self._by_symbol[resting.order.symbol].remove(resting)
        self._waits.changed()

    def moved(self) -> None:
        """An order waits for something else now."""
        self._waits.changed()

    def find(self, order: Order) -> Resting | None:
        return next((r for r in self._by_symbol.get(order.symbol, NO_ORDERS) if r.order is order), None)

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
