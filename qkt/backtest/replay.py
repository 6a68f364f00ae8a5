"""Moving time: tick by tick, or from one event to the next.

The jumping replay visits only the rows on which something can happen: where a candle closes, where a quote crosses the level
of a working order or a deadline passes, where a rollover is due, where equity may fall below what risk allows. On each of
them it calls `Session.on_tick` with the very tick, as the plain replay does on every row, or where only a candle closes it
publishes that. What the rows in between would have changed, candles, extremes, samples and prices, comes out of the columns.
Visiting a row more changes nothing, so both give the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qkt.backtest.columns import ChunkColumns
from qkt.backtest.equity_search import EquitySearch
from qkt.backtest.folded import ColumnBoard, ColumnCandles, ColumnPath
from qkt.backtest.samples import ColumnSamples
from qkt.core.events import Tick
from qkt.core.timeframe import Timeframe
from qkt.core.watch import NEVER, TrailWatch
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
    """The fast path over chunks. Owns the row position; its board, candles, samples and path stand in for the live ones."""

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
        self._path = ColumnPath(board)
        self._limits = EquitySearch(session, board)
        self._samples = ColumnSamples(session, board, sample)
        # The instant something is due without the market, and the row of this chunk that reaches it.
        self._due, self._due_row = NEVER, 0
        session.books.excursions.path = self._path
        session.waits.passed = self._path

    def run(self, chunks: Iterable[ChunkColumns], tell: Tell) -> bool:
        """Replay the tape. Returns False when `tell` stopped it."""
        done = 0
        for columns in chunks:
            if not columns.length:
                continue
            self._samples.load(columns)
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
        session, board, path, candles, samples = self._session, self._board, self._path, self._candles, self._samples
        waits, length = session.waits, columns.length
        self._due, self._due_row = NEVER, length
        for watch in waits.watches():
            watch.row = -1
            if isinstance(watch, TrailWatch):
                watch.passed = -1
        row = -1
        if session.first_ts is None:
            row = 0
            self._visit(columns, row)
        candles.foresee()
        # A row that only closes candles need not go through the session where nobody looks on.
        lean = session.first_ts is not None and not session.scope.watched and columns.sound(candles.rows)
        bound, revision = self._bound(columns, row), waits.revision
        told = 0
        while True:
            row = candles.row
            if row < length:
                told += 1
                if told % JUMP_TELL == 0:
                    samples.settle()  # who is told may look at the equity so far
                    if not tell(done + min(row, bound), candles.ts):
                        return min(row, bound)
            if lean and row < bound:
                ts = candles.ts
                board.row = row
                path.mark()
                session.proved(ts)
                candles.close()
                if waits.revision == revision:
                    continue
                session.run_timers(ts)
            else:
                row = min(row, bound)
                if row >= length:
                    return length
                self._visit(columns, row)
                if row < bound and waits.revision == revision:
                    continue
            bound, revision = self._bound(columns, row), waits.revision

    def _bound(self, columns: ChunkColumns, row: int) -> int:
        """The first row beyond `row` on which something other than the close of a candle can happen."""
        due = min(self._session.financing.due, self._session.waits.due)
        if due != self._due:
            self._due, self._due_row = due, _row_at(columns, due)
        bound = min(self._next_wait(columns, row), max(self._due_row, row + 1))
        self._session.waits.found(bound)
        return bound

    def _visit(self, columns: ChunkColumns, row: int) -> None:
        """The very tick of a row through the session."""
        tick = _tick_at(columns, row)
        self._samples.hand_over(row, tick.ts)
        self._board.row = row - 1
        self._path.mark()
        self._session.on_tick(tick)
        self._candles.leave(row)  # a tick that was refused has closed nothing

    def _next_wait(self, columns: ChunkColumns, row: int) -> int:
        """The first row beyond `row` at which the wait of a component can end, or a limit of equity be broken."""
        nearest = self._limits.next(columns, row)
        for watch in self._session.waits.watches():
            if watch.row <= row:
                watch.row = columns.by_symbol[watch.symbol].find(watch, row, nearest)
            if watch.row < nearest:
                nearest = watch.row
        return nearest

    def _finish(self, columns: ChunkColumns, reached: int) -> None:
        """Fold what is left of the chunk before its columns go."""
        session = self._session
        session.ticks += reached
        if reached:
            self._board.row = reached - 1
            self._candles.passed()
            session.last_ts = int(columns.ts[reached - 1])
            self._path.mark()
            self._samples.settle()
            session.books.excursions.settle()
            for watch in session.waits.watches():
                if isinstance(watch, TrailWatch):
                    session.waits.catch_up(watch, self._path)


def _row_at(columns: ChunkColumns, ts: int) -> int:
    """The first row at or after an instant."""
    return int(columns.ts.searchsorted(ts)) if ts <= columns.ts[-1] else columns.length


def _tick_at(columns: ChunkColumns, row: int) -> Tick:
    symbol = columns.symbol_of(row)
    quote = columns.by_symbol[symbol].quote_at(columns.by_symbol[symbol].local(row))
    ts = columns.ts.item(row)
    return Tick(symbol, ts, quote.price, quote.bid, quote.ask, None, 0, quote.bid_size, quote.ask_size)
