"""A checked strategy: everything resolved, ready to be compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.core.terms import OrderKind, Side
from qkt.lang.values import Expression
from qkt.strategy import ExitForm, StreamSpec

SizeForm: TypeAlias = Literal["units", "position", "money", "equity", "balance", "risk", "risk_percent", "risk_money"]


@dataclass(frozen=True, slots=True)
class Size:
    """`position` is the absolute value of a bare POSITION.x; the other forms are those of the syntax tree."""

    form: SizeForm
    value: Expression


@dataclass(frozen=True, slots=True)
class Protection:
    """A protective price of an entry."""

    form: ExitForm
    value: Expression


@dataclass(frozen=True, slots=True)
class Enter:
    """BUY or SELL after DEFAULTS. `price` is the limit or stop level, `limit` the second price of a stop-limit."""

    side: Side
    alias: str
    size: Size
    kind: OrderKind
    price: Expression | None
    limit: Expression | None
    until: Expression | None
    stop_loss: Protection | None
    take_profit: Protection | None


@dataclass(frozen=True, slots=True)
class CloseOne:
    """CLOSE x, or a part of it."""

    alias: str
    size: Size | None


@dataclass(frozen=True, slots=True)
class CloseEverything:
    """CLOSE_ALL."""


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """CANCEL x; `alias` None is CANCEL_ALL."""

    alias: str | None
    including_protection: bool


@dataclass(frozen=True, slots=True)
class WriteLog:
    """LOG, its fields in the order of the text."""

    level: str
    text: str
    fields: tuple[tuple[str, Expression], ...]


Deed: TypeAlias = Enter | CloseOne | CloseEverything | CancelOrders | WriteLog


def deed_values(deed: Deed) -> Iterator[Expression]:
    """The expressions of an action."""
    match deed:
        case Enter():
            yield deed.size.value
            yield from (value for value in (deed.price, deed.limit, deed.until) if value is not None)
            yield from (leg.value for leg in (deed.stop_loss, deed.take_profit) if leg is not None)
        case CloseOne(size=Size(value=value)):
            yield value
        case WriteLog(fields=fields):
            yield from (value for _, value in fields)
        case _:
            pass


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """`mentions` are the aliases whose warm-up the rule waits for; `text` is the rule as written, on one line."""

    index: int
    anchor: str
    condition: Expression
    deeds: tuple[Deed, ...]
    mentions: tuple[str, ...]
    text: str

    def values(self) -> Iterator[Expression]:
        """The expressions of the rule, condition first, in the order of the text."""
        yield self.condition
        for deed in self.deeds:
            yield from deed_values(deed)


@dataclass(frozen=True, slots=True)
class CheckedStrategy:
    """`params` holds the value used of every PARAM and of every LET that was given from outside. `wants_ticks` tells that an
    indicator is fed by every tick."""

    name: str
    version: int
    streams: tuple[StreamSpec, ...]
    rules: tuple[CheckedRule, ...]
    params: Mapping[str, Decimal | bool | str]
    wants_volume: bool
    wants_ticks: bool = False
