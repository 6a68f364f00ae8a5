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
    """Remembers the last tick of each symbol."""

    def __init__(self) -> None:
        self._quotes: dict[str, Quote] = {}

    def update(self, tick: Tick) -> None:
        self._quotes[tick.symbol] = Quote(tick.price, tick.bid, tick.ask)

    def quote(self, symbol: str) -> Quote | None:
        return self._quotes.get(symbol)

    def last(self, symbol: str) -> float | None:
        quote = self._quotes.get(symbol)
        return None if quote is None else quote.price
