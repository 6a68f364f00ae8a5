"""Checked expressions: every name resolved, LETs and PARAMs put in, types known.

Equal values are one object (`Pool`), so sharing is seen by identity. What a value is at run time: a number is a float, a
condition a bool, a text a str, and each of them may be Undefined, which is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from qkt.lang.fields import INTEGERS


class Type(Enum):
    """What a value can be. NOTHING is always Undefined, ANY is known only while running."""

    NUMBER = "a number"
    FLAG = "a condition"
    TEXT = "a text"
    NOTHING = "Undefined"
    ANY = "a value of more than one type"
    CANDLE = "a stream of candles"
    TICK = "a stream of ticks"


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """`type` is the static type; `whole` tells that a number is always an integer."""

    type: ClassVar[Type] = Type.NUMBER
    whole: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A literal; None is Undefined."""

    value: float | bool | str | None

    @property
    def type(self) -> Type:
        match self.value:
            case None:
                return Type.NOTHING
            case bool():
                return Type.FLAG
            case str():
                return Type.TEXT
            case _:
                return Type.NUMBER

    @property
    def whole(self) -> bool:
        return isinstance(self.value, float) and self.value.is_integer()


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """Stands for an expression with an error, so that one mistake is reported once."""

    type: ClassVar[Type] = Type.ANY
    whole: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A whole stream, the argument of an indicator that reads candles or ticks."""

    alias: str
    kind: Literal["candle", "tick"]
    whole: ClassVar[bool] = False

    @property
    def type(self) -> Type:
        return Type.CANDLE if self.kind == "candle" else Type.TICK


@dataclass(frozen=True, slots=True, eq=False)
class Read(Value):
    """A field of the latest closed candle of a stream."""

    alias: str
    field: str


@dataclass(frozen=True, slots=True, eq=False)
class InstrumentRead(Value):
    """A constant of the stream's instrument, by its attribute in `Instrument`."""

    alias: str
    attribute: str


@dataclass(frozen=True, slots=True, eq=False)
class Indicator(Value):
    """The output of an indicator that takes one input for each candle of `alias`, or for each tick of its symbol where it is
    tick-fed. `series` is empty for those fed with whole candles or ticks."""

    name: str
    series: tuple[Expression, ...]
    constants: tuple[float, ...]
    alias: str


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What a value was `bars` closed candles of `alias` ago."""

    value: Expression
    bars: int
    alias: str

    @property
    def type(self) -> Type:
        return self.value.type

    @property
    def whole(self) -> bool:
        return self.value.whole


@dataclass(frozen=True, slots=True, eq=False)
class Cross:
    """`a CROSSES ABOVE|BELOW b`, with a memory of its own: `slot` tells occurrences apart."""

    above: bool
    left: Expression
    right: Expression
    slot: int | str
    type: ClassVar[Type] = Type.FLAG
    whole: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, eq=False)
class Negative(Value):
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Math(Value):
    op: Literal["+", "-", "*", "/", "%"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Apply(Value):
    """A scalar function on numbers."""

    name: str
    args: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Captured(Value):
    """What the value of a LET was when a rule anchored on `alias` last fired a BUY or SELL (or one of them while flat).

    `value` is what a firing takes.
    """

    alias: str
    name: str
    moment: Literal["BUY", "SELL", "OPEN"]
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class SinceOpen(Value):
    """An aggregate of a value over the closes of `alias` at which its position is open."""

    fn: Literal["MAX", "MIN", "MEAN", "SUM"]
    value: Expression
    alias: str


@dataclass(frozen=True, slots=True, eq=False)
class SequenceRead:
    """How far a sequence has come, whether it is complete, or the price and time of one of its stages."""

    sequence: str
    field: Literal["stage", "complete", "price", "time"]
    stage: str = ""
    index: int = 0

    @property
    def type(self) -> Type:
        return Type.FLAG if self.field == "complete" else Type.NUMBER

    @property
    def whole(self) -> bool:
        return self.field in ("stage", "time")


class _Flag:
    __slots__ = ()
    type: ClassVar[Type] = Type.FLAG
    whole: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, eq=False)
class Opposite(_Flag):
    """NOT."""

    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Both(_Flag):
    """AND."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Either(_Flag):
    """OR."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(_Flag):
    op: Literal["=", "!=", "<", ">", "<=", ">="]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Within(_Flag):
    """BETWEEN."""

    value: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Member(_Flag):
    """IN, with the members that can be numbers."""

    value: Expression
    members: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Missing(_Flag):
    """IS NULL."""

    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """CASE. `otherwise` is Undefined where ELSE is left out."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression
    type: Type
    whole: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, eq=False)
class AsNumber(Value):
    """A value of unknown type where a number is needed: Undefined unless it is one."""

    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class AsFlag(_Flag):
    """A value of unknown type where a condition is needed: Undefined unless it is one."""

    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class PositionRead(Value):
    """An attribute of the strategy's position on the stream's symbol."""

    alias: str
    attribute: str

    @property
    def whole(self) -> bool:  # type: ignore[override]
        return self.attribute in INTEGERS


