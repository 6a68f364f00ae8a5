"""What a terminal tells, as plain values: the fields of the package's own records that are used here, under its names.

Numbers are as the package has them: doubles, seconds or milliseconds of the server's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, Self, TypeAlias

_Pick: TypeAlias = Callable[[Any], tuple[Any, ...]]
_PICKS: dict[tuple[Any, bool], _Pick] = {}


def _pick(kind: Any, mapping: bool) -> _Pick:
    """Takes the fields of a kind of record out of a mapping or an object, in their order."""
    known = _PICKS.get((kind, mapping))
    if known is None:
        names = [one.name for one in fields(kind)]
        known = _PICKS[kind, mapping] = itemgetter(*names) if mapping else attrgetter(*names)
    return known


class Record:
    """A frozen dataclass that is read from the package's record or from a mapping."""

    @classmethod
    def read(cls, source: Any) -> Self:
        """Raises KeyError or AttributeError for a source that lacks a field."""
        return cls(*_pick(cls, isinstance(source, dict))(source))


@dataclass(frozen=True, slots=True)
class TerminalState(Record):
    """Whether the terminal reaches its broker, and whether it lets programs trade."""

    connected: bool
    trade_allowed: bool
    tradeapi_disabled: bool
    build: int
    ping_last: int
    name: str
    company: str


@dataclass(frozen=True, slots=True)
class Account(Record):
    """The account that the terminal is logged in to."""

    login: int
    server: str
    company: str
    currency: str
    trade_mode: int
    margin_mode: int
    leverage: int
    trade_allowed: bool
    trade_expert: bool
    limit_orders: int
    fifo_close: bool
    balance: float
    equity: float
    profit: float
    margin: float
    margin_free: float


@dataclass(frozen=True, slots=True)
class Symbol(Record):
    """Terms of a symbol under the broker's name."""

    name: str
    path: str
    select: bool
    visible: bool
    digits: int
    point: float
    trade_calc_mode: int
    trade_mode: int
    trade_exemode: int
    filling_mode: int
    order_mode: int
    expiration_mode: int
    trade_stops_level: int
    trade_freeze_level: int
    trade_contract_size: float
    trade_tick_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    volume_limit: float
    currency_base: str
    currency_profit: str
    swap_mode: int
    swap_long: float
    swap_short: float
    swap_rollover3days: int


@dataclass(frozen=True, slots=True)
class LastTick(Record):
    """The newest quote of a symbol."""

    time_msc: int
    bid: float
    ask: float
    last: float


@dataclass(frozen=True, slots=True)
class Position(Record):
    ticket: int
    time_msc: int
    type: int
    magic: int
    identifier: int
    reason: int
    volume: float
    price_open: float
    sl: float
    tp: float
    price_current: float
    swap: float
    profit: float
    symbol: str
    comment: str


@dataclass(frozen=True, slots=True)
class VenueOrder(Record):
    """An order of the book or of the history."""

    ticket: int
    time_setup_msc: int
    time_done_msc: int
    time_expiration: int
    type: int
    type_time: int
    type_filling: int
    state: int
    magic: int
    position_id: int
    reason: int
    volume_initial: float
    volume_current: float
    price_open: float
    sl: float
    tp: float
    price_stoplimit: float
    symbol: str
    comment: str


@dataclass(frozen=True, slots=True)
class Deal(Record):
    """An execution, or money that moved without one."""

    ticket: int
    order: int
    time_msc: int
    type: int
    entry: int
    magic: int
    position_id: int
    reason: int
    volume: float
    price: float
    commission: float
    swap: float
    profit: float
    fee: float
    symbol: str
    comment: str


@dataclass(frozen=True, slots=True)
class Sent(Record):
    """What `order_send` answers."""

    retcode: int
    deal: int
    order: int
    volume: float
    price: float
    bid: float
    ask: float
    comment: str
    request_id: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Checked(Record):
    """What `order_check` answers; a `retcode` of 0 is fine."""

    retcode: int
    margin: float
    margin_free: float
    comment: str


class TickRow(NamedTuple):
    time_msc: int
    bid: float
    ask: float
    last: float
    volume: float
    flags: int


class RateRow(NamedTuple):
    """A bar of bids; `time` is its start in seconds of the server's clock, `spread` in points."""

    time: int
    open: float
    high: float
    low: float
    close: float
    tick_volume: int
    spread: int
