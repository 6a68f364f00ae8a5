"""Ticks to candles, a table at a time: the same candles as `CandleBuilder`, bit for bit, however the tape is cut."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qkt.core.timeframe import Timeframe
from qkt.data.candles import Bar
from qkt.data.tables import Floats, Ints, TickTable

NOTHING = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class ClosedBars:
    """The candles that a table's ticks closed, oldest first.

    `row` is the index in that table of the tick that closed each (the first of the next window). `bid` and `ask` are NaN
    where the candle's last tick had no quote. Times in epoch ms. `known` is for what readers find out about them, by what it
    is, None where each run makes its own.
    """

    row: Ints
    start: Ints
    end: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    bid: Floats
    ask: Floats
    known: dict[Hashable, Any] | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.row)

    def bars(self) -> list[Bar]:
        """The same as single bars."""
        columns = (self.start, self.end, self.open, self.high, self.low, self.close, self.volume)
        quotes = (_optional(self.bid), _optional(self.ask))
        return [Bar(*row) for row in zip(*(column.tolist() for column in columns), *quotes, strict=True)]


class CandleFolder:
    """Folds the consecutive tables of one symbol; the open candle is carried from table to table.

    The rules are those of `CandleBuilder`. With `volume=False` volumes are not summed and stay zero.
    """

    def __init__(self, timeframe: Timeframe, begin: int | None = None, *, volume: bool = True) -> None:
        self._timeframe = timeframe
        self._begin = begin
        self._sums_volume = volume
        self._open: Bar | None = None
        self.late = 0
        self.partial = 0

    @property
    def unfinished(self) -> Bar | None:
        """The open candle so far."""
        return self._open

    @property
    def terms(self) -> tuple[Timeframe, int | None, bool]:
        """What it folds by: two folders with the same terms make the same of the same tables."""
        return self._timeframe, self._begin, self._sums_volume

    @property
    def carried(self) -> tuple[Bar | None, int, int]:
        """What it takes from table to table."""
        return self._open, self.late, self.partial

    @carried.setter
    def carried(self, state: tuple[Bar | None, int, int]) -> None:
        self._open, self.late, self.partial = state

    def fold(self, table: TickTable) -> ClosedBars:
        """Take a table; returns the candles it closes."""
        late = 0
        if self._open is not None:
            late = int(np.searchsorted(table.ts, self._open.start))
            self.late += late
        fresh = table.slice(late, len(table)) if late else table
        if not len(fresh):
            return _nothing()
        windows = self._windows(fresh)
        closed = self._close_all_but_last(windows, late)
        return self._without_partial(closed)

    def _windows(self, table: TickTable) -> ClosedBars:
        """One bar for each window that the table touches, the carried one included; `row` is where each begins."""
        frame, price = self._timeframe, table.price
        number = (table.ts - frame.offset if frame.offset else table.ts) // frame.ms
        first = np.concatenate(([0], np.flatnonzero(number[1:] != number[:-1]) + 1))
        last = np.concatenate((first[1:], [len(table)])) - 1
        start = number[first] * frame.ms + frame.offset
        windows = ClosedBars(
            row=first,
            start=start,
            end=start + frame.ms,
            open=price[first],
            high=np.maximum.reduceat(price, first),
            low=np.minimum.reduceat(price, first),
            close=price[last],
            volume=self._volumes(table, first),
            bid=_at(table.bid, last),
            ask=_at(table.ask, last),
        )
        held = self._open
        if held is None:
            return windows
        if held.start == start[0]:
            windows.open[0] = held.open
            windows.high[0] = max(held.high, windows.high[0])
            windows.low[0] = min(held.low, windows.low[0])
            return windows
        return _prepend(held, windows)

    def _volumes(self, table: TickTable, first: Ints) -> Floats:
        """Volume of each window, added oldest to newest from the carried sum on: bincount and accumulate add one by one."""
        held = self._open if self._open is not None and table.ts[0] < self._open.end else None
        sums: Floats = np.zeros(len(first))
        if not self._sums_volume or table.volume is None:
            sums[0] = held.volume if held is not None else 0.0
            return sums
        sizes = np.where(np.isnan(table.volume), 0.0, table.volume)
        counts = np.diff(first, append=len(table))
        sums += np.bincount(np.repeat(np.arange(len(first)), counts), weights=sizes)
        if held is not None:
            sums[0] = np.add.accumulate(np.concatenate(([held.volume], sizes[: counts[0]])))[-1]
        return sums

    def _close_all_but_last(self, windows: ClosedBars, late: int) -> ClosedBars:
        """Keep the newest window open; a window is closed by the first row of the next one."""
        self._open = _take(windows, slice(-1, None)).bars()[0]
        closed = _take(windows, slice(None, -1))
        return replace(closed, row=windows.row[1:] + late)

    def _without_partial(self, closed: ClosedBars) -> ClosedBars:
        if self._begin is None or not len(closed) or closed.start[0] >= self._begin:
            return closed
        partial = int(np.searchsorted(closed.start, self._begin))
        self.partial += partial
        return _take(closed, slice(partial, None))


def _columns(bars: ClosedBars) -> list[Any]:
    prices = (bars.open, bars.high, bars.low, bars.close)
    return [bars.row, bars.start, bars.end, *prices, bars.volume, bars.bid, bars.ask]


def _take(bars: ClosedBars, rows: slice) -> ClosedBars:
    return ClosedBars(*(column[rows] for column in _columns(bars)))


def _prepend(bar: Bar, bars: ClosedBars) -> ClosedBars:
    """The bar before the bars; it begins in an earlier table, its row is of no use."""
    ahead = (0, *(NOTHING if value is None else value for value in bar))
    pairs = zip(ahead, _columns(bars), strict=True)
    return ClosedBars(*(np.insert(column, 0, value) for value, column in pairs))


def _at(column: Floats | None, rows: Ints) -> Floats:
    return np.full(len(rows), NOTHING) if column is None else column[rows]


def _optional(column: Floats) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]


def _nothing() -> ClosedBars:
    columns: list[Any] = [np.empty(0, np.int64)] * 3 + [np.empty(0)] * 7
    return ClosedBars(*columns)
