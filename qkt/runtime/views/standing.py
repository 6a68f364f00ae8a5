"""Counts of a session that only grow, taken up where the last look left them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qkt.ledger import RoundTrip
from qkt.runtime.equity import Samples, as_money

DAY_MS = 86_400_000
POINTS = 24


class Standing:
    """Wins so far, and the trend of the last day."""

    def __init__(self) -> None:
        self._wins = 0
        self._counted = 0
        self._trend: tuple[Decimal, ...] = ()
        self._sampled = -1

    def wins(self, trips: Sequence[RoundTrip]) -> int:
        """How many closed trades made money."""
        for at in range(self._counted, len(trips)):
            self._wins += trips[at].net > 0
        self._counted = len(trips)
        return self._wins

    def trend(self, samples: Samples) -> tuple[Decimal, ...]:
        """The equity at up to 24 moments of the last day that there are samples of, oldest first."""
        last = samples.last
        if last is not None and last != self._sampled:
            self._sampled = last
            recent = [sample.equity for sample in samples.since(last - DAY_MS + 1)]
            step = max(1, -(-len(recent) // POINTS))
            self._trend = tuple(as_money(one) for one in recent[::-1][::step][::-1])
        return self._trend
