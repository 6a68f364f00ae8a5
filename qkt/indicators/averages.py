"""Sums and averages over a window of numbers."""

from __future__ import annotations

import math

from qkt.indicators.exact import ExactPositions, ExactRolling
from qkt.indicators.inputs import Column, FloatArray


class Sum(ExactRolling):
    """Sum of the last n inputs. Ready on input n."""

    __slots__ = ()

    def divide_by(self, unit: int) -> int:
        return unit

    def of(self, x: float) -> float:  # noqa: ARG002
        return self.total / self.divisor


class Sma(ExactRolling):
    """Simple moving average: the mean of the last n inputs. Ready on input n."""

    __slots__ = ()

    def divide_by(self, unit: int) -> int:
        return self.n * unit

    def of(self, x: float) -> float:  # noqa: ARG002
        return self.total / self.divisor


class Wma(ExactPositions):
    """Linearly weighted average: sum of k * x_k over n(n + 1)/2, k = 1 for the oldest input. Ready on input n."""

    __slots__ = ()

    def divide_by(self, unit: int) -> int:
        return self.n * (self.n + 1) // 2 * unit

    def of(self, x: float) -> float:  # noqa: ARG002
        return self.weighted / self.divisor


class Hma:
    """Hull average: WMA over r of 2 * WMA(n/2, rounded down) - WMA(n), r = the square root of n rounded to nearest.

    Ready on input n + r - 1. Source: A. Hull, 2005; other libraries floor the square root.
    """

    __slots__ = ("_fast", "_slow", "_smooth", "value")

    def __init__(self, n: int) -> None:
        self._fast = Wma(n // 2)
        self._slow = Wma(n)
        self._smooth = Wma(hull_smoothing(n))
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        fast, slow = self._fast.update(x), self._slow.update(x)
        if fast is not None and slow is not None:
            self.value = self._smooth.update(2.0 * fast - slow)
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        import numpy as np

        pairs = zip(self._fast.column(x), self._slow.column(x), strict=True)
        raw = np.array([2.0 * fast - slow for fast, slow in pairs if fast is not None and slow is not None])
        values = self._smooth.column(raw)
        self.value = self._smooth.value
        return [None] * (len(x) - len(raw)) + values


def hull_smoothing(n: int) -> int:
    """The square root of n, rounded to nearest (it is never halfway)."""
    return math.floor(math.sqrt(n) + 0.5)
