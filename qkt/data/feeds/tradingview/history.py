"""What the strategies' candles were made of before the session began, for its warm-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge

from qkt.core.clock import Clock, SystemClock
from qkt.core.events import Tick
from qkt.core.timeframe import DAY_MS
from qkt.data.feeds.timer import Timer
from qkt.data.feeds.tradingview.bars import MOST, RESOLUTIONS, fetch_bars
from qkt.data.feeds.tradingview.settings import TradingViewSettings
from qkt.data.tables import BarTable

FEWEST = 60
"""Bars of a stream that are read however few its rules wait for: averages settle."""
CLOSED_DAYS = 4
"""Days without a market that lie between two sessions at most, more or less."""

Wanted = Mapping[str, Sequence[tuple[int, int]]]
"""By market id: the length (ms) of each of its streams and the bars that are wanted of it."""


async def fetch_history(
    wanted: Wanted, *, settings: TradingViewSettings | None = None, clock: Clock | None = None, timer: Timer | None = None
) -> Iterator[Tick]:
    """Ticks in order of time that make the closed bars of these streams again: four for each bar of the longest resolution
    from which all streams of a symbol can be made. Raises UsageError where there is none, DataError for a refusal."""
    now = (clock or SystemClock()).now()
    found = []
    for symbol, streams in wanted.items():
        lengths = [length for length, _ in streams]
        fitting = [known for known in RESOLUTIONS if all(length % known == 0 for length in lengths)]
        duration = max(fitting, default=min(RESOLUTIONS))
        reach = max(2 * length * max(bars, FEWEST) for length, bars in streams) + CLOSED_DAYS * DAY_MS
        start = now - min(reach, (MOST - 1) * duration)
        table = await fetch_bars(symbol, duration, start, settings=settings, clock=clock, timer=timer)
        found.append(ticks_of_bars(symbol, table))
    return merge(*found, key=lambda tick: tick.ts)


def ticks_of_bars(symbol: str, bars: BarTable) -> Iterator[Tick]:
    """Open, extremes and close of each bar as ticks within it; its volume comes with the last."""
    for n in range(len(bars)):
        start = int(bars.start[n])
        volume = None if bars.volume is None or bars.volume[n] != bars.volume[n] else float(bars.volume[n])
        step = bars.duration // 4
        yield Tick(symbol, start, float(bars.open[n]), synthetic=1)
        yield Tick(symbol, start + step, float(bars.high[n]), synthetic=2)
        yield Tick(symbol, start + 2 * step, float(bars.low[n]), synthetic=2)
        yield Tick(symbol, start + bars.duration - 1, float(bars.close[n]), volume=volume, synthetic=2)
