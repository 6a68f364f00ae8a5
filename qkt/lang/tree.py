"""The typed syntax tree of the whole language: strategies and portfolios, every node with its place in the file.

Names are kept as written. Nothing here is checked beyond the grammar: `FOR EACH` is not expanded, LET and PARAM are not
replaced, and every name may still be unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from qkt.core.terms import Side


class Span(NamedTuple):
    """Where a piece of text stands: 1-based lines and columns, the end exclusive. Every character is one column."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Node:
    span: Span


@dataclass(frozen=True, slots=True)
class Ident(Node):
    """A name in a declaring or referring place."""

    text: str


# ---------------------------------------------------------------- expressions


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

# -------------------------------------------------------- modifiers of actions


@dataclass(frozen=True, slots=True)
class Sizing(Node):
    """How much. `units`: the expression itself; `position`: the size of a bare POSITION.x, whatever its side; `money`: `e USD`;
    `equity`/`balance`: `e PCT OF …`; `risk`: `RISK f`; `risk_percent`: `n PCT RISK`; `risk_money`: `RISK $ e`. `of_book` only
    with the two risk shares."""

    form: Literal["units", "position", "money", "equity", "balance", "risk", "risk_percent", "risk_money"]
    value: Expr
    of_book: bool = False


Direction: TypeAlias = Literal["WITH", "AGAINST"]


@dataclass(frozen=True, slots=True)
class Relative(Node):
    """`WITH d`, `AGAINST d` (RETRACE is AGAINST): a distance from a reference in or against a direction."""

    direction: Direction
    distance: Expr


@dataclass(frozen=True, slots=True)
class OrderType(Node):
    """`price` is the limit or stop level; `limit` the second price of a stop-limit; trailing keeps its distance in `price`."""

    kind: Literal["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_BY", "TRAILING_PCT"]
    price: Expr | Relative | None = None
    limit: Expr | None = None


@dataclass(frozen=True, slots=True)
class Tif(Node):
    kind: Literal["GTC", "IOC", "FOK", "DAY", "GTD"]
    until: Expr | None = None


@dataclass(frozen=True, slots=True)
class Exit(Node):
    """A protective price: `AT p`, `BY d`, `PCT n` (also `BY n PCT`), `RR m`."""

    form: Literal["AT", "BY", "PCT", "RR"]
    value: Expr


@dataclass(frozen=True, slots=True)
class ArmedTrail(Node):
    """`TRAILING d AFTER MFE >= t`."""

    distance: Expr
    threshold: Expr


@dataclass(frozen=True, slots=True)
class TrailingStop(Node):
    """`TRAILING_STOP BY d` or `PCT n`: trails from the fill on."""

    form: Literal["BY", "PCT"]
    value: Expr


@dataclass(frozen=True, slots=True)
class Step(Node):
    """`STEP TO BREAKEVEN + offset AFTER MFE >= threshold`."""

    offset: Expr | None
    threshold: Expr


@dataclass(frozen=True, slots=True)
class SteppedStop(Node):
    distance: Expr
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class TighteningStop(Node):
    """`BY d TIGHTEN BY y EVERY dur FLOOR f`."""

    distance: Expr
    by: Expr
    every_ms: int
    floor: Expr


@dataclass(frozen=True, slots=True)
class ScaleOutLeg(Node):
    fraction: Decimal
    price: Exit


@dataclass(frozen=True, slots=True)
class ScaleOut(Node):
    """`TAKE PROFIT { 0.5 BY 10, 0.3 AT p, 0.2 RR 3 }`."""

    legs: tuple[ScaleOutLeg, ...]


StopLoss: TypeAlias = Exit | ArmedTrail | TrailingStop | SteppedStop | TighteningStop
TakeProfit: TypeAlias = Exit | ScaleOut


@dataclass(frozen=True, slots=True)
class Bracket(Node):
    """`BRACKET { … }` or bare STOP_LOSS / TAKE_PROFIT clauses; at least one leg."""

    stop_loss: StopLoss | None
    take_profit: TakeProfit | None


@dataclass(frozen=True, slots=True)
class Oco(Node):
    """`OCO { STOP AT p, LIMIT AT q }` on an entry: exits at absolute prices."""

    stop: Expr
    limit: Expr


@dataclass(frozen=True, slots=True)
class StackLayer(Node):
    """`trigger` None is a market layer; `AT`, `LIMIT`, `STOP`, or `STOP` with a `limit`."""

    sizing: Sizing
    trigger: Literal["AT", "LIMIT", "STOP"] | None
    price: Expr | None
    limit: Expr | None = None


@dataclass(frozen=True, slots=True)
class StackSpacing(Node):
    """`STACK n SPACING d [ABOVE|BELOW]`."""

    count: int
    spacing: Expr
    direction: Literal["ABOVE", "BELOW"] | None


@dataclass(frozen=True, slots=True)
class Stack(Node):
    plan: StackSpacing | tuple[StackLayer, ...]
    within_ms: int | None


@dataclass(frozen=True, slots=True)
class StackAt(Node):
    """`STACK_AT MFE >= t` or `MAE >= t RECOVER r`, `WITHIN d SIZING s BRACKET { … }`."""

    excursion: Literal["MFE", "MAE"]
    threshold: Expr
    recover: Expr | None
    within_ms: int
    sizing: Sizing
    bracket: Bracket


# --------------------------------------------------------------------- actions


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

# ---------------------------------------------------------------- declarations


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


# ------------------------------------------------------------------- portfolio


@dataclass(frozen=True, slots=True)
class Import(Node):
    path: Text
    alias: Ident
    hold: bool


@dataclass(frozen=True, slots=True)
class RegimeState(Node):
    """`condition` None is DEFAULT."""

    name: Ident
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Regimes(Node):
    name: Ident
    states: tuple[RegimeState, ...]


@dataclass(frozen=True, slots=True)
class Share(Node):
    """`target` is an imported alias or CASH in any case."""

    target: Ident
    weight: Decimal


@dataclass(frozen=True, slots=True)
class AllocateEntry(Node):
    state: Ident
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Allocate(Node):
    method: Ident
    rebalance_ms: int | None
    entries: tuple[AllocateEntry, ...]


@dataclass(frozen=True, slots=True)
class Override(Node):
    name: Ident
    value: Literal_


@dataclass(frozen=True, slots=True)
class Run(Node):
    """`[WHEN condition] RUN alias [WEIGHT w] [OVERRIDE { … }]`; `overrides` None when no clause was written."""

    condition: Expr | None
    alias: Ident
    weight: Decimal | None
    overrides: tuple[Override, ...] | None


@dataclass(frozen=True, slots=True)
class Portfolio(Node):
    name: Ident
    version: int
    capital: Decimal | None
    declarations: tuple[Declaration, ...]
    syncs: tuple[Synchronize, ...]
    imports: tuple[Import, ...]
    params: tuple[Param, ...]
    lets: tuple[Let, ...]
    regimes: Regimes | None
    allocate: Allocate | None
    runs: tuple[Run, ...]


File: TypeAlias = Strategy | Portfolio
