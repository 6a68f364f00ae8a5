"""Least squares over a window: slope, correlation, beta, residual."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from qkt.indicators.inputs import MultiFed
from qkt.indicators.rolling import Rolling, RollingPair
from qkt.indicators.sums import Num, co_moments, mean, root, total, weighted
from qkt.indicators.ties import flat

# A regressor that keeps no more than this share of its centred norm after orthogonalising is a combination of the others.
SINGULAR = 1e-10


class RegressionSlope(Rolling):
    """Least-squares slope of the last n inputs against positions 0..n-1: change per input, 0 when flat. Ready on input n."""

    __slots__ = ("_arms", "_divisor")
    flat_value = 0.0

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self._arms = [(n - 1) / 2 - k for k in range(n // 2)]
        self._divisor = n * (n * n - 1) / 12

    def formula(self, window: Sequence[Num]) -> Num:
        # Positions stand in pairs around the middle one, which leaves small differences to be weighted.
        steps = [late - early for _, late, early in zip(self._arms, reversed(window), window, strict=False)]
        return weighted(self._arms, steps) / self._divisor


class Correlation(RollingPair):
    """Pearson's correlation of the last n pairs, on levels. Undefined while a leg is flat. Ready on input n."""

    __slots__ = ()

    def formula(self, xs: Sequence[Num], ys: Sequence[Num]) -> Num:
        xx, yy, xy = co_moments(xs, ys)
        return xy / (root(xx) * root(yy))


class Beta(RollingPair):
    """Slope of the first series on the second over the last n pairs, on levels. Undefined while the second is flat.

    Ready on input n.
    """

    __slots__ = ()
    divides_by_both = False

    def formula(self, xs: Sequence[Num], ys: Sequence[Num]) -> Num:
        _, yy, xy = co_moments(xs, ys)
        return xy / yy


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
