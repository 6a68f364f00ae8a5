"""The parts of a session that a jumping replay reads out of columns: the board, the candles, the path between visits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from qkt.backtest.columns import ChunkColumns, Floats, Rows, SymbolColumns
from qkt.brokers import Quote
from qkt.core.bus import Scope
from qkt.core.events import Candle, Tick
from qkt.data import CandleFolder, ClosedBars, ObservationFolder
from qkt.engine import shortest
from qkt.strategy import Foreseeing, StreamSpec

NO_ROW = -1
NO_ROWS: Rows = np.empty(0, np.int64)
# What stands where no candle is to come: a row beyond all.
NO_CANDLE = (1 << 62, 0, Candle("", "", 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0), 0)


class ColumnBoard:
    """The market read out of columns as of `row`, the newest merged row that counts."""

    def __init__(self) -> None:
        self.row = NO_ROW
        self._columns: dict[str, SymbolColumns] = {}
        # The quote that was read last, of a row that several ask for while it is visited.
        self._read: tuple[int, str] = NO_ROW, ""
        self._quote: Quote | None = None
        self._carried: dict[str, Quote] = {}
        self._spreads: dict[str, float] = {}

    def load(self, columns: ChunkColumns) -> None:
        """Go on with the next chunk; the last quotes and spreads of the one before stay known."""
        for symbol, old in self._columns.items():
            if len(old.ts):
                quoted = old.latest_quoted(len(old.ts) - 1)
                if quoted >= 0:
                    self._spreads[symbol] = old.spread_at(quoted)
                self._carried[symbol] = old.quote_at(len(old.ts) - 1)
        self._columns = columns.by_symbol
        self._read = NO_ROW, ""
        self.row = NO_ROW

    def update(self, tick: Tick) -> None:  # noqa: ARG002 - the columns hold the tick already
        self.row += 1

    def quote(self, symbol: str) -> Quote | None:
        asked = self.row, symbol
        if asked != self._read:
            self._quote, self._read = self._quote_of(symbol), asked
        return self._quote

    def _quote_of(self, symbol: str) -> Quote | None:
        columns = self._columns.get(symbol)
        if columns is not None:
            local = columns.latest(self.row)
            if local >= 0:
                return columns.quote_at(local)
        return self._carried.get(symbol)

    def last(self, symbol: str) -> float | None:
        columns = self._columns.get(symbol)
        if columns is not None:
            local = columns.latest(self.row)
            if local >= 0:
                return columns.price.item(local)
        carried = self._carried.get(symbol)
        return None if carried is None else carried.price

    def spread(self, symbol: str) -> float | None:
        columns = self._columns.get(symbol)
        if columns is not None:
            local = columns.latest_quoted(columns.latest(self.row))
            if local >= 0:
                return columns.spread_at(local)
        return self._spreads.get(symbol)

    def before(self, symbol: str) -> float:
        """The symbol's last price before this chunk, NaN when there was none."""
        carried = self._carried.get(symbol)
        return float("nan") if carried is None else carried.price


class ColumnPath:
    """Implements `PricePath`: the rows passed since the last fold are [`_folded` + 1, `_marked`]. Implements `Passed`."""

    def __init__(self, board: ColumnBoard) -> None:
        self._board = board
        self._columns: dict[str, SymbolColumns] = {}
        self._marked = self._folded = NO_ROW

    def load(self, columns: ChunkColumns) -> None:
        self._columns = columns.by_symbol
        self._marked = self._folded = NO_ROW

    @property
    def row(self) -> int:
        return self._board.row

    def extremes(self, symbol: str, after: int) -> tuple[float, float] | None:
        return self._columns[symbol].extremes(after, self._board.row)

    def mark(self) -> None:
        self._marked = self._board.row

    def pending(self) -> bool:
        return self._marked > self._folded

    def prices(self, symbol: str) -> Floats:
        return self._columns[symbol].aligned(self._folded + 1, self._marked + 1, self._board.before(symbol))

    def first(self, symbol: str) -> float:
        start = self._folded + 1
        return self._columns[symbol].aligned(start, start + 1, self._board.before(symbol)).item()

    def own_prices(self, symbol: str) -> Floats:
        return self._columns[symbol].own(self._folded + 1, self._marked + 1)

    def settled(self) -> None:
        self._folded = self._marked


