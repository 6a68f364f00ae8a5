"""Replay of bars: each becomes four ticks, and the order of its extremes is the one that hurts the open position.

The side is looked up once a bar, after its open has been processed, so an entry that the open filled already decides the
path. Bars carry no quotes; several symbols are merged by time, then by their order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping

from qkt.backtest.replay import rows_of
from qkt.core.events import Tick
from qkt.data import BarSource, TickSource, TickTable, bar_path

OPENS, WITHIN = 1, 2
# Time, number of the source, its next tick, the ticks after that. Two sources never share a number.
Item = tuple[int, int, Tick, Iterator[Tick]]


def ticks_of_bars(
    sources: Mapping[str, BarSource | TickSource],
    start: int | None,
    end: int | None,
    is_short: Callable[[str], bool],
) -> Iterator[Tick]:
    """The ticks of bars and, where a symbol has them, real ticks, in one order.

    `is_short` tells the sign of the account's position on a symbol at the moment it is asked.
    """
    heap: list[Item] = []
    for number, (symbol, source) in enumerate(sources.items()):
        _push(heap, number, _of_source(symbol, source, start, end, is_short))
    while heap:
        _, number, tick, rest = heapq.heappop(heap)
        yield tick
        _push(heap, number, rest)


def _push(heap: list[Item], number: int, ticks: Iterator[Tick]) -> None:
    tick = next(ticks, None)
    if tick is not None:
        heapq.heappush(heap, (tick.ts, number, tick, ticks))


def _of_source(
    symbol: str,
    source: BarSource | TickSource,
    start: int | None,
    end: int | None,
    is_short: Callable[[str], bool],
) -> Iterator[Tick]:
    for table in source.tables(start, end):
        if isinstance(table, TickTable):
            yield from (Tick(*row) for row in rows_of(table, symbol))
            continue
        volumes = [None] * len(table) if table.volume is None else table.volume.tolist()
        columns = (table.start, table.open, table.high, table.low, table.close)
        for begin, o, h, low, c, volume in zip(*(x.tolist() for x in columns), volumes, strict=True):
            yield Tick(symbol, begin, o, synthetic=OPENS)
            # Asked for only now: the open has been processed.
            path = bar_path(begin, table.duration, o, h, low, c, volume, high_first=is_short(symbol))
            for ts, price, size in path[1:]:
                yield Tick(symbol, ts, price, volume=size, synthetic=WITHIN)
