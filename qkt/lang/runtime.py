"""What compiled strategies call while they run: acting when a rule fires, and the calendar.

Generated modules import their names from here. Numbers come in as floats, None is Undefined; what leaves in signals is
Decimal.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite

from qkt.core.events import Candle
from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Purpose, Side, TimeInForce
from qkt.indicators import FUNCTIONS, REGISTRY, same
from qkt.lang import calendar
from qkt.lang.breaking import LatchTicket
from qkt.lang.firing import Desk, Firing
from qkt.lang.since_open import SinceOpen
from qkt.lang.tickets import LayerTicket, Ticket
from qkt.lang.windows import BasketIndex, Windows
from qkt.strategy import (
    Confirmation,
    ExitForm,
    ExitHooks,
    SteppedExit,
    StopStep,
    Tier,
    TighteningExit,
    Trail,
    TrailingExit,
)

__all__ = [
    "FUNCTIONS",
    "BasketIndex",
    "Bound",
    "Confirmation",
    "Decimal",
    "Desk",
    "ExitForm",
    "ExitHooks",
    "Firing",
    "Formula",
    "LatchTicket",
    "LayerTicket",
    "OrderKind",
    "Purpose",
    "Side",
    "SinceOpen",
    "SteppedExit",
    "StopStep",
    "Ticket",
    "Tier",
    "TighteningExit",
    "TimeInForce",
    "Trail",
    "TrailingExit",
    "Windows",
    "as_number",
    "calendar",
    "common_side",
    "deque",
    "indicator",
    "isfinite",
    "same",
]


TickFeed = Callable[[float, float | None], object]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a generated module hands out: a handler for each stream, what every tick feeds (price and volume) by symbol, the
    clauses of SCHEDULE, the groups that may time out, and its variables by name for who looks at them."""

    streams: dict[str, Callable[[Candle], None]]
    ticks: dict[str, tuple[TickFeed, ...]] = field(default_factory=dict)
    clauses: tuple[Callable[[int], bool], ...] = ()
    groups: tuple[Windows, ...] = ()
    names: Mapping[str, object] = field(default_factory=dict)


def indicator(name: str, constants: tuple[float, ...], series: int) -> object:
    """A new instance of an indicator."""
    return REGISTRY[name].make(constants, series)


def as_number(value: float | bool | str | None) -> float | None:
    """The value if it is a number, else None."""
    return value if isinstance(value, float) else None


def common_side(*quantities: float) -> float:
    """The sign that all quantities have, 0.0 when they differ or one is flat."""
    if all(quantity > 0.0 for quantity in quantities):
        return 1.0
    return -1.0 if all(quantity < 0.0 for quantity in quantities) else 0.0
