"""Candle indicators anchored to the UTC clock: sessions, dates, hours."""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from qkt.indicators.grid import Grid
from qkt.indicators.inputs import CandleFed, CandleLike
from qkt.indicators.sums import mean, sample_variance, total
from qkt.indicators.ties import difference, flat


class SessionRange(CandleFed):
    """Highest high (sign 1) or lowest low (-1) of the last complete daily window [from, to), minutes of the UTC day.

    from > to wraps midnight. The window being formed is never visible: it is latched by the first candle outside it, or of
    its next instance. It is complete when its first candle starts in its first minute.
    """

    __slots__ = ("_best", "_grid", "_length", "_sign", "value")

    def __init__(self, from_minute: int, to_minute: int, sign: Literal[1, -1]) -> None:
        self._length = (to_minute - from_minute) % 1440 * MINUTE_MS
        self._grid = Grid(DAY_MS, from_minute * MINUTE_MS)
        self._sign = sign
        self._best: float | None = None  # of the window being formed, times the sign
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        grid, sign = self._grid, self._sign
        minute = c.start - c.start % MINUTE_MS
        first = grid.enters(minute)
        inside = minute - grid.begin < self._length
        if self._best is not None and (first or not inside):
            self.value = sign * self._best
            self._best = None
        if inside and grid.complete:
            edge = c.high if sign > 0 else -c.low
            self._best = edge if self._best is None else max(self._best, edge)
        return self.value


class Pivot(CandleFed):
    """Floor-trader pivots of the last complete UTC date: P = (H + L + C)/3, R1 = 2P - L, S1 = 2P - H.

    Latched by the first candle of a later date.
    """

    __slots__ = ("_close", "_grid", "_high", "_low", "_output", "value")

    def __init__(self, output: Literal["p", "r1", "s1"]) -> None:
        self._grid = Grid(DAY_MS)
        self._output = output
        self._high = self._low = self._close = 0.0
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        finished = self._grid.complete
        if self._grid.enters(c.start):
            if finished:
                self.value = self._level()
            self._high, self._low = c.high, c.low
        else:
            self._high, self._low = max(self._high, c.high), min(self._low, c.low)
        self._close = c.close
        return self.value

    def _level(self) -> float:
        pivot = (self._high + self._low + self._close) / 3.0
        if self._output == "p":
            return pivot
        return 2.0 * pivot - (self._low if self._output == "r1" else self._high)


class SeasonalRange(CandleFed):
    """Mean or sample deviation (0 when flat) of the last n ranges high - low of earlier candles of the same UTC hour.

    The current candle is excluded. Undefined on candles of an hour that has had fewer than n.
    """

    __slots__ = ("_hours", "_n", "_output", "value")

    def __init__(self, n: int, output: Literal["mean", "deviation"]) -> None:
        self._n = n
        self._output = output
        self._hours: list[deque[float]] = [deque(maxlen=n) for _ in range(24)]
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        ranges = self._hours[c.start // HOUR_MS % 24]
        if len(ranges) < self._n:
            self.value = None
        elif self._output == "mean":
            self.value = mean(ranges)
        else:
            self.value = 0.0 if flat(ranges) else math.sqrt(sample_variance(ranges))
        ranges.append(c.high - c.low)
        return self.value


class SessionMomentum(CandleFed):
    """Sum of the returns (last close - first open)/first open of the last n complete sessions [from, to), hours of the UTC day.

    A session's books are closed by the first inside candle of a later date. A session that opened at 0 has no return.
    """

    __slots__ = ("_close", "_grid", "_length", "_open", "_returns", "value")

    def __init__(self, from_hour: int, to_hour: int, n: int) -> None:
        self._grid = Grid(DAY_MS, from_hour * HOUR_MS)
        self._length = (to_hour - from_hour) * HOUR_MS
        self._open = self._close = 0.0
        self._returns: deque[float] = deque(maxlen=n)
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        if (c.start - self._grid.offset) % DAY_MS >= self._length:
            return self.value
        finished = self._grid.complete
        if self._grid.enters(c.start):
            if finished and self._open:
                self._returns.append(difference(self._close, self._open) / self._open)
                if len(self._returns) == self._returns.maxlen:
                    self.value = total(self._returns)
            self._open = c.open
        self._close = c.close
        return self.value


class InitialBalanceDefended(CandleFed):
    """1 from the candle that touches the edge of the initial balance and closes back inside, to the end of the session, else 0.

    Sessions last 24 hours from `hour` UTC; candles of the first `minutes` form the balance. The edge is its high (sign 1)
    or its low (-1). Undefined during the balance and in sessions whose first candle is missing.
    """

    __slots__ = ("_edge", "_grid", "_length", "_sign", "value")

    def __init__(self, hour: int, minutes: int, sign: Literal[1, -1]) -> None:
        self._grid = Grid(DAY_MS, hour * HOUR_MS)
        self._length = minutes * MINUTE_MS
        self._sign = sign
        self._edge = 0.0  # times the sign
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        grid, sign = self._grid, self._sign
        outward = c.high if sign > 0 else -c.low
        if grid.enters(c.start):
            self._edge = outward
            self.value = None
        if not grid.complete:
            return None
        if c.start - grid.begin < self._length:
            self._edge = max(self._edge, outward)
        elif outward >= self._edge and sign * c.close < self._edge:
            self.value = 1.0
        elif self.value is None:
            self.value = 0.0
        return self.value
