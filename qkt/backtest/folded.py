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
NO_CANDLE: tuple[int, Candle | None] = (NO_ROW, None)


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
    """The candles of one declared stream in this chunk, and the next one to close at merged row `row`."""

    def __init__(self, spec: StreamSpec, begin: int | None, volume: bool) -> None:
        self.spec = spec
        self.folder = ObservationFolder(spec.timeframe) if spec.observed else CandleFolder(spec.timeframe, begin, volume=volume)
        self.rows: Rows = np.empty(0, np.int64)
        self.row = NO_ROW
        self._pending: Iterator[tuple[int, Candle]] = iter(())
        self._candle: Candle | None = None

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
        self._advance()

    def take(self) -> Candle:
        """The candle that closes at `row`."""
        candle = self._candle
        assert candle is not None
        self._advance()
        return candle

    def _advance(self) -> None:
        self.row, self._candle = next(self._pending, NO_CANDLE)


class ColumnCandles:
    """Implements `CandleFeed`: the candles of a chunk are folded at once and published where their closing tick comes."""

    def __init__(
        self, scope: Scope, streams: Sequence[StreamSpec], begin: int | None, board: ColumnBoard, volume: bool
    ) -> None:
        self._scope = scope
        self._board = board
        self._streams = [_Stream(spec, begin, volume) for spec in streams if spec.fed]
        self._by_symbol: dict[str, list[_Stream]] = {}
        counted = shortest(streams)
        self._counted: dict[str, _Stream] = {}
        self._closed = dict.fromkeys(counted, 0)
        for stream in self._streams:
            symbol = stream.spec.symbol
            self._by_symbol.setdefault(symbol, []).append(stream)
            if stream.spec is counted[symbol]:
                self._counted[symbol] = stream

    def load(self, columns: ChunkColumns) -> None:
        for stream in self._streams:
            stream.load(columns.by_symbol[stream.spec.symbol])

    def rows(self, after: int) -> Rows:
        """Merged rows beyond `after` at which candles of this chunk close, each once, in their order."""
        rows = [stream.rows for stream in self._streams]
        once = rows[0] if len(rows) == 1 else np.unique(np.concatenate(rows))
        return once[np.searchsorted(once, after, side="right") :]

    def on_tick(self, tick: Tick) -> None:
        self.close(tick.symbol)

    def close(self, symbol: str) -> None:
        """Publish the symbol's candles that its tick at the board's row closes."""
        row = self._board.row
        counted = self._counted.get(symbol)
        if counted is not None and counted.row == row:
            self._closed[symbol] += 1
        for stream in self._by_symbol.get(symbol, ()):
            if stream.row == row:
                self._scope.publish(stream.take())

    def unfinished(self) -> int:
        return sum(stream.folder.unfinished is not None for stream in self._streams)

    def closed(self, symbol: str) -> int:
        return self._closed.get(symbol, 0)
