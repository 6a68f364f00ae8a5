"""Protective exits as prices: where a bracket's stop starts and its targets lie for a fill."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.numbers import EIGHT_PLACES, EXACT, ONE, ZERO, exact, floor_to, q8
from qkt.core.terms import Side
from qkt.strategy import BracketSpec, ExitForm, ExitPrice, ScaleOut, StopSpec, Trail, TrailingExit

HUNDREDTH = Decimal("0.01")


@dataclass(slots=True)
class Target:
    """A price at which a fraction of what was filled leaves."""

    price: Decimal
    fraction: Decimal

    def part(self, filled: Decimal) -> Decimal:
        """The lots that leave here, 8 decimals rounded down."""
        return filled if self.fraction == ONE else floor_to(exact(filled, self.fraction), EIGHT_PLACES)


@dataclass(slots=True)
class ExitLevels:
    """Absolute prices of a bracket: the first place of its stop, None without one, and its targets."""

    stop: Decimal | None
    targets: tuple[Target, ...]

    def sane(self, side: Side, price: Decimal) -> bool:
        """Whether the stop is behind and the targets ahead of a position entered at `price`, all above zero."""
        stop_ok = self.stop is None or (self.stop > 0 and (price - self.stop) * side.sign > 0)
        return stop_ok and all(t.price > 0 and (t.price - price) * side.sign > 0 for t in self.targets)


def exit_levels(spec: BracketSpec, side: Side, price: Decimal) -> ExitLevels:
    """The bracket's prices for an entry of `side` at `price`.

    BY d: price -/+ d. PCT p: price * (1 -/+ p/100). RR m: price +/- m * |price - stop|. AT stays. 8 decimals, half-even.
    A stop that moves starts at its distance.
    """
    stop = None if spec.stop_loss is None else first_stop(spec.stop_loss, side, price)
    risk = ZERO if stop is None else abs(price - stop)
    return ExitLevels(stop, tuple(_targets(spec, side, price, risk)))


def distance_at(trail: Trail, price: Decimal) -> Decimal:
    """The distance of a protective trail from a fill at `price`, 8 decimals."""
    return q8(exact(price, trail.value, HUNDREDTH) if trail.form is ExitForm.PCT else trail.value)


def first_stop(spec: StopSpec, side: Side, price: Decimal) -> Decimal:
    """Where the stop of an entry of `side` at `price` starts, 8 decimals."""
    if isinstance(spec, ExitPrice):
        return _level(spec, price, -side.sign, ZERO)
    distance = distance_at(spec.trail, price) if isinstance(spec, TrailingExit) else spec.distance
    return q8(EXACT.subtract(price, side.sign * distance))


def _targets(spec: BracketSpec, side: Side, price: Decimal, risk: Decimal) -> list[Target]:
    target = spec.take_profit
    if target is None:
        return []
    if isinstance(target, ScaleOut):
        return [Target(_level(part.price, price, side.sign, risk), part.fraction) for part in target.parts]
    return [Target(_level(target, price, side.sign, risk), ONE)]


def _level(exit_price: ExitPrice, price: Decimal, direction: int, risk: Decimal) -> Decimal:
    value = exit_price.value
    if exit_price.form is ExitForm.AT:
        return q8(value)
    if exit_price.form is ExitForm.PCT:
        return q8(exact(price, ONE + direction * exact(value, HUNDREDTH)))
    distance = exact(value, risk) if exit_price.form is ExitForm.RR else value
    return q8(EXACT.add(price, direction * distance))
