"""The paper broker: a book of working orders, matched in the order of submission against every tick.

Quantities are rounded down to the instrument's step here and nowhere else. Market orders fill when they arrive, others
are first tested on the next tick of their symbol. A deadline beats a trigger on the same tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers.paper.fills import FillModel, money
from qkt.brokers.quotes import Quote, QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import OrderAccepted, OrderCancelled, OrderFilled, OrderModified, OrderRejected, Tick
from qkt.core.instruments import Instrument
from qkt.core.terms import OrderKind, Side
from qkt.core.watch import NEVER, Reads, Waits, Watch
from qkt.orders import CancelOrder, LegView, Order, ResizeOrder, SubmitOrder, initial_risk


@dataclass(slots=True, eq=False)
class _Resting:
    """A working order and the quote it waits for. `armed` is false while a stop-limit's stop has not been hit."""

    order: Order
    quantity: Decimal
    watch: Watch
    armed: bool


NO_ORDERS: list[_Resting] = []


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
        self._book: dict[str, list[_Resting]] = {}
        self._waits = waits
        waits.add(self)
        scope.subscribe(SubmitOrder, self._on_submit)
        scope.subscribe(CancelOrder, self._on_cancel)
        scope.subscribe(ResizeOrder, self._on_resize)

    def watches(self) -> list[Watch]:
        return [resting.watch for book in self._book.values() for resting in book]

    # ----------------------------------------------------------------- commands

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        instrument = self._instruments(order.symbol)
        quantity = instrument.quantize(order.quantity)
        leg = self._legs.leg_quantity(order.leg_id) if order.leg_id is not None else None
        if order.quantity == leg:
            quantity = leg  # a leg can always be closed whole
        else:
            refusal = instrument.refusal(quantity)
            if refusal is not None:
                self._reject(order, refusal)
                return
        if order.kind is OrderKind.MARKET and self._board.quote(order.symbol) is None:
            self._reject(order, f"no price for {order.symbol} yet")
            return
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, quantity))
        if order.kind is OrderKind.MARKET:
            self._fill_market(order, quantity)
        else:
            self._book.setdefault(order.symbol, []).append(_rest(order, quantity))
            self._waits.changed()

    def _reject(self, order: Order, reason: str) -> None:
        self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, reason, order.rule))

    def _on_cancel(self, command: CancelOrder) -> None:
        resting = self._find(command.order)
        if resting is not None:
            self._drop(resting, command.reason)

    def _on_resize(self, command: ResizeOrder) -> None:
        resting = self._find(command.order)
        if resting is not None:
            resting.quantity = command.quantity
            order = command.order
            self._scope.publish(OrderModified(order.id, order.strategy, order.symbol, command.quantity))

    def _find(self, order: Order) -> _Resting | None:
        return next((r for r in self._book.get(order.symbol, NO_ORDERS) if r.order is order), None)

    def _drop(self, resting: _Resting, reason: str) -> None:
        self._remove(resting)
        order = resting.order
        self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason))

    def _remove(self, resting: _Resting) -> None:
        self._book[resting.order.symbol].remove(resting)
        self._waits.changed()

    # ----------------------------------------------------------------- matching

    def on_tick(self, tick: Tick) -> None:
        book = self._book.get(tick.symbol)
        if not book:
            return
        ts, price, bid, ask = tick.ts, tick.price, tick.bid, tick.ask
        buy, sell = price if ask is None else ask, price if bid is None else bid
        hit: list[_Resting] | None = None
        expired: list[_Resting] | None = None
        for resting in book:
            watch = resting.watch
            deadline = watch.deadline
            if deadline is not None and ts >= deadline:
                expired = [resting] if expired is None else [*expired, resting]
                continue
            price = buy if watch.reads is Reads.ASK else sell
            if price <= watch.level if watch.below else price >= watch.level:
                hit = [resting] if hit is None else [*hit, resting]
        for resting in expired or NO_ORDERS:
            self._drop(resting, f"expired at {resting.watch.deadline}")
        for resting in hit or NO_ORDERS:
            if resting in book:  # an earlier fill of this tick may have cancelled it
                self._trigger(resting, tick)

    def _trigger(self, resting: _Resting, tick: Tick) -> None:
        order = resting.order
        quote = Quote(tick.price, tick.bid, tick.ask)
        through = tick.synthetic == 2
        if order.kind is OrderKind.STOP_LIMIT and not resting.armed:
            self._arm(resting, quote, through)
            return
        instrument = self._instruments(order.symbol)
        if order.kind is OrderKind.STOP:
            assert order.stop is not None
            price = self._fills.stop(order.side, quote, order.stop, through, instrument)
        else:
            assert order.limit is not None
            price = self._fills.limit(order.side, quote, order.limit, through)
        self._remove(resting)
        self._fill(order, resting.quantity, price, order.stop or order.limit or price)

    def _arm(self, resting: _Resting, quote: Quote, through: bool) -> None:
        """A stop-limit whose stop is hit fills at once when its limit is marketable, else rests as that limit."""
        order = resting.order
        assert order.limit is not None
        price = quote.buy if order.side is Side.BUY else quote.sell
        limit = float(order.limit)
        if price <= limit if order.side is Side.BUY else price >= limit:
            self._remove(resting)
            worst = order.limit if through else money(price)
            self._fill(order, resting.quantity, worst, order.limit)
            return
        resting.armed = True
        resting.watch.level = limit
        resting.watch.below = order.side is Side.BUY
        resting.watch.row = -1
        self._waits.changed()

    def _fill_market(self, order: Order, quantity: Decimal) -> None:
        quote = self._board.quote(order.symbol)
        assert quote is not None
        price = self._fills.market(order.side, quote, self._instruments(order.symbol))
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


def _rest(order: Order, quantity: Decimal) -> _Resting:
    """What the order waits for: a limit for a better price, a stop for a worse one."""
    buys = order.side is Side.BUY
    level = order.limit if order.kind is OrderKind.LIMIT else order.stop
    assert level is not None
    below = buys if order.kind is OrderKind.LIMIT else not buys
    side = Reads.ASK if buys else Reads.BID
    watch = Watch(order.symbol, side, below=below, level=float(level), deadline=order.expires_at)
    return _Resting(order, quantity, watch, armed=order.kind is not OrderKind.STOP_LIMIT)
