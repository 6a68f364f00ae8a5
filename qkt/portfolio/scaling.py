"""An entry made smaller as a whole: itself, the layers and tiers that follow it, the entries that it brings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from qkt.core.formula import Formula
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.numbers import EXACT, ONE, ZERO, exact, floor_to, quotient
from qkt.strategy import EnterSignal, StackPlan, Tier


def tradable(quantity: Decimal, instrument: Instrument) -> Decimal:
    """The lots that can be traded of a quantity: rounded down to the step, zero below the minimum."""
    lots = floor_to(quantity, instrument.volume_step)
    return lots if lots >= instrument.volume_min else ZERO


def resized(signal: EnterSignal, lots: Decimal, instruments: InstrumentRegistry) -> EnterSignal:
    """The entry at `lots`, and all that it brings in the same proportion. What comes out too small to be traded is left out."""
    factor = quotient(lots, signal.quantity)
    return replace(
        signal,
        quantity=lots,
        stack=_stack(signal, factor, instruments),
        tiers=tuple(_tier(tier, factor) for tier in signal.tiers),
        on_fill=_children(signal, factor, instruments),
    )


def _children(signal: EnterSignal, factor: Decimal, instruments: InstrumentRegistry) -> tuple[EnterSignal, ...]:
    sized = (
        (child, tradable(EXACT.multiply(child.quantity, factor), instruments.resolve(child.symbol))) for child in signal.on_fill
    )
    return tuple(resized(child, lots, instruments) for child, lots in sized if lots > ZERO)


def _stack(signal: EnterSignal, factor: Decimal, instruments: InstrumentRegistry) -> StackPlan | None:
    if signal.stack is None:
        return None
    instrument = instruments.resolve(signal.symbol)
    layers = [replace(layer, quantity=tradable(exact(layer.quantity, factor), instrument)) for layer in signal.stack.layers]
    return replace(signal.stack, layers=tuple(layer for layer in layers if layer.quantity > ZERO))


def _tier(tier: Tier, factor: Decimal) -> Tier:
    """Its quantity f(x) of the parent's lots x becomes factor * f(x / factor): the parent's lots are in proportion already."""
    code: list[Decimal | str] = []
    for item in tier.quantity.code:
        code += ["x", factor, "/"] if item == "x" else [item]
    scaled = Formula((*code, factor, "*")) if factor != ONE else tier.quantity  # type: ignore[arg-type]
    return replace(tier, quantity=scaled)
