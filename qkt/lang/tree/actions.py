"""What a rule does when it fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from qkt.core.terms import Side
from qkt.lang.tree.expressions import Expr
from qkt.lang.tree.modifiers import Bracket, Oco, OrderType, Relative, Sizing, Stack, StackAt, Tif
from qkt.lang.tree.node import Ident, Node


@dataclass(frozen=True, slots=True)
class Entry(Node):
    """BUY or SELL with its modifiers. `duplicates` are clauses written more than once, of which the last one counts."""

    side: Side
    alias: Ident
    sizing: Sizing | None = None
    order_type: OrderType | None = None
    tif: Tif | None = None
    bracket: Bracket | None = None
    oco: Oco | None = None
    stack: Stack | None = None
    stack_at: tuple[StackAt, ...] = ()
    on_fill: tuple[Action, ...] | None = None
    on_stop: tuple[Action, ...] | None = None
    on_tp: tuple[Action, ...] | None = None
    on_close: tuple[Action, ...] | None = None
    time_exit_ms: int | None = None
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Close(Node):
    alias: Ident
    sizing: Sizing | None = None


@dataclass(frozen=True, slots=True)
class CloseAll(Node):
    """CLOSE_ALL or FLATTEN."""


@dataclass(frozen=True, slots=True)
class Resize(Node):
    alias: Ident
    sizing: Sizing
    min_step: Expr | None


@dataclass(frozen=True, slots=True)
class Cancel(Node):
    alias: Ident
    including_protection: bool = False


@dataclass(frozen=True, slots=True)
class CancelAll(Node):
    including_protection: bool = False


@dataclass(frozen=True, slots=True)
class Log(Node):
    level: Literal["INFO", "WARN", "ERROR", "DEBUG"]
    text: str
    fields: tuple[tuple[Ident, Expr], ...]


@dataclass(frozen=True, slots=True)
class OcoEntry(Node):
    first: Entry
    second: Entry


@dataclass(frozen=True, slots=True)
class Confirm(Node):
    kind: Literal["CLOSE_BEYOND", "TIME_IN_BREACH", "RETEST_HOLD"]
    distance: Expr | None = None
    within_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LatchEntry(Node):
    """`ENTER [ON m] MARKET | LIMIT WITH d | STOP AGAINST d …`."""

    on: Ident | None
    kind: Literal["MARKET", "LIMIT", "STOP"]
    price: Relative | None
    stop_loss: Relative | None
    take_profit: Relative | None
    sizing: Sizing | None
    expire_ms: int | None


@dataclass(frozen=True, slots=True)
class Latch(Node):
    """`arm_ms` None means the default of five minutes."""

    alias: Ident
    offset: Expr
    reference: Expr | None
    arm_ms: int | None
    name: Ident | None
    confirm: Confirm | None
    entries: tuple[LatchEntry, ...]


Action: TypeAlias = Entry | Close | CloseAll | Resize | Cancel | CancelAll | Log | OcoEntry | Latch
