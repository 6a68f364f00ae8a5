"""A session's equity by the minute: the history that is shown, the day's profit, the fall from the peak."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from typing import NamedTuple, Protocol, overload

import numpy as np
import numpy.typing as npt

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


class Samples(Sequence[Sample]):
    """Samples, oldest first. They are packed, 24 bytes each: as objects a month takes fifteen times as much."""

    def __init__(self, times: array[int] | None = None, money: array[float] | None = None) -> None:
        self._times = array("q") if times is None else times
        # Equity and balance of each.
        self._money = array("d") if money is None else money

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, at: int) -> Sample: ...

    @overload
    def __getitem__(self, at: slice) -> Samples: ...

    def __getitem__(self, at: int | slice) -> Sample | Samples:
        if isinstance(at, slice):
            first, end, _ = at.indices(len(self))
            return Samples(self._times[first:end], self._money[2 * first : 2 * end])
        return Sample(self._times[at], self._money[2 * at], self._money[2 * at + 1])

    def add(self, ts: int, equity: Decimal, balance: Decimal) -> None:
        """Take one more; the oldest go when there are more than a month's."""
        self._times.append(ts)
        self._money.extend((float(equity), float(balance)))
        if len(self._times) >= KEPT + SPARE:
            del self._times[:SPARE], self._money[: 2 * SPARE]

    def since(self, ts: int) -> Samples:
        """Those at or after a time (epoch ms), which change no more."""
        return self[bisect_left(self._times, ts) :]

    @property
    def last(self) -> int | None:
        """The time of the latest one."""
        return self._times[-1] if self._times else None

    @property
    def minutes(self) -> npt.NDArray[np.int64]:
        """The minute of each, as the time at which it began."""
        times = np.array(self._times, np.int64)
        return times - times % MINUTE

    @property
    def money(self) -> npt.NDArray[np.float64]:
        """Equity and balance of each, a row for a sample."""
        return np.array(self._money, np.float64).reshape(-1, 2)


def summed(accounts: Sequence[Samples]) -> Samples:
    """What several accounts come to at the minutes that all of them know."""
    if not accounts:
        return Samples()
    common = reduce(np.intersect1d, (one.minutes for one in accounts))
    money = sum(one.money[np.searchsorted(one.minutes, common)] for one in accounts)
    return Samples(array("q", common.tobytes()), array("d", np.asarray(money).tobytes()))


def as_money(value: float) -> Decimal:
    """What a sample stands for, 8 decimals: to the last digit where it has no more than 15 of them, which is ten million."""
    return q8(Decimal(repr(value)))


def outlined(samples: Sequence[Sample], most: int | None) -> Sequence[Sample]:
    """The samples as they are, or at most so many of them (two at least) with the same outline: the first, the last, and of
    each of the equally long stretches between them the one with the lowest and the one with the highest equity."""
    if most is None or len(samples) <= most:
        return samples

    def equity(at: int) -> float:
        return samples[at].equity

    found = [0]
    stretches, inner = (most - 2) // 2, len(samples) - 2
    for i in range(stretches):
        stretch = range(1 + i * inner // stretches, 1 + (i + 1) * inner // stretches)
        found += sorted({min(stretch, key=equity), max(stretch, key=equity)})
    return [samples[at] for at in (*found, len(samples) - 1)]


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
