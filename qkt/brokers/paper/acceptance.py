"""Whether the simulated venue takes an order, and for how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from qkt.brokers.paper.fills import money, side_price
from qkt.brokers.paper.settings import ExecutionSettings
from qkt.brokers.quotes import QuoteBoard
from qkt.core.draws import unit
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, exact
from qkt.core.terms import OrderKind, Purpose
from qkt.orders import LegView, Order, initial_risk
from qkt.strategy import ExitForm, ExitPrice, ScaleOut

HUNDREDTH = Decimal("0.01")


class Acceptance:
    """The venue's rules on arrival. Quantities are rounded down to the instrument's step here and nowhere else."""

    def __init__(
        self, board: QuoteBoard, instruments: Callable[[str], Instrument], legs: LegView, settings: ExecutionSettings
    ) -> None:
        self._settings = settings
        self._submissions = 0
        self._board = board
        self._instruments = instruments
        self._legs = legs

    def quantity(self, order: Order, asked: Decimal) -> Decimal:
        """What the venue makes of the lots asked for. A leg can always be closed whole."""
        leg = self._whole_leg(order, asked)
        return self._instruments(order.symbol).quantize(asked) if leg is None else leg

    def refusal(self, order: Order, quantity: Decimal) -> str | None:
        """Why the order is refused, None when it is taken."""
        if self._whole_leg(order, order.quantity) is None:
            reason = self._instruments(order.symbol).refusal(quantity)
            if reason is not None:
                return reason
        at_once = order.venue_kind is OrderKind.MARKET and not self._settings.latency
        if at_once and self._board.quote(order.symbol) is None:
            return f"no price for {order.symbol} yet"
        if self._settings.stop_distance and order.purpose is Purpose.ENTRY:
            quote = self._board.quote(order.symbol)
            near = None if quote is None else self._too_near(order, money(side_price(order.side, quote)))
            if near is not None:
                return near
        return self._injected(order)

    def _injected(self, order: Order) -> str | None:
        skipped = self._settings.skip_chance
        if skipped and order.purpose is Purpose.ENTRY and unit(self._settings.seed, "skip", order.id) < skipped:
            return "skipped by chance"
        every = self._settings.reject_every
        if not every or order.purpose is Purpose.END_OF_DATA:
            return None
        self._submissions += 1
        return f"rejected for the test: every {every}th order is" if self._submissions % every == 0 else None

    def _too_near(self, order: Order, price: Decimal) -> str | None:
        """Levels that the venue finds too close: of a pending entry to the price, of its exits to the entry."""
        instrument = self._instruments(order.symbol)
        least = instrument.stops_level_points * instrument.point_size
        pending = None if order.venue_kind is OrderKind.MARKET else order.stop or order.limit
        if pending is not None and abs(pending - price) < least:
            return f"{pending:f} is nearer to the price {price:f} than {instrument.stops_level_points} points"
        entry = pending or price
        for distance in _exit_distances(order, entry):
            if distance < least:
                return f"an exit {distance:f} from the entry is nearer than {instrument.stops_level_points} points"
        return None

    def _whole_leg(self, order: Order, asked: Decimal) -> Decimal | None:
        """What is left of the order's leg (lots) where just that is asked for, else None."""
        if order.leg_id is None:
            return None
        leg = self._legs.leg_quantity(order.leg_id)
        return leg if leg == asked else None


def _exit_distances(order: Order, entry: Decimal) -> Iterator[Decimal]:
    """How far the exits of an entry would stand from a fill at this price."""
    if order.bracket is None:
        return
    risk = initial_risk(order, entry)
    if risk is not None:
        yield risk
    target = order.bracket.take_profit
    prices = [part.price for part in target.parts] if isinstance(target, ScaleOut) else [target] if target else []
    for price in prices:
        yield _distance(price, entry, risk or ZERO)


def _distance(exit_price: ExitPrice, entry: Decimal, risk: Decimal) -> Decimal:
    value = exit_price.value
    if exit_price.form is ExitForm.AT:
        return abs(value - entry)
    if exit_price.form is ExitForm.PCT:
        return exact(entry, value, HUNDREDTH)
    return exact(value, risk) if exit_price.form is ExitForm.RR else value
