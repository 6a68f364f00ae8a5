"""Average true range, the channel around it, and directional movement."""

from __future__ import annotations

from typing import Literal

from qkt.indicators.exponential import Ema, wilder
from qkt.indicators.inputs import CandleColumns, CandleLike, Column, FloatArray

# Up and down moves of two candles that are nearer than this share of the price are equal.
EQUAL_MOVES = 1e-12


def true_range(c: CandleLike, previous_close: float) -> float:
    """The largest of high - low, |high - previous close|, |low - previous close|."""
    high = c.high if c.high > previous_close else previous_close
    low = c.low if c.low < previous_close else previous_close
    return high - low


def true_ranges(c: CandleColumns, previous_close: FloatArray) -> FloatArray:
    """`true_range` of columns of the same length."""
    import numpy as np

    high = np.where(c.high > previous_close, c.high, previous_close)
    low = np.where(c.low < previous_close, c.low, previous_close)
    return high - low


class Atr:
    """Average true range: Wilder's average of the true ranges from candle 2 on. Ready on candle n + 1.

    Source: J. W. Wilder, 1978.
    """

    __slots__ = ("_average", "_previous_close", "value")

    def __init__(self, n: int) -> None:
        self._average = wilder(n)
        self._previous_close: float | None = None
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        previous = self._previous_close
        self._previous_close = c.close
        if previous is not None:
            high, low = c.high, c.low
            span = (high if high > previous else previous) - (low if low < previous else previous)
            self.value = self._average.update(span)
        return self.value

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        import numpy as np

        if not len(c.close):
            return []
        first = self._previous_close is None
        earlier = c.close[0] if self._previous_close is None else self._previous_close
        ranges = true_ranges(c, np.concatenate(((earlier,), c.close[:-1])))
        self._previous_close = float(c.close[-1])
        values = self._average.column(ranges[1:] if first else ranges)
        self.value = self._average.value
        return [None, *values] if first else values


class Keltner:
    """A Keltner channel: EMA over n of the close + k * ATR over n. Ready on candle n + 1.

    The upper line has k > 0, the lower one k < 0, the middle k = 0. Source: C. Keltner, 1960, in L. Raschke's form.
    """

    __slots__ = ("_atr", "_center", "_k", "value")

    def __init__(self, n: int, k: float) -> None:
        self._center = Ema(n)
        self._atr = Atr(n)
        self._k = k
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        center, width = self._center.update(c.close), self._atr.update(c)
        if center is not None and width is not None:
            self.value = center + self._k * width
        return self.value

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        k, centers, widths = self._k, self._center.column(c.close), self._atr.column(c)
        values = [None if m is None or w is None else m + k * w for m, w in zip(centers, widths, strict=True)]
        self.value = values[-1] if values else self.value
        return values


class DirectionalMovement:
    """Wilder's directional movement: +DI, -DI = 100 S(DM)/S(TR); ADX = S(100 |+DI - -DI| / (+DI + -DI)), S Wilder's average.

    A candle moves up when its up move exceeds its down move, and the other way round; equal moves count for neither. While
    nothing moves, nothing is fed to ADX, which keeps its value. All are ready with ADX, on candle 2n at the earliest, and
    Undefined while S(TR) = 0. Source: J. W. Wilder, 1978.
    """

    __slots__ = ("_adx", "_down", "_output", "_previous", "_range", "_up", "value")

    def __init__(self, n: int, output: Literal["plus", "minus", "adx"]) -> None:
        self._up, self._down, self._range, self._adx = wilder(n), wilder(n), wilder(n), wilder(n)
        self._output = output
        self._previous: tuple[float, float, float] | None = None
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        high, low = c.high, c.low
        previous = self._previous
        self._previous = (high, low, c.close)
        if previous is None:
            return None
        earlier_high, earlier_low, close = previous
        up, down = high - earlier_high, earlier_low - low
        if abs(up - down) <= EQUAL_MOVES * max(abs(high), abs(low)):
            up = down = 0.0
        plus = self._up.update(up if up > down and up > 0.0 else 0.0)
        minus = self._down.update(down if down > up and down > 0.0 else 0.0)
        span = self._range.update(true_range(c, close))
        if plus is not None and minus is not None and span is not None:
            self.value = self._index(plus, minus, span)
        return self.value

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        import numpy as np

        if not len(c.close):
            return []
        first = self._previous is None
        earlier = (c.high[0], c.low[0], c.close[0]) if self._previous is None else self._previous
        self._previous = (float(c.high[-1]), float(c.low[-1]), float(c.close[-1]))
        highs, lows, closes = (np.concatenate(((e,), x[:-1])) for e, x in zip(earlier, (c.high, c.low, c.close), strict=True))
        up, down = c.high - highs, lows - c.low
        unequal = ~(np.abs(up - down) <= EQUAL_MOVES * np.maximum(np.abs(c.high), np.abs(c.low)))
        skip = int(first)
        rows = zip(
            self._up.column(np.where(unequal & (up > down) & (up > 0.0), up, 0.0)[skip:]),
            self._down.column(np.where(unequal & (down > up) & (down > 0.0), down, 0.0)[skip:]),
            self._range.column(true_ranges(c, closes)[skip:]),
            strict=True,
        )
        values = [
            None if plus is None or minus is None or span is None else self._index(plus, minus, span)
            for plus, minus, span in rows
        ]
        self.value = values[-1] if values else self.value
        return [None] * skip + values

    def _index(self, plus: float, minus: float, span: float) -> float | None:
        if span == 0.0:
            return None
        plus, minus = 100.0 * plus / span, 100.0 * minus / span
        if plus + minus > 0.0:
            self._adx.update(100.0 * abs(plus - minus) / (plus + minus))
        adx = self._adx.value
        if adx is None or self._output == "adx":
            return adx
        return plus if self._output == "plus" else minus
