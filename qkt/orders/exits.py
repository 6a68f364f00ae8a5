"""Protective exits: their prices, and the pairs that guard a leg."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.numbers import EXACT, ONE, ZERO, exact, q8
from qkt.core.terms import Side
from qkt.orders.order import Order
from qkt.strategy import BracketSpec, ExitForm, ExitPrice, ScaleOut, SteppedExit, TighteningExit, TrailingExit

HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ExitLevels:
    """Absolute prices of a bracket, each None when the bracket lacks that side."""

    stop: Decimal | None
    target: Decimal | None

    def sane(self, side: Side, price: Decimal) -> bool:
        """Whether the stop is behind and the target ahead of a position entered at `price`, both above zero."""
        stop_ok = self.stop is None or (self.stop > 0 and (price - self.stop) * side.sign > 0)
        target_ok = self.target is None or (self.target > 0 and (self.target - price) * side.sign > 0)
        return stop_ok and target_ok


def exit_levels(spec: BracketSpec, side: Side, price: Decimal) -> ExitLevels:
    """The bracket's prices for an entry of `side` at `price`.

    BY d: price -/+ d. PCT p: price * (1 -/+ p/100). RR m: price +/- m * |price - stop|. AT stays. 8 decimals, half-even.
    """
    assert not isinstance(spec.stop_loss, TrailingExit | SteppedExit | TighteningExit)
    assert not isinstance(spec.take_profit, ScaleOut)
    stop = None if spec.stop_loss is None else _level(spec.stop_loss, price, -side.sign, ZERO)
    risk = ZERO if stop is None else abs(price - stop)
    target = None if spec.take_profit is None else _level(spec.take_profit, price, side.sign, risk)
    return ExitLevels(stop, target)


def _level(exit_price: ExitPrice, price: Decimal, direction: int, risk: Decimal) -> Decimal:
    value = exit_price.value
    if exit_price.form is ExitForm.AT:
        return q8(value)
    if exit_price.form is ExitForm.PCT:
        return q8(exact(price, ONE + direction * exact(value, HUNDREDTH)))
    distance = exact(value, risk) if exit_price.form is ExitForm.RR else value
    return q8(EXACT.add(price, direction * distance))


@dataclass(slots=True, eq=False)
class ExitPair:
    """The stop and target that guard one entry's share of a leg; when one is filled the other goes.

    `quantity` is what the pair still guards, in lots. Either order may be missing.
    """

    leg_id: int
    quantity: Decimal
    stop: Order | None
    target: Order | None

    @property
    def live(self) -> list[Order]:
        """Orders that still work, target first as they were submitted."""
        return [order for order in (self.target, self.stop) if order is not None and order.live]
