"""A terminal: the functions of the MetaTrader 5 package that are used, typed, with failures that cannot be taken for data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from qkt.brokers.mt5.constants import LastError
from qkt.brokers.mt5.records import (
    Account,
    Checked,
    Deal,
    LastTick,
    Position,
    RateRow,
    Sent,
    Symbol,
    TerminalState,
    TickRow,
    VenueOrder,
)

SendRequest: TypeAlias = Mapping[str, int | float | str]
"""Keys and values that `order_send` takes."""


class TerminalError(Exception):
    """A call that failed. Nothing may be concluded from it about the account: neither that it is empty, nor that a request
    was or was not carried out. `code` is one of `LastError` where the package said one."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code = code
        self.text = text

    @property
    def link(self) -> bool:
        """Whether the way to the terminal is broken, so that it has to be opened again."""
        return self.code <= LastError.INTERNAL

    @property
    def harmless(self) -> bool:
        """Whether the package refused the call itself, so that nothing can have left."""
        return self.code in (LastError.INVALID_PARAMS, LastError.NO_MEMORY, LastError.AUTO_TRADING_DISABLED)


class Terminal(Protocol):
    """One terminal, logged in to one account. Calls block and come one at a time.

    Every call raises TerminalError when it failed; an empty list means that there is nothing. Times of arguments and results
    are the server's clock.
    """

    def initialize(self) -> None:
        """Open the way to the terminal and log in."""
        ...

    def shutdown(self) -> None:
        """Close the way; the terminal goes on."""
        ...

    def terminal_info(self) -> TerminalState: ...

    def account_info(self) -> Account: ...

    def symbols_get(self, group: str) -> list[Symbol]:
        """Symbols of a group such as `*USD*,!*JPY*`; all of them for an empty one."""
        ...

    def symbol_info(self, name: str) -> Symbol | None:
        """None for a name that the broker does not know."""
        ...

    def symbol_select(self, name: str) -> bool:
        """Show the symbol in the terminal, which quotes and orders need. False when it cannot be shown."""
        ...

    def symbol_info_tick(self, name: str) -> LastTick | None:
        """None when the symbol has never had a quote."""
        ...

    def copy_ticks_from(self, name: str, since: int, count: int) -> list[TickRow]:
        """Up to `count` ticks from the second `since` on, oldest first."""
        ...

    def copy_rates_range(self, name: str, timeframe: int, start: int, end: int) -> list[RateRow]:
        """Bars that open from the second `start` to `end`, both included; the last may still be open."""
        ...

    def orders_get(self) -> list[VenueOrder]: ...

    def positions_get(self) -> list[Position]: ...

    def history_orders_get(self, start: int, end: int) -> list[VenueOrder]: ...

    def history_deals_get(self, start: int, end: int) -> list[Deal]: ...

    def order_check(self, request: SendRequest) -> Checked: ...

    def order_send(self, request: SendRequest) -> Sent: ...
