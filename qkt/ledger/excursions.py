"""How far positions and equity went between fills: MFE and MAE of legs, equity peaks of strategies.

Tick by tick every tick is observed as it passes. In a replay that jumps, the ticks in between are folded afterwards out of
price columns: the extremes and the equity formula are the same operations, so the results are the same to the bit.
"""

from __future__ import annotations

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

    def own_prices(self, symbol: str) -> Prices:
        """Prices of the symbol's own ticks among the pending rows."""
        ...

    def settled(self) -> None:
        """The pending rows have been folded."""
        ...


class Excursions:
    """Keeps leg extremes and equity peaks current. `path` is set by a replay that jumps."""

    def __init__(self, books: Books, board: QuoteBoard) -> None:
        self._books = books
        self._board = board
        self.path: PricePath | None = None

    def on_tick(self, tick: Tick) -> None:
        if self.path is not None:
            self.path.mark()
            return
        for book in self._books.strategies.values():
            legs = book.legs.get(tick.symbol)
            if legs:
                for leg in legs:
                    leg.observe(tick.price, tick.price)
            equity = self._books.equity_f(book)
            if equity > book.peak_f:
                book.peak_f = equity

    def settle(self) -> None:
        """Fold what has passed since the last fold, before a position changes or an excursion is read."""
        path = self.path
        if path is None or not path.pending():
            return
        for book in self._books.strategies.values():
            self._fold(book, path)
        path.settled()

    def _fold(self, book: StrategyBook, path: PricePath) -> None:
        held = book.open_books()
        for legs in held:
            own = path.own_prices(legs.symbol)
            if len(own):
                high, low = float(own.max()), float(own.min())
                for leg in legs:
                    leg.observe(high, low)
        highest = self._highest(book, held, path)
        if highest > book.peak_f:
            book.peak_f = highest

    def _highest(self, book: StrategyBook, held: list[LegBook], path: PricePath) -> float:
        """The greatest equity of the stretch."""
        if not held:
            return book.balance_f
        first = held[0]
        if len(held) == 1 and first.one_way and self._books.converter.is_one(first.symbol):
            # Every operation of the formula rises with the price, or every one falls with it, and so does what it rounds to.
            prices = path.prices(first.symbol)
            best = prices.max() if first.net_f > 0 else prices.min()
            return book.balance_f + self._books.profit_f(first, float(best))
        equity: Prices | float = book.balance_f
        for legs in held:
            equity = equity + self._open_profit(legs.symbol, [(leg.entry_f, leg.signed_f) for leg in legs], path)
        return float(np.fmax.reduce(equity))  # which passes over NaN

    def _open_profit(self, symbol: str, legs: list[tuple[float, float]], path: PricePath) -> Prices:
        """`Books.equity_f` for a whole stretch: the same operations in the same order."""
        prices = path.prices(symbol)
        factor: Prices | float = self._books.contract_f(symbol)
        source = self._books.converter.factor_source(symbol)
        if source is not None:
            bridge = path.prices(source[0])
            factor = factor * (1.0 / bridge if source[1] else bridge)
        total: Prices = np.zeros(len(prices))
        for entry, signed in legs:
            total = total + (prices - entry) * signed * factor
        return total
