"""The current input against earlier ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from qkt.indicators.inputs import BoolArray, FloatArray, NumberFed
from qkt.indicators.rolling import Rolling
from qkt.indicators.sums import Num, total
from qkt.indicators.ties import CLEAR, same


class Lag(NumberFed):
    """The input n inputs ago. Ready on input n + 1."""

    __slots__ = ("_n", "_window", "value")

    def __init__(self, n: int) -> None:
        self._n = n
        self._window: deque[float] = deque(maxlen=n + 1)
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        window = self._window
        window.append(x)
        if len(window) > self._n:
            self.value = window[0]
        return self.value


class PercentileRank(Rolling):
    """Share of the last n inputs that are below the current one, in [0, (n - 1)/n]; ties are not below. Ready on input n."""

    __slots__ = ()

    def formula(self, window: Sequence[Num]) -> Num:
        x = window[-1]
        return total(_below(v, x) for v in window) / len(window)

    def of(self, window: Sequence[float]) -> float:
        x = window[-1]
        limit = x - CLEAR * abs(x)
        below = 0
        for v in window:
            if v < x and (v < limit or not same(v, x)):
                below += 1
        return below / len(window)

    def doubtful(self, x: FloatArray) -> BoolArray:
        # Two inputs of different value that are near each other anywhere in a window: rare enough to ask no more.
        import numpy as np

        rows = len(x) - self._n + 1
        newest = x[self._n - 1 :]
        limit = newest - CLEAR * np.abs(newest)
        found = np.zeros(rows, dtype=np.bool_)
        for k in range(self._n - 1):
            v = x[k : k + rows]
            found |= (v < newest) & (v >= limit)
        return found


def _below(v: Num, x: Num) -> Num:
    """1 where v < x, else 0."""
    if isinstance(v, float):
        return 1.0 if v < x else 0.0
    import numpy as np

    return np.less(v, x).astype(np.float64)
