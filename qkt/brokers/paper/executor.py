"""Fills working orders: how much, in how many slices, at what price, and the events that say so."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from qkt.brokers.paper.book import OrderBook, Resting
from qkt.brokers.paper.fills import FillModel, Slice, money
from qkt.brokers.paper.slices import SliceModel
from qkt.brokers.quotes import Quote
from qkt.core.bus import Scope
from qkt.core.events import OrderCancelled, OrderFilled
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO
from qkt.core.terms import TimeInForce
from qkt.orders import LegView, initial_risk

Price = Callable[[Slice], Decimal]


class Executor:
    """Fills what the broker says is hit, and takes from the book what is done."""

    def __init__(
        self,
        scope: Scope,
        instruments: Callable[[str], Instrument],
        legs: LegView,
        book: OrderBook,
        prices: FillModel,
        slices: SliceModel,
    ) -> None:
        self._scope = scope
        self._instruments = instruments
        self._legs = legs
        self._book = book
        self._prices = prices
        self._slices = slices

    def market(self, resting: Resting, quote: Quote, ts: int, level: Decimal | None) -> None:
        """Fill a market order or a triggered stop; `level` when the market ran through it without a gap."""
        order = resting.order
        meant = None if resting.triggered else order.reference or order.stop
        reference = meant or money(quote.price)
        self._execute(resting, quote, ts, reference, lambda part: self._prices.market(part, level))
        if resting.live and not resting.triggered:
            resting.trigger()
            self._book.moved()

    def limit(self, resting: Resting, quote: Quote, ts: int, at_limit: bool) -> None:
        """Fill a limit; `at_limit` when the market came to it without a gap."""
        limit = resting.order.limit
        assert limit is not None
        self._execute(resting, quote, ts, limit, lambda part: self._prices.limit(part, limit, at_limit))

    def at(self, resting: Resting, quote: Quote, ts: int, price: Decimal) -> None:
        """Fill a limit at this price."""
        assert resting.order.limit is not None
        self._execute(resting, quote, ts, resting.order.limit, lambda part: price)  # noqa: ARG005

    def _execute(self, resting: Resting, quote: Quote, ts: int, reference: Decimal, price: Price) -> None:
        order = resting.order
        instrument = self._instruments(order.symbol)
        if not self._fit(resting):
            return
        lots = self._slices.first(resting.quantity, resting.slices, order.side, quote, instrument)
        if order.tif is TimeInForce.FOK and lots < resting.quantity and self._slices.rests:
            self._cancel(resting, "the market does not offer all of it at once")
            return
        while lots:
            done = lots == resting.quantity
            at = price(Slice(resting, lots, quote, ts, instrument))
            resting.quantity -= lots
            resting.slices += 1
            if done:
                self._book.remove(resting)
            self._tell(resting, lots, at, reference, done)
            # Whoever heard of the slice may have cancelled the order, shrunk it, or closed its leg.
            if not resting.live or self._slices.rests or not self._fit(resting):
                break
            lots = resting.quantity
        if resting.live and order.tif.immediate:
            self._cancel(resting, "the market does not offer the rest at once")

    def _fit(self, resting: Resting) -> bool:
        """Cut a reduce-only order to what its leg still has, and one that turns a leg to that and what it may open beyond;
        without anything left it is cancelled."""
        order = resting.order
        if order.reduce_only:
            leg, beyond = order.leg_id or 0, ZERO
        elif order.turns is not None:
            leg, beyond = order.turns
        else:
            return True
        resting.quantity = min(resting.quantity, self._legs.leg_quantity(leg) + beyond)
        if resting.quantity > 0:
            return True
        self._cancel(resting, "its leg is closed")
        return False

    def _cancel(self, resting: Resting, reason: str) -> None:
        order = resting.order
        self._book.remove(resting)
        self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason))

    def _tell(self, resting: Resting, lots: Decimal, price: Decimal, reference: Decimal, done: bool) -> None:
        order = resting.order
        self._scope.publish(
            OrderFilled(
                order.id,
                order.strategy,
                order.symbol,
                order.side,
                lots,
                price,
                order.kind,
                order.purpose,
                order.role,
                order.leg_id,
                reference,
                done,
                signal_price=order.signal_price,
                initial_risk=initial_risk(order, price),
            )
        )
