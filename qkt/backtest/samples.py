"""The equity samples of a jumping replay: between two bookings all of them are read out of columns at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from qkt.backtest.columns import ChunkColumns, Floats
from qkt.backtest.folded import NO_ROWS, ColumnBoard
from qkt.core.timeframe import Timeframe
from qkt.engine import Session

_Stretch: TypeAlias = tuple[int, float, str, float, float, float]
"""Samples up to one, and what they are made of: the balance, and of the leg its symbol, its entry, its signed lots, and account
currency a price unit and lot."""


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
        # Samples up to `_done` are taken but for those of these stretches, in which a strategy alone held one leg or nothing.
        self._stretches: list[_Stretch] = []
        self._stretched_from = 0
        session.books.owed = self.settle
        session.equity.owed = self._work_out

    def load(self, columns: ChunkColumns) -> None:
        """Go on with the next chunk; the window that was open at the end of the one before may go on in it."""
        self._work_out()
        begins, ends = columns.windows(self._frame)
        if self._open_until is None or self._open_until == ends[0]:
            self._rows, self._times = begins[1:], ends[:-1]
        else:
            self._rows, self._times = begins, np.concatenate(([self._open_until], ends[:-1]))
        self._columns, self._done, self._open_until = columns, 0, int(ends[-1])

    def settle(self) -> None:
        """Take those of all rows up to the board's."""
        self._take(int(self._rows.searchsorted(self._board.row, "right")))

    def hand_over(self, row: int, ts: int) -> None:
        """Take those of all rows before one that the session is about to see. One that is due at it, at `ts`, is left to the
        session where something else is due too, of which it knows the order."""
        session = self._session
        alone = session.financing.due > ts and session.risk.due > ts
        self._take(int(self._rows.searchsorted(row, "right" if alone else "left")))
        if self._done < len(self._rows) and self._rows[self._done] == row:
            self._session.sample_at(int(self._times[self._done]))
            self._done += 1
        else:
            self._session.sample_at(self._frame.window_start(ts) + self._frame.ms)

    def _take(self, until: int) -> None:
        start, columns = self._done, self._columns
        if until <= start or columns is None:
            return
        stretch = self._stretch(until)
        if stretch is not None:
            if not self._stretches:
                self._stretched_from = start
            self._stretches.append(stretch)
            self._done = until
            return
        self._work_out()
        self._done = until
        self._session.equity.fold(self._times[start:until], self._prices(columns, start, until))

    def _prices(self, columns: ChunkColumns, start: int, until: int) -> Callable[[str], Floats]:
        """The last prices by symbol before the windows of some samples."""
        rows, board = self._rows[start:until] - 1, self._board
        return lambda symbol: columns.by_symbol[symbol].at(rows, board.before(symbol))

    def _stretch(self, until: int) -> _Stretch | None:
        """What equity is made of now, None where that is more than one leg whose profit needs no other price."""
        book = self._session.equity.only
        if book is None:
            return None
        held = [legs for legs in book.legs.values() if legs.all]
        if not held:
            return until, book.balance_f, "", 0.0, 0.0, 0.0
        books, legs = self._session.books, held[0]
        if len(held) > 1 or len(legs.all) > 1 or not books.converter.is_one(legs.symbol):
            return None
        leg = legs.all[0]
        return until, book.balance_f, legs.symbol, leg.entry_f, leg.signed_f, books.factor_f(legs.symbol)

    def _work_out(self) -> None:
        """Take the samples of all stretches: the operations are those of `Books.equity_f`."""
        if not self._stretches or self._columns is None:
            return
        stretches, start = self._stretches, self._stretched_from
        self._stretches = []
        untils, balances, symbols, *parts = zip(*stretches, strict=True)
        counts = np.diff((start, *untils))
        balance, entry, lots, factor = (np.repeat(np.array(part), counts) for part in (balances, *parts))
        prices = self._prices(self._columns, start, untils[-1])
        values = balance.copy()
        held = np.repeat(np.array(symbols), counts)
        for symbol in sorted({*symbols} - {""}):
            own = held == symbol
            profit = (prices(symbol)[own] - entry[own]) * lots[own] * factor[own]
            values[own] = balance[own] + (0.0 + profit)
        self._session.equity.take(self._times[start : untils[-1]], values)
