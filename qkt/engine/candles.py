"""Ticks in, `Candle` events out: one builder for each stream the strategy declared, in the order of declaration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qkt.core.bus import Scope
from qkt.core.events import Candle, Tick
from qkt.data import Bar, CandleBuilder, ObservationBuilder
from qkt.strategy import StreamSpec


class CandleFeed(Protocol):
    """Publishes the candles that a tick closes."""

    def on_tick(self, tick: Tick) -> None: ...

    def unfinished(self) -> int:
        """Candles still open."""
        ...

    def closed(self, symbol: str) -> int:
        """How many candles of the symbol's shortest stream have closed, those of the present tick included."""
        ...


def shortest(streams: Sequence[StreamSpec]) -> dict[str, StreamSpec]:
    """The stream of each symbol whose candles are counted: the shortest, of equals the first."""
    found: dict[str, StreamSpec] = {}
    for stream in sorted(streams, key=lambda stream: stream.timeframe.ms):
        found.setdefault(stream.symbol, stream)
    return found


class TickCandles:
    """Builds candles tick by tick. A first candle whose window started before `begin` (epoch ms) is not published."""

    def __init__(self, scope: Scope, streams: Sequence[StreamSpec], begin: int | None) -> None:
        self._scope = scope
        self._builders: dict[str, list[tuple[StreamSpec, CandleBuilder | ObservationBuilder]]] = {}
        self._shortest = shortest(streams)
        self._closed = dict.fromkeys(self._shortest, 0)
        for stream in streams:
            if stream.fed:
                self._builders.setdefault(stream.symbol, []).append((stream, _builder(stream, begin)))

    def on_tick(self, tick: Tick) -> None:
        closed = None
        for stream, builder in self._builders.get(tick.symbol, ()):
            bar = builder.update(tick.ts, tick.price, tick.bid, tick.ask, tick.volume)
            if bar is not None:
                if stream is self._shortest[stream.symbol]:
                    self._closed[stream.symbol] += 1
                closed = [(stream, bar)] if closed is None else [*closed, (stream, bar)]
        for stream, bar in closed or ():
            self._scope.publish(
                Candle(
                    stream.alias,
                    stream.symbol,
                    bar.start,
                    bar.end,
                    bar.open,
                    bar.high,
                    bar.low,
                    bar.close,
                    bar.volume,
                    bar.bid,
                    bar.ask,
                )
            )

    def builders(self, symbol: str) -> list[CandleBuilder | ObservationBuilder]:
        """Those that a symbol's ticks go into."""
        return [builder for _, builder in self._builders.get(symbol, ())]

    def unfinished(self) -> int:
        return sum(b.unfinished is not None for builders in self._builders.values() for _, b in builders)

    def closed(self, symbol: str) -> int:
        return self._closed.get(symbol, 0)

    def forming(self, alias: str) -> Bar | None:
        """The open candle of a stream so far."""
        for builders in self._builders.values():
            for stream, builder in builders:
                if stream.alias == alias:
                    return builder.unfinished
        return None


def _builder(stream: StreamSpec, begin: int | None) -> CandleBuilder | ObservationBuilder:
    return ObservationBuilder(stream.timeframe) if stream.observed else CandleBuilder(stream.timeframe, begin)
