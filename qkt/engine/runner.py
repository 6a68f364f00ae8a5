"""Hands a strategy its candles, ticks and fills, in the order of the bus."""

from __future__ import annotations

from qkt.core.bus import Scope
from qkt.core.events import Candle, OrderFilled, Tick
from qkt.engine.context import SessionContext
from qkt.strategy import RunnableStrategy


class StrategyRunner:
    """Sets the evaluation time, then calls the strategy."""

    def __init__(self, scope: Scope, strategy: RunnableStrategy, context: SessionContext) -> None:
        self._strategy = strategy
        self._context = context
        self._book = context.book
        if strategy.wants_ticks:
            scope.subscribe(Tick, self._on_tick)
        scope.subscribe(Candle, self._on_candle)
        scope.subscribe(OrderFilled, self._on_fill)

    def start(self, ts: int) -> None:
        self._book.time = ts
        self._strategy.on_start(self._context)

    def stop(self) -> None:
        self._strategy.on_stop()

    def _on_tick(self, tick: Tick) -> None:
        self._book.time = tick.ts
        self._strategy.on_tick(tick)

    def _on_candle(self, candle: Candle) -> None:
        self._book.time = candle.end
        self._strategy.on_candle(candle)

    def _on_fill(self, fill: OrderFilled) -> None:
        if fill.strategy != self._strategy.name:
            return
        book = self._book
        evaluated_at, book.time = book.time, fill.at
        self._strategy.on_fill(fill)
        book.time = evaluated_at
