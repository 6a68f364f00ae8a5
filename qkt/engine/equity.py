"""The equity curve: sampled at the start, at the end of every window of the finest timeframe that had a tick, at the end.

A sample stands for the instant a window ends. It is taken when the first later tick comes, before that tick changes
anything, so it holds the positions and the last prices of the window itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import repeat

import numpy as np
import numpy.typing as npt

from qkt.core.timeframe import Timeframe
from qkt.core.watch import NEVER
from qkt.ledger import Books, Prices, equity_along, exposure_along


class EquitySampler:
    """Columns `times` (epoch ms) and `values` (account currency, float64) of the session's equity.

    Equity is the run's starting balance plus realized and open profit of all strategies. `due` is the instant of the next
    sample. A replay that owes samples brings them by `owed`, before anybody reads the columns or puts a sample behind them.
    With `kept`, older samples go when there are so many.
    """

    def __init__(self, books: Books, timeframe: Timeframe, kept: int | None = None) -> None:
        self._books = books
        self._kept = kept
        self._ms, self._offset = timeframe.ms, timeframe.offset
        self._strategies = list(books.strategies.values())
        self.only = self._strategies[0] if len(self._strategies) == 1 else None
        self._times = array("q")
        self._values = array("d")
        # What the strategies of a session hold together: gross, and symbol by symbol.
        self.gross = array("d")
        self.net = array("d")
        # A strategy alone has the session's curve.
        self.by_strategy = {name: array("d") for name in books.strategies}
        if self.only is not None:
            self.by_strategy[self.only.strategy] = self._values
        self.due = NEVER
        self.owed: Callable[[], None] | None = None

    @property
    def times(self) -> array[int]:
        if self.owed is not None:
            self.owed()
        return self._times

    @property
    def values(self) -> array[float]:
        if self.owed is not None:
            self.owed()
        return self._values

    def begin(self, ts: int) -> None:
        self._sample(ts)
        self.next_after(ts)

    def next_after(self, ts: int) -> None:
        """The next sample falls on the end of the window that holds `ts`."""
        self.due = ts - (ts - self._offset) % self._ms + self._ms

    def run(self) -> None:
        self._sample(self.due)
        self.due = NEVER

    def fold(self, times: npt.NDArray[np.int64], prices: Callable[[str], Prices]) -> None:
        """Many samples at once, between which nothing was booked: `prices` has the last price of a symbol before each of the
        `times` (epoch ms). The operations are those of one sample, so are the bits."""

        def extend(column: array[float], values: Prices | float) -> None:
            if isinstance(values, float):
                column.extend(repeat(values, len(times)))
            else:
                column.frombytes(values.tobytes())

        self._times.frombytes(times.tobytes())
        if self.only is not None:
            extend(self._values, equity_along(self._books, self.only, prices))
            return
        total: Prices | float = float(self._books.starting)
        for book in self._strategies:
            equity = equity_along(self._books, book, prices)
            extend(self.by_strategy[book.strategy], equity)
            total = total + (equity - float(book.starting))
        extend(self._values, total)
        for column, values in zip((self.gross, self.net), exposure_along(self._books, prices), strict=True):
            extend(column, values)

    def take(self, times: npt.NDArray[np.int64], values: Prices) -> None:
        """Samples of a strategy alone, worked out by who folds."""
        self._times.frombytes(times.tobytes())
        self._values.frombytes(values.tobytes())

    def end(self, ts: int) -> None:
        """The last sample, at the last tick; it replaces one of the same instant."""
        times, own = self.times, self._values
        if times and times[-1] == ts:
            times.pop()
            for values in (own, *(v for v in self.by_strategy.values() if v is not own)):
                values.pop()
            if self.only is None:
                self.gross.pop()
                self.net.pop()
        self._sample(ts)

    def _sample(self, ts: int) -> None:
        if self._kept is not None and len(self._times) >= self._kept:
            del self._times[:]
            for column in (self._values, self.gross, self.net, *self.by_strategy.values()):
                del column[:]
        self.times.append(ts)
        if self.only is not None:
            self._values.append(self._books.equity_f(self.only))
            return
        total = float(self._books.starting)
        for book in self._strategies:
            equity = self._books.equity_f(book)
            self.by_strategy[book.strategy].append(equity)
            total += equity - float(book.starting)
        self._values.append(total)
        gross, net = self._books.exposure_f()
        self.gross.append(gross)
        self.net.append(net)
