"""Replay of bars: each becomes four ticks, in the order that `BarPaths` chooses.

The order is asked for once a bar, after its open has been processed, so an entry that the open filled already decides the
path. Bars carry no quotes; several symbols are merged by time, then by their order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from qkt.backtest.bar_paths import BarPaths
from qkt.backtest.bar_sources import ResolvedBars
from qkt.core.events import Tick
from qkt.data import BarSource, BarTable, TickSource, TickTable, bar_path, optional_list, table_ticks

OPENS, WITHIN = 1, 2
Source = BarSource | TickSource
# Time, number of the source, its next tick, the ticks after that. Two sources never share a number.
Item = tuple[int, int, Tick, Iterator[Tick]]
# Start, open, high, low, close, volume.
Bar = tuple[int, float, float, float, float, float | None]


def ticks_of_bars(sources: Mapping[str, Source], start: int | None, end: int | None, paths: BarPaths) -> Iterator[Tick]:
    """The ticks of bars and, where a symbol has them, real ticks, in one order."""
    heap: list[Item] = []
    for number, (symbol, source) in enumerate(sources.items()):
        _push(heap, number, _of_source(symbol, source, start, end, paths))
    while heap:
        _, number, tick, rest = heapq.heappop(heap)
        yield tick
        _push(heap, number, rest)


def _push(heap: list[Item], number: int, ticks: Iterator[Tick]) -> None:
    tick = next(ticks, None)
    if tick is not None:
        heapq.heappush(heap, (tick.ts, number, tick, ticks))


def _of_source(symbol: str, source: Source, start: int | None, end: int | None, paths: BarPaths) -> Iterator[Tick]:
    if isinstance(source, ResolvedBars):
        yield from _resolved(symbol, source, start, end, paths)
        return
    for table in source.tables(start, end):
        if isinstance(table, TickTable):
            yield from table_ticks(table, symbol)
        else:
            for bar in _rows(table):
                yield from _path(symbol, bar, table.duration, paths)


def _resolved(symbol: str, source: ResolvedBars, start: int | None, end: int | None, paths: BarPaths) -> Iterator[Tick]:
    """Every real tick, and the path of every bar that has none."""
    source.unresolved = 0
    ticks = (tick for table in source.ticks.tables(start, end) for tick in table_ticks(table, symbol))
    tick = next(ticks, None)
    for table in source.tables(start, end):
        for bar in _rows(table):
            begins, ends = bar[0], bar[0] + table.duration
            while tick is not None and tick.ts < begins:
                yield tick
                tick = next(ticks, None)
            if tick is None or tick.ts >= ends:
                source.unresolved += 1
                yield from _path(symbol, bar, table.duration, paths)
                paths.leave(symbol)
            while tick is not None and tick.ts < ends:
                yield tick
                tick = next(ticks, None)
    while tick is not None:
        yield tick
        tick = next(ticks, None)


def _rows(table: BarTable) -> Iterator[Bar]:
    volumes = optional_list(table.volume, len(table))
    columns = (table.start, table.open, table.high, table.low, table.close)
    return zip(*(column.tolist() for column in columns), volumes, strict=True)


def _path(symbol: str, bar: Bar, duration: int, paths: BarPaths) -> Iterator[Tick]:
    begins, o, h, low, c, volume = bar
    yield Tick(symbol, begins, o, synthetic=OPENS)
    # Asked for only now: the open has been processed.
    points = bar_path(begins, duration, o, h, low, c, volume, high_first=paths.high_first(symbol, low, h))
    for ts, price, size in points[1:]:
        yield Tick(symbol, ts, price, volume=size, synthetic=WITHIN)
