"""Least squares over a window: slope, correlation, beta, residual."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from qkt.indicators.exact import MOVED, ExactPair, ExactPositions
from qkt.indicators.inputs import MultiFed
from qkt.indicators.sums import mean, total
from qkt.indicators.ties import flat

# A regressor that keeps no more than this share of its centred norm after orthogonalising is a combination of the others.
SINGULAR = 1e-10


class RegressionSlope(ExactPositions):
    """Least-squares slope of the last n inputs against positions 0..n-1: change per input, 0 when flat. Ready on input n."""

    __slots__ = ()

    def divide_by(self, unit: int) -> int:
        return self.n * (self.n * self.n - 1) // 6 * unit  # whole: one of three neighbours divides by 3, one by 2

    def of(self, x: float) -> float:
        slope = (2 * self.weighted - (self.n + 1) * self.total) / self.divisor
        return 0.0 if abs(slope) <= MOVED * abs(x) and flat(self.floats) else slope


class Correlation(ExactPair):
    """Pearson's correlation of the last n pairs, on levels. Undefined while a leg is flat. Ready on input n."""

    __slots__ = ()

    def of(self) -> float | None:
        if flat(self.x.floats) or flat(self.y.floats):
            return None
        return self.joint() / (math.sqrt(self.x.spread()) * math.sqrt(self.y.spread()))


class Beta(ExactPair):
    """Slope of the first series on the second over the last n pairs, on levels. Undefined while the second is flat.

    Ready on input n.
    """

    __slots__ = ()

    def of(self) -> float | None:
        return None if flat(self.y.floats) else self.joint() / self.y.spread()


class Resid(MultiFed):
    """Residual of the newest y in the least-squares fit, with intercept, of y on the regressors over the last n rows.

    A row is y followed by its regressors. Undefined while regressors are constant or collinear. Ready on input n.
    """

    __slots__ = ("_columns", "_n", "value")

    def __init__(self, n: int, series_count: int) -> None:
        self._n = n
        self._columns: list[deque[float]] = [deque(maxlen=n) for _ in range(series_count)]
        self.value: float | None = None

    def update(self, values: Sequence[float]) -> float | None:
        """Feed one row; returns the value."""
        for column, v in zip(self._columns, values, strict=True):
            column.append(v)
        if len(self._columns[0]) == self._n:
            self.value = self._residual()
        return self.value

    def _residual(self) -> float | None:
        y, *regressors = self._columns
        basis: list[list[float]] = []
        for regressor in regressors:
            if flat(regressor):
                return None
            centred = _centred(regressor)
            rest = centred
            for unit in basis:
                rest = _without(rest, unit)
            norm = _norm(rest)
            if norm <= SINGULAR * _norm(centred):
                return None
            basis.append([v / norm for v in rest])
        rest = _centred(y)
        for unit in basis:
            rest = _without(rest, unit)
        return rest[-1]


def _centred(window: Sequence[float]) -> list[float]:
    center = mean(window)
    return [v - center for v in window]


def _without(vector: list[float], unit: list[float]) -> list[float]:
    share = total(a * b for a, b in zip(vector, unit, strict=True))
    return [a - share * b for a, b in zip(vector, unit, strict=True)]


def _norm(vector: list[float]) -> float:
    return math.sqrt(total(v * v for v in vector))
