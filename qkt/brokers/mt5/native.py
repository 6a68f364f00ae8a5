"""The package itself as a terminal. Whoever uses it is a process of its own: the package keeps global state, and a call that
hangs can only be ended with its process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from qkt.brokers.mt5.constants import TICKS_ALL, LastError
from qkt.brokers.mt5.records import (
    Account,
    Checked,
    Deal,
    LastTick,
    Position,
    RateRow,
    Record,
    Sent,
    Symbol,
    TerminalState,
    TickRow,
    VenueOrder,
)
from qkt.brokers.mt5.terminal import SendRequest, TerminalError

R = TypeVar("R", bound=Record)
NOTHING_THERE = (LastError.OK, LastError.NOT_FOUND)


def package() -> Any:
    """The MetaTrader5 package. Raises TerminalError that says what to do where it is not installed."""
    try:
        return import_module("MetaTrader5")
    except ImportError:
        raise TerminalError(LastError.UNSUPPORTED, MISSING) from None


def installed() -> bool:
    """Whether the package is there, without importing it."""
    return find_spec("MetaTrader5") is not None


MISSING = (
    "the MetaTrader5 package is not installed here; it exists for Windows only: there run pip install '.[mt5]' in the clone of "
    "qkt, elsewhere run qkt mt5-gateway beside the terminal and set gateway_url in the profile"
)


class NativeTerminal:
    """The functions of `module` behind `Terminal`. `login` goes to its `initialize`, `path` is the terminal's program."""

    def __init__(self, module: Any, path: str | None = None, **login: Any) -> None:
        self._mt5 = module
        self._path = path
        self._login = login

    def initialize(self) -> None:
        paths = [] if self._path is None else [self._path]
        if not self._mt5.initialize(*paths, **self._login):
            raise self._failure("initialize")

    def shutdown(self) -> None:
        self._mt5.shutdown()

    def terminal_info(self) -> TerminalState:
        return self._record(TerminalState, "terminal_info")

    def account_info(self) -> Account:
        return self._record(Account, "account_info")

    def symbols_get(self, group: str) -> list[Symbol]:
        return self._records(Symbol, "symbols_get", **({"group": group} if group else {}))

    def symbol_info(self, name: str) -> Symbol | None:
        return self._maybe(Symbol, "symbol_info", name)

    def symbol_select(self, name: str) -> bool:
        return bool(self._mt5.symbol_select(name, True))

    def symbol_info_tick(self, name: str) -> LastTick | None:
        return self._maybe(LastTick, "symbol_info_tick", name)

    def copy_ticks_from(self, name: str, since: int, count: int) -> list[TickRow]:
        rows = self._call("copy_ticks_from", name, since, count, TICKS_ALL)
        return _rows(rows, TickRow, TickRow._fields)

    def copy_rates_range(self, name: str, timeframe: int, start: int, end: int) -> list[RateRow]:
        return _rows(self._call("copy_rates_range", name, timeframe, start, end), RateRow, RateRow._fields)

    def orders_get(self) -> list[VenueOrder]:
        return self._records(VenueOrder, "orders_get")

    def positions_get(self) -> list[Position]:
        return self._records(Position, "positions_get")

    def history_orders_get(self, start: int, end: int) -> list[VenueOrder]:
        return self._records(VenueOrder, "history_orders_get", start, end)

    def history_deals_get(self, start: int, end: int) -> list[Deal]:
        return self._records(Deal, "history_deals_get", start, end)

    def order_check(self, request: SendRequest) -> Checked:
        return self._record(Checked, "order_check", dict(request))

    def order_send(self, request: SendRequest) -> Sent:
        return self._record(Sent, "order_send", dict(request))

    # ---------------------------------------------------------------- results

    def _call(self, name: str, *arguments: Any, **named: Any) -> Any:
        found = getattr(self._mt5, name)(*arguments, **named)
        if found is None:
            raise self._failure(name)
        return found

    def _record(self, kind: type[R], name: str, *arguments: Any) -> R:
        return self._shaped(name, kind.read, self._call(name, *arguments))

    def _records(self, kind: type[R], name: str, *arguments: Any, **named: Any) -> list[R]:
        return [self._shaped(name, kind.read, one) for one in self._call(name, *arguments, **named)]

    def _maybe(self, kind: type[R], name: str, *arguments: Any) -> R | None:
        found = getattr(self._mt5, name)(*arguments)
        if found is not None:
            return self._shaped(name, kind.read, found)
        failure = self._failure(name)
        if failure.code in NOTHING_THERE:
            return None
        raise failure

    @staticmethod
    def _shaped(name: str, read: Callable[[Any], R], found: Any) -> R:
        try:
            return read(found)
        except (AttributeError, KeyError) as problem:
            raise TerminalError(LastError.INVALID_VERSION, f"{name} gave a record without {problem}") from None

    def _failure(self, name: str) -> TerminalError:
        code, text = self._mt5.last_error()
        return TerminalError(int(code), f"{name}: {text}")


def _rows(table: Any, kind: type[Any], names: Iterable[str]) -> list[Any]:
    """Rows of one of the package's structured arrays as plain numbers."""
    columns = [table[name].tolist() for name in names]
    return [kind(*row) for row in zip(*columns, strict=True)]
