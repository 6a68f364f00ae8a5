"""Highest and lowest values, and where a close stands between them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

from qkt.indicators.averages import Sma
from qkt.indicators.inputs import CandleColumns, CandleLike, Column, FloatArray
from qkt.indicators.ties import sliding

Sign = Literal[1, -1]


class Extreme:
    """The largest (sign 1) or smallest (sign -1) of the last n inputs, or of all while there are fewer.

    The window is searched only when its extreme leaves it, by a builtin that takes less time than the steps of a queue of
    candidates would.
    """

    __slots__ = ("_best", "_n", "_search", "_sign", "_window")

    def __init__(self, n: int, sign: Sign) -> None:
        self._n = n
        self._sign = sign
        self._search: Callable[[Iterable[float]], float] = max if sign > 0 else min
        self._window: deque[float] = deque(maxlen=n)
        self._best = -math.inf * sign

    def push(self, x: float) -> float:
        """Feed one number; returns the extreme."""
        window, best = self._window, self._best
        if len(window) == self._n and window[0] == best:
            window.append(x)
            best = self._search(window)
        else:
            window.append(x)
            if x > best if self._sign > 0 else x < best:
                best = x
        self._best = best = best + 0.0  # there is one zero, whichever way it was found
        return best

    def push_column(self, x: FloatArray) -> FloatArray:
        """Feed consecutive numbers; returns the extreme after each."""
        import numpy as np

        if not len(x):
            return x
        n, sign, window = self._n, self._sign, self._window
        earlier = np.full(n - 1, -np.inf)
        known = list(window)[max(0, len(window) - n + 1) :]
        if known:
            earlier[-len(known) :] = sign * np.array(known)
        best = sign * sliding(np.maximum, np.concatenate((earlier, sign * x)), n) + 0.0
        window.extend(x[-n:].tolist())
        self._best = float(best[-1])
        return best


class WindowExtreme:
    """Maximum or minimum of the last n inputs, current included. Ready on input n."""

    __slots__ = ("_extreme", "_missing", "value")

    def __init__(self, n: int, sign: Sign) -> None:
        self._extreme = Extreme(n, sign)
        self._missing = n
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        best = self._extreme.push(x)
        if self._missing > 0:
            self._missing -= 1
        if self._missing == 0:
            self.value = best
        return self.value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        best = self._extreme.push_column(x)
        undefined = min(len(x), max(0, self._missing - 1))
        self._missing = max(0, self._missing - len(x))
        if undefined < len(x):
            self.value = float(best[-1])
        values: Column = best[undefined:].tolist()
        return [None] * undefined + values


class EarlierExtreme:
    """Maximum or minimum of the n inputs before the current one, so that the current one can exceed it. Ready on n + 1."""

    __slots__ = ("_window", "value")

    def __init__(self, n: int, sign: Sign) -> None:
        self._window = WindowExtreme(n, sign)
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        window = self._window
        self.value = value = window.value
        window.update(x)
        return value

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        if not len(x):
            return []
        values = [self._window.value, *self._window.column(x)[:-1]]
        self.value = values[-1]
        return values


class CandleRange:
    """Highest high and lowest low of the last n candles."""

    __slots__ = ("_high", "_low")

    def __init__(self, n: int) -> None:
        self._high = WindowExtreme(n, 1)
        self._low = WindowExtreme(n, -1)

    def update(self, c: CandleLike) -> tuple[float, float] | None:
        """Feed one candle; returns (high, low), None before n candles."""
        high, low = self._high.update(c.high), self._low.update(c.low)
        return None if high is None or low is None else (high, low)

    def column(self, c: CandleColumns) -> tuple[FloatArray, FloatArray]:
        """Feed consecutive candles; returns highs and lows from the first full window on."""
        import numpy as np

        high, low = self._high.column(c.high), self._low.column(c.low)
        start = high.count(None)
        return np.array(high[start:], dtype=np.float64), np.array(low[start:], dtype=np.float64)


class WilliamsR:
    """Williams %R: -100 (HH - c)/(HH - LL) over the last n candles, -100 without a range. Ready on candle n.

    Source: L. Williams, 1973.
    """

    __slots__ = ("_range", "value")

    def __init__(self, n: int) -> None:
        self._range = CandleRange(n)
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        span = self._range.update(c)
        if span is not None:
            high, low = span
            self.value = -100.0 * (high - c.close) / (high - low) if high > low else -100.0
        return self.value

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        import numpy as np

        high, low = self._range.column(c)
        undefined = len(c.close) - len(high)
        with np.errstate(all="ignore"):
            percent = -100.0 * (high - c.close[undefined:]) / (high - low)
        values: Column = np.where(high > low, percent, -100.0).tolist()
        self.value = values[-1] if values else self.value
        return [None] * undefined + values


class Stochastic:
    """Stochastic oscillator: raw K = 100 (c - LL)/(HH - LL) over k candles, 50 without a range; D = SMA over d of raw K.

    K is not smoothed. Both are ready on candle k + d - 1. Source: G. Lane, 1957.
    """

    __slots__ = ("_average", "_output", "_range", "value")

    def __init__(self, k: int, d: int, output: Literal["k", "d"]) -> None:
        self._range = CandleRange(k)
        self._average = Sma(d)
        self._output = output
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        span = self._range.update(c)
        if span is not None:
            high, low = span
            raw = 100.0 * (c.close - low) / (high - low) if high > low else 50.0
            average = self._average.update(raw)
            if average is not None:
                self.value = raw if self._output == "k" else average
        return self.value

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        import numpy as np

        high, low = self._range.column(c)
        undefined = len(c.close) - len(high)
        with np.errstate(all="ignore"):
            percent = 100.0 * (c.close[undefined:] - low) / (high - low)
        raw = np.where(high > low, percent, 50.0)
        values = self._average.column(raw)
        if self._output == "k":
            start = values.count(None)
            values = [None] * start + raw[start:].tolist()
        self.value = values[-1] if values else self.value
        return [None] * undefined + values
