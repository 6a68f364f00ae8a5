"""Moves from an anchor: the open of a bucket, the close before a hole in the data."""

from __future__ import annotations

from typing import Literal

from qkt.core.timeframe import HOUR_MS, MINUTE_MS
from qkt.indicators.grid import Grid
from qkt.indicators.inputs import CandleFed, CandleLike
from qkt.indicators.ties import difference


class AnchoredReturn(CandleFed):
    """close/anchor - 1, the anchor being the open of the first candle of the bucket of `minutes` on the epoch's grid.

    Undefined throughout a bucket whose first candle is missing or opens at 0.
    """

    __slots__ = ("_anchor", "_grid", "value")

    def __init__(self, minutes: int) -> None:
        self._grid = Grid(minutes * MINUTE_MS)
        self._anchor = 0.0
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        if self._grid.enters(c.start):
            self._anchor = c.open if self._grid.complete else 0.0
        anchor = self._anchor
        self.value = difference(c.close, anchor) / anchor if anchor else None
        return self.value


class ReopenGap(CandleFed):
    """The gap over the last hole of more than `hours` between candles: reopening open - origin, origin the close before it.

    `fill` is (reopening open - close)/gap: negative while the gap extends, above 1 beyond the origin, Undefined for a gap
    of 0. Held until the next hole; Undefined before the first.
    """

    __slots__ = ("_close", "_end", "_gap", "_hole", "_open", "_origin", "_output", "value")

    def __init__(self, hours: int, output: Literal["gap", "origin", "fill"]) -> None:
        self._hole = hours * HOUR_MS
        self._output = output
        self._end: int | None = None
        self._close = self._open = self._gap = 0.0
        self._origin: float | None = None
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        if self._end is not None and c.start - self._end > self._hole:
            self._origin, self._open = self._close, c.open
            self._gap = difference(c.open, self._close)
        self._end, self._close = c.end, c.close
        if self._origin is not None:
            self.value = self._read(self._origin)
        return self.value

    def _read(self, origin: float) -> float | None:
        if self._output == "gap":
            return self._gap
        if self._output == "origin":
            return origin
        return (self._open - self._close) / self._gap if self._gap else None
