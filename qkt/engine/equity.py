"""The equity curve: sampled at the start, at the end of every window of the finest timeframe that had a tick, at the end.

A sample stands for the instant a window ends. It is taken when the first later tick comes, before that tick changes
anything, so it holds the positions and the last prices of the window itself.
"""

from __future__ import annotations

from array import array

from qkt.core.timeframe import Timeframe
from qkt.ledger import Books

NEVER = 1 << 62


class EquitySampler:
    """Columns `times` (epoch ms) and `values` (account currency, float64) of the session's equity.

    Equity is the run's starting balance plus realized and open profit of all strategies. `due` is the instant of the next
    sample.
    """

    def __init__(self, books: Books, timeframe: Timeframe) -> None:
        self._books = books
        self._timeframe = timeframe
        self._strategies = list(books.strategies.values())
        self.times = array("q")
        self.values = array("d")
        self.by_strategy = {name: array("d") for name in books.strategies}
        self.due = NEVER

    def begin(self, ts: int) -> None:
        self._sample(ts)
        self.next_after(ts)

    def next_after(self, ts: int) -> None:
        """The next sample falls on the end of the window that holds `ts`."""
        self.due = self._timeframe.window_start(ts) + self._timeframe.ms

    def run(self) -> None:
        self._sample(self.due)
        self.due = NEVER

    def end(self, ts: int) -> None:
        """The last sample, at the last tick; it replaces one of the same instant."""
        if self.times and self.times[-1] == ts:
            self.times.pop()
            self.values.pop()
            for values in self.by_strategy.values():
                values.pop()
        self._sample(ts)

    def _sample(self, ts: int) -> None:
        self.times.append(ts)
        if len(self._strategies) == 1:
            book = self._strategies[0]
            equity = self._books.equity_f(book)
            self.by_strategy[book.strategy].append(equity)
            self.values.append(equity)
            return
        total = float(self._books.starting)
        for book in self._strategies:
            equity = self._books.equity_f(book)
            self.by_strategy[book.strategy].append(equity)
            total += equity - float(book.starting)
        self.values.append(total)
