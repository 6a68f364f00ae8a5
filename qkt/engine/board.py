"""The market as of the tick being processed."""

from __future__ import annotations

from typing import Protocol

from qkt.brokers import Quote, QuoteBoard
from qkt.core.events import Tick


class Board(QuoteBoard, Protocol):
    """A quote board that the driver moves from tick to tick."""

    def update(self, tick: Tick) -> None:
        """This tick is now the newest."""
        ...


class TickBoard:
    """Remembers the last tick of each symbol; a quote is made of it only for who asks."""

    def __init__(self) -> None:
        self._ticks: dict[str, Tick] = {}
        # The last tick with both sides, where a later one has not.
        self._quoted: dict[str, Tick] = {}

    def update(self, tick: Tick) -> None:
        symbol = tick.symbol
        if tick.bid is None or tick.ask is None:
            before = self._ticks.get(symbol)
            if before is not None and before.bid is not None and before.ask is not None:
                self._quoted[symbol] = before
        self._ticks[symbol] = tick

    def quote(self, symbol: str) -> Quote | None:
        tick = self._ticks.get(symbol)
        return None if tick is None else Quote(tick.price, tick.bid, tick.ask, tick.bid_size, tick.ask_size)

    def last(self, symbol: str) -> float | None:
        tick = self._ticks.get(symbol)
        return None if tick is None else tick.price

    def spread(self, symbol: str) -> float | None:
        tick = self._ticks.get(symbol)
        if tick is None or tick.bid is None or tick.ask is None:
            tick = self._quoted.get(symbol)
        return None if tick is None or tick.bid is None or tick.ask is None else tick.ask - tick.bid
