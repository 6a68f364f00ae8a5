"""What has a value: numbers, prices, conditions, calls."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.lang.tree.node import Ident, Node


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """`15m`: its milliseconds when used as a number."""

    ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Bool(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    """The literal NULL, Undefined."""


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bare identifier: a PARAM, a LET, a stream (its candle), `entry`, or the variable of FOR EACH."""

    name: str


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`gold.close`."""

    owner: Ident
    field: Ident


@dataclass(frozen=True, slots=True)
class LookBack(Node):
    """`x[n]`, n >= 0, of a stream field, a call or a LET."""

    value: Expr
    bars: int


@dataclass(frozen=True, slots=True)
class Negate(Node):
    value: Expr


@dataclass(frozen=True, slots=True)
class Not(Node):
    value: Expr


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`%` is the floored modulo."""

    op: Literal["+", "-", "*", "/", "%"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic(Node):
    op: Literal["AND", "OR"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`op` is normalised: `==` is `=`, `<>` is `!=`."""

    op: Literal["=", "!=", "<", ">", "<=", ">="]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Between(Node):
    value: Expr
    low: Expr
    high: Expr
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Node):
    value: Expr
    members: tuple[Expr, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Crosses(Node):
    above: bool
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    value: Expr
    negated: bool


@dataclass(frozen=True, slots=True)
class Case(Node):
    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`ema(gold.close, 9)`: a function, an indicator, a calendar window. The name as written."""

    name: Ident
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Over(Node):
    """`min(e) OVER n BARS`."""

    fn: Literal["MIN", "MAX"]
    value: Expr
    bars: int


@dataclass(frozen=True, slots=True)
class Since(Node):
    """`MAX(e) SINCE OPEN` (bars is None) or `SINCE T-n`."""

    fn: Literal["MAX", "MIN", "MEAN", "SUM"]
    value: Expr
    bars: int | None


@dataclass(frozen=True, slots=True)
class Snapshot(Node):
    """`name@BUY`, `name@SELL`, `name@OPEN`, `name@T-n` (bars is n)."""

    name: Ident
    moment: Literal["BUY", "SELL", "OPEN", "T"]
    bars: int | None


@dataclass(frozen=True, slots=True)
class State(Node):
    """`ACCOUNT.equity`, `STREAK.wins`, `TRADES.today`, `COOLDOWN.remaining_s`, `EXIT.price`."""

    group: Literal["ACCOUNT", "STREAK", "TRADES", "COOLDOWN", "EXIT"]
    field: Ident


@dataclass(frozen=True, slots=True)
class Position(Node):
    """`POSITION.x` or `POSITION.x.entry_price`; `POSITION_AVG_PRICE.x` arrives as the field `avg_price`."""

    alias: Ident
    field: Ident | None


@dataclass(frozen=True, slots=True)
class OpenOrders(Node):
    alias: Ident


@dataclass(frozen=True, slots=True)
class SequenceField(Node):
    """`SEQUENCE.s.stage`, `SEQUENCE.s.complete`, `SEQUENCE.s.<stage>.price|time`."""

    sequence: Ident
    first: Ident
    second: Ident | None


@dataclass(frozen=True, slots=True)
class Now(Node):
    """`NOW` (field is None) or `NOW.hour_utc`."""

    field: Ident | None


@dataclass(frozen=True, slots=True)
class SymbolRef(Node):
    """`SYMBOL` or `SYMBOL.close` inside DEFAULTS: the action's own stream."""

    field: Ident | None


@dataclass(frozen=True, slots=True)
class EntryQty(Node):
    """`ENTRY_QTY` in the sizing of STACK_AT."""


Expr: TypeAlias = (
    Number
    | Duration
    | Text
    | Bool
    | Null
    | Name
    | Field
    | LookBack
    | Negate
    | Not
    | Arithmetic
    | Logic
    | Compare
    | Between
    | In
    | Crosses
    | IsNull
    | Case
    | Call
    | Over
    | Since
    | Snapshot
    | State
    | Position
    | OpenOrders
    | SequenceField
    | Now
    | SymbolRef
    | EntryQty
)
