"""Current market prices, as every room below the order manager reads them."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Quote(NamedTuple):
    """The last tick of a symbol: its price (trade or middle), its quote, and the lots displayed there, None without one."""

    price: float
    bid: float | None
    ask: float | None
    bid_size: float | None = None
    ask_size: float | None = None

    @property
    def buy(self) -> float:
        return self.price if self.ask is None else self.ask

    @property
    def sell(self) -> float:
        return self.price if self.bid is None else self.bid


class QuoteBoard(Protocol):
    """Read-only view of the market as of the tick being processed."""

    def quote(self, symbol: str) -> Quote | None:
        """The symbol's last tick, None before its first."""
        ...

    def last(self, symbol: str) -> float | None:
        """The symbol's last price, None before its first."""
        ...

    def spread(self, symbol: str) -> float | None:
        """Ask less bid of the symbol's last tick that had both, None before there was one."""
        ...
