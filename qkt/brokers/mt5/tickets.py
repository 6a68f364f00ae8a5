"""Positions at the venue that belong to a session, and which legs of its books they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import OrderFilled
from qkt.core.numbers import ZERO, floor_to
from qkt.core.terms import LegRole, Side
from qkt.orders import LegView, Order


@dataclass(slots=True, eq=False)
class Ticket:
    """One position. `volume` is lots, `fill` the execution that opened it, which the books tell the leg of.

    `stop` and `target` are the exits that stand as its native levels, `sl` and `tp` those levels as last asked for.
    """

    number: int
    side: Side
    volume: Decimal
    fill: OrderFilled
    entry: str
    stop: Order | None = None
    target: Order | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None

    @property
    def leg(self) -> int:
        """The leg it is, 0 while the books have not seen it, or when it was netted away."""
        return self.fill.opened_leg or 0

    @property
    def symbol(self) -> str:
        return self.fill.symbol

    @property
    def strategy(self) -> str:
        return self.fill.strategy

    @property
    def primary(self) -> bool:
        return self.fill.role is LegRole.PRIMARY

    @property
    def exits(self) -> list[Order]:
        """Exits that stand here and are not done."""
        return [order for order in (self.stop, self.target) if order is not None and order.live]

    def exit_for(self, reason: str) -> Order | None:
        """The exit that the venue executed when it closed the position for this reason."""
        return {"sl": self.stop, "tp": self.target}.get(reason)

    def drop(self, order: Order) -> bool:
        """Forget an exit. Returns whether it stood as a level here."""
        if self.stop is order:
            self.stop = self.sl = None
        elif self.target is order:
            self.target = self.tp = None
        else:
            return False
        return True


class Tickets:
    """Open positions by number, oldest first."""

    def __init__(self, legs: LegView) -> None:
        self._legs = legs
        self.open: dict[int, Ticket] = {}

    def find(self, number: int) -> Ticket | None:
        return self.open.get(number)

    def of_leg(self, leg: int) -> list[Ticket]:
        return [ticket for ticket in self.open.values() if leg and ticket.leg == leg]

    def of_symbol(self, symbol: str) -> list[Ticket]:
        return [ticket for ticket in self.open.values() if ticket.symbol == symbol]

    def to_close(self, order: Order, step: Decimal) -> Iterator[tuple[Ticket, Decimal]]:
        """Which positions an exit takes how much of, in whole steps or whole: those of its own entry first, then the newest."""
        found = sorted(self.of_leg(order.leg_id or 0), key=lambda one: (one.entry != order.parent, -one.number))
        for ticket, part in _taken(found, order.remaining):
            lots = part if part == ticket.volume else floor_to(part, step)
            if lots > 0:
                yield ticket, lots

    def opposite(self, order: Order) -> list[Ticket]:
        """Positions that an entry nets against in the books, newest first."""
        if order.role is not LegRole.PRIMARY:
            return []
        found = [
            ticket
            for ticket in self.open.values()
            if ticket.primary
            and (ticket.strategy, ticket.symbol) == (order.strategy, order.symbol)
            and ticket.side is not order.side
            and self._legs.leg_quantity(ticket.leg)
        ]
        return found[::-1]

    def netted(self, order: Order, quantity: Decimal) -> Iterator[tuple[Ticket, Decimal]]:
        """Which positions an entry of this quantity closes before it opens anything."""
        found = self.opposite(order)
        return _taken(found, min(quantity, self._legs.leg_quantity(found[0].leg))) if found else iter(())

    def against(self, number: int, leg: int) -> list[Ticket]:
        """Positions of a leg that position `number` was netted with, newest first."""
        return [ticket for ticket in self.of_leg(leg) if ticket.number != number][::-1]

    def exit_of(self, order: Order) -> Ticket | None:
        """The position on which an exit stands as a native level."""
        return next((ticket for ticket in self.open.values() if order in (ticket.stop, ticket.target)), None)

    def surplus(self, ticket: Ticket) -> Decimal:
        """Lots of a position, or of all those of its leg, that the books netted away."""
        if not ticket.leg:
            return ticket.volume
        return sum((one.volume for one in self.of_leg(ticket.leg)), ZERO) - self._legs.leg_quantity(ticket.leg)

    def reduce(self, ticket: Ticket, volume: Decimal) -> None:
        ticket.volume -= min(volume, ticket.volume)
        if ticket.volume <= ZERO:
            self.open.pop(ticket.number, None)


def _taken(tickets: list[Ticket], quantity: Decimal) -> Iterator[tuple[Ticket, Decimal]]:
    for ticket in tickets:
        part = min(ticket.volume, quantity)
        if part > 0:
            yield ticket, part
            quantity -= part
