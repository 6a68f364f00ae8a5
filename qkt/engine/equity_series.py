"""The account's equity as streams of candles: it is sampled at every tick of the session, before that tick closes candles."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.core.bus import Scope
from qkt.core.events import Candle, Tick
from qkt.data import CandleBuilder
from qkt.ledger import Books
from qkt.ledger.strategy_book import StrategyBook
from qkt.strategy import StreamSpec


class EquitySeries:
    """Builds the candles of the streams that are SERIES ACCOUNT.EQUITY and publishes them where they close."""

    def __init__(
        self, scope: Scope, streams: Sequence[StreamSpec], books: Books, book: StrategyBook, begin: int | None
    ) -> None:
        self._scope = scope
        self._books = books
        self._book = book
        self._builders = [(stream, CandleBuilder(stream.timeframe, begin)) for stream in streams]

    def on_tick(self, tick: Tick) -> None:
        equity = self._books.equity_f(self._book)
        for stream, builder in self._builders:
            bar = builder.update(tick.ts, equity, None, None, None)
            if bar is not None:
                prices = (bar.open, bar.high, bar.low, bar.close)
                self._scope.publish(Candle(stream.alias, stream.symbol, bar.start, bar.end, *prices, 0.0))
