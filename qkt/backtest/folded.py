"""The parts of a session that a jumping replay reads out of columns: the board, the candles, the path between visits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

import numpy as np

from qkt.backtest.columns import ChunkColumns, Floats, Rows, SymbolColumns
from qkt.brokers import Quote
from qkt.core.bus import Scope
from qkt.core.events import Candle, Tick
from qkt.data import CandleFolder, ObservationFolder, optional_list
from qkt.engine import shortest
from qkt.strategy import StreamSpec

NO_ROW = -1
# What stands where no candle is to come.
NOTHING = Candle("", "", 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
NO_CANDLE = (NO_ROW, NOTHING)


class ColumnBoard:
    """The market read out of columns as of `row`, the newest merged row that counts."""

    def __init__(self) -> None:
        self.row = NO_ROW
        self._columns: dict[str, SymbolColumns] = {}
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
        self.row = NO_ROW

    def update(self, tick: Tick) -> None:  # noqa: ARG002 - the columns hold the tick already
        self.row += 1

    def quote(self, symbol: str) -> Quote | None:
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

    def own_prices(self, symbol: str) -> Floats:
        return self._columns[symbol].own(self._folded + 1, self._marked + 1)

    def settled(self) -> None:
        self._folded = self._marked


class _Stream:
    """The candles of one declared stream in this chunk, and the next one to close, at merged row `row`."""

    __slots__ = ("_pending", "candle", "closed", "folder", "row", "rows", "spec")

    def __init__(self, spec: StreamSpec, begin: int | None, volume: bool) -> None:
        self.spec = spec
        self.folder = ObservationFolder(spec.timeframe) if spec.observed else CandleFolder(spec.timeframe, begin, volume=volume)
        self.rows: Rows = np.empty(0, np.int64)
        self.row = NO_ROW
        self.candle = NOTHING
        self._pending: Iterator[tuple[int, Candle]] = iter(())
        self.closed = 0

    def load(self, columns: SymbolColumns) -> None:
        bars = columns.candles(self.folder)
        self.rows = bars.row if columns.rows is None else columns.rows[bars.row]
        prices = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        candles = map(
            Candle,
            repeat(self.spec.alias),
            repeat(self.spec.symbol),
            *(column.tolist() for column in (bars.start, bars.end, *prices)),
            *(optional_list(quote, len(bars)) for quote in (bars.bid, bars.ask)),
        )
        self._pending = zip(self.rows.tolist(), candles, strict=True)
        self.advance()

    def advance(self) -> None:
        """The next candle takes the place of the one that has closed."""
        self.row, self.candle = next(self._pending, NO_CANDLE)


class ColumnCandles:
    """Implements `CandleFeed`: the candles of a chunk are folded at once and published where their closing tick comes."""

    def __init__(
        self, scope: Scope, streams: Sequence[StreamSpec], begin: int | None, board: ColumnBoard, volume: bool
    ) -> None:
        self._publish = scope.publish
        self._board = board
        self._streams = [_Stream(spec, begin, volume) for spec in streams if spec.fed]
        counted = shortest(streams)
        # Of each symbol the stream whose candles are counted, and all of them.
        self._by_symbol: dict[str, tuple[_Stream, list[_Stream]]] = {}
        for symbol in dict.fromkeys(stream.spec.symbol for stream in self._streams):
            own = [stream for stream in self._streams if stream.spec.symbol == symbol]
            self._by_symbol[symbol] = next(stream for stream in own if stream.spec is counted[symbol]), own

    def load(self, columns: ChunkColumns) -> None:
        for stream in self._streams:
            stream.load(columns.by_symbol[stream.spec.symbol])

    def rows(self, after: int) -> Rows:
        """Merged rows beyond `after` at which candles of this chunk close, each once, in their order."""
        rows = [stream.rows for stream in self._streams]
        once = rows[0] if len(rows) == 1 else np.unique(np.concatenate(rows))
        return once[np.searchsorted(once, after, side="right") :]

    def on_tick(self, tick: Tick) -> None:
        if tick.symbol in self._by_symbol:
            self.close(tick.symbol)

    def close(self, symbol: str) -> None:
        """Publish the symbol's candles that its tick at the board's row closes."""
        row = self._board.row
        counted, streams = self._by_symbol[symbol]
        if counted.row == row:
            counted.closed += 1
        for stream in streams:
            if stream.row == row:
                candle = stream.candle
                stream.advance()
                self._publish(candle)

    def unfinished(self) -> int:
        return sum(stream.folder.unfinished is not None for stream in self._streams)

    def closed(self, symbol: str) -> int:
        return self._by_symbol[symbol][0].closed if symbol in self._by_symbol else 0
