"""The session's side of a MetaTrader 5 account: orders in, requests out; reports in, events of orders out.

It is part of the session and as much a function of its inputs as the rest: it sends nothing itself and asks nobody.

A stop and a target of one position stand as its native levels. An entry carries its first stop along, so that no position is
without one while its fill is on the way. On a hedging account an entry that the books net closes positions by ticket first.
What the venue closed by itself is booked as an order that it made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from qkt.brokers.dispatch import Act, Report, Request, VenueReport, What
from qkt.brokers.mt5.booking import Booking
from qkt.brokers.mt5.hearing import Known
from qkt.brokers.mt5.levels import Levels
from qkt.brokers.mt5.natives import AGAIN_MS, Natives
from qkt.brokers.mt5.netting import Netting
from qkt.brokers.mt5.outbox import Outbox, Part, Parts
from qkt.brokers.mt5.tickets import Tickets
from qkt.brokers.paper.fills import money
from qkt.brokers.quotes import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import (
    LogLine,
    MarginRead,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    Tick,
)
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, q8
from qkt.core.terms import LegRole, OrderKind
from qkt.orders import CancelOrder, LeaveLevel, LegView, MoveOrder, Order, ResizeOrder, SubmitOrder, first_stop
from qkt.strategy import ExitPrice


@dataclass(slots=True)
class Standing:
    """Where the session stands with its venue: what a desk must know, and what nobody has answered yet."""

    known: Known
    outstanding: list[Request] = field(default_factory=list)


class Mt5Broker:
    """Speaks for the orders of one scope. `owner` begins its tokens; `strategy` gets what no order of ours brought about;
    `barred` says why an entry that waited here may not leave any more."""

    def __init__(
        self,
        scope: Scope,
        board: QuoteBoard,
        instruments: Callable[[str], Instrument],
        legs: LegView,
        owner: str,
        strategy: str,
        barred: Callable[[Order], str | None],
    ) -> None:
        self._scope = scope
        self._strategy = strategy
        self._barred = barred
        self._board = board
        self._instruments = instruments
        self._opened = False
        self._heard = 0
        self._outbox = Outbox(scope, owner)
        self._watched = Levels()
        self.parts = Parts()
        self.tickets = Tickets(legs)
        self._natives = Natives(scope, self.tickets, self._outbox, self._watched)
        self._netting = Netting(self.tickets, self._outbox)
        self._booking = Booking(
            scope, strategy, instruments, legs, self.tickets, self.parts, self._natives, self._netting, self._watched
        )
        # Cancels of pending orders by token, and when one that was refused is asked for again, by order id.
        self._removals: dict[str, Order] = {}
        self._removing: dict[str, int] = {}
        # Pending orders that shall move, by token, and to which level.
        self._moving: dict[str, tuple[Part, Decimal]] = {}
        scope.subscribe(SubmitOrder, self._on_submit)
        scope.subscribe(CancelOrder, self._on_cancel)
        scope.subscribe(ResizeOrder, self._on_resize)
        scope.subscribe(MoveOrder, self._on_move)
        scope.subscribe(LeaveLevel, lambda command: self._natives.leave(command.order))
        scope.subscribe(VenueReport, self._on_report)

    # ------------------------------------------------------------------- views

    def working(self) -> list[str]:
        """Ids of the orders that the venue or the adapter holds, those on their way included."""
        parts = [part.order.id for part in self.parts.active.values()]
        return list(dict.fromkeys([*parts, *self._natives.ids(), *self._watched.ids()]))

    def watches_itself(self, order: Order) -> bool:
        """Whether the adapter waits for its level, which ends with the process."""
        return self._watched.holds(order)

    def leaves_behind(self, order: Order) -> bool:
        """Whether the venue has a stop for all that this one guards."""
        return self._natives.stands(order)

    def standing(self) -> Standing:
        """What whoever talks to the venue must know to go on after a restart."""
        active, booking = list(self.parts.active.values()), self._booking
        known = Known(
            min([self._heard, *(part.at for part in active)]),
            dict(booking.orders),
            {part.ticket for part in active if part.ticket},
            set(booking.positions),
            {number: (ticket.sl, ticket.tp) for number, ticket in self.tickets.open.items()},
            set(booking.deals),
            {part.ticket: part.filled for part in active if part.ticket},
            {number: ticket.volume for number, ticket in self.tickets.open.items()},
        )
        return Standing(known, list(self._outbox.outstanding.values()))

    # ---------------------------------------------------------------- commands

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        if self._booking.submitted(order):
            return
        if not self._opened:
            self._reject(order, "the venue is not open yet")
        elif order.reduce_only:
            self._exit(order)
        else:
            self._enter(order)

    def _enter(self, order: Order) -> None:
        instrument = self._instruments(order.symbol)
        quantity = instrument.quantize(order.quantity)
        refusal = instrument.refusal(quantity) or self._unsupported(order)
        if refusal is not None:
            self._reject(order, refusal)
        elif order.venue_kind is OrderKind.IF_TOUCHED:
            self._watch(order, quantity)
        elif order.venue_kind is OrderKind.MARKET:
            self._to_market(order)
        else:
            self._place(order, quantity)

    def _unsupported(self, order: Order) -> str | None:
        if order.venue_kind is OrderKind.LIMIT and order.tif.immediate:
            return f"MetaTrader 5 has no limit order that is {order.tif}"
        if not self.tickets.hedging and order.role is not LegRole.PRIMARY:
            return "a netting account holds one position of a symbol and no legs beside it"
        if self._board.quote(order.symbol) is None and order.venue_kind is OrderKind.MARKET:
            return f"no price for {order.symbol} yet"
        return None

    def _place(self, order: Order, quantity: Decimal) -> None:
        """A pending order. No venue takes a stop that the market has reached already: that one is watched, and goes to the
        market with the next tick that has still reached it, as on paper."""
        quote = self._board.quote(order.symbol)
        level = order.limit if order.venue_kind is OrderKind.LIMIT else order.stop
        assert level is not None
        if quote is not None and order.venue_kind is OrderKind.STOP:
            price = money(quote.buy if order.side.sign > 0 else quote.sell)
            if (price - level) * order.side.sign >= 0:
                self._say("INFO", f"{order.id} is watched by the engine: the market has reached its stop {level:f}", order)
                self._watch(order, quantity)
                return
        base = order.limit if order.limit is not None else level
        self._send(order, self._outbox.trade(order, Act.PLACE, quantity, sl=_first_stop(order, base)), level)

    def _exit(self, order: Order) -> None:
        if not self.tickets.of_exit(order):
            self._reject(order, "no position at the venue is known for its leg")
        elif order.venue_kind in (OrderKind.STOP, OrderKind.LIMIT):
            ticket = self._natives.place_for(order)
            if ticket is None:
                self._watch(order, order.quantity)
            else:
                self._natives.set(ticket, order)
        else:
            self._to_market(order)

    def _watch(self, order: Order, quantity: Decimal) -> None:
        self._watched.add(order)
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, quantity))

    def _on_cancel(self, command: CancelOrder) -> None:
        order = command.order
        part = self.parts.of(order)
        if self._watched.remove(order) or self._natives.drop(order) or part is None:
            self._cancelled(order, command.reason)
        elif part.request.act is Act.PLACE and part.ticket:
            self._remove(part)
        # else a market order is under way: what is left of it is not sent

    def _remove(self, part: Part) -> None:
        request = self._outbox.trade(part.order, Act.REMOVE, ZERO, ticket=part.ticket)
        if part.order not in self._removals.values():
            self._removals[request.token] = part.order
            self._outbox.emit(request)

    def _on_resize(self, command: ResizeOrder) -> None:
        """Exits follow the position, which the venue resizes by itself; only their books change."""
        order = command.order
        if command.quantity > 0:
            self._scope.publish(OrderModified(order.id, order.strategy, order.symbol, command.quantity))
        else:
            self._on_cancel(CancelOrder(order, "nothing is left for it"))

    def _on_move(self, command: MoveOrder) -> None:
        """Native levels and pending entries move when the venue has acknowledged it, what is watched here at once."""
        order, part = command.order, self.parts.of(command.order)
        if self._natives.move(order, command.level):
            return
        if part is not None and part.request.act is Act.PLACE and part.ticket:
            self._move_pending(part, command.level)
            return
        if self._watched.holds(order):
            self._scope.publish(OrderMoved(order.id, order.strategy, order.symbol, command.level))
        else:
            self._say("WARN", f"{order.id} stays where it is: cancel it and place another one", order)

    def _move_pending(self, part: Part, level: Decimal) -> None:
        moved = part.order.moved_to(level)
        stop = _first_stop(moved, level if moved.limit is None else moved.limit)
        request = self._outbox.trade(moved, Act.MOVE, part.request.quantity, ticket=part.ticket, sl=stop)
        self._moving[self._outbox.emit(request)] = part, level

    def _moved(self, part: Part, level: Decimal, request: Request) -> None:
        part.request = replace(part.request, limit=request.limit, stop=request.stop, sl=request.sl)
        order = part.order
        if order.live:
            self._scope.publish(OrderMoved(order.id, order.strategy, order.symbol, level))

    # --------------------------------------------------------- to the market

    def _to_market(self, order: Order) -> None:
        """Send an order that wants the market now: one position after the other where it closes several."""
        quote = self._board.quote(order.symbol)
        reference = order.reference or order.stop or (money(quote.price) if quote is not None else None)
        if reference is None:
            self._reject(order, f"no price for {order.symbol} yet")
        elif not self._send_next(order, reference):
            self._reject(order, f"{order.remaining:f} lots are less than a step, or its position is closed")

    def _send_next(self, order: Order, reference: Decimal) -> bool:
        """Send what is next of an order at market. Returns whether there was anything."""
        request = self._next_close(order) if order.reduce_only else self._next_entry(order)
        if request is not None:
            self._send(order, request, reference)
        return request is not None

    def _next_close(self, order: Order) -> Request | None:
        step = self._instruments(order.symbol).volume_step
        found = self.tickets.to_close(order, step, self.parts.closing())
        return None if found is None else self._outbox.trade(order, Act.CLOSE, found[1], position=found[0].number)

    def _next_entry(self, order: Order) -> Request | None:
        """Close first what the books net, where the venue would not; then open the rest, with its first stop."""
        left = self._booking.whole(order) - order.filled
        found = self.tickets.to_net(order, left, self.parts.closing())
        if found is not None:
            return self._outbox.trade(order, Act.CLOSE, found[1], position=found[0].number)
        quote = self._board.quote(order.symbol)
        if left <= 0 or quote is None:
            return None
        price = money(quote.buy if order.side.sign > 0 else quote.sell)
        alone = self.tickets.hedging or not self.tickets.of_symbol(order.symbol)
        return self._outbox.trade(order, Act.OPEN, left, sl=_first_stop(order, price) if alone else None)

    def _send(self, order: Order, request: Request, reference: Decimal) -> None:
        self.parts.add(Part(order, request, reference, max(self._heard, order.created_at)))
        self._outbox.emit(request)

    # ----------------------------------------------------------------- reports

    def _on_report(self, event: VenueReport) -> None:
        report = event.report
        self._heard = max(self._heard, report.ts)
        match report.what:
            case What.OPENED:
                self._opened, self.tickets.hedging = True, report.hedging
            case What.TAKEN:
                self._on_taken(report)
            case What.REFUSED:
                self._on_refused(report)
            case What.DEAL:
                self._on_deal(report)
            case What.ENDED:
                self._on_ended(report)
            case What.MARGIN:
                self._scope.publish(MarginRead(None if report.reason else report.quantity, report.equity, report.balance))
            case What.NOTE:
                self._say(report.level, report.text)

    def _on_taken(self, report: Report) -> None:
        request = self._outbox.answered(report.token)
        self._removals.pop(report.token, None)
        moving = self._moving.pop(report.token, None)
        if moving is not None and request is not None:
            self._moved(*moving, request)
        if request is not None and request.act is Act.PROTECT:
            self._natives.on_taken(report.token, request.position)
        if report.order:
            self._booking.orders[report.order] = report.token
        part = self.parts.all.get(report.token)
        if part is None:
            return
        part.ticket = report.order
        order = part.order
        if order.live and not order.acknowledged:
            lots = self._booking.whole(order)
            self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, lots))

    def _on_refused(self, report: Report) -> None:
        request = self._outbox.answered(report.token)
        if request is None:
            return
        match request.act:
            case Act.PROTECT:
                self._natives.on_refused(report.token, request.position, report.text, self._heard)
            case Act.CLOSE_BY:
                self._netting.on_refused(request, self._heard)
                pair = f"positions {request.position} and {request.other}"
                self._say("WARN", f"{pair} still stand against each other: {report.text}")
            case Act.MOVE:
                part, level = self._moving.pop(report.token)
                self._say("WARN", f"{part.order.id} stays where it is, not at {level:f} ({report.text})", part.order)
            case Act.REMOVE:
                order = self._removals.pop(report.token)
                if order.live:
                    self._say("WARN", f"{order.id} could not be cancelled ({report.text}), it is tried again", order)
                    self._removing[order.id] = self._heard + AGAIN_MS
            case _:
                self.parts.active.pop(report.token, None)
                self._part_refused(self.parts.all[report.token], report)
                if request.enters:
                    self._booking.ended(self.parts.all[report.token].order)

    def _part_refused(self, part: Part, report: Report) -> None:
        """An order is given up, unless it closes and something else of its leg is there to be closed."""
        order = part.order
        gone = self.tickets.find(part.request.position) if report.reason == "gone" else None
        if gone is not None:
            gone.ending = True
        if not order.live:
            return
        if gone is not None and order.reduce_only and order.cancel_reason is None and self._send_next(order, part.reference):
            return
        if not order.filled:
            self._reject(order, report.text)
        else:
            self._cancelled(order, order.cancel_reason or report.text, refused=order.cancel_reason is None)

    def _on_deal(self, report: Report) -> None:
        self._booking.hear(report)
        part = self.parts.all.get(report.token)
        if part is not None and part.request.act is not Act.PLACE:
            self._go_on(part)
        ticket = self.tickets.find(report.position)
        if ticket is not None:
            self._netting.settle(ticket.strategy, ticket.symbol)

    def _go_on(self, part: Part) -> None:
        """Send what is next of an order when a part of it is done, unless it has ended or shall."""
        order, other = part.order, self.parts.of(part.order)
        if part.done and order.live and order.cancel_reason is None and (other is None or other.done):
            self._send_next(order, part.reference)

    def _on_ended(self, report: Report) -> None:
        part = self.parts.active.pop(report.token, None)
        if part is None:
            return
        order = part.order
        self._booking.ended(order)
        if not order.live or self.parts.of(order) is not None:
            return
        if order.reduce_only and order.cancel_reason is None and self._send_next(order, part.reference):
            return  # what takes risk away goes on until it is done
        self._cancelled(order, _ending(part, report))

    # ------------------------------------------------------------------ market

    def on_tick(self, tick: Tick) -> None:
        """Levels that are watched here, deadlines that the venue does not keep, and what it refused once."""
        self._natives.on_time(tick.ts)
        self._netting.on_time(tick.ts)
        self._remove_again(tick.ts)
        for order in self._watched.expired(tick):
            self._watched.remove(order)
            self._cancelled(order, f"expired at {order.expires_at}")
        for order in self._watched.hit(tick):
            reason = self._barred(order) if order.live else None
            if reason is not None:
                self._cancelled(order, reason)
            elif order.live:
                self._to_market(order)

    def _remove_again(self, ts: int) -> None:
        for part in list(self.parts.active.values()):
            again, deadline = self._removing.get(part.order.id), part.request.expires_at
            if part.ticket and ((again is not None and ts >= again) or (deadline is not None and ts >= deadline)):
                self._removing.pop(part.order.id, None)
                self._remove(part)

    # ------------------------------------------------------------------ telling

    def _reject(self, order: Order, reason: str) -> None:
        self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, reason, order.rule))

    def _cancelled(self, order: Order, reason: str, *, refused: bool = False) -> None:
        self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason, refused))

    def _say(self, level: str, text: str, order: Order | None = None) -> None:
        self._scope.publish(LogLine(self._strategy if order is None else order.strategy, level, text))


def _first_stop(order: Order, price: Decimal) -> Decimal | None:
    """The level that an entry takes along for a fill at `price`, None when it would be on the wrong side. A stop that moves is
    the engine's; the venue then has a net beneath it, half as far away again, in case that the engine is gone."""
    if order.bracket is None or order.bracket.stop_loss is None:
        return None
    stop = first_stop(order.bracket.stop_loss, order.side, price)
    if not isinstance(order.bracket.stop_loss, ExitPrice):
        stop = q8(stop + (stop - price) / 2)
    return stop if stop > 0 and (price - stop) * order.side.sign > 0 else None


def _ending(part: Part, report: Report) -> str:
    order = part.order
    if order.cancel_reason is not None:
        return order.cancel_reason
    if part.request.act is not Act.PLACE:
        return "the market does not offer the rest at once"
    if report.reason == "expired" or (order.expires_at is not None and report.ts >= order.expires_at):
        return f"expired at {order.expires_at}"
    return f"the venue says {report.reason}"
