"""The prices of a run as candles to be drawn: whole at first, coarser when there are too many of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qkt.backtest.columns import Floats, Rows
from qkt.core.bus import Scope
from qkt.core.events import Candle
from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from qkt.engine import shortest
from qkt.strategy import StreamSpec

MOST = 8_000
"""Candles of one symbol; more of them are merged."""

LADDER = tuple(n * MINUTE_MS for n in (1, 5, 15, 30)) + tuple(n * HOUR_MS for n in (1, 4)) + (DAY_MS,)


Begun = Callable[[str, int], None]
"""Gets a symbol and the time (epoch ms) of a candle's end."""


def _unheard(symbol: str, ts: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Candles of one symbol: `starts` epoch ms, the rest prices of the ticks that made them (mid where there are quotes)."""

    timeframe_ms: int
    starts: Rows
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    def __len__(self) -> int:
        return len(self.starts)


class PriceRecorder:
    """Hears the candles of each traded symbol's shortest stream, and keeps at most `most` of them: before there are more, those
    of the next longer timeframe take their place. `begun` hears of each candle that is added to those kept."""

    def __init__(self, scope: Scope, streams: Sequence[StreamSpec], most: int = MOST, begun: Begun = _unheard) -> None:
        traded = {stream.symbol for stream in streams if stream.traded}
        chosen = [stream for symbol, stream in shortest(streams).items() if symbol in traded]
        self._symbols = {stream.symbol: _Column(stream.timeframe.ms, most) for stream in chosen}
        self._by_stream = {stream.alias: self._symbols[stream.symbol] for stream in chosen}
        self._begun = begun
        scope.subscribe(Candle, self._on_candle)

    def prices(self) -> dict[str, Prices]:
        """By market id, without symbols of which no candle closed."""
        return {symbol: column.prices() for symbol, column in self._symbols.items() if column.starts}

    def _on_candle(self, candle: Candle) -> None:
        column = self._by_stream.get(candle.stream)
        if column is not None and column.add(candle):
            self._begun(candle.symbol, candle.end)


class _Column:
    """The candles of one symbol while they come; they are merged when there are twice as many as may stay."""

    def __init__(self, ms: int, most: int) -> None:
        self._own, self._ms, self._most = ms, ms, most
        self.starts = array("q")
        self._values = array("d")

    def add(self, candle: Candle) -> bool:
        """Whether it is a candle of its own, and not a part of the last one."""
        if self._ms > self._own:
            start = candle.start // self._ms * self._ms
            if start == self.starts[-1]:
                values = self._values
                values[-3:] = array("d", (max(values[-3], candle.high), min(values[-2], candle.low), candle.close))
                return False
        else:
            start = candle.start
        self.starts.append(start)
        self._values.extend((candle.open, candle.high, candle.low, candle.close))
        if len(self.starts) > 2 * self._most:
            self._merge()
        return True

    def prices(self) -> Prices:
        if len(self.starts) > self._most:
            self._merge()
        table = self._table()
        return Prices(self._ms, np.array(self.starts, dtype=np.int64), *(table[:, n].copy() for n in range(4)))

    def _table(self) -> Floats:
        return np.array(self._values, dtype=np.float64).reshape(-1, 4)

    def _merge(self) -> None:
        """Into candles of the shortest timeframe of the ladder that leaves at most `most` of them."""
        starts, table = np.array(self.starts, dtype=np.int64), self._table()
        for ms in (ms for ms in LADDER if ms > self._ms and ms % self._own == 0):
            windows = starts // ms * ms
            firsts = np.flatnonzero(np.diff(windows, prepend=-1) != 0)
            if len(firsts) <= self._most or ms == LADDER[-1]:
                break
        else:
            self._most *= 2  # no longer timeframe holds this one: they are kept as they are
            return
        lasts = np.append(firsts[1:], len(starts)) - 1
        high, low = np.maximum.reduceat(table[:, 1], firsts), np.minimum.reduceat(table[:, 2], firsts)
        merged = np.column_stack((table[firsts, 0], high, low, table[lasts, 3]))
        self._ms, self.starts, self._values = ms, array("q", windows[firsts].tolist()), array("d", merged.ravel().tolist())
