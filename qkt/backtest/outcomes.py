"""What closed trades came to: wins, losses, and the ratios between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.numbers import q8, quotient, total
from qkt.ledger import RoundTrip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Statistics of round trips by their net result. A trade is decided when its net is not zero.

    Money is in account currency after all costs, losses are negative; what cannot be computed is None.

    - `win_rate`: wins / decided
    - `profit_factor`: sum of wins / |sum of losses|, None without a loss
    - `expectancy`: sum of the decided / decided, which is p * average_win + (1 - p) * average_loss with p = win_rate
    - `expectancy_r`: mean R multiple of the trades whose initial risk is known
    - `payoff_ratio`: average_win / |average_loss|
    - streaks: the longest runs of wins and of losses in the order of closing; a zero ends a run
    - `average_seconds`: mean time from the first entry to flat
    """

    closed_trades: int
    wins: int
    losses: int
    net: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    win_rate: float | None
    profit_factor: float | None
    expectancy: Decimal | None
    expectancy_r: Decimal | None
    payoff_ratio: float | None
    average_win: Decimal | None
    average_loss: Decimal | None
    largest_win: Decimal | None
    largest_loss: Decimal | None
    max_consecutive_wins: int
    max_consecutive_losses: int
    average_seconds: float | None


def outcomes_of(trips: Sequence[RoundTrip]) -> Outcomes:
    """The statistics of these round trips, given in the order of closing."""
    nets = [trip.net for trip in trips]
    wins = [net for net in nets if net > 0]
    losses = [net for net in nets if net < 0]
    multiples = [trip.r_multiple for trip in trips if trip.r_multiple is not None]
    decided = len(wins) + len(losses)
    profit, loss = total(wins), total(losses)
    average_win, average_loss = _mean(profit, len(wins)), _mean(loss, len(losses))
    return Outcomes(
        closed_trades=len(trips),
        wins=len(wins),
        losses=len(losses),
        net=total(nets),
        gross_profit=profit,
        gross_loss=loss,
        win_rate=len(wins) / decided if decided else None,
        profit_factor=float(quotient(profit, -loss)) if losses else None,
        expectancy=_mean(profit + loss, decided),
        expectancy_r=_mean(total(multiples), len(multiples)),
        payoff_ratio=float(quotient(average_win, -average_loss)) if average_win and average_loss else None,
        average_win=average_win,
        average_loss=average_loss,
        largest_win=max(wins, default=None),
        largest_loss=min(losses, default=None),
        max_consecutive_wins=_longest(net > 0 for net in nets),
        max_consecutive_losses=_longest(net < 0 for net in nets),
        average_seconds=sum(trip.exit_time - trip.entry_time for trip in trips) / 1000 / len(trips) if trips else None,
    )


def _mean(amount: Decimal, count: int) -> Decimal | None:
    return q8(quotient(amount, Decimal(count))) if count else None


def _longest(flags: Iterable[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest
