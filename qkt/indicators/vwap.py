"""Volume-weighted average prices: over ticks, and over the session so far."""

from __future__ import annotations

import math
from typing import Literal

from qkt.core.timeframe import DAY_MS, HOUR_MS
from qkt.indicators.grid import Grid
from qkt.indicators.inputs import CandleFed, CandleLike, Column, FloatArray, traded, typical_price
from qkt.indicators.ties import same


class Vwap:
    """Sum of price * volume over sum of volume, of the last n ticks that carry a volume. Ready on the n-th of them.

    A zero volume takes a place in the window; Undefined while all its volumes are zero. Each tick enters and leaves in
    constant time, by additions only and therefore without drift: the older ticks of the window stand as sums from each of
    them up to the newest older one, the newer ones as one sum.
    """

    __slots__ = ("_missing", "_newer", "_older", "_value_sum", "_volume_sum", "value")

    def __init__(self, n: int) -> None:
        self._missing = n
        self._older: list[tuple[float, float]] = []
        self._newer: list[tuple[float, float]] = []
        self._value_sum = self._volume_sum = 0.0  # of the newer ticks
        self.value: float | None = None

    def update(self, price: float, volume: float | None) -> float | None:
        """Feed one tick; returns the value."""
        if volume is None or volume != volume:
            return self.value
        value = price * volume
        self._newer.append((value, volume))
        self._value_sum = value_sum = self._value_sum + value
        self._volume_sum = volume_sum = self._volume_sum + volume
        if self._missing > 1:
            self._missing -= 1
            return None
        if self._missing == 1:
            self._missing = 0
        else:
            if not self._older:
                self._turn()
                value_sum = volume_sum = 0.0
            self._older.pop()
        if self._older:
            value, volume = self._older[-1]
            value_sum += value
            volume_sum += volume
        self.value = value_sum / volume_sum if volume_sum != 0.0 else None
        return self.value

    def _turn(self) -> None:
        """All ticks become older ones."""
        value_sum = volume_sum = 0.0
        for value, volume in reversed(self._newer):
            value_sum += value
            volume_sum += volume
            self._older.append((value_sum, volume_sum))
        self._newer = []
        self._value_sum = self._volume_sum = 0.0

    def column(self, price: FloatArray, volume: FloatArray) -> Column:
        """Feed consecutive ticks, a missing volume being NaN; returns the value after each."""
        return [self.update(p, v) for p, v in zip(price.tolist(), volume.tolist(), strict=True)]


class SessionVwap(CandleFed):
    """Mean of the session's typical prices weighted by volume, or their weighted population deviation, current candle included.

    Sessions last 24 hours from `hour` UTC. A candle without volume leaves the values. Undefined before the first candle
    with volume, and throughout a session whose first candle is missing. Updated by D. West's method (1979): no
    difference of squares.
    """

    __slots__ = ("_grid", "_highest", "_lowest", "_mean", "_output", "_squares", "_weight", "value")

    def __init__(self, hour: int, output: Literal["mean", "deviation"]) -> None:
        self._grid = Grid(DAY_MS, hour * HOUR_MS)
        self._output = output
        self._weight = self._mean = self._squares = self._lowest = self._highest = 0.0
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        if self._grid.enters(c.start):
            self._weight = self._mean = self._squares = 0.0
            self.value = None
        volume = traded(c.volume)
        if self._grid.complete and volume > 0.0:
            self._add(typical_price(c), volume)
            self.value = self._mean if self._output == "mean" else self._deviation()
        return self.value

    def _add(self, price: float, volume: float) -> None:
        if self._weight == 0.0:
            self._lowest = self._highest = price
        self._lowest, self._highest = min(self._lowest, price), max(self._highest, price)
        self._weight += volume
        gap = price - self._mean
        self._mean += gap * (volume / self._weight)
        self._squares += volume * gap * (price - self._mean)

    def _deviation(self) -> float:
        return 0.0 if same(self._lowest, self._highest) else math.sqrt(self._squares / self._weight)
