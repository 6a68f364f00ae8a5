"""The frame of indicators that are a formula over their last n inputs.

The window is evaluated anew for each input: no running sum that could drift, and a value depends on nothing but its
window, so an indicator that was warmed up with less history holds the same bits.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from qkt.indicators.inputs import BoolArray, Column, FloatArray
from qkt.indicators.sums import Num
from qkt.indicators.ties import flat, nearly_flat

# Rows that a column computes at once, and rows times window: intermediate arrays stay in the processor's cache.
BLOCK = 8192
CELLS = 2**18


class Rolling(ABC):
    """A formula over the last n numbers. Ready on input n."""

    __slots__ = ("_n", "_window", "value")
    # Whether a window in which nothing moved takes `flat_value` instead of the formula.
    guarded: ClassVar[bool] = True
    flat_value: ClassVar[float | None] = None

    def __init__(self, n: int) -> None:
        self._n = n
        self._window: deque[float] = deque(maxlen=n)
        self.value: float | None = None

    @abstractmethod
    def formula(self, window: Sequence[Num]) -> Num:
        """The value of a window that is not flat."""

    def still(self, window: Sequence[float]) -> bool:
        """True when nothing moved in the window."""
        return flat(window)

    def of(self, window: Sequence[float]) -> float | None:
        """The value of a full window; Undefined beyond the range of floats."""
        if self.guarded and self.still(window):
            return self.flat_value
        try:
            value = self.formula(window)
        except ZeroDivisionError:  # it moved, by less than what has a square
            return self.flat_value
        return value if math.isfinite(value) else None

    def doubtful(self, x: FloatArray) -> BoolArray:
        """Marks the windows in x that a column must evaluate one by one."""
        import numpy as np

        return nearly_flat(x, self._n) if self.guarded else np.zeros(1, dtype=np.bool_)

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        window = self._window
        window.append(x)
        if len(window) == self._n:
            self.value = self.of(window)
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        import numpy as np

        n, block = self._n, _block(self._n)
        if len(x) > block:
            return [v for i in range(0, len(x), block) for v in self.column(x[i : i + block])]
        joined = np.concatenate((_history(self._window, n), x))
        self._window.extend(x[-n:].tolist())
        rows = len(joined) - n + 1
        if rows <= 0 or not len(x):
            return [None] * len(x)
        with np.errstate(all="ignore"):
            plain = self.formula([joined[k : k + rows] for k in range(n)])
            alone = self.doubtful(joined) | ~np.isfinite(plain)
        values: Column = plain.tolist()
        for i in np.flatnonzero(alone):
            values[i] = self.of(joined[i : i + n].tolist())
        self.value = values[-1]
        return [None] * (len(x) - rows) + values


def _history(window: deque[float], n: int) -> FloatArray:
    """The earlier inputs that the next window of n still holds."""
    import numpy as np

    return np.array(window, dtype=np.float64)[max(0, len(window) - n + 1) :]


def _block(n: int) -> int:
    return max(256, min(BLOCK, CELLS // n))
