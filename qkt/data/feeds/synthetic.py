"""Invented quotes as a feed: for trying things out, for demonstrations, for tests of load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from qkt.data.feeds.replay import ReplayFeed
from qkt.data.feeds.timer import Timer
from qkt.data.report import DataReport
from qkt.data.rows import between, part, tick_table
from qkt.data.synthetic import FIRST_DAY, market_of, synthesize
from qkt.data.tables import TickTable

# Trading days before a feed ends: more than anyone watches.
DAYS = 10_000


PIECE = 4_096
"""Rows of a table: whoever reads it may take hours for it, and has the next one at hand."""


class SyntheticTicks:
    """Ticks of one symbol, made day by day while they are read. The same seed gives the same ticks; see `synthesize`."""

    volume = True
    observed = False

    def __init__(self, symbol: str, seed: int, days: int, start: dt.date, ticks_per_day: int, price: float | None) -> None:
        market_of(symbol, price)
        self.symbol = symbol
        self.report = DataReport(symbol)
        self._days = days
        self._seed = seed
        self._start = start
        self._ticks_per_day = ticks_per_day
        self._price = price

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        days = synthesize(
            self.symbol, self._days, self._seed, start=self._start, ticks_per_day=self._ticks_per_day, price=self._price
        )
        for day in days:
            if end is not None and day["ts"][0] >= end:
                return
            for first in range(0, len(day["ts"]), PIECE):
                yield tick_table(between(part(day, slice(first, first + PIECE)), start, end))


def synthetic_feed(
    symbols: Sequence[str],
    seed: int,
    *,
    days: int = DAYS,
    start: dt.date = FIRST_DAY,
    ticks_per_day: int = 20_000,
    prices: Mapping[str, float] | None = None,
    speed: float | None = None,
    timer: Timer | None = None,
) -> ReplayFeed:
    """Quotes of several symbols that a seed and a sequence number determine, at the `speed` of a replay.

    `prices` are the first middles, needed for symbols that `synthesize` does not know; without one for such a symbol
    UsageError is raised at once.
    """
    known = prices or {}
    sources = {symbol: SyntheticTicks(symbol, seed, days, start, ticks_per_day, known.get(symbol)) for symbol in symbols}
    return ReplayFeed(sources, speed=speed, timer=timer)
