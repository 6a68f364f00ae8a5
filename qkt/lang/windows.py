"""Candles of several streams that belong together: groups that wait for each other, and the index of a basket."""

from __future__ import annotations

import math
from collections.abc import Callable

from qkt.core.events import Candle
from qkt.core.watch import NEVER

BASE = 100.0
DIGITS = 8


class Windows:
    """Collects the candles of a group by their end until every member has delivered its own.

    With `within` (ms) a window that is not complete is given up as soon as a tick is later than its end by more than that;
    `due` is the earliest instant at which one is (epoch ms).
    """

    def __init__(self, members: int, within: int | None = None) -> None:
        self._members = members
        self._within = within
        self._open: dict[int, list[Candle | None]] = {}
        self.due = NEVER

    def take(self, place: int, candle: Candle) -> list[Candle] | None:
        """The candles of the window in the order of the members, if this one completes it."""
        window = self._open.get(candle.end)
        if window is None:
            window = self._open[candle.end] = [None] * self._members
        window[place] = candle
        complete = [one for one in window if one is not None]
        if len(complete) < self._members:
            self._look_ahead()
            return None
        # Whoever delivered this window has nothing left to deliver for an older one.
        self._open = {end: held for end, held in self._open.items() if end > candle.end}
        self._look_ahead()
        return complete

    def sweep(self, ts: int) -> None:
        """Give up what is overdue at `ts`."""
        within = self._within
        if within is not None:
            self._open = {end: held for end, held in self._open.items() if ts <= end + within}
            self._look_ahead()

    def _look_ahead(self) -> None:
        if self._within is not None:
            self.due = min(self._open) + self._within + 1 if self._open else NEVER


class BasketIndex:
    """The equally weighted index of a basket: 100 at its first window, moved by the mean of its members' log returns.

    The first window sets the base and makes no candle. Values are rounded to 8 decimals. A candle whose close has no logarithm
    counts as not delivered, so that its window makes no candle either, and `log` says so.
    """

    def __init__(self, alias: str, symbol: str, members: int, log: Callable[[str, str], None]) -> None:
        self._alias = alias
        self._symbol = symbol
        self._windows = Windows(members)
        self._log = log
        self._closes: list[float] = []
        self.value = BASE

    def take(self, place: int, candle: Candle) -> Candle | None:
        """The basket's candle, if this one completes a window after the first."""
        if not 0.0 < candle.close < math.inf:
            self._log("WARN", f"basket {self._alias}: left out a candle of {candle.symbol} that closed at {candle.close}")
            return None
        window = self._windows.take(place, candle)
        if window is None:
            return None
        before, self._closes = self._closes, [one.close for one in window]
        if not before:
            return None
        growth = math.fsum(math.log(now / then) for now, then in zip(self._closes, before, strict=True))
        opened, self.value = self.value, round(self.value * math.exp(growth / len(before)), DIGITS)
        first, high, low = window[0], max(opened, self.value), min(opened, self.value)
        return Candle(self._alias, self._symbol, first.start, first.end, opened, high, low, self.value, 0.0)
