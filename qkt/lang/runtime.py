"""What compiled strategies call while they run: acting when a rule fires, and the calendar.

Generated modules import their names from here. Numbers come in as floats, None is Undefined; what leaves in signals is
Decimal.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from math import isfinite

from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Purpose, Side, TimeInForce
from qkt.indicators import FUNCTIONS, REGISTRY, same
from qkt.lang import calendar
from qkt.lang.breaking import LatchTicket
from qkt.lang.firing import Desk, Firing
from qkt.lang.tickets import LayerTicket, Ticket
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
    "SteppedExit",
    "StopStep",
    "Ticket",
    "Tier",
    "TighteningExit",
    "TimeInForce",
    "Trail",
    "TrailingExit",
    "as_number",
    "calendar",
    "deque",
    "indicator",
    "isfinite",
    "same",
]


def indicator(name: str, constants: tuple[float, ...], series: int) -> object:
    """A new instance of an indicator."""
    return REGISTRY[name].make(constants, series)


def as_number(value: float | bool | str | None) -> float | None:
    """The value if it is a number, else None."""
    return value if isinstance(value, float) else None
