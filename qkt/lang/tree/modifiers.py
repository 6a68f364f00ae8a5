"""What says how an order is sized, priced, protected and layered."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.lang.tree.expressions import Expr
from qkt.lang.tree.node import Node


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
