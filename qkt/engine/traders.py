"""The strategies of a session: one, or the children of a portfolio."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qkt.core.bus import Scope
from qkt.core.events import Candle
from qkt.engine.context import SessionContext
from qkt.engine.runner import StrategyRunner
from qkt.strategy import RunnableStrategy


@dataclass(frozen=True, slots=True)
class Trader:
    """A strategy with its context and its runner. `name` owns its orders, its legs and its money; its candles come in its own
    `scope`, which is that of the session where it is alone."""

    name: str
    scope: Scope
    strategy: RunnableStrategy
    context: SessionContext
    runner: StrategyRunner


class SharedCandles:
    """Hands each child the candles of its streams under the names that it gave them, child by child.

    Must hear candles behind the gates.
    """

    def __init__(self, scope: Scope, heirs: Mapping[str, Sequence[tuple[Scope, str]]]) -> None:
        self._heirs = heirs
        scope.subscribe(Candle, self._on_candle)

    def _on_candle(self, candle: Candle) -> None:
        for scope, alias in self._heirs.get(candle.stream, ()):
            scope.receive(
                Candle(
                    alias,
                    candle.symbol,
                    candle.start,
                    candle.end,
                    candle.open,
                    candle.high,
                    candle.low,
                    candle.close,
                    candle.volume,
                    candle.bid,
                    candle.ask,
                )
            )


ChildFault = Callable[[str, Exception], None]
"""Hears which child raised what."""
