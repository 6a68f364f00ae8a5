"""Breaks of a range that fail."""

from __future__ import annotations

from qkt.indicators.extremes import Extreme, Sign
from qkt.indicators.inputs import CandleFed, CandleLike


class FailedBreak(CandleFed):
    """1 for `armed` candles after a pierce of the range's edge that closed back within `reclaim` candles, else 0.

    The edge is the highest high (sign 1) or lowest low (-1) of the `length` candles before. A candle beyond it pierces, at
    that level; a later close inside the level arms; after `reclaim` candles without one it was a real break. While armed
    nothing pierces. Ready on candle `length`.
    """

    __slots__ = (
        "_age",
        "_armed",
        "_armed_for",
        "_edge",
        "_extreme",
        "_length",
        "_level",
        "_reclaim",
        "_seen",
        "_sign",
        "value",
    )

    def __init__(self, length: int, reclaim: int, armed: int, sign: Sign) -> None:
        self._length = length
        self._reclaim = reclaim
        self._armed_for = armed
        self._sign = sign
        # Everything below is times the sign, so that both forms look upwards.
        self._extreme = Extreme(length, 1)
        self._edge = 0.0
        self._level: float | None = None
        self._age = 0
        self._armed = 0
        self._seen = 0
        self.value: float | None = None

    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""
        outward = c.high if self._sign > 0 else -c.low
        self._armed = max(0, self._armed - 1)
        if self._seen >= self._length:
            self._follow(self._sign * c.close)
            if self._level is None and self._armed == 0 and outward > self._edge:
                self._level, self._age = self._edge, 0
        self._edge = self._extreme.push(outward)
        self._seen += 1
        if self._seen >= self._length:
            self.value = 1.0 if self._armed else 0.0
        return self.value

    def _follow(self, close: float) -> None:
        if self._level is None:
            return
        self._age += 1
        if close < self._level:
            self._armed, self._level = self._armed_for, None
        elif self._age >= self._reclaim:
            self._level = None
