"""A session's equity by the minute: the history that is shown, the day's profit, the fall from the peak."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple, Protocol

from qkt.core.daily import UTC_MIDNIGHT, DailyBoundary
from qkt.core.numbers import ZERO, q8, quotient
from qkt.ledger import Books

MINUTE = 60_000
KEPT = 30 * 24 * 60
HUNDRED = Decimal(100)


class Account(Protocol):
    def equity(self) -> Decimal: ...

    def balance(self) -> Decimal: ...


class ChildAccount:
    """What one child of a portfolio has of the session's account."""

    def __init__(self, books: Books, name: str) -> None:
        self._books = books
        self._book = books.strategies[name]

    def equity(self) -> Decimal:
        return self.balance() + self._books.unrealized(strategy=self._book.strategy)

    def balance(self) -> Decimal:
        return self._book.starting + self._book.realized


class Sample(NamedTuple):
    """Equity and balance (account currency) after the first tick of a minute; `ts` epoch ms."""

    ts: int
    equity: Decimal
    balance: Decimal


def outlined(samples: Sequence[Sample], most: int | None) -> Sequence[Sample]:
    """The samples as they are, or at most so many of them (two at least) with the same outline: the first, the last, and of
    each of the equally long stretches between them the one with the lowest and the one with the highest equity."""
    if most is None or len(samples) <= most:
        return samples
    equity = attrgetter("equity")
    found = [samples[0]]
    stretches, inner = (most - 2) // 2, len(samples) - 2
    for i in range(stretches):
        stretch = samples[1 + i * inner // stretches : 1 + (i + 1) * inner // stretches]
        found += sorted({min(stretch, key=equity), max(stretch, key=equity)})
    return [*found, samples[-1]]


class EquityHistory:
    """Samples of the last thirty days. `next` is the instant from which the next sample is wanted (epoch ms), `day_start` the
    equity of the first one of the day."""

    def __init__(self, account: Account, day: DailyBoundary = UTC_MIDNIGHT) -> None:
        self.account = account
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self.next = 0
        self.day_start = ZERO
        self.peak = ZERO
        self.worst = ZERO
        self._day = day
        self._day_ends = 0

    def sample(self, ts: int) -> None:
        """Take the first sample of a minute; `ts` is the tick that brought it."""
        self.next = ts - ts % MINUTE + MINUTE
        equity = self.account.equity()
        self.samples.append(Sample(ts, equity, self.account.balance()))
        if ts >= self._day_ends:
            self._day_ends, self.day_start = self._day.next(ts), equity
        self.worst = min(self.worst, self.drawdown(equity))

    def drawdown(self, equity: Decimal) -> Decimal:
        """The fall from the peak, percent of the peak, zero or negative."""
        self.peak = max(self.peak, equity)
        return q8(quotient(HUNDRED * (equity - self.peak), self.peak)) if self.peak > 0 else ZERO
