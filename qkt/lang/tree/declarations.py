"""What a strategy consists of: its streams, parameters, schedules, sequences and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from qkt.lang.tree.actions import Action
from qkt.lang.tree.expressions import Bool, Expr, Number, Text
from qkt.lang.tree.modifiers import OrderType, Sizing, StopLoss, TakeProfit, Tif
from qkt.lang.tree.node import Ident, Node


@dataclass(frozen=True, slots=True)
class Stream(Node):
    """`gold = EXNESS:XAUUSD EVERY 5m WARMUP 100 BARS`."""

    alias: Ident
    prefix: str
    symbol: str
    timeframe: Ident
    warmup: int | None

    @property
    def market(self) -> str:
        return f"{self.prefix}:{self.symbol}"


@dataclass(frozen=True, slots=True)
class Basket(Node):
    alias: Ident
    members: tuple[Ident, ...]
    timeframe: Ident


@dataclass(frozen=True, slots=True)
class EquitySeries(Node):
    alias: Ident
    timeframe: Ident


Declaration: TypeAlias = Stream | Basket | EquitySeries
Literal_: TypeAlias = Number | Bool | Text


@dataclass(frozen=True, slots=True)
class Synchronize(Node):
    members: tuple[Ident, ...]
    within_ms: int | None


@dataclass(frozen=True, slots=True)
class Param(Node):
    """A negative literal arrives as a Number with a negative value."""

    name: Ident
    value: Literal_


@dataclass(frozen=True, slots=True)
class Let(Node):
    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
class TimeOfDay(Node):
    seconds: int


@dataclass(frozen=True, slots=True)
class ScheduleClause(Node):
    """`AT t, t zone`, `EVERY DAY AT t zone`, `EVERY WEEKDAY AT t zone`; hourly clauses keep their minute instead."""

    every: Literal["AT", "HOUR", "DAY", "WEEKDAY"]
    times: tuple[TimeOfDay, ...]
    minute: int | None
    zone: Literal["UTC", "NY", "LONDON", "TOKYO", "SYDNEY", "CHICAGO", "BROKER"] | None
    action: Action


@dataclass(frozen=True, slots=True)
class Stage(Node):
    name: Ident
    within_ms: int | None
    condition: Expr


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    name: Ident
    alias: Ident
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Rule(Node):
    """`WHEN [ON anchor] condition THEN action; action`. `listed` tells that a `;` was written, which makes a list."""

    anchor: Ident | None
    condition: Expr
    actions: tuple[Action, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    variable: Ident
    aliases: tuple[Ident, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Defaults(Node):
    """`order_type` and `trailing` are two keys; the first wins when both stand."""

    sizing: Sizing | None = None
    order_type: OrderType | None = None
    trailing: OrderType | None = None
    tif: Tif | None = None
    stop_loss: StopLoss | None = None
    take_profit: TakeProfit | None = None


@dataclass(frozen=True, slots=True)
class Strategy(Node):
    name: Ident
    version: int
    defaults: Defaults | None
    declarations: tuple[Declaration, ...]
    syncs: tuple[Synchronize, ...]
    params: tuple[Param, ...]
    lets: tuple[Let, ...]
    schedules: tuple[ScheduleClause, ...]
    sequences: tuple[Sequence, ...]
    rules: tuple[Rule | ForEach, ...]
