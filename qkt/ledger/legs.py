"""Legs: the pieces a strategy's position on a symbol is made of, and the netting rule of the primary one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.events import OrderFilled
from qkt.core.numbers import EXACT, ZERO, exact, q8, quotient
from qkt.core.terms import LegRole, Side


@dataclass(slots=True, eq=False)
class Leg:
    """An open leg. `quantity` > 0 in lots, `entry` the average price of what is open.

    `high` and `low` are the extremes of the tick price seen since the leg opened or grew, starting at its entry.
    """

    id: int
    symbol: str
    side: Side
    quantity: Decimal
    entry: Decimal
    opened_at: int
    role: LegRole
    high: float
    low: float
    entry_f: float
    signed_f: float
    entered: Decimal
    entered_value: Decimal
    exited: Decimal = ZERO
    exited_value: Decimal = ZERO
    gross: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO

    @property
    def sign(self) -> int:
        return self.side.sign

    @property
    def mfe(self) -> float:
        """Greatest favourable move, in price units, never negative."""
        return max(0.0, self.high - self.entry_f if self.sign > 0 else self.entry_f - self.low)

    @property
    def mae(self) -> float:
        """Greatest adverse move, as a positive number."""
        return max(0.0, self.entry_f - self.low if self.sign > 0 else self.high - self.entry_f)

    def observe(self, high: float, low: float) -> None:
        self.high = max(self.high, high)
        self.low = min(self.low, low)

    def grow(self, quantity: Decimal, price: Decimal) -> None:
        """Average in; excursions start again from the new entry."""
        total = EXACT.add(self.quantity, quantity)
        paid = EXACT.add(exact(self.entry, self.quantity), exact(price, quantity))
        self.entry = q8(quotient(paid, total))
        self.quantity = total
        self.entered = EXACT.add(self.entered, quantity)
        self.entered_value = EXACT.add(self.entered_value, exact(price, quantity))
        self.entry_f = self.high = self.low = float(self.entry)
        self.signed_f = self.sign * float(total)

    def reduce(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Close `quantity` of the leg at `price`; returns the realized points times lots, 8 decimals."""
        points = q8(exact(quantity, price - self.entry, Decimal(self.sign)))
        self.quantity = EXACT.subtract(self.quantity, quantity)
        self.exited = EXACT.add(self.exited, quantity)
        self.exited_value = EXACT.add(self.exited_value, exact(price, quantity))
        self.signed_f = self.sign * float(self.quantity)
        return points


@dataclass(slots=True)
class LegChange:
    """What a fill did to a book: legs it closed or reduced by how much and at what gain, and the leg it opened or grew."""

    reduced: list[tuple[Leg, Decimal, Decimal]] = field(default_factory=list)
    opened: Leg | None = None
    opened_quantity: Decimal = ZERO


class LegBook:
    """The legs of one strategy on one symbol, `all` of them with the primary one first. `net_f` is the signed net quantity
    as float, kept for fast reads."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.primary: Leg | None = None
        self.others: list[Leg] = []
        self.all: tuple[Leg, ...] = ()
        self.net = ZERO
        self.net_f = 0.0

    def __iter__(self) -> Iterator[Leg]:
        return iter(self.all)

    def __bool__(self) -> bool:
        return bool(self.all)

    def apply(self, fill: OrderFilled, ts: int, new_id: int) -> LegChange:
        """Route a fill: to the leg it is bound to, to a leg of its own, or into the primary leg."""
        change = LegChange()
        if fill.leg_id is not None:
            leg = next((leg for leg in self if leg.id == fill.leg_id), None)
            if leg is not None:
                self._reduce(leg, min(fill.quantity, leg.quantity), fill.price, change)
        elif fill.role is not LegRole.PRIMARY:
            leg = _open(fill, fill.quantity, ts, new_id)
            self.others.append(leg)
            change.opened, change.opened_quantity = leg, fill.quantity
        else:
            self._net_in(fill, ts, new_id, change)
        self.all = (*self.others,) if self.primary is None else (self.primary, *self.others)
        self.net = sum((leg.quantity * leg.sign for leg in self), ZERO)
        self.net_f = float(self.net)
        return change

    def _net_in(self, fill: OrderFilled, ts: int, new_id: int, change: LegChange) -> None:
        primary = self.primary
        left = fill.quantity
        if primary is not None and primary.side is not fill.side:
            closed = min(left, primary.quantity)
            self._reduce(primary, closed, fill.price, change)
            left = EXACT.subtract(left, closed)
            primary = self.primary
        if left <= 0:
            return
        if primary is None:
            self.primary = primary = _open(fill, left, ts, new_id)
        else:
            primary.grow(left, fill.price)
        change.opened, change.opened_quantity = primary, left

    def _reduce(self, leg: Leg, quantity: Decimal, price: Decimal, change: LegChange) -> None:
        points = leg.reduce(quantity, price)
        change.reduced.append((leg, quantity, points))
        if leg.quantity == 0:
            if leg is self.primary:
                self.primary = None
            else:
                self.others.remove(leg)

    def average(self) -> Decimal | None:
        """Volume-weighted entry of the legs on the net side, 8 decimals, None when flat."""
        if self.net == 0:
            return None
        side = Side.BUY if self.net > 0 else Side.SELL
        legs = [leg for leg in self if leg.side is side]
        if len(legs) == 1:
            return legs[0].entry
        size = sum((leg.quantity for leg in legs), ZERO)
        return q8(quotient(sum((exact(leg.entry, leg.quantity) for leg in legs), ZERO), size))


def _open(fill: OrderFilled, quantity: Decimal, ts: int, leg_id: int) -> Leg:
    price = float(fill.price)
    return Leg(
        id=leg_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=quantity,
        entry=fill.price,
        opened_at=ts,
        role=fill.role,
        high=price,
        low=price,
        entry_f=price,
        signed_f=fill.side.sign * float(quantity),
        entered=quantity,
        entered_value=exact(fill.price, quantity),
    )
