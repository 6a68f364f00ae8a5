"""The paper broker: takes commands, matches its book against every tick, reports what came of it.

Market orders fill when they arrive, others are first tested on the next tick of their symbol. A deadline beats a trigger
on the same tick. Orders of one tick are filled in the order of submission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from qkt.brokers.paper.acceptance import Acceptance
from qkt.brokers.paper.book import OrderBook, Resting
from qkt.brokers.paper.fills import FillModel, money, side_price
from qkt.brokers.quotes import Quote, QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import OrderAccepted, OrderCancelled, OrderFilled, OrderModified, OrderRejected, Tick
from qkt.core.instruments import Instrument
from qkt.core.terms import OrderKind, Side
from qkt.core.watch import NEVER, Waits, Watch
from qkt.orders import CancelOrder, LegView, Order, ResizeOrder, SubmitOrder, initial_risk

NOT_AT_ONCE = "the market does not offer its limit at once"


class PaperBroker:
    """Simulated execution for the symbols of one scope.

    Implements `Waiting`: deadlines stand in the watches.
    """

    due = NEVER

    def __init__(
        self,
        scope: Scope,
        board: QuoteBoard,
        instruments: Callable[[str], Instrument],
        legs: LegView,
        fills: FillModel,
        waits: Waits,
    ) -> None:
        self._scope = scope
        self._board = board
        self._instruments = instruments
        self._legs = legs
        self._fills = fills
        self._acceptance = Acceptance(board, instruments, legs)
        self._book = OrderBook()
        self._waits = waits
        waits.add(self)
        scope.subscribe(SubmitOrder, self._on_submit)
        scope.subscribe(CancelOrder, self._on_cancel)
        scope.subscribe(ResizeOrder, self._on_resize)

    def watches(self) -> Iterator[Watch]:
        return self._book.watches()

    # ----------------------------------------------------------------- commands

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        quantity = self._acceptance.quantity(order)
        refusal = self._acceptance.refusal(order, quantity)
        if refusal is not None:
            self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, refusal, order.rule))
            return
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, quantity))
        if order.cancel_reason is not None:  # its acknowledgement made somebody take it back
            self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, order.cancel_reason))
        elif order.venue_kind is OrderKind.MARKET:
            self._fill_market(order, quantity, command.through)
        elif order.venue_kind is OrderKind.LIMIT and order.tif.immediate:
            self._fill_at_once(order, quantity)
        else:
            self._book.add(Resting.of(order, quantity))
            self._waits.changed()

    def _on_cancel(self, command: CancelOrder) -> None:
        resting = self._book.find(command.order)
        if resting is not None:
            self._drop(resting, command.reason)

    def _on_resize(self, command: ResizeOrder) -> None:
        resting = self._book.find(command.order)
        if resting is not None:
            resting.quantity = command.quantity
            order = command.order
            self._scope.publish(OrderModified(order.id, order.strategy, order.symbol, command.quantity))

    def _drop(self, resting: Resting, reason: str) -> None:
        self._remove(resting)
        order = resting.order
        self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason))

    def _remove(self, resting: Resting) -> None:
        self._book.remove(resting)
        self._waits.changed()

    # ----------------------------------------------------------------- matching

    def on_tick(self, tick: Tick) -> None:
        expired, hit = self._book.sift(tick)
        for resting in expired:
            if resting in self._book:  # an order that expires may take another one with it
                self._drop(resting, f"expired at {resting.watch.deadline}")
        for resting in hit:
            if resting in self._book:  # an earlier fill of this tick may have cancelled it
                self._trigger(resting, tick)

    def _trigger(self, resting: Resting, tick: Tick) -> None:
        order = resting.order
        quote = Quote(tick.price, tick.bid, tick.ask)
        through = tick.synthetic == 2
        if order.kind is OrderKind.STOP_LIMIT and not resting.armed:
            self._arm(resting, quote, through)
            return
        instrument = self._instruments(order.symbol)
        if order.kind is OrderKind.STOP or order.kind is OrderKind.IF_TOUCHED:
            assert order.stop is not None
            price = self._fills.stop(order.side, quote, order.stop, through, instrument)
        else:
            assert order.limit is not None
            price = self._fills.limit(order.side, quote, order.limit, through)
        self._remove(resting)
        self._fill(order, resting.quantity, price, order.reference or price)

    def _arm(self, resting: Resting, quote: Quote, through: bool) -> None:
        """A stop-limit whose stop is hit fills at once when its limit is marketable, else rests as that limit."""
        order = resting.order
        assert order.limit is not None
        if _marketable(order, quote):
            self._remove(resting)
            worst = order.limit if through else money(side_price(order.side, quote))
            self._fill(order, resting.quantity, worst, order.limit)
        elif order.tif.immediate:
            self._drop(resting, NOT_AT_ONCE)
        else:
            resting.wait_for_limit()
            self._waits.changed()

    def _fill_at_once(self, order: Order, quantity: Decimal) -> None:
        """An immediate limit takes what the market offers on arrival, or goes."""
        quote = self._board.quote(order.symbol)
        assert order.limit is not None
        if quote is not None and _marketable(order, quote):
            self._fill(order, quantity, self._fills.limit(order.side, quote, order.limit, through=False), order.limit)
        else:
            self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, NOT_AT_ONCE))

    def _fill_market(self, order: Order, quantity: Decimal, through: bool) -> None:
        """A market order, or a stop that the engine held until its level was reached."""
        quote = self._board.quote(order.symbol)
        assert quote is not None
        instrument = self._instruments(order.symbol)
        if order.stop is None:
            price = self._fills.market(order.side, quote, instrument)
        else:
            price = self._fills.stop(order.side, quote, order.stop, through, instrument)
        self._fill(order, quantity, price, order.reference or money(quote.price))

    def _fill(self, order: Order, quantity: Decimal, price: Decimal, reference: Decimal) -> None:
        if order.reduce_only:
            quantity = min(quantity, self._legs.leg_quantity(order.leg_id or 0))
            if quantity <= 0:
                self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, "its leg is closed"))
                return
        self._scope.publish(
            OrderFilled(
                order.id,
                order.strategy,
                order.symbol,
                order.side,
                quantity,
                price,
                order.kind,
                order.purpose,
                order.role,
                order.leg_id,
                reference,
                signal_price=order.signal_price,
                initial_risk=initial_risk(order, price),
            )
        )


def _marketable(order: Order, quote: Quote) -> bool:
    """Whether the market offers the order's limit or better."""
    assert order.limit is not None
    price, limit = side_price(order.side, quote), float(order.limit)
    return price <= limit if order.side is Side.BUY else price >= limit
