"""Whether the simulated venue takes an order, and for how much."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from qkt.brokers.quotes import QuoteBoard
from qkt.core.instruments import Instrument
from qkt.core.terms import OrderKind
from qkt.orders import LegView, Order


class Acceptance:
    """The venue's rules on arrival. Quantities are rounded down to the instrument's step here and nowhere else."""

    def __init__(self, board: QuoteBoard, instruments: Callable[[str], Instrument], legs: LegView) -> None:
        self._board = board
        self._instruments = instruments
        self._legs = legs

    def quantity(self, order: Order) -> Decimal:
        """What the venue makes of the requested quantity (lots). A leg can always be closed whole."""
        leg = self._leg(order)
        if order.quantity == leg:
            return leg
        return self._instruments(order.symbol).quantize(order.quantity)

    def refusal(self, order: Order, quantity: Decimal) -> str | None:
        """Why the order is refused, None when it is taken."""
        if order.quantity != self._leg(order):
            reason = self._instruments(order.symbol).refusal(quantity)
            if reason is not None:
                return reason
        if order.venue_kind is OrderKind.MARKET and self._board.quote(order.symbol) is None:
            return f"no price for {order.symbol} yet"
        return None

    def _leg(self, order: Order) -> Decimal | None:
        """What is left of the leg that the order closes (lots)."""
        return None if order.leg_id is None else self._legs.leg_quantity(order.leg_id)
