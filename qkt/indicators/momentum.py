"""Direction and steadiness of moves."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from qkt.indicators.inputs import MultiFed, NumberFed
from qkt.indicators.rolling import Rolling
from qkt.indicators.sums import Num, path
from qkt.indicators.ties import difference

# A change beyond this share of the price is one between different values, whatever `difference` would look at.
NEAR = 1e-9


class Rsi(NumberFed):
    """Wilder's relative strength index: 100 - 100/(1 + G/L), G and L the Wilder averages of gains and losses.

    100 without losses, 50 without any movement; a change between same values is none. Ready on input n + 1.
    Source: J. W. Wilder, 1978.
    """

    __slots__ = ("_alpha", "_gain", "_loss", "_missing", "_n", "_previous", "value")

    def __init__(self, n: int) -> None:
        self._n = n
        self._alpha = 1.0 / n
        self._gain = self._loss = 0.0  # sums until the n-th change, averages from then on
        self._missing = n
        self._previous: float | None = None
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        previous, self._previous = self._previous, x
        if previous is None:
            return None
        change = x - previous
        if -NEAR * x <= change <= NEAR * x or x <= 0.0:
            change = difference(x, previous)
        if self._missing:
            return self._seed(change)
        gain, loss, alpha = self._gain, self._loss, self._alpha
        if change > 0.0:
            gain += alpha * (change - gain)
            loss -= alpha * loss
        else:
            gain -= alpha * gain
            loss += alpha * (-change - loss)
        self._gain, self._loss = gain, loss
        self.value = value = relative_strength(gain, loss)
        return value

    def _seed(self, change: float) -> float | None:
        self._gain += change if change > 0.0 else 0.0
        self._loss -= change if change < 0.0 else 0.0
        self._missing -= 1
        if not self._missing:
            self._gain /= self._n
            self._loss /= self._n
            self.value = relative_strength(self._gain, self._loss)
        return self.value


def relative_strength(gain: float, loss: float) -> float:
    """100 - 100 / (1 + gain/loss)."""
    if loss == 0.0:
        return 50.0 if gain == 0.0 else 100.0
    return 100.0 - 100.0 / (1.0 + gain / loss)


class EfficiencyRatio(Rolling):
    """Kaufman's efficiency ratio: |x_t - x_(t-n)| over the sum of the last n |steps|, 0 without movement. Ready on n + 1.

    Source: P. Kaufman, 1995.
    """

    __slots__ = ()
    flat_value = 0.0

    def __init__(self, n: int) -> None:
        super().__init__(n + 1)

    def formula(self, window: Sequence[Num]) -> Num:
        return abs(window[-1] - window[0]) / path(window)


class ConfirmRatio(MultiFed):
    """Share of the peers that moved over n inputs in the direction of the first series; no move matches only no move.

    Ready on input n + 1.
    """

    __slots__ = ("_n", "_rows", "value")

    def __init__(self, n: int) -> None:
        self._n = n
        self._rows: deque[Sequence[float]] = deque(maxlen=n + 1)
        self.value: float | None = None

    def update(self, values: Sequence[float]) -> float | None:
        """Feed one row, the signal series first; returns the value."""
        rows = self._rows
        rows.append(tuple(values))
        if len(rows) > self._n:
            signal, *peers = (_direction(now, then) for now, then in zip(values, rows[0], strict=True))
            self.value = peers.count(signal) / len(peers)
        return self.value


def _direction(now: float, then: float) -> float:
    change = difference(now, then)
    return math.copysign(1.0, change) if change else 0.0
