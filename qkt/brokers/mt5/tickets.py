"""Positions at the venue that belong to a session, and what of its books they are.

On a hedging account the primary leg of a strategy on a symbol is a **pool** of positions, whose lots always sum to it: every
execution changes both by as much, whichever position the venue took it from. A leg that stands beside it is positions of its
own. A netting account has one position of a symbol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.events import OrderFilled
from qkt.core.numbers import ZERO, floor_to
from qkt.core.terms import LegRole, Side
from qkt.orders import LegView, Order


@dataclass(slots=True, eq=False)
class Ticket:
    """One position. `volume` is lots, `fills` are the executions that it was built from, which the books tell the leg of.

    `stop` and `target` are the exits that stand as its native levels, `sl` and `tp` those levels as last asked for. `ending`
    says that the venue has closed it and the deal of that is on its way.
    """

    number: int
    side: Side
    volume: Decimal
    fills: list[OrderFilled]
    entry: str
    stop: Order | None = None
    target: Order | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None
    ending: bool = False

    @property
    def legs(self) -> list[int]:
        """The legs of its own that it is; none for a position of the pool."""
        return [] if self.pooled else list(dict.fromkeys(fill.opened_leg for fill in self.fills if fill.opened_leg))

    @property
    def symbol(self) -> str:
        return self.fills[0].symbol

    @property
    def strategy(self) -> str:
        return self.fills[0].strategy

    @property
    def role(self) -> LegRole:
        return self.fills[0].role

    @property
    def pooled(self) -> bool:
        return self.role is LegRole.PRIMARY

    @property
    def signed(self) -> Decimal:
        return self.side.sign * self.volume

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


Busy = Mapping[int, Decimal]
"""Lots by position that are being closed already."""


@dataclass(slots=True)
class Tickets:
    """Open positions by number, oldest first."""

    legs: LegView
    hedging: bool = True
    open: dict[int, Ticket] = field(default_factory=dict)

    def find(self, number: int) -> Ticket | None:
        return self.open.get(number)

    def of_symbol(self, symbol: str) -> list[Ticket]:
        return [ticket for ticket in self.open.values() if ticket.symbol == symbol]

    def pool(self, strategy: str, symbol: str) -> list[Ticket]:
        """The positions that are the primary leg of a strategy."""
        found = self.of_symbol(symbol)
        return [one for one in found if one.pooled and one.strategy == strategy] if self.hedging else found

    def of_exit(self, order: Order) -> list[Ticket]:
        """Positions that an exit can take from: those of its leg."""
        leg = order.leg_id or 0
        if not self.legs.leg_quantity(leg):
            return []
        own = [ticket for ticket in self.open.values() if leg in ticket.legs]
        return own or [one for one in self.pool(order.strategy, order.symbol) if one.side is not order.side]

    def exit_of(self, order: Order) -> Ticket | None:
        """The position on which an exit stands as a native level."""
        return next((ticket for ticket in self.open.values() if order in (ticket.stop, ticket.target)), None)

    def to_close(self, order: Order, step: Decimal, busy: Busy) -> tuple[Ticket, Decimal] | None:
        """Which position an exit takes from next and how much, in whole steps or whole: those of its own entry first, then
        the newest. What is being closed already comes last."""
        found = [ticket for ticket in self.of_exit(order) if not ticket.ending]
        found.sort(key=lambda one: (one.entry != order.parent, -one.number))
        for taken in (busy, {}):
            for ticket in found:
                part = min(ticket.volume - taken.get(ticket.number, ZERO), order.remaining)
                lots = part if part == ticket.volume else floor_to(part, step)
                if lots > 0:
                    return ticket, lots
        return None

    def to_net(self, order: Order, lots: Decimal, busy: Busy) -> tuple[Ticket, Decimal] | None:
        """Which position an entry of these lots closes before it opens anything, and how much of it: the books net the two."""
        if order.role is not LegRole.PRIMARY or not self.hedging:
            return None
        pool = self.pool(order.strategy, order.symbol)
        against = -order.side.sign * sum((one.signed for one in pool), ZERO)
        for ticket in reversed(pool):
            part = min(ticket.volume - busy.get(ticket.number, ZERO), lots, against)
            if part > 0 and ticket.side is not order.side and not ticket.ending:
                return ticket, part
        return None

    def opposed(self, strategy: str, symbol: str) -> tuple[Ticket, Ticket] | None:
        """Two positions of a pool that stand against each other though the books have netted them, the older one first."""
        if not self.hedging:
            return None
        pool = [one for one in self.pool(strategy, symbol) if not one.ending]
        longs, shorts = ([one for one in pool if one.side is side] for side in Side)
        if not longs or not shorts:
            return None
        first, second = sorted((longs[-1], shorts[-1]), key=lambda one: one.number)
        return first, second

    def reduce(self, ticket: Ticket, volume: Decimal) -> None:
        ticket.volume -= volume
        if ticket.volume <= ZERO:
            self.open.pop(ticket.number, None)
