"""The paper broker: takes commands, matches its book against every tick, reports what came of it.

Market orders fill when they arrive, others are first tested on the next tick of their symbol. A deadline beats a trigger
on the same tick. Orders of one tick are filled in the order of submission. With latency a command is heard at once and
arrives on the first tick of any symbol at or after its time, before that tick triggers anything.
"""

from __future__ import annotations

from collections.abc import Callable

from qkt.brokers.paper.acceptance import Acceptance
from qkt.brokers.paper.book import OrderBook, Resting
from qkt.brokers.paper.executor import Executor
from qkt.brokers.paper.fills import fill_model, money, side_price
from qkt.brokers.paper.keys import DrawKeys
from qkt.brokers.paper.limits import LimitFills
from qkt.brokers.paper.settings import ExecutionSettings
from qkt.brokers.paper.slices import slice_model
from qkt.brokers.paper.transit import Freight, Transit
from qkt.brokers.paper.walk import WITHIN, BarWalk
from qkt.brokers.quotes import Quote, QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import (
    CancelFailed,
    LogLine,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    Tick,
)
from qkt.core.instruments import Instrument
from qkt.core.terms import OrderKind, Purpose, Side
from qkt.core.watch import Waits, Watch
from qkt.orders import CancelOrder, LegView, MoveOrder, Order, ResizeOrder, SubmitOrder

NOT_AT_ONCE = "the market does not offer its limit at once"


