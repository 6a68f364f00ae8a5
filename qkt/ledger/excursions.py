"""How far positions and equity went between fills: MFE and MAE of legs, equity peaks of strategies.

Tick by tick every tick is observed as it passes. In a replay that jumps, the ticks in between are folded afterwards out of
price columns: the extremes and the equity formula are the same operations, so the results are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from qkt.brokers import QuoteBoard
from qkt.core.events import Tick

if TYPE_CHECKING:
    from qkt.ledger.books import Books
    from qkt.ledger.legs import LegBook
    from qkt.ledger.strategy_book import StrategyBook

Prices = NDArray[np.float64]


class PricePath(Protocol):
    """Prices of the ticks that a replay has passed but not folded yet, all symbols aligned to the same rows."""

    def mark(self) -> None:
        """The tick being processed counts as passed from now on."""
        ...

    def pending(self) -> bool:
        """Whether there are rows to fold."""
        ...

    def prices(self, symbol: str) -> Prices:
        """The symbol's last price at each pending row, NaN before its first tick."""
        ...

    def first(self, symbol: str) -> float:
        """The symbol's last price at the first pending row."""
        ...

    def own_prices(self, symbol: str) -> Prices:
        """Prices of the symbol's own ticks among the pending rows."""
        ...

    def settled(self) -> None:
        """The pending rows have been folded."""
        ...


class Excursions:
    """Keeps leg extremes and equity peaks current, that of several strategies together where `shared` is set. `path` is set
    by a replay that jumps."""

    def __init__(self, books: Books, board: QuoteBoard) -> None:
        self._books = books
        self._board = board
        self.path: PricePath | None = None
        self.shared = False
        # What equity was made of at the last tick: fills and money so far, and the symbols whose prices have a part in it.
        self._fills = -1
        self._money = books.realized
        self._moving: frozenset[str] | None = None
        # Between these prices of the one symbol that it is made of nothing is new, since equity is at its best at one of them.
        self._low, self._high, self._banded = inf, -inf, False
        # What the legs on each of them are worth at its last price, by strategy, in the order in which equity is summed.
        self._worth: dict[str, dict[str, float]] = {}

    def on_tick(self, tick: Tick) -> None:
        if self.path is not None:
            self.path.mark()
            return
        books, symbol, price = self._books, tick.symbol, tick.price
        fills, money = len(books.trades), books.realized
        if fills == self._fills and money is self._money:
            if (self._moving is not None and symbol not in self._moving) or self._low <= price <= self._high:
                return
        else:
            self._fills, self._money, self._moving = fills, money, self._parts()
            self._worth.clear()
            self._low, self._high, self._banded = inf, -inf, self.simple
        for book in books.strategies.values():
            legs = book.legs.get(symbol)
            if legs:
                for leg in legs.all:
                    leg.observe(price, price)
            equity = books.equity_f(book) if self._moving is None else self._equity(book, symbol, legs, price)
            if equity > book.peak_f:
                book.peak_f = equity
        if self._banded and self._moving and symbol in self._moving:
            self._low, self._high = min(self._low, price), max(self._high, price)
        if self.shared:
            self._books.shared_peak_f = max(self._books.shared_peak_f, self._books.account_equity_f())

    @property
    def simple(self) -> bool:
        """Whether equity has been looked at since it was made of other things, and depends on one symbol's price at most."""
        books = self._books
        if self.shared or len(books.trades) != self._fills or books.realized is not self._money or self._moving is None:
            return False
        held = [legs for book in books.strategies.values() for legs in book.open_books()]
        return len(held) < 2 and all(legs.one_way for legs in held)

    def fold(self, symbol: str, high: float, low: float, last: float) -> None:
        """Take ticks of a symbol at once, while it is `simple`. Every operation of the equity rises with the price, or every
        one falls with it, and so does what it rounds to."""
        for book in self._books.strategies.values():
            legs = book.legs.get(symbol)
            if not legs:
                continue
            for leg in legs:
                leg.observe(high, low)
            equity = book.balance_f + self._books.profit_f(legs, high if legs.net_f > 0 else low)
            if equity > book.peak_f:
                book.peak_f = equity
            worth = self._worth.get(book.strategy)
            if worth is not None:
                worth[symbol] = self._books.profit_f(legs, last)

    def _equity(self, book: StrategyBook, symbol: str, legs: LegBook | None, price: float) -> float:
        """`Books.equity_f` after a tick of one symbol: the same sum, of which only that symbol's part is worked out anew."""
        worth = self._worth.get(book.strategy)
        if worth is None:
            worth = self._worth[book.strategy] = {
                held.symbol: self._open_profit(held) for held in book.legs.values() if held.all
            }
        elif legs:
            worth[symbol] = self._books.profit_f(legs, price)
        equity = book.balance_f
        for part in worth.values():
            equity += part
        return equity

    def _open_profit(self, legs: LegBook) -> float:
        last = self._board.last(legs.symbol)
        return 0.0 if last is None else self._books.profit_f(legs, last)

    def _parts(self) -> frozenset[str] | None:
        """The symbols with open legs, None where other prices convert what those are worth."""
        held = frozenset(legs.symbol for book in self._books.strategies.values() for legs in book.open_books())
        return held if all(self._books.converter.is_one(symbol) for symbol in held) else None

    def settle(self) -> None:
        """Fold what has passed since the last fold, before a position changes or an excursion is read."""
        path = self.path
        if path is None or not path.pending():
            return
        for book in self._books.strategies.values():
            self._fold(book, path)
        if self.shared:
            self._fold_shared(path)
        path.settled()

    def _fold(self, book: StrategyBook, path: PricePath) -> None:
        held = book.open_books()
        high, low = -inf, inf
        for legs in held:
            own = path.own_prices(legs.symbol)
            if len(own):
                high, low = float(np.maximum.reduce(own)), float(np.minimum.reduce(own))
                for leg in legs.all:
                    leg.observe(high, low)
        if not held:
            highest = book.balance_f
        elif len(held) == 1 and held[0].one_way and self._books.converter.is_one(held[0].symbol):
            # Every operation of the formula rises with the price, or every one falls with it, and so does what it rounds to.
            legs = held[0]
            before = path.first(legs.symbol)
            best = max(high, before) if legs.net_f > 0 else min(low, before)
            highest = book.balance_f + self._books.profit_f(legs, best)
        else:
            highest = float(np.fmax.reduce(equity_along(self._books, book, path.prices)))  # which passes over NaN
        if highest > book.peak_f:
            book.peak_f = highest

    def _fold_shared(self, path: PricePath) -> None:
        equity = account_equity_along(self._books, path.prices)
        self._books.shared_peak_f = max(self._books.shared_peak_f, float(np.fmax.reduce(np.atleast_1d(equity))))


