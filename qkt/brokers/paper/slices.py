"""How much of an order is filled at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from qkt.brokers.quotes import Quote
from qkt.core.errors import UsageError
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, exact, to_decimal
from qkt.core.terms import Side


class SliceModel(Protocol):
    """`rests` tells that what is left waits for the next tick; otherwise it follows at once as a slice of its own."""

    rests: bool

    def first(self, quantity: Decimal, number: int, side: Side, quote: Quote, instrument: Instrument) -> Decimal:
        """Lots of `quantity` that the first slice of a tick takes; `number` counts the slices that came before it."""
        ...


class Whole:
    """Everything at once."""

    rests = False

    def first(self, quantity: Decimal, number: int, side: Side, quote: Quote, instrument: Instrument) -> Decimal:  # noqa: ARG002
        return quantity


class TwoSlices:
    """A fraction, rounded down to the step, and the rest right after it."""

    rests = False

    def __init__(self, fraction: Decimal) -> None:
        self._fraction = fraction

    def first(self, quantity: Decimal, number: int, side: Side, quote: Quote, instrument: Instrument) -> Decimal:  # noqa: ARG002
        part = instrument.quantize(exact(quantity, self._fraction)) if number == 0 else quantity
        return part or quantity


class Displayed:
    """What the quote displays at the side that is paid (lots), tick by tick; everything where the data shows no sizes."""

    rests = True

    def first(self, quantity: Decimal, number: int, side: Side, quote: Quote, instrument: Instrument) -> Decimal:  # noqa: ARG002
        size = quote.ask_size if side is Side.BUY else quote.bid_size
        if size is None:
            return quantity
        return min(quantity, max(ZERO, instrument.quantize(to_decimal(size))))


def slice_model(text: str) -> SliceModel:
    """The model that `none`, `depth` or a fraction names. Raises UsageError for anything else."""
    if text == "none":
        return Whole()
    if text == "depth":
        return Displayed()
    try:
        fraction = Decimal(text)
    except ArithmeticError:
        fraction = ZERO
    if not (fraction.is_finite() and 0 < fraction < 1):
        raise UsageError(f"partial fills are '{text}'", expected="none, depth, or a fraction between 0 and 1")
    return TwoSlices(fraction)
