"""A session's equity by the minute: the history that is shown, the day's profit, the fall from the peak."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple, Protocol

from qkt.core.daily import UTC_MIDNIGHT, DailyBoundary
from qkt.core.numbers import ZERO, q8, quotient
from qkt.ledger import Books

MINUTE = 60_000
KEPT = 30 * 24 * 60
"""Samples kept, at least."""
SPARE = 24 * 60
"""So many more before the oldest go, all at once."""
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
    """Equity and balance (account currency, see `as_money`) after the first tick of a minute; `ts` epoch ms."""

    ts: int
    equity: float
    balance: float


class Samples:
    """The latest samples, oldest first. They are packed, 24 bytes each: as objects a month takes fifteen times as much."""

    def __init__(self) -> None:
        self._times, self._money = array("q"), array("d")

    def __len__(self) -> int:
        return len(self._times)

    def add(self, ts: int, equity: Decimal, balance: Decimal) -> None:
        self._times.append(ts)
        self._money.extend((float(equity), float(balance)))
        if len(self._times) >= KEPT + SPARE:
            del self._times[:SPARE], self._money[: 2 * SPARE]

    def since(self, ts: int) -> Iterator[Sample]:
        """Those at or after a time (epoch ms)."""
        for at in range(bisect_left(self._times, ts), len(self._times)):
            yield Sample(self._times[at], self._money[2 * at], self._money[2 * at + 1])

    @property
    def last(self) -> int | None:
        """The time of the latest one."""
        return self._times[-1] if self._times else None


def as_money(value: float) -> Decimal:
    """What a sample stands for, 8 decimals: to the last digit where it has no more than 15 of them, which is ten million."""
    return q8(Decimal(repr(value)))


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
        self.samples = Samples()
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
        self.samples.add(ts, equity, self.account.balance())
        if ts >= self._day_ends:
            self._day_ends, self.day_start = self._day.next(ts), equity
        self.worst = min(self.worst, self.drawdown(equity))

    def drawdown(self, equity: Decimal) -> Decimal:
        """The fall from the peak, percent of the peak, zero or negative."""
        self.peak = max(self.peak, equity)
        return q8(quotient(HUNDRED * (equity - self.peak), self.peak)) if self.peak > 0 else ZERO