@dataclass(frozen=True, slots=True, eq=False)
class BasketPosition(Value):
    """+1 when the strategy is net long in all members of a basket, -1 when it is net short in all of them, else 0."""

    alias: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AccountRead(Value):
    """An attribute of the account view."""

    attribute: str

    @property
    def whole(self) -> bool:  # type: ignore[override]
        return self.attribute in INTEGERS


@dataclass(frozen=True, slots=True, eq=False)
class OrdersRead(Value):
    """The number of live entry orders on the stream's symbol."""

    alias: str
    whole: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class ExitRead:
    """What a hook knows of the exit it answers; `direction` is +1 where the closing fill bought and -1 where it sold."""

    attribute: Literal["price", "quantity", "pnl", "side", "reason", "direction"]
    whole: ClassVar[bool] = False

    @property
    def type(self) -> Type:
        return Type.TEXT if self.attribute in ("side", "reason") else Type.NUMBER


@dataclass(frozen=True, slots=True, eq=False)
class Unknown(Value):
    """`entry` or `ENTRY_QTY` where it is known only after a fill. Such arithmetic becomes a formula, never code."""

    word: str


@dataclass(frozen=True, slots=True, eq=False)
class Clock(Value):
    """A field of NOW."""

    field: str
    whole: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class ClockWindow(_Flag):
    """A yearly window of days (month * 100 + day), a daily window of minutes, or the month's last trading day."""

    kind: Literal["calendar", "session", "last_trading_day"]
    first: int = 0
    last: int = 0


Expression: TypeAlias = (
    Const
    | Broken
    | Stream
    | Read
    | InstrumentRead
    | Indicator
    | Past
    | Cross
    | Negative
    | Math
    | Apply
    | Opposite
    | Both
    | Either
    | Comparison
    | Within
    | Member
    | Missing
    | Choice
    | AsNumber
    | AsFlag
    | PositionRead
    | BasketPosition
    | Captured
    | SinceOpen
    | SequenceRead
    | AccountRead
    | OrdersRead
    | ExitRead
    | Unknown
    | Clock
    | ClockWindow
)

BROKEN = Broken()

# What other rules, fills and sequences change between two evaluations at one close.
STATE = (PositionRead, BasketPosition, AccountRead, OrdersRead, Captured, SinceOpen, SequenceRead)

V = TypeVar("V")


class Pool:
    """Makes equal values one object."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], Any] = {}

    def one(self, value: V) -> V:
        """The first value that was equal to this one."""
        kind: Any = type(value)
        # A field has one type in all values of a kind, except that of a literal, where 1 is not TRUE.
        key = (kind, type(value.value), value.value) if isinstance(value, Const) else (kind, _content(kind)(value))
        found: V = self._made.setdefault(key, value)
        return found


@cache
def _content(kind: type[Any]) -> Callable[[Any], object]:
    """What equal values of a kind have in common."""
    names = [field.name for field in fields(kind)]
    return attrgetter(*names) if names else lambda _: ()


@cache
def _inside(kind: type[Any]) -> Callable[[Any], Iterable[object]]:
    """Takes out of a kind of value what may be or hold other values."""
    names = [field.name for field in fields(kind) if "Expression" in str(field.type)]
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda value: (only(value),)
    return attrgetter(*names) if names else lambda _: ()


def parts(value: Expression) -> Iterable[Expression]:
    """The values that this one is directly made of, in the order of the text."""
    kind: Any = type(value)
    inside = _inside(kind)(value)
    return _expressions(inside) if tuple in map(type, inside) else inside  # type: ignore[return-value]


def _expressions(several: Iterable[object]) -> Iterator[Expression]:
    for part in several:
        if isinstance(part, tuple):
            yield from _expressions(part)
        else:
            yield part  # type: ignore[misc]


def below(*roots: Expression, inside: Callable[[Expression], Iterable[Expression]] = parts) -> list[Expression]:
    """Every value that the roots are made of, each once, inner before outer, in the order of the text. `inside` tells which
    parts of a value to look at."""
    done: dict[Expression, None] = {}
    todo: list[tuple[Expression, bool]] = [(root, False) for root in reversed(roots)]
    while todo:
        value, entered = todo.pop()
        if value in done:
            continue
        if entered:
            done[value] = None
        else:
            todo.append((value, True))
            todo.extend([(part, False) for part in reversed(tuple(inside(value)))])
    return list(done)


def contains(test: Callable[[Expression], bool], *roots: Expression) -> bool:
    """Whether any of the values that the roots are made of passes the test. Looks no further than the first that does."""
    todo = list(roots)
    seen = set(todo)
    while todo:
        value = todo.pop()
        if test(value):
            return True
        for part in parts(value):
            if part not in seen:
                seen.add(part)
                todo.append(part)
    return False