class _Stream:
    """The candles of one declared stream in this chunk."""

    __slots__ = ("bars", "candles", "folder", "rows", "spec")

    def __init__(self, spec: StreamSpec, begin: int | None, volume: bool) -> None:
        self.spec = spec
        self.folder = ObservationFolder(spec.timeframe) if spec.observed else CandleFolder(spec.timeframe, begin, volume=volume)
        self.rows = NO_ROWS
        self.candles: Sequence[Candle] = ()
        self.bars: ClosedBars | None = None

    def load(self, columns: SymbolColumns) -> None:
        self.rows, self.candles, self.bars = columns.candles(self.folder, self.spec.alias, self.spec.symbol)


class ColumnCandles:
    """Implements `CandleFeed`: the candles of a chunk are folded at once and handed over where their closing tick comes.

    `row` is the merged row of the next tick that closes candles and `ts` its time; `rows` are all of this
    chunk. Candles that the `seer` need not hear are left out.
    """

    def __init__(
        self, scope: Scope, streams: Sequence[StreamSpec], begin: int | None, board: ColumnBoard, volume: bool
    ) -> None:
        self._scope = scope
        self._board = board
        self._streams = [_Stream(spec, begin, volume) for spec in streams if spec.fed]
        counted = shortest(streams)
        # The stream of each symbol whose candles are counted, and how many closed in the chunks before this one.
        self._counted = {stream.spec.symbol: stream for stream in self._streams if stream.spec is counted[stream.spec.symbol]}
        self._before = dict.fromkeys(self._counted, 0)
        self._hearers: Sequence[Callable[[Candle], None]] = ()
        self._pending: Iterator[tuple[int, int, Candle, int]] = iter(())
        self._closed = NO_ROW
        self._ts: Rows = np.empty(0, np.int64)
        self.seer: Foreseeing | None = None
        self.rows = NO_ROWS
        self.row, self.ts, self._candle, self._place = NO_CANDLE

    def load(self, columns: ChunkColumns) -> None:
        for symbol, stream in self._counted.items():
            self._before[symbol] += len(stream.rows)
        for stream in self._streams:
            stream.load(columns.by_symbol[stream.spec.symbol])
        self._hearers = (self._scope.publish,) if self._scope.watched else self._scope.awake(Candle)
        self._closed = NO_ROW
        self.rows, candles = self._merged()
        self._ts = columns.ts[self.rows]
        self._pending = zip(self.rows.tolist(), self._ts.tolist(), candles, range(len(self.rows)), strict=True)
        self._advance()

    def foresee(self) -> None:
        """Leave out what the `seer` need not hear, where there is one; it has started."""
        stream = self._streams[0]
        if self.seer is None or self.seer.foresight is None:
            return
        places = self.seer.foresight.load(stream.bars)
        candles = map(stream.candles.__getitem__, places)
        self._pending = zip(self.rows[places].tolist(), self._ts[places].tolist(), candles, places, strict=True)
        self._advance()

    def _merged(self) -> tuple[Rows, Iterable[Candle]]:
        """The candles of all streams by the row that closes them, those of one row in the order of declaration."""
        if len(self._streams) == 1:
            return self._streams[0].rows, self._streams[0].candles
        rows = np.concatenate([stream.rows for stream in self._streams])
        order = np.argsort(rows, kind="stable")
        owners = np.repeat(np.arange(len(self._streams)), [len(stream.rows) for stream in self._streams])[order]
        owns = [iter(stream.candles) for stream in self._streams]
        return rows[order], map(next, map(owns.__getitem__, owners.tolist()))

    def _advance(self) -> None:
        self.row, self.ts, self._candle, self._place = next(self._pending, NO_CANDLE)

    def on_tick(self, tick: Tick) -> None:  # noqa: ARG002 - which candles its row closes is known
        if self.row == self._board.row:
            self.close()
        else:
            self.passed()

    def close(self) -> None:
        """Hand over the candles that the tick at `row` closes: where nobody looks on, straight to those who hear them."""
        row = self._closed = self.row
        while row == self.row:
            candle = self._candle
            if self.seer is not None and self.seer.foresight is not None:
                self.seer.foresight.reach(self._place)
            self._advance()
            for hear in self._hearers:
                hear(candle)

    def passed(self) -> None:
        """What closes at the board's row has closed."""
        self._closed = self._board.row

    def leave(self, row: int) -> None:
        """Whatever was to close up to this row is past."""
        while self.row <= row:
            self._advance()

    def unfinished(self) -> int:
        return sum(stream.folder.unfinished is not None for stream in self._streams)

    def closed(self, symbol: str) -> int:
        stream = self._counted.get(symbol)
        if stream is None:
            return 0
        row = self._board.row
        side: Literal["left", "right"] = "right" if self._closed == row else "left"
        return self._before[symbol] + int(stream.rows.searchsorted(row, side))
