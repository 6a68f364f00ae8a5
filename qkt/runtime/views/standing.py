"""What is counted of a session for show, taken up where the last look left it."""

from __future__ import annotations

from decimal import Decimal

from qkt.runtime.equity import Samples, as_money

DAY_MS = 86_400_000
POINTS = 24


class Standing:
    """The trend of the last day."""

    def __init__(self) -> None:
        self._trend: tuple[Decimal, ...] = ()
        self._sampled = -1

    def trend(self, samples: Samples) -> tuple[Decimal, ...]:
        """The equity at up to 24 moments of the last day that there are samples of, oldest first."""
        last = samples.last
        if last is not None and last != self._sampled:
            self._sampled = last
            recent = samples.since(last - DAY_MS + 1)
            step = max(1, -(-len(recent) // POINTS))
            self._trend = tuple(as_money(recent[at].equity) for at in reversed(range(len(recent) - 1, -1, -step)))
        return self._trend
