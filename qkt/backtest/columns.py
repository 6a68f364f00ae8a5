"""One chunk of the tape as the jumping replay needs it: columns by symbol, aligned to merged rows, with search.

A merged row is the position of a tick in the chunk's total order (time, stream, file). A local row is its position in the
table of its own symbol.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from qkt.brokers import Quote
from qkt.core.events import Candle
from qkt.core.timeframe import Timeframe
from qkt.core.watch import AnyWatch, Reads, TrailWatch, Watch
from qkt.data import CandleFolder, Chunk, ClosedBars, ObservationFolder, TickTable, optional_list
from qkt.strategy import is_statistic

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# Ticks summarised by one pair of extremes. Crossings are found by looking at whole blocks first.
BLOCK = 128
FIRST_LOOK = 64


class SymbolColumns:
    """The ticks of one symbol in a chunk. `rows` holds their merged rows, None when the symbol is alone; `shared` tells that
    many runs read them."""

    def __init__(self, table: TickTable, rows: Rows | None, length: int, *, shared: bool = False) -> None:
        self.table = table
        self.ts = table.ts
        self.price = table.price
        self.bid = table.bid
        self.ask = table.ask
        self._sell = _side(table.bid, table.price)
        self._buy = _side(table.ask, table.price)
        self.rows = rows
        self._length = length
        self._shared = shared
        self._sized = table.bid_size is not None or table.ask_size is not None
        self._latest: Rows | None = None
        self._quoted: Rows | None = None
        self._extremes: dict[tuple[Reads, bool], Floats] = {}
        self._candles: dict[Hashable, tuple[Rows, list[Candle], ClosedBars, Any]] = {}

    def merged(self, local: int) -> int:
        """The merged row of a local row."""
        return local if self.rows is None else int(self.rows[local])

    def local(self, merged: int) -> int:
        """The first local row at or after a merged row."""
        return merged if self.rows is None else int(self.rows.searchsorted(merged))

    def latest(self, merged: int) -> int:
        """The last local row at or before a merged row, -1 when there is none."""
        return merged if self.rows is None else int(self._latest_rows()[merged]) if merged >= 0 else -1

    def quote_at(self, local: int) -> Quote:
        bid = None if self.bid is None else self.bid.item(local)
        ask = None if self.ask is None else self.ask.item(local)
        bid, ask = None if bid != bid else bid, None if ask != ask else ask
        if not self._sized:
            return Quote(self.price.item(local), bid, ask)
        bid_size, ask_size = (optional_item(size, local) for size in (self.table.bid_size, self.table.ask_size))
        return Quote(self.price.item(local), bid, ask, bid_size, ask_size)

    def latest_quoted(self, local: int) -> int:
        """The last local row at or before `local` with a bid and an ask, -1 when there is none."""
        if self.bid is None or self.ask is None or local < 0:
            return -1
        if self.bid[local] <= self.ask[local]:  # false when either is missing
            return local
        if self._quoted is None:
            known = ~(np.isnan(self.bid) | np.isnan(self.ask))
            self._quoted = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
        return int(self._quoted[local])

    def spread_at(self, local: int) -> float:
        """Ask less bid of a row that has both."""
        assert self.bid is not None
        assert self.ask is not None
        return self.ask.item(local) - self.bid.item(local)

    def aligned(self, start: int, stop: int, before: float) -> Floats:
        """The symbol's last price at each merged row of [start, stop), `before` where none has come in this chunk."""
        if self.rows is None:
            return self.price[start:stop]
        latest = self._latest_rows()[start:stop]
        if latest[0] >= 0:
            return self.price[latest]
        return np.where(latest >= 0, self.price[latest], before) if len(self.price) else np.full(stop - start, before)

    def at(self, merged: Rows, before: float) -> Floats:
        """The symbol's last price at each of these merged rows, `before` where none has come in this chunk. A row of -1 stands
        before all."""
        latest = merged if self.rows is None else np.where(merged < 0, -1, self._latest_rows()[merged])
        if latest[0] >= 0:
            return self.price[latest]
        return np.where(latest >= 0, self.price[latest], before) if len(self.price) else np.full(len(merged), before)

    def own(self, start: int, stop: int) -> Floats:
        """Prices of the symbol's ticks at merged rows in [start, stop)."""
        return self.price[self.local(start) : self.local(stop)]

    def extremes(self, after: int, upto: int) -> tuple[float, float] | None:
        """Highest and lowest price of the ticks at merged rows in (after, upto], None without any."""
        prices = self.own(after + 1, upto + 1)
        return (float(prices.max()), float(prices.min())) if len(prices) else None

    def find(self, watch: AnyWatch, after: int, before: int) -> int:
        """The first merged row beyond `after` at which the watch can end, `before` where that is a level and cannot be reached
        before, the chunk's length when there is none.

        The extreme of a trail must hold everything up to `after`.
        """
        start = self.local(after + 1)
        end = len(self.ts)
        if watch.deadline is not None:
            end = start + int(self.ts[start:].searchsorted(watch.deadline))
        if isinstance(watch, TrailWatch):
            watch.passed = after
            hit = self._return(watch, start, end)
        else:
            limit = self.local(before)
            hit = self._crossing(watch, start, min(end, limit))
            if hit >= limit:
                return before
        return self.merged(hit) if hit < len(self.ts) else self._length

    def _crossing(self, watch: Watch, start: int, end: int) -> int:
        """The first local row in [start, end) that reaches the level, else `end`."""
        if start >= end:
            return end
        column, extremes = self._column(watch.reads), self._block_extremes(watch.reads, watch.below)
        block, last, look = start // BLOCK, -(-end // BLOCK), FIRST_LOOK
        # Of the first block only a part counts, and mostly none of it reaches the level.
        first, level = extremes.item(block), watch.level
        block += 1
        if first <= level if watch.below else first >= level:
            block_end = min(end, block * BLOCK)
            hit = _first(column, watch, start, block_end)
            if hit < block_end:
                return hit
        while block < last:
            stop = min(last, block + look)
            found = _first(extremes, watch, block, stop)
            if found < stop:
                return _first(column, watch, found * BLOCK, min(end, (found + 1) * BLOCK))
            block, look = stop, look * 4
        return end

    def _return(self, trail: TrailWatch, start: int, end: int) -> int:
        """The first local row in [start, end) that has come back from the running extreme, else `end`.

        A block is looked into only when its best quote comes back from the extreme that it may itself reach.
        """
        column = self._column(trail.reads)
        block_end = min(end, (start // BLOCK + 1) * BLOCK)
        hit, extreme = _first_return(self.price, column, trail, trail.extreme, start, block_end)
        if hit < block_end or block_end >= end:
            return hit
        bests = self._block_extremes(Reads.PRICE, below=not trail.below)
        returns = self._block_extremes(trail.reads, trail.below)
        block, last, look = block_end // BLOCK, -(-end // BLOCK), FIRST_LOOK
        while block < last:
            stop = min(last, block + look)
            found, before = _first_return(bests, returns, trail, extreme, block, stop)
            if found == stop:
                block, look, extreme = stop, look * 4, before
                continue
            row_end = min(end, (found + 1) * BLOCK)
            hit, extreme = _first_return(self.price, column, trail, before, found * BLOCK, row_end)
            if hit < row_end:
                return hit
            block, look = found + 1, FIRST_LOOK
        return end

    def candles(
        self, folder: CandleFolder | ObservationFolder, alias: str, symbol: str
    ) -> tuple[Rows, list[Candle], ClosedBars]:
        """The merged rows at which candles of a stream close here, the candles, and their columns; its folder has had every
        chunk before this one. Whoever replays the same chunks again finds them made."""
        key = alias, symbol, folder.terms
        found = self._candles.get(key)
        if found is None:
            bars = replace(folder.fold(self.table), known={} if self._shared else None)
            rows = bars.row if self.rows is None else self.rows[bars.row]
            found = self._candles[key] = rows, _events(bars, alias, symbol), bars, folder.carried
        rows, candles, bars, folder.carried = found
        return rows, candles, bars

    def _block_extremes(self, reads: Reads, below: bool) -> Floats:
        """The lowest (or highest) number of every block."""
        key = (reads, below)
        extremes = self._extremes.get(key)
        if extremes is None:
            column = self._column(reads)
            reduce = np.minimum if below else np.maximum
            extremes = reduce.reduceat(column, np.arange(0, len(column), BLOCK))
            self._extremes[key] = extremes
        return extremes

    def _column(self, reads: Reads) -> Floats:
        return self.price if reads is Reads.PRICE else self._buy if reads is Reads.ASK else self._sell

    def _latest_rows(self) -> Rows:
        if self._latest is None:
            assert self.rows is not None
            counts = np.zeros(self._length, np.int64)
            counts[self.rows] = 1
            self._latest = np.cumsum(counts) - 1
        return self._latest


class ChunkColumns:
    """All symbols of a chunk. `symbols` names its tables in order, `shared` tells that many runs read them."""

    def __init__(self, chunk: Chunk, symbols: tuple[str, ...], *, shared: bool = False) -> None:
        self.ts = chunk.ts
        self.code = chunk.code
        self.length = len(chunk)
        self.symbols = symbols
        self.by_symbol: dict[str, SymbolColumns] = {}
        self._windows: dict[Timeframe, tuple[Rows, Rows]] = {}
        for number, (symbol, table) in enumerate(zip(symbols, chunk.tables, strict=True)):
            rows = None if chunk.code is None else np.flatnonzero(chunk.code == number)
            self.by_symbol[symbol] = SymbolColumns(table, rows, self.length, shared=shared)

    def windows(self, frame: Timeframe) -> tuple[Rows, Rows]:
        """The merged rows that begin a window of the timeframe, the first row being one of them, and when each window ends."""
        found = self._windows.get(frame)
        if found is None:
            window = (self.ts - frame.offset) // frame.ms
            begins = np.concatenate(([0], np.flatnonzero(window[1:] != window[:-1]) + 1))
            found = self._windows[frame] = begins, (window[begins] + 1) * frame.ms + frame.offset
        return found

    def sound(self, merged: Rows) -> bool:
        """Whether each of these rows is one that a session takes: a price above zero, a quote that is not crossed."""
        for symbol, own in self.by_symbol.items():
            if is_statistic(symbol):
                continue
            rows = merged if own.rows is None else np.searchsorted(own.rows, merged[np.isin(merged, own.rows)])
            if not (own.price[rows] > 0).all():
                return False
            if own.bid is None or own.ask is None:
                continue
            bid, ask = own.bid[rows], own.ask[rows]
            if not (((bid > 0) & (bid <= ask)) | np.isnan(bid) | np.isnan(ask)).all():
                return False
        return True

    def symbol_of(self, merged: int) -> str:
        return self.symbols[0] if self.code is None else self.symbols[int(self.code[merged])]


def _side(quotes: Floats | None, price: Floats) -> Floats:
    """What one side of the market reads: its quote, the price in rows without one."""
    if quotes is None:
        return price
    missing = np.isnan(quotes)
    return np.where(missing, price, quotes) if missing.any() else quotes


def _first(column: Floats, watch: Watch, start: int, stop: int) -> int:
    """The first index in [start, stop) whose value reaches the watch's level, else `stop`."""
    if start >= stop:
        return stop
    part = column[start:stop]
    hits = part <= watch.level if watch.below else part >= watch.level
    found = int(hits.argmax())
    return start + found if hits[found] else stop


def _first_return(
    prices: Floats, numbers: Floats, trail: TrailWatch, extreme: float, start: int, stop: int
) -> tuple[int, float]:
    """The first index in [start, stop) whose number has come back from the running extreme, else `stop`; and the extreme
    before that index."""
    if start >= stop:
        return stop, extreme
    better = np.maximum if trail.below else np.minimum
    running = better(better.accumulate(prices[start:stop]), extreme)
    bound = running * trail.factor + trail.shift
    part = numbers[start:stop]
    hits = part <= bound if trail.below else part >= bound
    found = int(hits.argmax())
    if not hits[found]:
        return stop, float(running[-1])
    return start + found, float(running[found - 1]) if found else extreme


def _events(bars: ClosedBars, alias: str, symbol: str) -> list[Candle]:
    """The candles of a stream as they are handed over."""
    columns = (bars.start, bars.end, bars.open, bars.high, bars.low, bars.close, bars.volume)
    quotes = (optional_list(quote, len(bars)) for quote in (bars.bid, bars.ask))
    return list(map(Candle, repeat(alias), repeat(symbol), *(column.tolist() for column in columns), *quotes))


def optional_item(column: Floats | None, row: int) -> float | None:
    """A value of a column, None for NaN or without a column."""
    value = None if column is None else column.item(row)
    return None if value != value else value
