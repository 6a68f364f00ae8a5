"""Moving time: tick by tick, or from one event to the next.

The jumping replay visits only the rows on which something can happen: where a candle closes or an equity sample falls due,
where a quote crosses the level of a working order or a deadline passes, where a rollover is due, where equity may fall below
what risk allows. On each of them it calls
`Session.on_tick` with the very tick, as the plain replay does on every row. What the rows in between would have changed,
candles, extremes and prices, comes out of the columns. Visiting a row more changes nothing, so both give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat

import numpy as np

from qkt.backtest.columns import ChunkColumns, Rows
from qkt.backtest.equity_search import EquitySearch
from qkt.backtest.folded import ColumnBoard, ColumnCandles, ColumnPath
from qkt.core.events import Tick
from qkt.core.timeframe import Timeframe
from qkt.core.watch import TrailWatch
from qkt.data import optional_list
from qkt.engine import Session

Tell = Callable[[int, int], bool]
"""Hears the rows done and the time reached; answers whether to go on."""

PLAIN_TELL = 8192
JUMP_TELL = 1024


def replay_ticks(session: Session, ticks: Iterable[Tick], tell: Tell) -> bool:
    """Every tick through the session. Returns False when `tell` stopped it."""
    for done, tick in enumerate(ticks, 1):
        session.ticks = done
        session.on_tick(tick)
        if done % PLAIN_TELL == 0 and not tell(done, tick.ts):
            return False
    return True


class JumpReplay:
    """The fast path over chunks. Owns the row position; its board, candles and path stand in for the live ones."""

    def __init__(
        self,
        session: Session,
        board: ColumnBoard,
        candles: ColumnCandles,
        sample: Timeframe,
    ) -> None:
        self._session = session
        self._board = board
        self._candles = candles
        self._sample = sample
        self._path = ColumnPath(board)
        self._limits = EquitySearch(session, board)
        self._last_window: int | None = None
        session.books.excursions.path = self._path
        session.waits.passed = self._path

    def run(self, chunks: Iterable[ChunkColumns], tell: Tell) -> bool:
        """Replay the tape. Returns False when `tell` stopped it."""
        done = 0
        for columns in chunks:
            if not columns.length:
                continue
            self._board.load(columns)
            self._path.load(columns)
            self._candles.load(columns)
            reached = self._walk(columns, done, tell)
            done += reached
            self._finish(columns, reached)
            if reached < columns.length or not tell(done, int(columns.ts[-1])):
                return False
        return True

    def _walk(self, columns: ChunkColumns, done: int, tell: Tell) -> int:
        """Visit the rows of a chunk on which something can happen. Returns how many rows are done."""
        session, board, path = self._session, self._board, self._path
        waits, financing = session.waits, session.financing
        length = columns.length
        stops = self._stops(columns)
        stop_ticks = _ticks_at(columns, stops)
        stop_rows: list[int] = [*stops.tolist(), length]
        for watch in waits.watches():
            watch.row = -1
            if isinstance(watch, TrailWatch):
                watch.passed = -1
        wait, revision = self._next_wait(columns, -1), waits.revision
        due_row = _row_at(columns, min(financing.due, waits.due))
        waits.found(min(wait, due_row))
        visited = 0
        stop = stop_rows[0]
        while True:
            row = stop
            if wait < row:
                row = wait
            if due_row < row:
                row = due_row
            if row >= length:
                return length
            if row == stop:
                tick = stop_ticks[visited]
                visited += 1
                stop = stop_rows[visited]
                if visited % JUMP_TELL == 0 and not tell(done + row, tick.ts):
                    return row
            else:
                tick = _tick_at(columns, row)
            board.row = row - 1
            path.mark()
            session.on_tick(tick)
            if waits.revision != revision or wait <= row or due_row <= row:
                wait, revision = self._next_wait(columns, row), waits.revision
                due_row = max(_row_at(columns, min(financing.due, waits.due)), row + 1)
                waits.found(min(wait, due_row))

    def _stops(self, columns: ChunkColumns) -> Rows:
        """Rows known beforehand: the first tick of every sampling window and every row that closes a candle."""
        first, opening, last = columns.windows(self._sample)
        if opening != self._last_window:
            first = np.concatenate(([0], first))
        self._last_window = last
        closes = self._candles.rows()
        return np.unique(np.concatenate([first, *closes])) if closes else first

    def _next_wait(self, columns: ChunkColumns, row: int) -> int:
        """The first row beyond `row` at which the wait of a component can end, or a limit of equity be broken."""
        nearest = self._limits.next(columns, row)
        for watch in self._session.waits.watches():
            if watch.row <= row:
                watch.row = columns.by_symbol[watch.symbol].find(watch, row)
            nearest = min(nearest, watch.row)
        return nearest

    def _finish(self, columns: ChunkColumns, reached: int) -> None:
        """Fold what is left of the chunk before its columns go."""
        session = self._session
        session.ticks += reached
        if reached:
            self._board.row = reached - 1
            session.last_ts = int(columns.ts[reached - 1])
            self._path.mark()
            session.books.excursions.settle()
            for watch in session.waits.watches():
                if isinstance(watch, TrailWatch):
                    session.waits.catch_up(watch, self._path)


def _row_at(columns: ChunkColumns, ts: int) -> int:
    """The first row at or after an instant."""
    return int(np.searchsorted(columns.ts, ts)) if ts <= columns.ts[-1] else columns.length


def _tick_at(columns: ChunkColumns, row: int) -> Tick:
    symbol = columns.symbol_of(row)
    quote = columns.by_symbol[symbol].quote_at(columns.by_symbol[symbol].local(row))
    ts = columns.ts.item(row)
    return Tick(symbol, ts, quote.price, quote.bid, quote.ask, None, 0, quote.bid_size, quote.ask_size)


def _ticks_at(columns: ChunkColumns, rows: Rows) -> list[Tick]:
    """The ticks of many rows at once."""
    if columns.code is None:
        return _ticks_of_symbol(columns, columns.symbols[0], rows)
    ticks: list[Tick] = [None] * len(rows)  # type: ignore[list-item]
    codes = columns.code[rows]
    for number, symbol in enumerate(columns.symbols):
        places = np.flatnonzero(codes == number)
        found = _ticks_of_symbol(columns, symbol, rows[places])
        for place, tick in zip(places.tolist(), found, strict=True):
            ticks[place] = tick
    return ticks


def _ticks_of_symbol(columns: ChunkColumns, symbol: str, rows: Rows) -> list[Tick]:
    own = columns.by_symbol[symbol]
    local = rows if own.rows is None else np.searchsorted(own.rows, rows)
    table = own.table
    bids, asks, bid_sizes, ask_sizes = (
        optional_list(None if column is None else column[local], len(rows))
        for column in (own.bid, own.ask, table.bid_size, table.ask_size)
    )
    values = (repeat(symbol), columns.ts[rows].tolist(), own.price[local].tolist(), bids, asks)
    if table.bid_size is None and table.ask_size is None:
        return list(map(Tick, *values))
    return list(map(Tick, *values, repeat(None), repeat(0), bid_sizes, ask_sizes))
