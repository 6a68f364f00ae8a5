"""How far inputs spread: deviations, scores and bands."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.indicators.exact import ExactSquares
from qkt.indicators.rolling import Rolling
from qkt.indicators.sums import Num, mean


class Stddev(ExactSquares):
    """Sample standard deviation (divisor n - 1) of the last n inputs, 0 when flat. Ready on input n."""

    __slots__ = ()

    def divide_by(self, unit: int) -> int:
        return self.n * (self.n - 1) * unit * unit

    def of(self, x: float) -> float | None:
        return self.deviation(x)


class Variance(Stddev):
    """Sample variance (divisor n - 1) of the last n inputs, 0 when flat. Ready on input n."""

    __slots__ = ()

    def of(self, x: float) -> float:
        return self.spread() / self.divisor if self.deviation(x) else 0.0


class Zscore(Stddev):
    """Distance of the input from the mean of the last n (itself included) in sample deviations. Ready on input n.

    Undefined while flat.
    """

    __slots__ = ()

    def of(self, x: float) -> float | None:
        deviation = self.deviation(x)
        distance = self.n * self.integers[-1] - self.total
        return distance / (self.n << self.power) / deviation if deviation else None


class Bollinger(ExactSquares):
    """A Bollinger band: mean + k * population deviation of the last n inputs, the mean when flat. Ready on input n.

    The upper band has k > 0, the lower one k < 0, the middle k = 0. Source: J. Bollinger, 1992.
    """

    __slots__ = ("_k",)

    def __init__(self, n: int, k: float) -> None:
        super().__init__(n)
        self._k = k

    def divide_by(self, unit: int) -> int:
        return (self.n * unit) ** 2

    def of(self, x: float) -> float:
        return self.total / (self.n << self.power) + self._k * self.deviation(x)


class MeanDeviation(Rolling):
    """Distance of the input from the mean of the last n in 0.015 mean absolute deviations, 0 when flat. Ready on input n.

    Fed with typical prices this is the commodity channel index.
    """

    __slots__ = ()
    flat_value = 0.0

    def formula(self, window: Sequence[Num]) -> Num:
        center = mean(window)
        return (window[-1] - center) / (0.015 * mean([abs(v - center) for v in window]))