class PaperBroker:
    """Simulated execution for the symbols of one scope.

    Implements `Waiting`: deadlines stand in the watches, arrivals in `due`.
    """

    def __init__(
        self,
        scope: Scope,
        board: QuoteBoard,
        instruments: Callable[[str], Instrument],
        legs: LegView,
        settings: ExecutionSettings,
        waits: Waits,
    ) -> None:
        self._scope = scope
        self._board = board
        self._settings = settings
        self._waits = waits
        self._acceptance = Acceptance(board, instruments, legs, settings)
        self._limits = LimitFills(settings, instruments)
        self._keys = DrawKeys() if settings.draws else None
        self._book = OrderBook(waits)
        self._transit = Transit()
        self._walk = BarWalk()
        prices = fill_model(settings, scope, board)
        self._executor = Executor(scope, instruments, legs, self._book, prices, slice_model(settings.partial))
        waits.add(self)
        scope.subscribe(SubmitOrder, self._on_submit)
        scope.subscribe(CancelOrder, self._on_cancel)
        scope.subscribe(ResizeOrder, self._on_resize)
        scope.subscribe(MoveOrder, self._on_move)

    @property
    def due(self) -> int:
        return self._transit.due

    def watches(self) -> list[Watch]:
        return self._book.watches()

    def working(self) -> list[str]:
        """Ids of the orders that rest or are on their way."""
        return [*self._book.ids(), *self._transit.ids()]

    def watches_itself(self, order: Order) -> bool:  # noqa: ARG002 - the venue is here, all that it has is of this process
        return False

    def leaves_behind(self, order: Order) -> bool:  # noqa: ARG002
        return False

    # ----------------------------------------------------------------- commands

    def _on_submit(self, command: SubmitOrder) -> None:
        """Answer at once, as a venue's gateway does; the order itself may arrive later."""
        order = command.order
        quantity = self._acceptance.quantity(order, order.quantity)
        refusal = self._acceptance.refusal(order, quantity)
        if refusal is not None:
            self._reject(order, refusal)
            return
        resting = Resting.of(order, quantity, self._keys.of(order) if self._keys is not None else "")
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, quantity))
        latency = 0 if order.purpose is Purpose.END_OF_DATA else self._settings.latency
        if order.cancel_reason is not None:  # its acknowledgement made somebody take it back
            self._end(resting, order.cancel_reason)
        elif latency:
            self._send(resting, command.at + latency)
        else:
            self._receive(resting, command.at)

    def _on_cancel(self, command: CancelOrder) -> None:
        if self._settings.cancel:
            self._send(command, command.at + self._settings.cancel)
        else:
            self._cancel(command)

    def _on_resize(self, command: ResizeOrder) -> None:
        if self._settings.modify:
            self._send(command, command.at + self._settings.modify)
        else:
            self._resize(command)

    def _on_move(self, command: MoveOrder) -> None:
        if self._settings.modify:
            self._send(command, command.at + self._settings.modify)
        else:
            self._move(command)

    def _send(self, freight: Freight, due: int) -> None:
        self._transit.send(freight, due)
        self._waits.changed()

    def _reject(self, order: Order, reason: str) -> None:
        self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, reason, order.rule))

    # ----------------------------------------------------------------- arrivals

    def _arrive(self, ts: int) -> None:
        for freight in self._transit.arrived(ts):
            if isinstance(freight, Resting):
                self._receive(freight, ts)
            elif isinstance(freight, CancelOrder):
                self._cancel(freight)
            elif isinstance(freight, MoveOrder):
                self._move(freight)
            else:
                self._resize(freight)
        self._waits.changed()

    def _receive(self, resting: Resting, ts: int) -> None:
        order = resting.order
        deadline = order.expires_at
        if resting.doomed is not None:
            self._end(resting, resting.doomed)
        elif deadline is not None and ts >= deadline:
            self._end(resting, f"expired at {deadline}")
        elif order.venue_kind is OrderKind.MARKET or (order.venue_kind is OrderKind.LIMIT and order.tif.immediate):
            self._fill_at_once(resting, ts)
        else:
            self._book.add(resting)

    def _fill_at_once(self, resting: Resting, ts: int) -> None:
        """A market order, a stop that the engine held until its level was reached, or a limit that takes what is offered."""
        order = resting.order
        quote = self._board.quote(order.symbol)
        if quote is None:
            self._reject(order, f"no price for {order.symbol} yet")
        elif order.venue_kind is OrderKind.MARKET:
            self._book.add(resting)
            self._executor.market(resting, quote, ts, self._walk.level(order))
        elif _marketable(order, quote, float(order.limit or 0)):
            self._book.add(resting)
            self._executor.limit(resting, quote, ts, at_limit=False)
        else:
            self._end(resting, NOT_AT_ONCE)

    def _cancel(self, command: CancelOrder) -> None:
        """Take an order off the book, or doom it while it is on its way; one that is done already won the race."""
        order = command.order
        resting = self._book.find(order)
        if resting is not None:
            self._drop(resting, command.reason)
            return
        inbound = self._transit.order(order)
        if inbound is not None:
            inbound.doomed = command.reason
        elif not order.live:
            reason = f"it was {order.state.value.lower()} before the cancel arrived"
            self._scope.publish(CancelFailed(order.id, order.strategy, order.symbol, reason))

    def _resize(self, command: ResizeOrder) -> None:
        order = command.order
        resting = self._book.find(order) or self._transit.order(order)
        if resting is None:
            return
        quantity = self._acceptance.quantity(order, command.quantity)
        if quantity > 0:
            resting.quantity = quantity
            self._scope.publish(OrderModified(order.id, order.strategy, order.symbol, quantity))
        else:
            self._cancel(CancelOrder(order, f"{command.quantity:f} lots are less than a step"))

    def _move(self, command: MoveOrder) -> None:
        """Wait for another price, unless the order could not be placed there or works as something else by now."""
        order = command.order
        resting = self._book.find(order) or self._transit.order(order)
        if resting is None or resting.triggered or (resting.armed and order.stop is not None):
            return
        refusal = self._acceptance.refusal(order.moved_to(command.level), resting.quantity)
        if refusal is not None:
            self._scope.publish(LogLine(order.strategy, "WARN", f"{order.id} stays where it is ({refusal})"))
            return
        resting.touched = False
        resting.wait_for(float(command.level))
        self._waits.changed()
        self._scope.publish(OrderMoved(order.id, order.strategy, order.symbol, command.level))

    def _drop(self, resting: Resting, reason: str) -> None:
        self._book.remove(resting)
        self._end(resting, reason)

    def _end(self, resting: Resting, reason: str) -> None:
        order = resting.order
        self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason))

    # ----------------------------------------------------------------- matching

    def on_tick(self, tick: Tick) -> None:
        if tick.synthetic or self._walk.active:
            self._walk.step(tick)
        if self._transit.due <= tick.ts:
            self._arrive(tick.ts)
        expired, hit = self._book.sift(tick)
        for resting in expired:
            if resting.live:  # an order that expires may take another one with it
                self._drop(resting, f"expired at {resting.watch.deadline}")
        for resting in hit:
            if resting.live:  # an earlier fill of this tick may have cancelled it
                self._trigger(resting, tick)

    def _trigger(self, resting: Resting, tick: Tick) -> None:
        quote = Quote(tick.price, tick.bid, tick.ask, tick.bid_size, tick.ask_size)
        kind = resting.order.venue_kind
        if kind is OrderKind.LIMIT or resting.armed:
            self._touch(resting, quote, tick)
        elif kind is OrderKind.STOP_LIMIT:
            self._arm(resting, quote, tick)
        else:
            self._executor.market(resting, quote, tick.ts, None if resting.triggered else self._walk.level(resting.order))

    def _touch(self, resting: Resting, quote: Quote, tick: Tick) -> None:
        """The market is at the limit: filled now, or, when the rule wants more, once the market has gone through it.

        A better price is only for those whom the market jumped: the first touch was through the limit already.
        """
        order = resting.order
        level = self._limits.level(resting)
        if _marketable(order, quote, level):
            self._executor.limit(resting, quote, tick.ts, resting.touched or tick.synthetic == WITHIN)
        else:
            resting.touched = True
            resting.wait_for(level)
            self._waits.changed()

    def _arm(self, resting: Resting, quote: Quote, tick: Tick) -> None:
        """A stop-limit whose stop is hit fills at once when its limit is marketable, else rests as that limit."""
        order = resting.order
        assert order.limit is not None
        resting.arm()
        if _marketable(order, quote, self._limits.level(resting)):
            price = order.limit if tick.synthetic == WITHIN else money(side_price(order.side, quote))
            self._executor.at(resting, quote, tick.ts, price)
        elif order.tif.immediate:
            self._drop(resting, NOT_AT_ONCE)
        else:
            self._waits.changed()


def _marketable(order: Order, quote: Quote, level: float) -> bool:
    """Whether the side that the order pays is at the level or better."""
    price = side_price(order.side, quote)
    return price <= level if order.side is Side.BUY else price >= level
