"""What a strategy can ask for. Prices and quantities are Decimal here already: this is where floats end."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from qkt.core.events import Event
from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Purpose, Side, TimeInForce
from qkt.strategy.context import LegSize


class ExitForm(StrEnum):
    """How a protective price is given: absolute, or relative to the fill."""

    AT = "AT"
    BY = "BY"
    PCT = "PCT"
    RR = "RR"


@dataclass(frozen=True, slots=True)
class ExitPrice:
    """`AT` a price, `BY` a distance, `PCT` percent points of the fill, `RR` multiples of the stop's distance."""

    form: ExitForm
    value: Decimal


@dataclass(frozen=True, slots=True)
class Trail:
    """A distance from the running extreme: `BY` price units or `PCT` percent points of the extreme (of the fill for a
    protective stop, which turns it into a distance)."""

    form: Literal[ExitForm.BY, ExitForm.PCT]
    value: Decimal


@dataclass(frozen=True, slots=True)
class TrailingExit:
    """A stop `trail` behind the best price since the fill. Until the price has moved `arm_after` in favour it stays where it
    started; 0 arms it at once."""

    trail: Trail
    arm_after: Decimal


@dataclass(frozen=True, slots=True)
class StopStep:
    """When the favourable move reaches `threshold`, the stop goes to the fill plus `offset` in the direction of profit."""

    threshold: Decimal
    offset: Decimal


@dataclass(frozen=True, slots=True)
class SteppedExit:
    """A stop `distance` from the fill that moves step by step. Thresholds increase strictly."""

    distance: Decimal
    steps: tuple[StopStep, ...]


@dataclass(frozen=True, slots=True)
class TighteningExit:
    """A stop `distance` from the fill that comes `by` nearer every `interval_ms`, down to `floor`."""

    distance: Decimal
    by: Decimal
    interval_ms: int
    floor: Decimal


@dataclass(frozen=True, slots=True)
class ScaleOutPart:
    """A `fraction` of the filled quantity leaves at `price`."""

    fraction: Decimal
    price: ExitPrice


@dataclass(frozen=True, slots=True)
class ScaleOut:
    """A target in parts; fractions add up to at most 1, what is left runs on under the stop."""

    parts: tuple[ScaleOutPart, ...]


StopSpec: TypeAlias = ExitPrice | TrailingExit | SteppedExit | TighteningExit
TargetSpec: TypeAlias = ExitPrice | ScaleOut


@dataclass(frozen=True, slots=True)
class BracketSpec:
    """Protective exits of an entry; at least one. Relative forms are anchored at the fill."""

    stop_loss: StopSpec | None
    take_profit: TargetSpec | None


@dataclass(frozen=True, slots=True)
class StackLayer:
    """One layer of a pyramid. Prices are formulas of the seed's fill price; the first layer's must not depend on it.

    A MARKET layer has no price. IF_TOUCHED waits for its price from whichever side of the fill it lies on.
    """

    quantity: Decimal
    kind: OrderKind
    price: Formula | None = None
    limit: Formula | None = None


@dataclass(frozen=True, slots=True)
class StackPlan:
    """The layers after the seed (which is the signal itself), pending for `within_ms` after the seed's fill."""

    layers: tuple[StackLayer, ...]
    within_ms: int


@dataclass(frozen=True, slots=True)
class Tier:
    """A conditional extra position (STACK_AT) with exits at distances from its price.

    It fires when the parent's favourable move reaches `threshold`, or, with `recover`, when the price has come back that
    far from the worst one after an adverse move of `threshold`. `quantity` is a formula of the parent's filled quantity.
    """

    threshold: Decimal
    recover: Decimal | None
    within_ms: int
    quantity: Formula
    stop_distance: Decimal
    target_distance: Decimal


@dataclass(frozen=True, slots=True)
class ExitHooks:
    """Which exits of an entry the strategy wants to act on: STOP_LOSS, TAKE_PROFIT, CLOSE. `hooks` names them within the
    strategy; `fingerprint` changes when what they do changes."""

    hooks: int
    reasons: frozenset[Purpose]
    fingerprint: str


@dataclass(slots=True)
class Signal(Event):
    """A wish of a strategy. `rule` is the index of the rule that fired, None for other sources."""

    strategy: str
    symbol: str
    rule: int | None


@dataclass(slots=True)
class EnterSignal(Signal):
    """Open or grow a position, or turn it with an opposite side. `quantity` in lots, not yet rounded to the step.

    `stop` and `limit` belong to the kinds that have them, `trail` to a trailing entry. `expires_at` (epoch ms) goes with
    GTD. `reference` is the price the strategy saw when it decided, None for whatever the market quotes. `plain` is true for
    a market order of a plain quantity, which takes its id from the run's counter. `on_fill` are entries that are sent when
    this one is filled, `stack` the layers and `tiers` the conditional positions that follow it; `time_exit_ms` closes
    what it opened so long after its fill. A trailing stop-limit becomes a limit `limit_offset` beyond its level.
    """

    side: Side
    quantity: Decimal
    reference: Decimal | None
    kind: OrderKind = OrderKind.MARKET
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: Trail | None = None
    tif: TimeInForce = TimeInForce.GTC
    expires_at: int | None = None
    bracket: BracketSpec | None = None
    stack: StackPlan | None = None
    tiers: tuple[Tier, ...] = ()
    on_fill: tuple[EnterSignal, ...] = ()
    hooks: ExitHooks | None = None
    time_exit_ms: int | None = None
    plain: bool = False
    limit_offset: Decimal | None = None


@dataclass(slots=True)
class OcoEntrySignal(Signal):
    """Two entries of which the first to fill cancels the other. `symbol` is that of the first."""

    first: EnterSignal
    second: EnterSignal


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a break is confirmed. CLOSE_BEYOND: a closed candle of the latch's stream; TIME_IN_BREACH: `ms` beyond one wire
    without a break; RETEST_HOLD: within `ms` of the break a price between the wire and `distance` beyond it."""

    kind: Literal["CLOSE_BEYOND", "TIME_IN_BREACH", "RETEST_HOLD"]
    ms: int = 0
    distance: Decimal = Decimal(0)


@dataclass(slots=True)
class LatchSignal(Signal):
    """Watch two wires on `stream` for `arm_ms` from the tick being processed; without a confirmation the first tick at or
    beyond one commits. What is entered then is asked of the strategy with a `LatchBroken` that carries `latch`."""

    latch: int
    stream: str
    up: Decimal
    down: Decimal
    arm_ms: int
    confirm: Confirmation | None = None


@dataclass(slots=True)
class CloseSignal(Signal):
    """Close these legs at market, each up to its quantity (lots). Never opens anything. `reference` is the price the
    strategy saw when it decided, None for whatever the market quotes."""

    legs: tuple[LegSize, ...]
    reference: Decimal | None = None


@dataclass(slots=True)
class CancelSignal(Signal):
    """Cancel the strategy's working entry orders on the symbol, with `including_protection` its exits too."""

    including_protection: bool = False
