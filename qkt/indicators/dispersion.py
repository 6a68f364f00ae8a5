"""How far inputs spread: deviations, scores and bands."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.indicators.rolling import Rolling
from qkt.indicators.sums import Num, mean, root, sample_variance, squares
from qkt.indicators.ties import flat


class Variance(Rolling):
    """Sample variance of the last n inputs, two-pass, 0 when flat. Ready on input n."""

    __slots__ = ()
    flat_value = 0.0

    def formula(self, window: Sequence[Num]) -> Num:
        return sample_variance(window)


class Stddev(Rolling):
    """Sample standard deviation (divisor n - 1) of the last n inputs, 0 when flat. Ready on input n."""

    __slots__ = ()
    flat_value = 0.0

    def formula(self, window: Sequence[Num]) -> Num:
        return root(sample_variance(window))


class Zscore(Rolling):
    """Distance of the input from the mean of the last n (itself included) in sample deviations. Ready on input n.

    Undefined while flat.
    """

    __slots__ = ()

    def formula(self, window: Sequence[Num]) -> Num:
        # Seen from one of the inputs the differences are exact, so a score near 0 keeps its digits.
        origin = window[0]
        shifted = [v - origin for v in window]
        center = mean(shifted)
        return (shifted[-1] - center) / root(squares(shifted, center) / (len(shifted) - 1))


class Bollinger(Rolling):
    """A Bollinger band: mean + k * population deviation of the last n inputs, the mean when flat. Ready on input n.

    The upper band has k > 0, the lower one k < 0, the middle k = 0. Source: J. Bollinger, 1992.
    """

    __slots__ = ("_k",)

    def __init__(self, n: int, k: float) -> None:
        super().__init__(n)
        self._k = k

    def formula(self, window: Sequence[Num]) -> Num:
        center = mean(window)
        return center + self._k * root(squares(window, center) / len(window))

    def of(self, window: Sequence[float]) -> float | None:
        return mean(window) if flat(window) else super().of(window)


class MeanDeviation(Rolling):
    """Distance of the input from the mean of the last n in 0.015 mean absolute deviations, 0 when flat. Ready on input n.

    Fed with typical prices this is the commodity channel index.
    """

    __slots__ = ()
    flat_value = 0.0

    def formula(self, window: Sequence[Num]) -> Num:
        center = mean(window)
        return (window[-1] - center) / (0.015 * mean([abs(v - center) for v in window]))
