"""The session's side of a MetaTrader 5 account: orders in, requests out; reports in, events of orders out.

It is part of the session and as much a function of its inputs as the rest: it sends nothing itself and asks nobody.

A stop and a target of one position stand as its native levels. An entry carries its first stop along, so that no position is
without one while its fill is on the way. On a hedging account an entry that the books net closes positions by ticket first.
What the venue closed by itself is booked as an order that it made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from qkt.brokers.dispatch import Act, Report, Request, VenueReport, VenueRequest, What
from qkt.brokers.mt5.desk import Known
from qkt.brokers.mt5.levels import Levels
from qkt.brokers.mt5.tickets import Ticket, Tickets
from qkt.brokers.mt5.tokens import token
from qkt.brokers.paper.fills import money
from qkt.brokers.quotes import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import (
    LogLine,
    MarginRead,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    Tick,
    VenueCost,
)
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, q8
from qkt.core.terms import CostKind, LegRole, OrderKind, OrderState, Purpose
from qkt.orders import CancelOrder, LegView, MoveOrder, Order, OrderApproved, ResizeOrder, SubmitOrder, first_stop, initial_risk
from qkt.strategy import ExitPrice

AGAIN_MS = 5_000
PURPOSES = {"sl": Purpose.STOP_LOSS, "tp": Purpose.TAKE_PROFIT}


@dataclass(slots=True, eq=False)
class Part:
    """One request of an order that trades. It was asked for at `at` (epoch ms), `filled` lots of it are done, `ticket` is the
    venue's number once it is known."""

    order: Order
    request: Request
    reference: Decimal
    at: int
    filled: Decimal = ZERO
    ticket: int = 0


@dataclass(slots=True)
class Standing:
    """Where the session stands with its venue: what a desk must know, and what nobody has answered yet."""

    known: Known
    outstanding: list[Request] = field(default_factory=list)


