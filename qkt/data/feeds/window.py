"""The last prices of a symbol, and how far they spread."""

from __future__ import annotations

from collections import deque
from math import sqrt

SIZE = 64
NEEDED = 16
DEVIATIONS = 6.0
FLOOR_SHARE = 0.002  # of the mean; the deviation of a quiet market is taken to be at least this


class PriceWindow:
    """Mean and deviation of the last 64 prices, kept up to date with every price.

    Sums are of distances from a base price near them, which is renewed once per window: the squares of prices themselves
    would drown the deviation in rounding.
    """

    __slots__ = ("_base", "_due", "_prices", "_squares", "_sum")

    def __init__(self) -> None:
        self._prices: deque[float] = deque()
        self._base = 0.0
        self._sum = 0.0
        self._squares = 0.0
        self._due = 1

    @property
    def mean(self) -> float:
        return self._base + self._sum / len(self._prices) if self._prices else 0.0

    @property
    def deviation(self) -> float:
        n = len(self._prices)
        if not n:
            return 0.0
        mean = self._sum / n
        return sqrt(max(0.0, self._squares / n - mean * mean))

    def add(self, price: float) -> None:
        self._prices.append(price)
        distance = price - self._base
        self._sum += distance
        self._squares += distance * distance
        if len(self._prices) > SIZE:
            distance = self._prices.popleft() - self._base
            self._sum -= distance
            self._squares -= distance * distance
        self._due -= 1
        if not self._due:
            self._renew()

    def is_outlier(self, price: float) -> bool:
        """Whether a price lies more than six deviations off, once there are enough prices to tell."""
        if len(self._prices) < NEEDED:
            return False
        mean = self.mean
        distance = abs(price - mean)
        return distance > DEVIATIONS * (FLOOR_SHARE * mean) and distance > DEVIATIONS * self.deviation

    def _renew(self) -> None:
        self._base = sum(self._prices) / len(self._prices)
        distances = [price - self._base for price in self._prices]
        self._sum = sum(distances)
        self._squares = sum(distance * distance for distance in distances)
        self._due = SIZE
