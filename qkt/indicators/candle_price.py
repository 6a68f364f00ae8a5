"""Candle indicators of price level and of signed volume."""

from __future__ import annotations

from qkt.indicators.dispersion import MeanDeviation
from qkt.indicators.inputs import CandleColumns, CandleFed, CandleLike, Column, traded, typical_price


class Cci:
    """Commodity channel index: (TP - mean)/(0.015 * mean |TP - mean|) over the last n typical prices, 0 when flat.

    Ready on candle n. Source: D. Lambert, 1980.
    """

    __slots__ = ("_deviation", "value")

    def __init__(self, n: int) -> None:
        self._deviation = MeanDeviation(n)
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        self.value = value = self._deviation.update(typical_price(c))
        return value

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        values = self._deviation.column((c.high + c.low + c.close) / 3.0)
        self.value = self._deviation.value
        return values


class Obv(CandleFed):
    """On-balance volume: 0 on the first candle, then plus the volume of rising closes, minus that of falling ones.

    A missing volume is 0. Ready on candle 1. Source: J. Granville, 1963.
    """

    __slots__ = ("_close", "value")

    def __init__(self) -> None:
        self._close: float | None = None
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        previous, value = self._close, self.value
        close = self._close = c.close
        if previous is None or value is None:
            value = 0.0
        elif close > previous:
            value += traded(c.volume)
        elif close < previous:
            value -= traded(c.volume)
        self.value = value
        return value
