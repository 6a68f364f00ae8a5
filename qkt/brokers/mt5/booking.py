"""Deals of a venue become fills of orders, each once: of orders of ours, of exits that stood at the venue, and of orders that
are made for what the venue did by itself.

Every deal changes the books by as much as it changed the account. What an exit closed beyond its leg, because the books had
netted that part with another position before the venue could, is booked too, and what that leaves open is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from qkt.brokers.dispatch import Act, Report
from qkt.brokers.mt5.levels import Levels
from qkt.brokers.mt5.natives import Natives
from qkt.brokers.mt5.netting import Netting
from qkt.brokers.mt5.outbox import Part, Parts
from qkt.brokers.mt5.tickets import Ticket, Tickets
from qkt.core.bus import Scope
from qkt.core.events import LogLine, OrderAccepted, OrderFilled, VenueBooked, VenueCost
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, exact, q8, quotient
from qkt.core.terms import CostKind, LegRole, OrderKind, OrderState, Purpose
from qkt.orders import LegView, Order, OrderApproved, initial_risk

PURPOSES = {"sl": Purpose.STOP_LOSS, "tp": Purpose.TAKE_PROFIT}
CAUSES = {"sl": "its stop", "tp": "its target", "stop_out": "a stop-out"}


@dataclass(slots=True)
class _Made:
    """The execution of an order that was made for it, and the fill once it is told."""

    report: Report
    complete: bool
    execution: str
    fill: OrderFilled | None = None


class Booking:
    """`strategy` gets what no order of ours brought about; exits whose position is gone go to `watched`."""

    def __init__(
        self,
        scope: Scope,
        strategy: str,
        instruments: Callable[[str], Instrument],
        legs: LegView,
        tickets: Tickets,
        parts: Parts,
        natives: Natives,
        netting: Netting,
        watched: Levels,
    ) -> None:
        self._scope = scope
        self._strategy = strategy
        self._instruments = instruments
        self._legs = legs
        self._tickets = tickets
        self._parts = parts
        self._natives = natives
        self._netting = netting
        self._watched = watched
        self._made: dict[str, _Made] = {}
        # Positions that were adopted, with the last deal that was part of what they were then.
        self._adopted: dict[int, int] = {}
        self.deals: set[int] = set()
        self.positions: set[int] = set()
        self.orders: dict[int, str] = {}

    def hear(self, report: Report) -> None:
        """Book a deal, unless it was before."""
        if report.deal in self.deals or 0 < report.deal <= self._adopted.get(report.position, 0):
            return
        self.deals.add(report.deal)
        self.positions.add(report.position)
        report = replace(report, quantity=self._instruments(report.symbol).quantize(report.quantity), price=q8(report.price))
        part = self._parts.all.get(report.token)
        if report.entry == "out_by":
            self._on_closed_by(report)
        elif part is None:
            self._on_strange(report)
        else:
            self._on_own(part, report)

    def submitted(self, order: Order) -> bool:
        """Take an order that was made for an execution. Returns whether it was."""
        made = self._made.pop(order.id, None)
        if made is None:
            return False
        self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, order.quantity))
        reference = order.reference or made.report.price
        made.fill = self._fill(order, made.report, reference, made.execution, complete=made.complete)
        return True

    def whole(self, order: Order) -> Decimal:
        """What the venue makes of the lots asked for: whole steps, or all that an exit has."""
        return order.quantity if order.reduce_only else self._instruments(order.symbol).quantize(order.quantity)

    # -------------------------------------------------------------- our orders

    def _on_own(self, part: Part, report: Report) -> None:
        order = part.order
        left = part.request.quantity - part.filled
        part.filled += report.quantity
        part.ticket = part.ticket or report.order
        self.orders.setdefault(report.order, report.token)
        if not order.live:
            self._on_late(part, left, report)
            return
        complete = order.filled + report.quantity >= (order.quantity if order.acknowledged else self.whole(order))
        if order.reduce_only:
            self._exit(order, report, part.reference, complete=complete)
        else:
            closed = self._take_off(report) if part.request.act is Act.CLOSE else None
            self._fill(order, report, part.reference, str(report.deal), complete=complete)
            self._rehome(closed)

    def _on_late(self, part: Part, left: Decimal, report: Report) -> None:
        """A fill of an order that was given up: it is true all the same, and protected like any other."""
        order = part.order
        text = f"{order.id} was filled after it was given up ({report.quantity:f} at {report.price:f})"
        self._say("ERROR", text, order.strategy)
        if order.reduce_only or part.request.act is Act.CLOSE:
            self._on_strange(replace(report, token="", reason=""))
            return
        part.order = again = replace(
            order,
            id=f"{order.id}-late-{report.deal}",
            quantity=left,
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
        if not part.done:
            self._parts.active[part.request.token] = part
        self._book(again, report, complete=report.quantity >= left)

    def _exit(self, order: Order, report: Report, reference: Decimal, *, complete: bool) -> None:
        """A close: no more of it than its leg has is the exit's."""
        ticket = self._take_off(report)
        own, over = _split(report, self._legs.leg_quantity(order.leg_id or 0))
        if own is not None:
            self._fill(order, own, reference, str(report.deal), complete=complete)
        if over is not None:
            self._off_the_leg(over, order.strategy, ticket, 0 if own is None else 1)
        self._rehome(ticket)

    # ------------------------------------------------------- what the venue did

    def _on_strange(self, report: Report) -> None:
        """A deal that no order of ours led to: the venue closed a position, or somebody did by hand."""
        ticket = self._tickets.find(report.position)
        if ticket is None:
            if report.reason == "adopted":
                self._adopt(report)
            else:
                self._say("WARN", f"deal {report.deal} on position {report.position} is of no order of this session")
            return
        if report.entry not in ("out", "inout"):
            self._say("ERROR", f"deal {report.deal} grew position {report.position}, which is not its own to grow")
            return
        native = ticket.exit_for(report.reason)
        if native is not None and native.live:
            done = native.filled + report.quantity >= native.quantity
            self._exit(native, report, native.reference or report.price, complete=done)
            return
        what = CAUSES.get(report.reason, "no order of ours")
        self._say(
            "WARN",
            f"the venue closed {report.quantity:f} lots of {ticket.symbol} by {what} at {report.price:f}",
            ticket.strategy,
        )
        self._take_off(report)
        self._off_the_leg(report, ticket.strategy, ticket)
        self._rehome(ticket)

    def _off_the_leg(self, report: Report, strategy: str, ticket: Ticket | None, number: int = 0) -> None:
        """Book lots that the venue closed and no exit stands for: from the legs that the position is, from the primary one
        what it is of the pool. `number` counts what was booked of the deal before."""
        rest: Report | None = report
        for leg in [] if ticket is None else ticket.legs:
            if rest is None:
                return
            own, rest = _split(rest, self._legs.leg_quantity(leg))
            if own is not None:
                self._close_alone(own, strategy, leg, number)
                number += 1
        if rest is not None:
            self._close_alone(rest, strategy, None, number)

    def _close_alone(self, report: Report, strategy: str, leg: int | None, number: int) -> None:
        execution = f"{report.deal}-over{number}" if number else str(report.deal)
        order = Order(
            f"venue-{execution}",
            strategy,
            report.symbol,
            report.side,
            report.quantity,
            OrderKind.STOP if report.reason in ("sl", "stop_out") else OrderKind.MARKET,
            PURPOSES.get(report.reason, Purpose.CLOSE),
            report.ts,
            role=LegRole.PRIMARY if leg is None else LegRole.INDEPENDENT,
            leg_id=leg,
        )
        fill = self._book(order, report, execution=execution)
        if fill is not None and fill.opened_quantity:
            self._close_opened(order, fill)

    def _close_opened(self, order: Order, fill: OrderFilled) -> None:
        """The venue closed one of two positions that stood against each other. The other one is alone now: nobody asked for
        that, and it goes too."""
        more = f"{fill.opened_quantity:f} lots more of {order.symbol} than the books had"
        self._say("WARN", f"the venue closed {more}; what that leaves is closed too", order.strategy)
        close = Order(
            f"{order.id}-close",
            order.strategy,
            order.symbol,
            order.side.opposite,
            fill.opened_quantity,
            OrderKind.MARKET,
            Purpose.CLOSE,
            fill.at,
            leg_id=fill.opened_leg,
        )
        self._scope.publish(OrderApproved(close))

    def _on_closed_by(self, report: Report) -> None:
        """One position closed another. Where we asked for it the books have netted the lots already, and only its money is left
        to book; a hand's doing is a close of its own."""
        ticket = self._tickets.find(report.position)
        if not report.token:
            if ticket is not None:
                self._on_strange(replace(report, entry="out", reason=""))
            return
        strategy = self._netting.strategy_of(report.token) if ticket is None else ticket.strategy
        if strategy is None:
            self._say("WARN", f"deal {report.deal} on position {report.position} is of no order of this session")
            return
        self._take_off(report)
        self._rehome(ticket)
        flat = self._flat(strategy, report.symbol)
        money, costs = report.profit or ZERO, tuple(_costs(report))
        self._scope.publish(VenueBooked(strategy, report.symbol, report.side, report.quantity, money, costs, flat))
        self._netting.on_closed(report.token, report.position)

    def _adopt(self, report: Report) -> None:
        """A position that an operator wants in the books, with a leg of its own where the account has such."""
        self._adopted[report.position] = report.order
        order = Order(
            f"venue-{report.position}",
            self._strategy,
            report.symbol,
            report.side,
            report.quantity,
            OrderKind.MARKET,
            Purpose.ENTRY,
            report.ts,
            role=LegRole.INDEPENDENT if self._tickets.hedging else LegRole.PRIMARY,
        )
        self._book(order, report)

    # ------------------------------------------------------------------- fills

    def _book(self, order: Order, report: Report, *, complete: bool = True, execution: str = "") -> OrderFilled | None:
        """Let an order live that is executed already."""
        made = self._made[order.id] = _Made(report, complete, execution or str(report.deal))
        self._scope.publish(OrderApproved(order))
        return made.fill

    def _fill(self, order: Order, report: Report, reference: Decimal, execution: str, *, complete: bool) -> OrderFilled:
        """Tell a fill. The position is known before, so that exits which follow from it find it."""
        event = OrderFilled(
            order.id,
            order.strategy,
            order.symbol,
            order.side,
            report.quantity,
            report.price,
            order.kind,
            order.purpose,
            order.role,
            order.leg_id,
            reference,
            complete,
            signal_price=order.signal_price,
            initial_risk=initial_risk(order, report.price),
            venue_costs=tuple(_costs(report)),
            execution=execution,
            venue_profit=None if report.profit is None else q8(report.profit),
        )
        if not self._tickets.hedging:
            self._note_net(order, report, event)
        elif report.entry in ("in", "inout"):
            self._note_position(order, report, event)
        event.venue_flat = self._flat(order.strategy, order.symbol)
        self._scope.publish(event)
        return event

    def _note_position(self, order: Order, report: Report, event: OrderFilled) -> None:
        """A position of a hedging account was opened, or has grown."""
        ticket, lots = self._tickets.find(report.position), report.quantity
        if ticket is None:
            stop = self._first_stop_of(report)
            self._tickets.open[report.position] = Ticket(report.position, order.side, lots, [event], order.id, sl=stop)
        else:
            ticket.volume += lots
            ticket.fills.append(event)

    def _note_net(self, order: Order, report: Report, event: OrderFilled) -> None:
        """The one position of a netting account changed; deals may be heard in another order than they happened in."""
        ticket = self._tickets.find(report.position)
        before = ZERO if ticket is None else ticket.signed
        after = before + report.side.sign * report.quantity
        first = self._first_stop_of(report) if after * report.side.sign > 0 else None
        if not after:
            self._tickets.open.pop(report.position, None)
        elif ticket is None or before * after < 0:
            self._tickets.open[report.position] = Ticket(report.position, order.side, abs(after), [event], order.id, sl=first)
        else:
            ticket.volume = abs(after)
            if report.entry == "inout":  # it turned at the venue, which took its levels, and was heard out of order
                self._natives.again(ticket, report.ts)
            if first is not None:  # a pending order brought its stop to the position that it joined
                if ticket.stop is not None:
                    self._natives.again(ticket, report.ts)
                else:
                    ticket.sl = first

    def _flat(self, strategy: str, symbol: str) -> bool:
        """Whether the venue holds nothing of a pool, and no entry is there whose deals may come late: those would be of a
        position that is thought to be gone."""
        netted = not self._tickets.hedging  # there an unheard deal changes the entry that the gain of this one is told from
        entries = (part for part in self._parts.active.values() if part.request.enters and (part.filled or netted))
        under_way = any((part.order.strategy, part.order.symbol) == (strategy, symbol) for part in entries)
        return not under_way and not self._tickets.pool(strategy, symbol)

    def ended(self, order: Order) -> None:
        """All deals of an order are told: money that waited for that is booked."""
        if self._flat(order.strategy, order.symbol):
            self._scope.publish(VenueBooked(order.strategy, order.symbol, order.side, ZERO, ZERO, (), flat=True))

    def _first_stop_of(self, report: Report) -> Decimal | None:
        part = self._parts.all.get(report.token)
        return None if part is None else part.request.sl

    def _take_off(self, report: Report) -> Ticket | None:
        """A position of a hedging account was reduced; that of a netting account changes with its fill."""
        ticket = self._tickets.find(report.position)
        if ticket is not None and self._tickets.hedging:
            self._tickets.reduce(ticket, report.quantity)
        return ticket

    def _rehome(self, ticket: Ticket | None) -> None:
        """Exits that stood on a position which is gone, and still have something to guard, are watched here."""
        if ticket is None or ticket.number in self._tickets.open:
            return
        for order in ticket.exits:
            if self._legs.leg_quantity(order.leg_id or 0):
                self._watched.add(order)

    def _say(self, level: str, text: str, strategy: str = "") -> None:
        self._scope.publish(LogLine(strategy or self._strategy, level, text))


def _split(report: Report, lots: Decimal) -> tuple[Report | None, Report | None]:
    """A deal as no more than `lots` of it and the rest, each None where it has none. Gains are shared by lots, costs are with
    the first."""
    if lots <= 0:
        return None, report
    if lots >= report.quantity:
        return report, None
    gain = None if report.profit is None else q8(quotient(exact(report.profit, lots), report.quantity))
    left = None if report.profit is None or gain is None else report.profit - gain
    rest = replace(report, quantity=report.quantity - lots, profit=left, commission=ZERO, swap=ZERO, fee=ZERO)
    return replace(report, quantity=lots, profit=gain), rest


def _costs(report: Report) -> list[VenueCost]:
    """What the venue billed for a deal."""
    amounts = ((CostKind.COMMISSION, report.commission), (CostKind.FEE, report.fee), (CostKind.SWAP, report.swap))
    return [VenueCost(kind, amount) for kind, amount in amounts]
