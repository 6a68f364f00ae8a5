"""The equity samples of a jumping replay: between two bookings all of them are read out of columns at once."""

from __future__ import annotations

import numpy as np

from qkt.backtest.columns import ChunkColumns, Floats, Rows
from qkt.backtest.folded import ColumnBoard
from qkt.core.timeframe import Timeframe
from qkt.engine import Session

NO_ROWS: Rows = np.empty(0, np.int64)


class ColumnSamples:
    """Takes the samples of rows that were passed, before anything is booked and where a chunk ends.

    A sample belongs to the first row of a window: it is due when that row comes, has the prices of the row before, and stands
    for the end of the window before.
    """

    def __init__(self, session: Session, board: ColumnBoard, frame: Timeframe) -> None:
        self._session = session
        self._board = board
        self._frame = frame
        self._columns: ChunkColumns | None = None
        self._rows = self._times = NO_ROWS
        self._done = 0
        self._open_until: int | None = None
        session.books.owed = self.settle

    def load(self, columns: ChunkColumns) -> None:
        """Go on with the next chunk; the window that was open at the end of the one before may go on in it."""
        begins, ends = columns.windows(self._frame)
        if self._open_until is None or self._open_until == ends[0]:
            self._rows, self._times = begins[1:], ends[:-1]
        else:
            self._rows, self._times = begins, np.concatenate(([self._open_until], ends[:-1]))
        self._columns, self._done, self._open_until = columns, 0, int(ends[-1])

    def settle(self) -> None:
        """Take those of all rows up to the board's."""
        self._take(int(np.searchsorted(self._rows, self._board.row, side="right")))

    def hand_over(self, row: int, ts: int) -> None:
        """Take those of all rows before one that the session is about to see. One that is due at it, at `ts`, is left to the
        session, which knows what else is due and in which order."""
        self._take(int(np.searchsorted(self._rows, row)))
        if self._done < len(self._rows) and self._rows[self._done] == row:
            self._session.sample_at(int(self._times[self._done]))
            self._done += 1
        else:
            self._session.sample_at(self._frame.window_start(ts) + self._frame.ms)

    def _take(self, until: int) -> None:
        start, columns = self._done, self._columns
        if until <= start or columns is None:
            return
        self._done = until
        rows, board = self._rows[start:until] - 1, self._board

        def prices(symbol: str) -> Floats:
            return columns.by_symbol[symbol].at(rows, board.before(symbol))

        self._session.equity.fold(self._times[start:until], prices)
