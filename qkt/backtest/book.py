"""A portfolio's run child by child: what each did, what the book decided, and what each contributed to return and risk."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from qkt.core.calendars import calendar_for
from qkt.core.events import Event
from qkt.core.numbers import ZERO, total
from qkt.core.timeframe import MINUTE_MS
from qkt.engine import Session
from qkt.portfolio import (
    BookRiskChanged,
    ChildGated,
    Portfolio,
    RegimeChosen,
    SignalSized,
    SignalSuppressed,
)

if TYPE_CHECKING:
    from qkt.backtest.curve import Floats
    from qkt.backtest.record import RunRecord

DEEDS = (ChildGated, RegimeChosen, BookRiskChanged)


@dataclass(frozen=True, slots=True)
class ChildRun:
    """One child at the end of a run. `balance` is what it started with, `equity_values` its own curve at the times of the
    book's; money in account currency."""

    strategy: str
    alias: str
    weight: Decimal | None
    balance: Decimal
    symbols: tuple[str, ...]
    equity_values: array[float]
    realized: Decimal
    unrealized: Decimal
    suppressed: int
    reduced: int


@dataclass(frozen=True, slots=True)
class ChildFailure:
    """A child that raised: it was out from then on (epoch ms), and the others went on."""

    strategy: str
    ts: int
    text: str


@dataclass(frozen=True, slots=True)
class BookRun:
    """What is a portfolio's alone. `gross` and `net` are what the book held at the times of the equity curve: the sum of what
    each child's position in each symbol was worth, and of what each symbol's came to.

    `decisions` are openings and closings of gates, changes of regime and of the book's risk, and the entries that were
    made smaller or larger, in their order. `failures` are children that raised.
    """

    capital: Decimal | None
    children: tuple[ChildRun, ...]
    gross: array[float]
    net: array[float]
    decisions: list[Event] = field(default_factory=list)
    failures: tuple[ChildFailure, ...] = ()


class Decisions:
    """Writes down what a portfolio decides while it runs."""

    def __init__(self, session: Session) -> None:
        self.events: list[Event] = []
        self.suppressed: Counter[str] = Counter()
        self.reduced: Counter[str] = Counter()
        for kind in DEEDS:
            session.scope.subscribe(kind, self.events.append)
        session.scope.subscribe(SignalSized, self._on_sized)
        session.scope.subscribe(SignalSuppressed, self._on_suppressed)

    def _on_sized(self, event: SignalSized) -> None:
        if event.sized != event.asked:
            self.events.append(event)
        if event.sized < event.asked:
            self.reduced[event.strategy] += 1

    def _on_suppressed(self, event: SignalSuppressed) -> None:
        self.suppressed[event.strategy] += 1


def book_run(portfolio: Portfolio, session: Session, decisions: Decisions, failures: Sequence[ChildFailure] = ()) -> BookRun:
    """Copy what the session holds of its children at its end."""
    books, equity = session.books, session.equity
    children = tuple(
        ChildRun(
            child.id,
            child.alias,
            child.weight,
            books.strategies[child.id].starting,
            tuple(dict.fromkeys(s.symbol for s in child.strategy.streams if s.traded)),
            equity.by_strategy[child.id],
            books.strategies[child.id].realized,
            books.unrealized(strategy=child.id),
            decisions.suppressed[child.id],
            decisions.reduced[child.id],
        )
        for child in portfolio.children
    )
    return BookRun(portfolio.capital, children, equity.gross, equity.net, decisions.events, tuple(failures))


def child_record(record: RunRecord, child: ChildRun) -> RunRecord:
    """The run as if the child had been alone in it: its own rows, its own curve, its own money."""

    def own(rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if row.strategy == child.strategy]

    rows: dict[str, Any] = {name: own(getattr(record, name)) for name in OWN_ROWS}
    trades = rows["trades"]
    return replace(
        record,
        strategy=child.strategy,
        symbols=child.symbols or record.symbols,
        balance=child.balance,
        equity_values=child.equity_values,
        realized=child.realized,
        unrealized=child.unrealized,
        commission=total(row.commission for row in trades),
        fees=total(row.fees for row in trades),
        swap=total([row.swap for row in trades] + [row.amount for row in rows["financing"]]),
        book=None,
        **rows,
    )


OWN_ROWS = ("trades", "round_trips", "financing", "open_positions", "working_orders", "rejections", "refusals", "logs")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one child is of its book. `contribution` is its share of the total P&L, `risk` that of the variance (PCTR, they sum
    to 1), `drawdown` that of the deepest fall in money; fractions, None where there is nothing to share."""

    alias: str
    pnl: Decimal
    contribution: float
    risk: float | None
    drawdown: float | None


@dataclass(frozen=True, slots=True)
class BookMetrics:
    """Analytics of a book. Returns are changes of P&L between samples over the book's starting balance, so that those of the
    children add up to that of the book; statistics have n - 1.

    `correlation` is that of the children's returns in their order, 0 where one of them has no variance. `volatility` is that
    of a year, a fraction of the starting balance. `drawdown` is the deepest fall of the book's P&L in money. Exposures in
    account currency.
    """

    children: tuple[Contribution, ...]
    correlation: tuple[tuple[float, ...], ...]
    volatility: float
    drawdown: float
    peak_gross: float
    peak_net: float


def book_metrics(record: RunRecord) -> BookMetrics | None:
    """None without at least two children, a balance and two returns."""
    book = record.book
    if book is None or len(book.children) < 2 or not record.balance or len(record.equity_times) < 3:
        return None
    profits = np.array([np.array(child.equity_values) - float(child.balance) for child in book.children])
    returns = np.diff(profits, axis=1) / float(record.balance)
    whole = returns.sum(axis=0)
    covariance = np.atleast_2d(np.cov(returns, ddof=1))
    variance = float(np.var(whole, ddof=1))
    peak, trough = deepest_fall(profits.sum(axis=0))
    fall = profits[:, trough] - profits[:, peak]
    earned = [child.realized + child.unrealized for child in book.children]
    result = sum(earned, ZERO)
    parts = []
    for number, child in enumerate(book.children):
        risk = float(np.cov(returns[number], whole, ddof=1)[0, 1]) / variance if variance > 0 else None
        parts.append(
            Contribution(
                child.alias,
                earned[number],
                float(earned[number] / result) if result else 0.0,
                risk,
                float(fall[number] / fall.sum()) if fall.sum() else None,
            )
        )
    per_year = calendar_for(record.symbols[0]).minutes_per_year * MINUTE_MS / record.timeframe_ms
    return BookMetrics(
        tuple(parts),
        _correlation(covariance),
        math.sqrt(variance * per_year),
        round(-float(fall.sum()), 8),
        max(book.gross, default=0.0),
        max(book.net, default=0.0),
    )


def deepest_fall(values: Floats) -> tuple[int, int]:
    """Places of the peak and the trough of the deepest fall in money; twice the first place when nothing fell."""
    falls = np.maximum.accumulate(values) - values
    trough = int(np.argmax(falls))
    if falls[trough] <= 0:
        return 0, 0
    return int(np.argmax(values[: trough + 1])), trough


def _correlation(covariance: Floats) -> tuple[tuple[float, ...], ...]:
    deviations = np.sqrt(np.diag(covariance))
    scale = np.outer(deviations, deviations)
    values = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
    return tuple(tuple(float(value) for value in row) for row in values.clip(-1.0, 1.0))  # rounding may lead beyond
