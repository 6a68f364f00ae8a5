"""What actions come to after DEFAULTS, with every expression checked.

What is made of constants alone is exact already and stands here as it will stand in the signal; everything else is an
expression, evaluated once when the action is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Purpose, Side, TimeInForce
from qkt.lang.values import Expression
from qkt.strategy import Confirmation, ExitForm, SteppedExit, Tier, TighteningExit, TrailingExit

SizeForm: TypeAlias = Literal[
    "units",
    "position",
    "money",
    "equity",
    "balance",
    "risk",
    "risk_percent",
    "risk_money",
    "book",
    "book_percent",
]


@dataclass(frozen=True, slots=True)
class Size:
    """`position` is the absolute value of a bare POSITION.x, `book` and `book_percent` are risks shared OF BOOK; the other
    forms are those of the syntax tree."""

    form: SizeForm
    value: Expression


@dataclass(frozen=True, slots=True)
class Protection:
    """A protective price of an entry."""

    form: ExitForm
    value: Expression


@dataclass(frozen=True, slots=True)
class Trailing:
    """A stop that follows the best price since the fill at once."""

    form: Literal[ExitForm.BY, ExitForm.PCT]
    value: Expression


@dataclass(frozen=True, slots=True)
class Parts:
    """A target in parts: fractions of the filled quantity and where they leave."""

    parts: tuple[tuple[Decimal, Protection], ...]


StopLoss: TypeAlias = Protection | Trailing | TrailingExit | SteppedExit | TighteningExit
TakeProfit: TypeAlias = Protection | Parts


@dataclass(frozen=True, slots=True)
class Order:
    """What an entry waits for. `price` is the limit or stop level, or the distance of a trailing entry, which is `trail`;
    `limit` the second price of a stop-limit."""

    kind: OrderKind = OrderKind.MARKET
    price: Expression | None = None
    limit: Expression | None = None
    trail: Literal[ExitForm.BY, ExitForm.PCT] | None = None
    tif: TimeInForce = TimeInForce.GTC
    until: Expression | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a pyramid after the seed. `size` None repeats the seed's quantity."""

    size: Size | None
    kind: OrderKind
    price: Formula | None
    limit: Formula | None


@dataclass(frozen=True, slots=True)
class Layers:
    layers: tuple[Layer, ...]
    within_ms: int


@dataclass(frozen=True, slots=True)
class Hooks:
    """What follows the end of what an entry opened, by the reason of the exit."""

    deeds: tuple[tuple[Purpose, tuple[Deed, ...]], ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """BUY or SELL."""

    side: Side
    alias: str
    size: Size
    order: Order = field(default_factory=Order)
    stop_loss: StopLoss | None = None
    take_profit: TakeProfit | None = None
    layers: Layers | None = None
    tiers: tuple[Tier, ...] = ()
    on_fill: tuple[Enter, ...] = ()
    hooks: Hooks | None = None
    time_exit_ms: int | None = None


@dataclass(frozen=True, slots=True)
class EnterOne:
    """OCO_ENTRY: two entries of which one stays."""

    first: Enter
    second: Enter


@dataclass(frozen=True, slots=True)
class EnterBasket:
    """BUY or SELL of every member of a basket, for an equal part of the money."""

    side: Side
    basket: str
    members: tuple[str, ...]
    money: Expression


@dataclass(frozen=True, slots=True)
class LatchEnter:
    """One ENTER of a latch. `on` is the stream it trades; `elsewhere` tells that it is not the latch's own, whose wire is no
    price there. Prices are distances from there, positive in the direction of the break. `size` None is one lot."""

    on: str
    elsewhere: bool
    kind: OrderKind
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    size: Size | None
    expire_ms: int | None


@dataclass(frozen=True, slots=True)
class ArmLatch:
    """LATCH. `reference` None is the stream's close."""

    alias: str
    offset: Expression
    reference: Expression | None
    arm_ms: int
    confirm: Confirmation | None
    entries: tuple[LatchEnter, ...]


@dataclass(frozen=True, slots=True)
class CloseOne:
    """CLOSE x, or a part of it. `members` are those of a basket."""

    alias: str
    size: Size | None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseEverything:
    """CLOSE_ALL."""


@dataclass(frozen=True, slots=True)
class ResizePosition:
    """RESIZE. `min_step` None is 5 % of the target."""

    alias: str
    size: Size
    min_step: Expression | None


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """CANCEL x; `alias` None is CANCEL_ALL. `members` are those of a basket."""

    alias: str | None
    including_protection: bool
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteLog:
    """LOG, its fields in the order of the text."""

    level: str
    text: str
    fields: tuple[tuple[str, Expression], ...]


Deed: TypeAlias = (
    Enter | EnterOne | EnterBasket | ArmLatch | CloseOne | CloseEverything | ResizePosition | CancelOrders | WriteLog
)


def deed_values(deed: Deed) -> Iterator[Expression]:
    """The expressions evaluated when the action is taken, in the order of the text."""
    match deed:
        case Enter():
            yield from _entry_values(deed)
        case EnterOne(first=first, second=second):
            yield from _entry_values(first)
            yield from _entry_values(second)
        case EnterBasket(money=money):
            yield money
        case ArmLatch(offset=offset, reference=reference):
            yield offset
            yield from _given(reference)
        case CloseOne(size=Size(value=value)):
            yield value
        case ResizePosition(size=Size(value=value), min_step=min_step):
            yield value
            yield from _given(min_step)
        case WriteLog(fields=fields):
            yield from (value for _, value in fields)
        case _:
            pass


def later_values(deed: Deed) -> Iterator[Expression]:
    """The expressions evaluated after it: at the exit of what was entered, or at the break of a latch."""
    match deed:
        case Enter(hooks=Hooks(deeds=hooks)):
            for _, deeds in hooks:
                yield from (value for one in deeds for value in deed_values(one))
        case EnterOne(first=first, second=second):
            yield from later_values(first)
            yield from later_values(second)
        case ArmLatch(entries=entries):
            yield from (entry.size.value for entry in entries if entry.size is not None)
        case _:
            pass


def _entry_values(deed: Enter) -> Iterator[Expression]:
    yield deed.size.value
    yield from _given(deed.order.price, deed.order.limit, deed.order.until)
    match deed.stop_loss:
        case Protection(value=value) | Trailing(value=value):
            yield value
        case _:
            pass
    match deed.take_profit:
        case Protection(value=value):
            yield value
        case Parts(parts=parts):
            yield from (leg.value for _, leg in parts)
        case _:
            pass
    if deed.layers is not None:
        yield from (layer.size.value for layer in deed.layers.layers if layer.size is not None)
    for child in deed.on_fill:
        yield from _entry_values(child)


def _given(*values: Expression | None) -> Iterable[Expression]:
    return (value for value in values if value is not None)