class Mt5Broker:
    """Speaks for the orders of one scope. `owner` begins its tokens; `strategy` gets what no order of ours brought about."""

    def __init__(
        self,
        scope: Scope,
        board: QuoteBoard,
        instruments: Callable[[str], Instrument],
        legs: LegView,
        owner: str,
        strategy: str,
    ) -> None:
        self._scope = scope
        self._strategy = strategy
        self._board = board
        self._instruments = instruments
        self._legs = legs
        self._owner = owner
        self._number = 0
        self._hedging: bool | None = None
        self._levels = Levels()
        self.tickets = Tickets(legs)
        # Everything asked for and not answered, by token.
        self._outstanding: dict[str, Request] = {}
        # Requests that trade, by token: all that ever were, and those that are not done.
        self._parts: dict[str, Part] = {}
        self._active: dict[str, Part] = {}
        self._positions: set[int] = set()
        # Further parts of an order, sent one after the other.
        self._queues: dict[str, deque[Request]] = {}
        # Exits whose levels wait for an answer, by token, with the levels before.
        self._levelled: dict[str, tuple[Order, tuple[Decimal | None, Decimal | None]]] = {}
        self._removals: dict[str, Order] = {}
        # Exits that shall move, by token: to which level, and the levels before.
        self._moves: dict[str, tuple[Order, Decimal, tuple[Decimal | None, Decimal | None]]] = {}
        # Orders that the venue made, which are executed already.
        self._adopted: dict[str, Report] = {}
        self._orders: dict[int, str] = {}
        self._deals: set[int] = set()
        # Positions whose levels the venue would not change, and when it is asked again.
        self._again: dict[int, int] = {}
        # The same of orders that could not be cancelled, and of pairs of positions.
        self._removing: dict[str, int] = {}
        self._unnetted: list[tuple[Request, int]] = []
        self._owed: dict[str, list[VenueCost]] = {}
        self._heard = 0
        scope.subscribe(SubmitOrder, self._on_submit)
        scope.subscribe(CancelOrder, self._on_cancel)
        scope.subscribe(ResizeOrder, self._on_resize)
        scope.subscribe(MoveOrder, self._on_move)
        scope.subscribe(VenueReport, self._on_report)

    # ------------------------------------------------------------------- views

    def working(self) -> list[str]:
        """Ids of the orders that the venue or the adapter holds, those on their way included."""
        parts = [part.order.id for part in self._active.values()]
        native = [
            one.id
            for ticket in self.tickets.open.values()
            for one in (ticket.stop, ticket.target)
            if one is not None and one.live
        ]
        return list(dict.fromkeys([*parts, *native, *self._levels.ids()]))

    def standing(self) -> Standing:
        """What whoever talks to the venue must know to go on after a restart."""
        known = Known(
            min([self._heard, *(part.at for part in self._active.values())]),
            dict(self._orders),
            {part.ticket for part in self._active.values() if part.ticket},
            set(self._positions),
            {number: (ticket.sl, ticket.tp) for number, ticket in self.tickets.open.items()},
            set(self._deals),
            {part.ticket: part.filled for part in self._active.values() if part.ticket},
        )
        return Standing(known, list(self._outstanding.values()))

    # ---------------------------------------------------------------- commands

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        made = self._adopted.pop(order.id, None)
        if made is not None:
            self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, order.quantity))
            self._fill(order, made.quantity, made, order.reference or made.price, complete=True)
        elif self._hedging is None:
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
            self._enter_at_market(order, quantity)
        else:
            self._place(order, quantity)

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
        self._send(order, self._request(order, Act.PLACE, quantity, sl=self._first_stop(order, base)), level)

    def _unsupported(self, order: Order) -> str | None:
        if order.venue_kind is OrderKind.LIMIT and order.tif.immediate:
            return f"MetaTrader 5 has no limit order that is {order.tif}"
        if not self._hedging and order.role is not LegRole.PRIMARY:
            return "a netting account holds one position of a symbol and no legs beside it"
        if self._board.quote(order.symbol) is None and order.venue_kind is OrderKind.MARKET:
            return f"no price for {order.symbol} yet"
        return None

    def _enter_at_market(self, order: Order, quantity: Decimal) -> None:
        """Close first what the books net, where the venue would not; then open the rest, with its first stop."""
        quote = self._board.quote(order.symbol)
        assert quote is not None
        reference = order.reference or order.stop or money(quote.price)
        requests: list[Request] = []
        if self._hedging:
            for ticket, part in self.tickets.netted(order, quantity):
                requests.append(self._request(order, Act.CLOSE, part, position=ticket.number))
                quantity -= part
        if quantity > 0:
            price = money(quote.buy if order.side.sign > 0 else quote.sell)
            stop = self._first_stop(order, price) if self._hedging or not self.tickets.of_symbol(order.symbol) else None
            requests.append(self._request(order, Act.OPEN, quantity, sl=stop))
        self._queues[order.id] = deque(requests[1:])
        self._send(order, requests[0], reference)

    @staticmethod
    def _first_stop(order: Order, price: Decimal) -> Decimal | None:
        """The level that an entry takes along for a fill at `price`, None when it would be on the wrong side. A stop that moves
        is the engine's; the venue then has a net beneath it, half as far away again, in case that the engine is gone."""
        if order.bracket is None or order.bracket.stop_loss is None:
            return None
        stop = first_stop(order.bracket.stop_loss, order.side, price)
        if not isinstance(order.bracket.stop_loss, ExitPrice):
            stop = q8(stop + (stop - price) / 2)
        return stop if stop > 0 and (price - stop) * order.side.sign > 0 else None

    def _exit(self, order: Order) -> None:
        tickets = self.tickets.of_leg(order.leg_id or 0)
        if not tickets:
            self._reject(order, "no position at the venue is known for its leg")
        elif order.venue_kind in (OrderKind.STOP, OrderKind.LIMIT):
            ticket = self._native_for(order, tickets)
            if ticket is None:
                self._watch(order, order.quantity)
            else:
                self._set_level(ticket, order)
        else:
            self._close(order)

    def _close(self, order: Order) -> None:
        quote = self._board.quote(order.symbol)
        reference = order.reference or order.stop or (money(quote.price) if quote is not None else None)
        requests = [
            self._request(order, Act.CLOSE, part, position=ticket.number)
            for ticket, part in self.tickets.to_close(order, self._instruments(order.symbol).volume_step)
        ]
        if not requests or reference is None:
            less = f"{order.remaining:f} lots are less than a step, or its position is closed"
            self._reject(order, less if reference is not None else f"no price for {order.symbol} yet")
            return
        self._queues[order.id] = deque(requests[1:])
        self._send(order, requests[0], reference)

    def _native_for(self, order: Order, tickets: list[Ticket]) -> Ticket | None:
        """The position that can keep an exit as its level: the only one of its entry, all of it, and the place is free."""
        own = [ticket for ticket in tickets if ticket.entry == order.parent] if self._hedging else tickets
        if len(own) != 1 or own[0].volume > order.quantity:
            return None
        ticket = own[0]
        taken = ticket.stop if order.venue_kind is OrderKind.STOP else ticket.target
        return ticket if taken is None else None

    def _set_level(self, ticket: Ticket, order: Order) -> None:
        before = (ticket.sl, ticket.tp)
        if order.venue_kind is OrderKind.STOP:
            ticket.stop, ticket.sl = order, order.stop
        else:
            ticket.target, ticket.tp = order, order.limit
        self._levelled[self._protect(ticket)] = order, before

    def _protect(self, ticket: Ticket) -> str:
        """Ask for both levels as they shall be now; a level that is left out would be taken away. Returns the token."""
        self._number += 1
        name = token(self._owner, self._number)
        self._emit(
            Request(
                name,
                Act.PROTECT,
                ticket.entry,
                ticket.symbol,
                ticket.side,
                ticket.volume,
                sl=ticket.sl,
                tp=ticket.tp,
                position=ticket.number,
            )
        )
        return name

    def _watch(self, order: Order, quantity: Decimal) -> None:
        self._levels.add(order)
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, quantity))

    def _on_cancel(self, command: CancelOrder) -> None:
        order = command.order
        if self._levels.remove(order):
            self._cancelled(order, command.reason)
            return
        ticket = self.tickets.exit_of(order)
        if ticket is not None:
            ticket.drop(order)
            self._protect(ticket)
            self._cancelled(order, command.reason)
            return
        part = next((one for one in self._active.values() if one.order is order), None)
        if part is None:
            self._cancelled(order, command.reason)
        elif part.request.act is Act.PLACE and part.ticket:
            self._remove(part)
        else:  # a market order under way: what is left of it is not sent
            self._queues.pop(order.id, None)

    def _remove(self, part: Part) -> None:
        request = self._request(part.order, Act.REMOVE, ZERO, ticket=part.ticket)
        if part.order not in self._removals.values():
            self._removals[request.token] = part.order
            self._emit(request)

    def _on_resize(self, command: ResizeOrder) -> None:
        """Exits follow the position, which the venue resizes by itself; only their books change."""
        order = command.order
        if command.quantity > 0:
            self._scope.publish(OrderModified(order.id, order.strategy, order.symbol, command.quantity))
        else:
            self._on_cancel(CancelOrder(order, "nothing is left for it"))

    def _on_move(self, command: MoveOrder) -> None:
        """Move an exit: a native level at the venue, one that is watched here at once. Pending entries stay where they are."""
        order = command.order
        ticket = self.tickets.exit_of(order)
        if ticket is not None:
            before = (ticket.sl, ticket.tp)
            if ticket.stop is order:
                ticket.sl = command.level
            else:
                ticket.tp = command.level
            self._moves[self._protect(ticket)] = order, command.level, before
        elif self._levels.holds(order):
            self._scope.publish(OrderMoved(order.id, order.strategy, order.symbol, command.level))
        else:
            self._say("WARN", f"{order.id} stays where it is: cancel it and place another one", order)

    # ---------------------------------------------------------------- requests

    def _request(self, order: Order, act: Act, quantity: Decimal, **more: object) -> Request:
        self._number += 1
        pending = act is Act.PLACE
        return Request(
            token(self._owner, self._number),
            act,
            order.id,
            order.symbol,
            order.side,
            quantity,
            order.venue_kind if pending else OrderKind.MARKET,
            order.tif,
            order.limit if pending else None,
            order.stop if pending else None,
            expires_at=order.expires_at if pending else None,
            **more,  # type: ignore[arg-type]
        )

    def _send(self, order: Order, request: Request, reference: Decimal) -> None:
        part = Part(order, request, reference, max(self._heard, order.created_at))
        self._parts[request.token] = self._active[request.token] = part
        self._emit(request)

    def _emit(self, request: Request) -> None:
        self._outstanding[request.token] = request
        self._scope.publish(VenueRequest(request))

    # ----------------------------------------------------------------- reports

    def _on_report(self, event: VenueReport) -> None:
        report = event.report
        self._heard = max(self._heard, report.ts)
        match report.what:
            case What.OPENED:
                self._hedging = report.hedging
            case What.TAKEN:
                self._on_taken(report)
            case What.REFUSED:
                self._on_refused(report)
            case What.DEAL:
                self._on_deal(report)
            case What.ENDED:
                self._on_ended(report)
            case What.MARGIN:
                self._scope.publish(MarginRead(None if report.reason else report.quantity))
            case What.NOTE:
                self._say(report.level, report.text)

    def _on_taken(self, report: Report) -> None:
        self._outstanding.pop(report.token, None)
        self._removals.pop(report.token, None)
        moved = self._moves.pop(report.token, None)
        if moved is not None and moved[0].live:
            order = moved[0]
            self._scope.publish(OrderMoved(order.id, order.strategy, order.symbol, moved[1]))
        if report.order:
            self._orders[report.order] = report.token
        levelled = self._levelled.pop(report.token, None)
        acknowledged = None if levelled is None else levelled[0]
        part = self._parts.get(report.token)
        if part is not None:
            part.ticket = report.order
            acknowledged = part.order
        if acknowledged is not None and acknowledged.live and not acknowledged.acknowledged:
            lots = self._whole(acknowledged)
            self._scope.publish(OrderAccepted(acknowledged.id, acknowledged.strategy, acknowledged.symbol, lots))

    def _whole(self, order: Order) -> Decimal:
        """What the venue makes of the lots asked for: whole steps, or all that an exit has."""
        return order.quantity if order.reduce_only else self._instruments(order.symbol).quantize(order.quantity)

    def _on_refused(self, report: Report) -> None:
        request = self._outstanding.pop(report.token, None)
        levelled = self._levelled.pop(report.token, None)
        removed = self._removals.pop(report.token, None)
        part = self._parts.get(report.token)
        moved = self._moves.pop(report.token, None)
        if moved is not None:
            self._not_moved(*moved, report.text)
        elif levelled is not None:
            self._level_refused(*levelled, report.text)
        elif removed is not None:
            if removed.live:
                self._say("WARN", f"{removed.id} could not be cancelled ({report.text}), it is tried again", removed)
                self._removing[removed.id] = self._heard + AGAIN_MS
        elif part is not None:
            self._active.pop(report.token, None)
            self._give_up(part.order, report.text)
        elif request is not None and request.act is Act.PROTECT:
            self._again[request.position] = self._heard + AGAIN_MS
        elif request is not None and request.act is Act.CLOSE_BY:
            pair = f"positions {request.position} and {request.other}"
            self._say("ERROR", f"{pair} still stand against each other: {report.text}")
            self._unnetted.append((request, self._heard + AGAIN_MS))

    def _not_moved(self, order: Order, level: Decimal, before: tuple[Decimal | None, Decimal | None], reason: str) -> None:
        ticket = self.tickets.exit_of(order)
        if ticket is not None:
            ticket.sl, ticket.tp = before
        self._say("WARN", f"{order.id} stays where it is, not at {level:f} ({reason})", order)

    def _level_refused(self, order: Order, before: tuple[Decimal | None, Decimal | None], reason: str) -> None:
        """The venue will not keep a level: a stop goes to the engine, a target is watched here. What was there before stays."""
        ticket = self.tickets.exit_of(order)
        if ticket is not None:
            stop = ticket.stop is order
            ticket.drop(order)
            if stop:
                ticket.sl = before[0]
            else:
                ticket.tp = before[1]
        if not order.live:
            return
        if order.venue_kind is OrderKind.LIMIT and ticket is not None:
            self._say("WARN", f"{order.id} is watched by the engine: {reason}", order)
            self._watch(order, order.quantity)
        else:
            self._reject(order, reason)

    def _give_up(self, order: Order, reason: str) -> None:
        """No more of an order will be traded."""
        self._queues.pop(order.id, None)
        if not order.live:
            return
        if order.filled:
            self._cancelled(order, reason)
        else:
            self._reject(order, reason)

    def _on_ended(self, report: Report) -> None:
        part = self._active.pop(report.token, None)
        if part is None:
            return
        order = part.order
        if part.filled < part.request.quantity:
            self._queues.pop(order.id, None)
        if order.live and not any(one.order is order for one in self._active.values()):
            self._cancelled(order, _ending(part, report))

    # ------------------------------------------------------------------- deals

    def _on_deal(self, report: Report) -> None:
        if report.deal in self._deals:
            return
        self._deals.add(report.deal)
        self._positions.add(report.position)
        report = replace(report, quantity=self._instruments(report.symbol).quantize(report.quantity), price=q8(report.price))
        part = self._parts.get(report.token)
        if report.entry == "out_by":
            self._on_netted(report, ours=bool(report.token))
        elif part is None:
            self._on_strange(report)
        else:
            self._on_own(part, report)

    def _on_own(self, part: Part, report: Report) -> None:
        order = part.order
        part.filled += report.quantity
        part.ticket = part.ticket or report.order
        self._orders.setdefault(report.order, report.token)
        if not order.live:
            self._adopt_late(order, report)
            return
        complete = order.filled + report.quantity >= (order.quantity if order.acknowledged else self._whole(order))
        if part.request.act is Act.CLOSE:
            self._close_fill(order, report, part.reference, complete)
        else:
            self._fill(order, report.quantity, report, part.reference, complete=complete)
        self._go_on(part)

    def _go_on(self, part: Part) -> None:
        """A part is done: the next one of its order is sent, unless the order has ended."""
        order = part.order
        queue = self._queues.get(order.id)
        if not order.live:
            self._queues.pop(order.id, None)
        elif queue and part.filled >= part.request.quantity:
            self._send(order, queue.popleft(), part.reference)

    def _close_fill(self, order: Order, report: Report, reference: Decimal, complete: bool) -> None:
        """A close, or the part of an entry that takes positions off; no more than the books still have."""
        ticket = self.tickets.find(report.position)
        if ticket is not None and self._hedging:
            self.tickets.reduce(ticket, report.quantity)
        lots = report.quantity
        if order.reduce_only:
            lots = min(lots, self._legs.leg_quantity(order.leg_id or 0))
        if lots:
            self._fill(order, lots, report, reference, complete=complete)
        if lots < report.quantity:
            self._undo_netting(report, report.quantity - lots, billed=bool(lots))
        if ticket is not None:
            self._rehome(ticket)

    def _undo_netting(self, report: Report, excess: Decimal, *, billed: bool) -> None:
        """The venue closed more than the books had: a part that they had netted with another position before the venue could.
        Of that other one there is more than the books have. It is booked as what it is, and closed."""
        costs: dict[str, Any] = dict.fromkeys(("commission", "swap", "fee"), ZERO) if billed else {}
        ticket = self.tickets.find(report.position)
        if self._hedging:
            same = [one for one in self.tickets.of_symbol(report.symbol) if one.side is report.side]
            ticket = next((one for one in same if self.tickets.surplus(one) >= excess), None)
            costs["entry"] = "alone"
        if self._hedging and ticket is None:
            self._say("ERROR", f"deal {report.deal} closed {excess:f} lots that the books did not have")
            return
        number = report.position if ticket is None else ticket.number
        self._say("WARN", f"the venue closed {excess:f} lots too many; what that leaves in position {number} is closed too")
        name = f"venue-{report.deal}-over"
        entry = Order(
            name,
            self._strategy if ticket is None else ticket.strategy,
            report.symbol,
            report.side,
            excess,
            OrderKind.MARKET,
            Purpose.ENTRY,
            report.ts,
        )
        self._adopt(entry, replace(report, quantity=excess, position=number, **costs))
        ticket = self.tickets.find(number)
        if ticket is None or ticket.side is not report.side:
            return
        if ticket.leg:
            side = ticket.side.opposite
            close = Order(
                f"{name}-close",
                ticket.strategy,
                ticket.symbol,
                side,
                excess,
                OrderKind.MARKET,
                Purpose.CLOSE,
                report.ts,
                role=ticket.fill.role,
                leg_id=ticket.leg,
            )
            self._scope.publish(OrderApproved(close))

    def _rehome(self, ticket: Ticket) -> None:
        """Exits that stood on a position which is gone, and still have something to guard, are watched here."""
        if ticket.number in self.tickets.open:
            return
        for order in ticket.exits:
            if self._legs.leg_quantity(order.leg_id or 0):
                self._levels.add(order)

    def _on_strange(self, report: Report) -> None:
        """A deal that no order of ours led to: the venue closed a position, or somebody did by hand."""
        ticket = self.tickets.find(report.position)
        if ticket is None:
            if report.reason == "adopted":
                self._adopt_entry(report)
            else:
                self._say("WARN", f"deal {report.deal} on position {report.position} is of no order of this session")
            return
        if report.entry not in ("out", "inout"):
            self._say("ERROR", f"deal {report.deal} grew position {report.position}, which is not its own to grow")
            return
        native = ticket.exit_for(report.reason)
        if native is not None and native.live:
            reference = native.reference or report.price
            done = native.filled + report.quantity >= native.quantity
            self._close_fill(native, report, reference, done)
            return
        lots = min(report.quantity, self._legs.leg_quantity(ticket.leg))
        if self._hedging:
            self.tickets.reduce(ticket, report.quantity)
        if lots:
            order = Order(
                f"venue-{report.deal}",
                ticket.strategy,
                ticket.symbol,
                report.side,
                lots,
                OrderKind.STOP if report.reason in ("sl", "stop_out") else OrderKind.MARKET,
                PURPOSES.get(report.reason, Purpose.CLOSE),
                report.ts,
                role=ticket.fill.role,
                leg_id=ticket.leg,
            )
            what = {"sl": "its stop", "tp": "its target", "stop_out": "a stop-out"}.get(report.reason, "no order of ours")
            self._say("WARN", f"the venue closed {lots:f} lots of {ticket.symbol} by {what} at {report.price:f}", order)
            self._adopt(order, replace(report, quantity=lots))
        if lots < report.quantity:
            self._undo_netting(report, report.quantity - lots, billed=bool(lots))
        self._rehome(ticket)

    def _adopt_late(self, order: Order, report: Report) -> None:
        """A fill of an order that was given up: it is true all the same, and protected like any other."""
        self._say("ERROR", f"{order.id} was filled after it was given up ({report.quantity:f} at {report.price:f})", order)
        ticket = self.tickets.find(report.position)
        if report.entry == "out" and ticket is not None:
            self._on_strange(replace(report, token="", reason=""))
            return
        again = replace(
            order,
            id=f"{order.id}-late-{report.deal}",
            quantity=report.quantity,
            kind=OrderKind.MARKET,
            motion=None,
            bracket_id=f"{order.bracket_id or order.id}-late-{report.deal}",
            expires_at=None,
            signal=None,
            state=OrderState.CREATED,
            filled=ZERO,
            average=None,
            cancel_reason=None,
            acknowledged=False,
        )
        self._adopt(again, report)

    def _adopt_entry(self, report: Report) -> None:
        """A position that an operator wants in the books."""
        order = Order(
            f"venue-{report.position}",
            self._strategy,
            report.symbol,
            report.side,
            report.quantity,
            OrderKind.MARKET,
            Purpose.ENTRY,
            report.ts,
            role=LegRole.INDEPENDENT if self._hedging else LegRole.PRIMARY,
        )
        self._adopt(order, report)

    def _adopt(self, order: Order, report: Report) -> None:
        self._adopted[order.id] = report
        self._scope.publish(OrderApproved(order))

    def _fill(self, order: Order, lots: Decimal, report: Report, reference: Decimal, *, complete: bool) -> None:
        """Tell a fill. The position is known before, so that exits which follow from it find it."""
        costs = self._owed.pop(order.symbol, []) + _costs(report)
        event = OrderFilled(
            order.id,
            order.strategy,
            order.symbol,
            order.side,
            lots,
            report.price,
            order.kind,
            order.purpose,
            order.role,
            order.leg_id,
            reference,
            complete,
            signal_price=order.signal_price,
            initial_risk=initial_risk(order, report.price),
            venue_costs=tuple(costs),
            execution=f"{report.deal}-over" if order.id.endswith("-over") else str(report.deal),
        )
        if not self._hedging:
            self._note_net(order, lots, report, event)
        elif report.entry in ("in", "inout"):
            self._note_position(order, lots, report, event)
        elif report.entry == "alone":
            self.tickets.open[report.position].fill = event
        elif order.purpose is Purpose.ENTRY:
            for one in self.tickets.of_symbol(order.symbol):
                if one.side is order.side and not one.leg:  # it was netted with what is closed now, and opens what that opens
                    one.fill = event
        self._scope.publish(event)
        if self._hedging and report.entry == "in" and event.closed_quantity:
            self._net(order, event, report)

    def _note_position(self, order: Order, lots: Decimal, report: Report, event: OrderFilled) -> None:
        """A position of a hedging account was opened, or has grown."""
        ticket = self.tickets.find(report.position)
        if ticket is None:
            stop = self._first_stop_of(report)
            self.tickets.open[report.position] = Ticket(report.position, order.side, lots, event, order.id, sl=stop)
            return
        ticket.volume += lots
        if not ticket.leg:
            ticket.fill = event

    def _note_net(self, order: Order, lots: Decimal, report: Report, event: OrderFilled) -> None:
        """The one position of a netting account changed; deals may be heard in another order than they happened in."""
        ticket = self.tickets.find(report.position)
        before = ZERO if ticket is None else ticket.side.sign * ticket.volume
        after = before + report.side.sign * lots
        first = self._first_stop_of(report) if after * report.side.sign > 0 else None
        if not after:
            self.tickets.open.pop(report.position, None)
        elif ticket is None or before * after < 0:
            self.tickets.open[report.position] = Ticket(report.position, order.side, abs(after), event, order.id, sl=first)
        else:
            ticket.volume = abs(after)
            if first is not None:  # a pending order brought its stop to the position that it joined
                if ticket.stop is not None:
                    self._again[ticket.number] = report.ts
                else:
                    ticket.sl = first

    def _first_stop_of(self, report: Report) -> Decimal | None:
        part = self._parts.get(report.token)
        return None if part is None else part.request.sl

    def _net(self, order: Order, event: OrderFilled, report: Report) -> None:
        """A pending entry was filled against a position that the books net it with: one closes the other at the venue too."""
        left = event.closed_quantity
        for ticket in self.tickets.against(report.position, event.closed_leg or 0):
            if left <= 0:
                break
            left -= ticket.volume
            self._emit(self._request(order, Act.CLOSE_BY, ZERO, position=ticket.number, other=report.position))

    def _on_netted(self, report: Report, *, ours: bool) -> None:
        """One position closed another. Where we asked for it the books have it already, and what it cost comes with the next
        fill; a hand's doing is a close of its own."""
        ticket = self.tickets.find(report.position)
        if ticket is None:
            return
        if ours:
            self.tickets.reduce(ticket, report.quantity)
            self._owed.setdefault(report.symbol, []).extend(one for one in _costs(report) if one.amount)
            self._rehome(ticket)
        else:
            self._on_strange(replace(report, entry="out", reason=""))

    # ------------------------------------------------------------------ market

    def on_tick(self, tick: Tick) -> None:
        """Levels that are watched here, and deadlines that the venue does not keep."""
        self._try_again(tick.ts)
        for order in self._levels.expired(tick):
            self._levels.remove(order)
            self._cancelled(order, f"expired at {order.expires_at}")
        for order in self._levels.hit(tick):
            if order.live:
                self._reached(order)

    def _try_again(self, ts: int) -> None:
        """Ask once more for what must be and was refused, and for the end of what is past its deadline."""
        for number in [number for number, due in self._again.items() if ts >= due]:
            del self._again[number]
            ticket = self.tickets.find(number)
            if ticket is not None:
                self._protect(ticket)
        for part in list(self._active.values()):
            order = part.order
            again, deadline = self._removing.get(order.id), part.request.expires_at
            if part.ticket and ((again is not None and ts >= again) or (deadline is not None and ts >= deadline)):
                self._removing.pop(order.id, None)
                self._remove(part)
        due = [request for request, at in self._unnetted if ts >= at]
        self._unnetted = [(request, at) for request, at in self._unnetted if ts < at]
        for request in due:
            against = self._netted_with(request)
            if against is not None:
                self._number += 1
                self._emit(replace(request, token=token(self._owner, self._number), position=against))

    def _netted_with(self, request: Request) -> int | None:
        """What still stands against a position that the books netted away: the one that was meant, or where that is gone
        another one of which there is more than the books have."""
        alone = self.tickets.find(request.other)
        if alone is None or request.position in self.tickets.open:
            return None if alone is None else request.position
        others = (one for one in self.tickets.of_symbol(alone.symbol) if one.side is not alone.side)
        return next((one.number for one in others if self.tickets.surplus(one) > 0), None)

    def _reached(self, order: Order) -> None:
        if order.reduce_only:
            self._close(order)
        else:
            self._enter_at_market(order, self._whole(order))

    # ------------------------------------------------------------------ telling

    def _reject(self, order: Order, reason: str) -> None:
        self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, reason, order.rule))

    def _cancelled(self, order: Order, reason: str) -> None:
        self._scope.publish(OrderCancelled(order.id, order.strategy, order.symbol, reason))

    def _say(self, level: str, text: str, order: Order | None = None) -> None:
        self._scope.publish(LogLine(self._strategy if order is None else order.strategy, level, text))


def _ending(part: Part, report: Report) -> str:
    order = part.order
    if order.cancel_reason is not None:
        return order.cancel_reason
    if part.request.act is not Act.PLACE:
        return "the market does not offer the rest at once"
    if report.reason == "expired" or (order.expires_at is not None and report.ts >= order.expires_at):
        return f"expired at {order.expires_at}"
    return f"the venue says {report.reason}"


def _costs(report: Report) -> list[VenueCost]:
    """What the venue billed for a deal."""
    amounts = ((CostKind.COMMISSION, report.commission), (CostKind.FEE, report.fee), (CostKind.SWAP, report.swap))
    return [VenueCost(kind, amount) for kind, amount in amounts]
