"""Legs: the pieces a strategy's position on a symbol is made of, and the netting rule of the primary one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.errors import LedgerError
from qkt.core.events import OrderFilled
from qkt.core.numbers import EXACT, NO_MONEY, ZERO, exact, q8, quotient, total
from qkt.core.terms import LegRole, Side


@dataclass(slots=True, eq=False)
class Leg:
    """An open leg. `quantity` > 0 in lots, `entry` the average price of what is open, 8 decimals.

    `high` and `low` are the extremes of the tick price seen since the leg opened or grew, starting at its entry. What was
    entered and exited is kept as exact sums of lots and of price times lots, `entry_seen` and `exit_seen` with the prices
    that the strategy saw when it decided. `risked` is the sum of initial stop distance times lots, None once an entry came
    without a stop; `risk` the same in account currency at the time of each entry. `gross` (`native_gross` in quote
    currency), `commission`, `fees` and `swap` are what it earned and cost so far. `opened_bar` is how many bars had closed
    when it opened.
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
    entry_seen: Decimal
    risked: Decimal | None
    risk: Decimal = NO_MONEY
    opened_bar: int = 0
    exited: Decimal = ZERO
    exited_value: Decimal = ZERO
    exit_seen: Decimal = ZERO
    native_gross: Decimal = NO_MONEY
    gross: Decimal = NO_MONEY
    commission: Decimal = NO_MONEY
    fees: Decimal = NO_MONEY
    swap: Decimal = NO_MONEY

    @property
    def sign(self) -> int:
        return self.side.sign

    @property
    def signed(self) -> Decimal:
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def mfe(self) -> float:
        """Greatest favourable move, in price units, never negative."""
        return max(0.0, self.high - self.entry_f if self.sign > 0 else self.entry_f - self.low)

    @property
    def mae(self) -> float:
        """Greatest adverse move, as a positive number."""
        return max(0.0, self.entry_f - self.low if self.sign > 0 else self.high - self.entry_f)

    def observe(self, high: float, low: float) -> None:
        if high > self.high:
            self.high = high
        if low < self.low:
            self.low = low

    def grow(self, fill: OrderFilled, quantity: Decimal) -> None:
        """Average in; excursions start again from the new entry."""
        price = fill.price
        total = EXACT.add(self.quantity, quantity)
        paid = EXACT.add(exact(self.entry, self.quantity), exact(price, quantity))
        self.entry = q8(quotient(paid, total))
        self.quantity = total
        self.entered = EXACT.add(self.entered, quantity)
        self.entered_value = EXACT.add(self.entered_value, exact(price, quantity))
        self.entry_seen = EXACT.add(self.entry_seen, exact(price_seen(fill), quantity))
        if self.risked is not None:
            more = _risked(fill, quantity)
            self.risked = None if more is None else EXACT.add(self.risked, more)
        self.entry_f = self.high = self.low = float(self.entry)
        self.signed_f = self.sign * float(total)

    def reduce(self, fill: OrderFilled, quantity: Decimal) -> Decimal:
        """Close `quantity` of the leg; returns the realized points times lots, 8 decimals."""
        price = fill.price
        points = q8(exact(quantity, EXACT.subtract(price, self.entry), Decimal(self.sign)))
        self.quantity = EXACT.subtract(self.quantity, quantity)
        self.exited = EXACT.add(self.exited, quantity)
        self.exited_value = EXACT.add(self.exited_value, exact(price, quantity))
        self.exit_seen = EXACT.add(self.exit_seen, exact(price_seen(fill), quantity))
        self.signed_f = self.sign * float(self.quantity)
        return points


@dataclass(slots=True)
class LegChange:
    """What a fill did to a book: the leg it reduced, by how many lots and at what gain (points times lots), and the leg it
    opened or grew. A flip does both."""

    reduced: Leg | None = None
    reduced_quantity: Decimal = ZERO
    points: Decimal = ZERO
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
        # Orders that opened a leg of their own and may fill further, until they are terminal.
        self._openers: dict[str, Leg] = {}

    def __iter__(self) -> Iterator[Leg]:
        return iter(self.all)

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def one_way(self) -> bool:
        """Whether all legs are on one side."""
        return all(leg.side is self.all[0].side for leg in self.all)

    def find(self, leg_id: int) -> Leg | None:
        return next((leg for leg in self.all if leg.id == leg_id), None)

    def apply(self, fill: OrderFilled, ts: int, new_id: int) -> LegChange:
        """Route a fill: to the leg it is bound to, to the leg of its own order, or into the primary leg.

        Raises LedgerError for a bound fill of more than its leg has, which no broker may report.
        """
        change = LegChange()
        if fill.leg_id is not None:
            self._close(fill, change)
        elif fill.role is not LegRole.PRIMARY:
            self._own_leg(fill, ts, new_id, change)
        else:
            self._net_in(fill, ts, new_id, change)
        self.all = (*self.others,) if self.primary is None else (self.primary, *self.others)
        self.net = total(leg.signed for leg in self.all)
        self.net_f = float(self.net)
        return change

    def forget(self, order_id: str) -> None:
        """The order is terminal: no further slice of it will come."""
        self._openers.pop(order_id, None)

    def _close(self, fill: OrderFilled, change: LegChange) -> None:
        leg = self.find(fill.leg_id or 0)
        held = ZERO if leg is None else leg.quantity
        if leg is None or fill.quantity > held:
            raise LedgerError(f"{fill.order_id} filled {fill.quantity:f} lots and the leg it is bound to has {held:f}")
        self._reduce(leg, fill, fill.quantity, change)

    def _own_leg(self, fill: OrderFilled, ts: int, new_id: int, change: LegChange) -> None:
        """The first slice of an order opens its leg, the others grow it while it is open."""
        leg = self._openers.get(fill.order_id)
        if leg is None or leg.quantity == 0:
            leg = _open(fill, fill.quantity, ts, new_id)
            self.others.append(leg)
            self._openers[fill.order_id] = leg
        else:
            leg.grow(fill, fill.quantity)
        if fill.complete:
            self.forget(fill.order_id)
        change.opened, change.opened_quantity = leg, fill.quantity

    def _net_in(self, fill: OrderFilled, ts: int, new_id: int, change: LegChange) -> None:
        primary = self.primary
        left = fill.quantity
        if primary is not None and primary.side is not fill.side:
            closed = min(left, primary.quantity)
            self._reduce(primary, fill, closed, change)
            left = EXACT.subtract(left, closed)
            primary = self.primary
        if left <= 0:
            return
        if primary is None:
            self.primary = primary = _open(fill, left, ts, new_id)
        else:
            primary.grow(fill, left)
        change.opened, change.opened_quantity = primary, left

    def _reduce(self, leg: Leg, fill: OrderFilled, quantity: Decimal, change: LegChange) -> None:
        change.points = leg.reduce(fill, quantity)
        change.reduced, change.reduced_quantity = leg, quantity
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
        size = total(leg.quantity for leg in legs)
        return q8(quotient(total(exact(leg.entry, leg.quantity) for leg in legs), size))


def price_seen(fill: OrderFilled) -> Decimal:
    """The price that the strategy saw when it decided on the order of this fill."""
    return fill.reference if fill.signal_price is None else fill.signal_price


def _risked(fill: OrderFilled, quantity: Decimal) -> Decimal | None:
    return None if fill.initial_risk is None else exact(fill.initial_risk, quantity)


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
        entry_seen=exact(price_seen(fill), quantity),
        risked=_risked(fill, quantity),
    )
