"""Calls of a terminal as messages: one form for the pipe of a child process and for a gateway.

A call is `{"method": name, "arguments": [...]}`, an answer `{"result": ...}` or `{"error": [code, text]}`. Only methods of
`Terminal` exist, with arguments of their own types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any, NamedTuple

from qkt.brokers.mt5 import records
from qkt.brokers.mt5.constants import REQUEST_KEYS, LastError
from qkt.brokers.mt5.terminal import Terminal, TerminalError

LONGEST_NAME = 64
MOST_TICKS = 100_000


class MessageError(ValueError):
    """A message that is no call."""


class _Method(NamedTuple):
    arguments: tuple[Callable[[Any], bool], ...]
    read: Callable[[Any], Any]


def _name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_NAME


def _number(value: Any) -> bool:
    return type(value) is int and abs(value) < 1 << 53


def _count(value: Any) -> bool:
    return type(value) is int and 0 < value <= MOST_TICKS


def _request(value: Any) -> bool:
    return isinstance(value, dict) and all(
        key in REQUEST_KEYS and (type(one) is REQUEST_KEYS[key] or (REQUEST_KEYS[key] is float and type(one) is int))
        for key, one in value.items()
    )


def _one(kind: type[records.Record]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else kind.read(value)


def _many(kind: type[records.Record]) -> Callable[[Any], Any]:
    return lambda value: [kind.read(one) for one in value]


def _as_is(value: Any) -> Any:
    return value


METHODS = {
    "initialize": _Method((), _as_is),
    "shutdown": _Method((), _as_is),
    "terminal_info": _Method((), _one(records.TerminalState)),
    "account_info": _Method((), _one(records.Account)),
    "symbols_get": _Method((_name,), _many(records.Symbol)),
    "symbol_info": _Method((_name,), _one(records.Symbol)),
    "symbol_select": _Method((_name,), _as_is),
    "symbol_info_tick": _Method((_name,), _one(records.LastTick)),
    "copy_ticks_from": _Method((_name, _number, _count), lambda value: [records.TickRow(*row) for row in value]),
    "copy_rates_range": _Method((_name, _number, _number, _number), lambda value: [records.RateRow(*row) for row in value]),
    "orders_get": _Method((), _many(records.VenueOrder)),
    "positions_get": _Method((), _many(records.Position)),
    "history_orders_get": _Method((_number, _number), _many(records.VenueOrder)),
    "history_deals_get": _Method((_number, _number), _many(records.Deal)),
    "order_check": _Method((_request,), _one(records.Checked)),
    "order_send": _Method((_request,), _one(records.Sent)),
}


def answer(terminal: Terminal, message: Any) -> dict[str, Any]:
    """Make the call that a message asks for. Raises MessageError for one that asks for none."""
    if not isinstance(message, dict) or set(message) != {"method", "arguments"}:
        raise MessageError("a call has a method and arguments")
    name, arguments = message["method"], message["arguments"]
    method = METHODS.get(name) if isinstance(name, str) else None
    if method is None:
        raise MessageError("there is no such method")
    if not isinstance(arguments, list) or len(arguments) != len(method.arguments):
        raise MessageError(f"{name} takes {len(method.arguments)} arguments")
    if not all(fits(value) for fits, value in zip(method.arguments, arguments, strict=True)):
        raise MessageError(f"{name} does not take these arguments")
    try:
        found = getattr(terminal, name)(*arguments)
    except TerminalError as problem:
        return {"error": [problem.code, problem.text]}
    if isinstance(found, list):
        return {"result": [_plain(one) for one in found]}
    return {"result": _plain(found)}


def result(name: str, message: Any) -> Any:
    """What an answer to a call of `name` says. Raises TerminalError for a failure, and for an answer that is none."""
    try:
        if "error" in message:
            code, text = message["error"]
            raise TerminalError(int(code), str(text))
        return METHODS[name].read(message["result"])
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise TerminalError(LastError.RECEIVE_FAILED, f"{name}: an answer that is none ({problem})") from None


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
