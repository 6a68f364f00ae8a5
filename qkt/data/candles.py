"""Ticks to candles, one tick at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

from qkt.core.timeframe import Timeframe


class Bar(NamedTuple):
    """A candle over [start, end) in epoch ms; `bid` and `ask` are those of its last tick, None when that had none."""

    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    bid: float | None
    ask: float | None


class CandleBuilder:
    """Builds the candles of one symbol on the UTC grid of a timeframe.

    A quiet window makes no candle. A tick before the open window is late: dropped and counted in `late`. A candle whose
    window starts before `begin` is partial: built, counted in `partial`, not returned.
    """

    def __init__(self, timeframe: Timeframe, begin: int | None = None) -> None:
        self._timeframe = timeframe
        self._begin = begin
        self.late = 0
        self.partial = 0
        # The open candle; `_end` 0 means there is none yet.
        self._start = self._end = 0
        self._open = self._high = self._low = self._close = self._volume = 0.0
        self._bid: float | None = None
        self._ask: float | None = None

    @property
    def unfinished(self) -> Bar | None:
        """The open candle so far."""
        if not self._end:
            return None
        prices = (self._open, self._high, self._low, self._close)
        return Bar(self._start, self._end, *prices, self._volume, self._bid, self._ask)

    @property
    def window(self) -> tuple[int, int]:
        """Start and end of the open candle (epoch ms), an end of 0 when there is none."""
        return self._start, self._end

    def fold(self, high: float, low: float, close: float, volume: float, bid: float | None, ask: float | None) -> None:
        """Take ticks of the open window at once: their extremes, the last price and quote, and the volume with theirs added
        one by one."""
        if high > self._high:
            self._high = high
        if low < self._low:
            self._low = low
        self._close, self._volume, self._bid, self._ask = close, volume, bid, ask

    @property
    def volume(self) -> float:
        """The volume of the open candle so far."""
        return self._volume

    def update(self, ts: int, price: float, bid: float | None, ask: float | None, volume: float | None) -> Bar | None:
        """Take a tick; returns the candle it closes. A volume of None or NaN counts as zero."""
        size = 0.0 if volume is None or math.isnan(volume) else volume
        if self._start <= ts < self._end:
            if price > self._high:
                self._high = price
            elif price < self._low:
                self._low = price
            self._close = price
            self._volume += size
            self._bid = bid
            self._ask = ask
            return None
        if self._end and ts < self._start:
            self.late += 1
            return None
        closed = self.unfinished
        self._start = self._timeframe.window_start(ts)
        self._end = self._start + self._timeframe.ms
        self._open = self._high = self._low = self._close = price
        self._volume = size
        self._bid = bid
        self._ask = ask
        if closed is not None and self._begin is not None and closed.start < self._begin:
            self.partial += 1
            return None
        return closed
