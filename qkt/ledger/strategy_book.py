"""One strategy's own account: its legs, its realized money, its history of outcomes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.daily import UTC_MIDNIGHT, DailyBoundary
from qkt.core.numbers import EXACT, NO_MONEY
from qkt.ledger.legs import LegBook

KEPT_OUTCOMES = 64


@dataclass(slots=True)
class Outcome:
    """A reducing fill with a net result."""

    ts: int
    pnl: float
    symbol: str


class StrategyBook:
    """Money in account currency. `time` is the evaluation time that day counts and holding times refer to, `day` where its
    days begin, `entries_by_day` how many fills opened or grew a position, by the beginning of the day. `closed` legs came back
    to flat, `won` of them with a profit; `last_fill` is when the last of the `fills` was (epoch ms)."""

    def __init__(self, strategy: str, starting: Decimal, day: DailyBoundary = UTC_MIDNIGHT) -> None:
        self.strategy = strategy
        self.day = day
        self.starting = starting
        self.realized = NO_MONEY
        self.balance_f = float(starting)
        self.peak_f = float(starting)
        self.legs: dict[str, LegBook] = {}
        self.outcomes: deque[Outcome] = deque(maxlen=KEPT_OUTCOMES)
        self.entries_by_day: dict[int, int] = {}
        self.fills = self.closed = self.won = 0
        self.last_fill: int | None = None
        self.win_streak = 0
        self.loss_streak = 0
        self.banked = 0.0
        self.cooldown_until = 0
        self.time = 0

    def book(self, symbol: str) -> LegBook:
        """The legs on a symbol, an empty book at first."""
        found = self.legs.get(symbol)
        if found is None:
            found = self.legs[symbol] = LegBook(symbol)
        return found

    def open_books(self) -> list[LegBook]:
        return [book for book in self.legs.values() if book]

    def add(self, amount: Decimal) -> None:
        """Book a net result or a cash flow, 8 decimals."""
        self.realized = EXACT.add(self.realized, amount)
        self.balance_f = float(EXACT.add(self.starting, self.realized))

    def entries_on(self, ts: int) -> int:
        """How many fills of the day that holds an instant opened or grew a position."""
        return self.entries_by_day.get(self.day.start(ts), 0)

    def count_entry(self, ts: int) -> None:
        day = self.day.start(ts)
        self.entries_by_day[day] = self.entries_by_day.get(day, 0) + 1

    def count_outcome(self, ts: int, pnl: Decimal, symbol: str) -> None:
        """A reducing fill realized `pnl` after costs; zero changes nothing."""
        if pnl == 0:
            return
        amount = float(pnl)
        self.outcomes.append(Outcome(ts, amount, symbol))
        if amount > 0:
            self.win_streak, self.loss_streak = self.win_streak + 1, 0
            self.banked += amount
        else:
            self.win_streak, self.loss_streak = 0, self.loss_streak + 1
            self.banked = 0.0

    def forget_losses(self) -> None:
        """The row of losses begins anew: it has halted the strategy, and the halt is over."""
        self.loss_streak = 0
