"""What counts as the same value in float64, and as a window in which nothing moved.

Ten prices of 0.1 do not average to 0.1 in binary and 100.4 - 100.1 is not 99.7 - 99.4. Every comparison that decides
something goes through the predicate here, so that such noise never decides it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qkt.indicators.inputs import BoolArray, FloatArray

if TYPE_CHECKING:
    import numpy as np

TIE = 1e-10
# Twice the tolerance: whoever is further apart than this is not the same, whatever the exact test would look at.
CLEAR = 2e-10
INFINITE = float("inf")


def same(a: float, b: float) -> bool:
    """True when a = b, or |a - b| <= 1e-10 * max(|a|, |b|) and not both are integer-valued (counts, times, round prices)."""
    if a == b:
        return True
    return abs(a - b) <= TIE * max(abs(a), abs(b)) < INFINITE and not (a.is_integer() and b.is_integer())


def difference(a: float, b: float) -> float:
    """a - b, exactly 0 for same values."""
    gap = a - b
    return 0.0 if abs(gap) <= CLEAR * abs(a) and same(a, b) else gap


def differences(a: FloatArray, b: FloatArray) -> FloatArray:
    """`difference` of two columns."""
    import numpy as np

    gaps = a - b + 0.0  # + 0.0: there is one zero
    for i in np.flatnonzero((gaps != 0.0) & (np.abs(gaps) <= CLEAR * np.abs(a))):
        gaps[i] = difference(float(a[i]), float(b[i]))
    return gaps


def flat(window: Sequence[float]) -> bool:
    """True when the smallest and the largest value of the window are the same."""
    first, last = window[0], window[-1]
    if abs(last - first) > CLEAR * (abs(first) + abs(last)):
        return False
    return same(min(window), max(window))


def nearly_flat(x: FloatArray, n: int) -> BoolArray:
    """For each n consecutive values: False when they are surely not `flat`."""
    import numpy as np

    low, high = sliding(np.minimum, x, n), sliding(np.maximum, x, n)
    return high - low <= CLEAR * (np.abs(low) + np.abs(high))


def sliding(better: np.ufunc, x: FloatArray, n: int) -> FloatArray:
    """`better` (np.maximum or np.minimum) over each n consecutive values, by doubling: log2(n) passes."""
    width = 1
    while 2 * width <= n:
        x = better(x[:-width], x[width:])
        width *= 2
    rest = n - width
    best: FloatArray = better(x[: len(x) - rest], x[rest:])
    return best
