"""A terminal that is somewhere else: every call is a message, and whoever carries messages stands behind it."""

from __future__ import annotations

from typing import Any, Protocol

from qkt.brokers.mt5.messages import result
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
from qkt.brokers.mt5.terminal import SendRequest


class Carrier(Protocol):
    """Takes a message to a terminal and brings the answer."""

    def open(self) -> None:
        """Have the way there. Raises TerminalError."""
        ...

    def close(self) -> None: ...

    def call(self, message: dict[str, Any]) -> Any:
        """The answer. Raises TerminalError with a code of a broken link when there is none."""
        ...


class DistantTerminal:
    """`Terminal` over a carrier: the child process of an account, or a gateway."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def initialize(self) -> None:
        self._carrier.open()
        self._call("initialize")

    def shutdown(self) -> None:
        self._carrier.close()

    def terminal_info(self) -> TerminalState:
        found: TerminalState = self._call("terminal_info")
        return found

    def account_info(self) -> Account:
        found: Account = self._call("account_info")
        return found

    def symbols_get(self, group: str) -> list[Symbol]:
        found: list[Symbol] = self._call("symbols_get", group)
        return found

    def symbol_info(self, name: str) -> Symbol | None:
        found: Symbol | None = self._call("symbol_info", name)
        return found

    def symbol_select(self, name: str) -> bool:
        return bool(self._call("symbol_select", name))

    def symbol_info_tick(self, name: str) -> LastTick | None:
        found: LastTick | None = self._call("symbol_info_tick", name)
        return found

    def copy_ticks_from(self, name: str, since: int, count: int) -> list[TickRow]:
        found: list[TickRow] = self._call("copy_ticks_from", name, since, count)
        return found

    def copy_rates_range(self, name: str, timeframe: int, start: int, end: int) -> list[RateRow]:
        found: list[RateRow] = self._call("copy_rates_range", name, timeframe, start, end)
        return found

    def orders_get(self) -> list[VenueOrder]:
        found: list[VenueOrder] = self._call("orders_get")
        return found

    def positions_get(self) -> list[Position]:
        found: list[Position] = self._call("positions_get")
        return found

    def history_orders_get(self, start: int, end: int) -> list[VenueOrder]:
        found: list[VenueOrder] = self._call("history_orders_get", start, end)
        return found

    def history_deals_get(self, start: int, end: int) -> list[Deal]:
        found: list[Deal] = self._call("history_deals_get", start, end)
        return found

    def order_check(self, request: SendRequest) -> Checked:
        found: Checked = self._call("order_check", dict(request))
        return found

    def order_send(self, request: SendRequest) -> Sent:
        found: Sent = self._call("order_send", dict(request))
        return found

    def _call(self, name: str, *arguments: Any) -> Any:
        return result(name, self._carrier.call({"method": name, "arguments": list(arguments)}))