def equity_along(books: Books, book: StrategyBook, prices: Callable[[str], Prices]) -> Prices | float:
    """`Books.equity_f` for a whole stretch of last prices by symbol: the same operations in the same order. One number for a
    strategy that holds nothing."""
    equity: Prices | float = book.balance_f
    for legs in book.legs.values():
        if legs.all:
            equity = equity + _open_profit(books, legs, prices)
    return equity


def account_equity_along(books: Books, prices: Callable[[str], Prices]) -> Prices | float:
    """`Books.account_equity_f` in the same way."""
    if books.sole is not None:
        return equity_along(books, books.sole, prices)
    equity: Prices | float = float(books.starting)
    for book in books.strategies.values():
        equity = equity + (equity_along(books, book, prices) - float(book.starting))
    return equity


def exposure_along(books: Books, prices: Callable[[str], Prices]) -> tuple[Prices | float, Prices | float]:
    """`Books.exposure_f` in the same way."""
    gross: Prices | float = 0.0
    nets: dict[str, Prices | float] = {}
    worth: Prices | float
    for book in books.strategies.values():
        for legs in book.legs.values():
            if legs.all:
                worth = legs.net_f * prices(legs.symbol) * _factor(books, legs.symbol, prices)
                gross = gross + np.abs(worth)
                nets[legs.symbol] = nets.get(legs.symbol, 0.0) + worth
    net: Prices | float = 0.0
    for worth in nets.values():
        net = net + np.abs(worth)
    return gross, net


def _open_profit(books: Books, legs: LegBook, prices: Callable[[str], Prices]) -> Prices:
    own, factor = prices(legs.symbol), _factor(books, legs.symbol, prices)
    total: Prices = np.zeros(len(own))
    for leg in legs.all:
        total = total + (own - leg.entry_f) * leg.signed_f * factor
    return total


def _factor(books: Books, symbol: str, prices: Callable[[str], Prices]) -> Prices | float:
    """`Books.factor_f` in the same way."""
    factor = books.contract_f(symbol)
    source = books.converter.factor_source(symbol)
    if source is None:
        return factor
    bridge = prices(source[0])
    return factor * (1.0 / bridge if source[1] else bridge)
