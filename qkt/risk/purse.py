"""Whose money a limit watches, and what it was when the day began."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.numbers import EXACT, q8, total
from qkt.ledger import Books


class Purse:
    """The money of one strategy, or of the account, which is that of all of its strategies.

    `day_realized` and `day_equity` are what was realized and what the equity was when the day began.
    """

    def __init__(self, books: Books, strategy: str | None) -> None:
        self._books = books
        self._own = list(books.strategies.values()) if strategy is None else [books.strategies[strategy]]
        # Whose books these are alone, None where several strategies share them.
        self.book = books.sole if strategy is None else self._own[0]
        self.strategy = strategy
        self.starting = books.starting if strategy is None else self._own[0].starting
        self.day_realized = self.realized
        self.day_equity = self.starting

    @property
    def realized(self) -> Decimal:
        """Net of costs and financing, account currency."""
        return self._own[0].realized if len(self._own) == 1 else total(book.realized for book in self._own)

    @property
    def lost_today(self) -> Decimal:
        """Positive for a loss."""
        return EXACT.subtract(self.day_realized, self.realized)

    @property
    def day_balance(self) -> Decimal:
        """The balance when the day began."""
        return EXACT.add(self.starting, self.day_realized)

    def equity_f(self) -> float:
        """Balance plus open profit at the last prices, float64."""
        return self._books.account_equity_f() if self.book is None else self._books.equity_f(self.book)

    def peak_f(self) -> float:
        """The highest equity so far, the tick being processed included once excursions have seen it."""
        self._books.excursions.settle()
        return self._books.shared_peak_f if self.book is None else self.book.peak_f

    def watch_peak(self) -> None:
        """Have the peak of several strategies together kept from now on."""
        self._books.excursions.shared |= self.book is None

    @property
    def exposed(self) -> bool:
        """Whether something is open, so that prices move the equity."""
        return any(legs.all for book in self._own for legs in book.legs.values())

    def begin_day(self) -> None:
        """What is realized and open now is the day's beginning."""
        self.day_realized = self.realized
        self.day_equity = money(self.equity_f())


def money(amount: float) -> Decimal:
    """A float amount as money is written: 8 decimals, which takes away what float64 added to it."""
    return q8(Decimal(amount))
