"""Rules that halt: how much may be lost, how often in a row, and how fast.

All comparisons are strict: a value on its limit breaks nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from qkt.core.numbers import EXACT, ZERO, exact, plain, q8, quotient
from qkt.ledger import StrategyBook
from qkt.risk.halts import Cause, Lasts
from qkt.risk.limits import LossLimits, RiskLimits, StrategyLimits
from qkt.risk.purse import Purse, money

HUNDRED = Decimal(100)
# How far a float equity may lie from the exact one, relative to it and in account currency.
NEAR = 1e-9
ROUND_TRIPS_MS, REJECTIONS_MS = 600_000, 60_000


class Usage(NamedTuple):
    """What stands against a limit now, never below zero, and the limit."""

    now: Decimal
    limit: Decimal
    unit: Literal["money", "percent", "count"]


class HaltRule(Protocol):
    """A limit that is broken or not. `strategy` is whose, None for the account."""

    cause: str
    lasts: Lasts

    @property
    def strategy(self) -> str | None: ...

    def breach(self) -> str | None:
        """In words how it is broken now, None when it holds."""
        ...

    def usage(self, now: int) -> Usage:
        """How much of the limit is used at this time (epoch ms)."""
        ...


class DailyLoss:
    """What was realized since the day began, after costs."""

    cause, lasts = Cause.DAILY_LOSS, Lasts.DAILY

    def __init__(self, purse: Purse, limit: Decimal) -> None:
        self.purse = purse
        self.limit = limit
        self.strategy = purse.strategy

    def breach(self) -> str | None:
        lost = self.purse.lost_today
        return f"daily loss {lost} exceeds max {short(self.limit)}" if lost > self.limit else None

    def usage(self, now: int) -> Usage:  # noqa: ARG002
        return Usage(max(ZERO, self.purse.lost_today), self.limit, "money")


class EquityFall:
    """The fall of the equity from a reference, in percent of it: the starting balance, the peak, or what the day began with.

    `share` of the reference is the equity near which the exact test must decide.
    """

    def __init__(
        self, purse: Purse, pct: Decimal, cause: str, lasts: Lasts, reference: Callable[[], Decimal], *, trailing: bool = False
    ) -> None:
        self.purse = purse
        self.pct = pct
        self.cause = cause
        self.lasts = lasts
        self.trailing = trailing
        self.strategy = purse.strategy
        self._reference = reference
        self.share = 1.0 - float(pct) / 100

    def reference_f(self) -> float:
        return self.purse.peak_f() if self.trailing else float(self._reference())

    def breach(self) -> str | None:
        equity, level = self.purse.equity_f(), self.reference_f()
        if equity > level * self.share + (abs(level) * NEAR + NEAR):
            return None
        reference, now = self._reference(), money(equity)
        fall = EXACT.subtract(reference, now)
        if exact(fall, HUNDRED) <= exact(reference, self.pct):
            return None
        found = f"{exact(fall, HUNDRED) / reference:.4f} %"
        return f"{self.cause} {found} ({reference:.2f} to {now:.2f}) exceeds max {short(self.pct)} %"

    def usage(self, now: int) -> Usage:  # noqa: ARG002
        reference = self._reference()
        fall = EXACT.subtract(reference, money(self.purse.equity_f()))
        return Usage(q8(quotient(max(ZERO, fall) * HUNDRED, reference)) if reference > 0 else ZERO, self.pct, "percent")


class LossStreak:
    """Closes that lost, in a row."""

    cause = Cause.LOSS_STREAK

    def __init__(self, book: StrategyBook, limit: int, lasts: Lasts) -> None:
        self._book = book
        self.limit = limit
        self.lasts = lasts
        self.strategy = book.strategy

    def breach(self) -> str | None:
        losses = self._book.loss_streak
        return f"{losses} losing closes in a row, the limit is {self.limit}" if losses >= self.limit else None

    def usage(self, now: int) -> Usage:  # noqa: ARG002
        return Usage(Decimal(self._book.loss_streak), Decimal(self.limit), "count")


@dataclass(slots=True)
class Runaway:
    """More of something than can be meant, in a stretch of time (ms)."""

    strategy: str
    cause: str
    what: str
    limit: int
    within_ms: int
    times: deque[int]
    lasts: Lasts = Lasts.PERSISTENT

    def count(self, ts: int) -> None:
        """It has happened again."""
        self.times.append(ts)
        while self.times[0] <= ts - self.within_ms:
            self.times.popleft()

    def reset(self) -> None:
        self.times.clear()

    def breach(self) -> str | None:
        found = len(self.times)
        if found <= self.limit:
            return None
        return f"{found} {self.what} within {self.within_ms // 1000} s, the limit is {self.limit}"

    def usage(self, now: int) -> Usage:
        recent = sum(ts > now - self.within_ms for ts in self.times)
        return Usage(Decimal(recent), Decimal(self.limit), "count")


def runaway_rules(strategy: str, limits: StrategyLimits) -> tuple[Runaway, ...]:
    """The rules that stop a strategy which trades, or is rejected, faster than can be meant."""
    return (
        Runaway(strategy, Cause.ROUND_TRIPS, "closing fills", limits.runaway_round_trips, ROUND_TRIPS_MS, deque()),
        Runaway(strategy, Cause.REJECTIONS, "rejections", limits.runaway_rejections, REJECTIONS_MS, deque()),
    )


def loss_rules(purse: Purse, losses: LossLimits, limits: RiskLimits) -> list[DailyLoss | EquityFall]:
    """The rules over the money of a strategy or of the account."""
    found: list[DailyLoss | EquityFall] = []
    if losses.max_daily_loss is not None:
        found.append(DailyLoss(purse, losses.max_daily_loss))
    if losses.max_drawdown_pct is not None:
        trailing = limits.drawdown_basis == "trailing"
        reference = (lambda: money(purse.peak_f())) if trailing else (lambda: purse.starting)
        found.append(EquityFall(purse, losses.max_drawdown_pct, Cause.DRAWDOWN, Lasts.PERSISTENT, reference, trailing=trailing))
    if losses.max_daily_drawdown_pct is not None:
        by_equity = limits.daily_drawdown_basis == "equity"
        began = (lambda: purse.day_equity) if by_equity else (lambda: purse.day_balance)
        found.append(EquityFall(purse, losses.max_daily_drawdown_pct, Cause.DAILY_DRAWDOWN, Lasts.DAILY, began))
    return found


def short(x: Decimal) -> str:
    return plain(x.normalize())
