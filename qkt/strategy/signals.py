"""What a strategy can ask for. Prices and quantities are Decimal here already: this is where floats end."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from qkt.core.events import Event
from qkt.core.terms import OrderKind, Side
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
class BracketSpec:
    """Protective exits of an entry; at least one. Relative forms are anchored at the fill."""

    stop_loss: ExitPrice | None
    take_profit: ExitPrice | None


@dataclass(slots=True)
class Signal(Event):
    """A wish of a strategy. `rule` is the index of the rule that fired, None for other sources."""

    strategy: str
    symbol: str
    rule: int | None


@dataclass(slots=True)
class EnterSignal(Signal):
    """Open or grow a position, or turn it with an opposite side. `quantity` in lots, not yet rounded to the step.

    `stop` and `limit` belong to the kinds that have them, `expires_at` (epoch ms) makes the order good till then.
    `reference` is the price the strategy saw when it decided, None for whatever the market quotes. `plain` is true for a
    market order of a plain quantity, which takes its id from the run's counter.
    """

    side: Side
    quantity: Decimal
    reference: Decimal | None
    kind: OrderKind = OrderKind.MARKET
    limit: Decimal | None = None
    stop: Decimal | None = None
    expires_at: int | None = None
    bracket: BracketSpec | None = None
    plain: bool = False


@dataclass(slots=True)
class CloseSignal(Signal):
    """Close these legs at market, each up to its quantity (lots). Never opens anything."""

    legs: tuple[LegSize, ...]


@dataclass(slots=True)
class CancelSignal(Signal):
    """Cancel the strategy's working entry orders on the symbol, with `including_protection` its exits too."""

    including_protection: bool = False
