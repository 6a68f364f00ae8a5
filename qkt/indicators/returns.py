"""Statistics of simple returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from qkt.indicators.inputs import BoolArray, Column, FloatArray
from qkt.indicators.rolling import Rolling
from qkt.indicators.sums import Num, mean, root, squares, total
from qkt.indicators.ties import difference, differences, sliding

# Returns are themselves near 0, so that their window is flat by an absolute measure.
FLAT_RETURNS = 1e-15


class OnReturns:
    """Feeds the returns (x_t - x_(t-1)) / x_(t-1) of a series to a window of n. Ready on input n + 1.

    A return on a price of 0 is left out.
    """

    __slots__ = ("_inner", "_previous", "value")

    def __init__(self, inner: Rolling) -> None:
        self._inner = inner
        self._previous: float | None = None
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        previous = self._previous
        self._previous = x
        if previous:
            self.value = self._inner.update(difference(x, previous) / previous)
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        import numpy as np

        first = [] if self._previous is None else [self._previous]
        joined = np.concatenate((first, x))
        if not joined[:-1].all():
            return [self.update(v) for v in x.tolist()]
        if len(x):
            self._previous = float(x[-1])
        with np.errstate(over="ignore"):
            returns = differences(joined[1:], joined[:-1]) / joined[:-1]
        values = self._inner.column(returns)
        self.value = self._inner.value
        return [None] * (len(x) - len(values)) + values


class _ReturnWindow(Rolling):
    """A window of returns, flat when they differ by no more than 1e-15."""

    __slots__ = ()

    def still(self, window: Sequence[float]) -> bool:
        return max(window) - min(window) <= FLAT_RETURNS

    def doubtful(self, x: FloatArray) -> BoolArray:
        import numpy as np

        return sliding(np.maximum, x, self._n) - sliding(np.minimum, x, self._n) <= FLAT_RETURNS


class Skew(_ReturnWindow):
    """Skewness of n returns, population moments: m3 / m2^1.5, 0 when all returns are equal."""

    __slots__ = ()
    flat_value = 0.0

    def formula(self, window: Sequence[Num]) -> Num:
        n, center = len(window), mean(window)
        d = window[0] - center
        second, third = d * d, d * d * d
        for v in islice(window, 1, None):
            d = v - center
            second = second + d * d
            third = third + d * d * d
        m2 = second / n
        return third / n / (m2 * root(m2))


class VarianceRatio(_ReturnWindow):
    """Population variance of k-step returns (overlapping sums) over k times that of single ones, over the last n returns.

    Undefined when all returns are equal. No bias correction. Source: A. Lo and C. MacKinlay, 1988.
    """

    __slots__ = ("_k",)

    def __init__(self, k: int, n: int) -> None:
        super().__init__(n)
        self._k = k

    def formula(self, window: Sequence[Num]) -> Num:
        n, k = len(window), self._k
        count = n - k + 1
        single = squares(window, mean(window)) / n
        center = total(_overlapping(window, k)) / count
        return squares(_overlapping(window, k), center) / count / (k * single)


def _overlapping(window: Sequence[Num], k: int) -> Iterator[Num]:
    """The sums of all runs of k consecutive values."""
    run = total(islice(window, k))
    yield run
    for entering, leaving in zip(islice(window, k, None), window, strict=False):
        run = run + entering - leaving
        yield run
