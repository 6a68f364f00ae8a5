"""The ticks of a tape as the sources of a back-test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from qkt.core.events import Tick
from qkt.data import DataReport, TickTable

NAN = float("nan")


class RecordedTicks:
    """The recorded ticks of one market id, in memory. Implements `TickSource`."""

    volume = True
    observed = False

    def __init__(self, symbol: str, ticks: Sequence[Tick]) -> None:
        self.symbol = symbol
        self.report = DataReport(symbol, ["the recording"], "tape", len(ticks), len(ticks))
        self._ticks = ticks

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        """All of it in one table."""
        ticks = self._ticks
        if ticks:
            ts = np.array([tick.ts for tick in ticks], np.int64)
            price = np.array([tick.price for tick in ticks], np.float64)
            columns = (_column(getattr(tick, name) for tick in ticks) for name in OPTIONAL)
            yield TickTable(ts, price, *columns).between(start, end)


OPTIONAL = ("bid", "ask", "volume", "bid_size", "ask_size")


def _column(values: Iterable[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    known = [NAN if value is None else value for value in values]
    column = np.array(known, np.float64)
    return None if np.isnan(column).all() else column


def in_total_order(ticks: Sequence[Tick], symbols: Sequence[str]) -> bool:
    """Whether ticks came as a back-test would merge them: by time, then in the order of the symbols."""
    place = {symbol: number for number, symbol in enumerate(symbols)}
    keys = [(tick.ts, place[tick.symbol]) for tick in ticks]
    return all(a <= b for a, b in pairwise(keys))
