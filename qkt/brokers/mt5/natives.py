"""Exits that stand as native levels of positions: set, moved, taken away, and asked for again where the venue would not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers.mt5.levels import Levels
from qkt.brokers.mt5.outbox import Outbox
from qkt.brokers.mt5.tickets import Ticket, Tickets
from qkt.core.bus import Scope
from qkt.core.events import LogLine, OrderAccepted, OrderMoved, OrderRejected
from qkt.core.terms import OrderKind
from qkt.orders import Order

AGAIN_MS = 5_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change of levels that nobody has answered: whose exit, to which level when it moves, and both levels before."""

    order: Order
    before: tuple[Decimal | None, Decimal | None]
    level: Decimal | None = None


class Natives:
    """`watched` takes the targets that the venue will not keep."""

    def __init__(self, scope: Scope, tickets: Tickets, outbox: Outbox, watched: Levels) -> None:
        self._scope = scope
        self._tickets = tickets
        self._outbox = outbox
        self._watched = watched
        self._asked: dict[str, _Asked] = {}
        # Positions whose levels the venue would not change, and when it is asked again.
        self._again: dict[int, int] = {}
        # Levels left behind, by token, with the one before.
        self._left: dict[str, Decimal | None] = {}
        # Those for which it was refused the last time.
        self._stubborn: set[int] = set()

    def place_for(self, order: Order) -> Ticket | None:
        """The position that can keep an exit as its level: the only one of its entry, all of it, and the place is free."""
        found = self._tickets.of_exit(order)
        own = [ticket for ticket in found if ticket.entry == order.parent] if self._tickets.hedging else found
        if len(own) != 1 or own[0].volume > order.quantity or own[0].ending:
            return None
        taken = own[0].stop if order.venue_kind is OrderKind.STOP else own[0].target
        return own[0] if taken is None else None

    def set(self, ticket: Ticket, order: Order) -> None:
        before = (ticket.sl, ticket.tp)
        if order.venue_kind is OrderKind.STOP:
            ticket.stop, ticket.sl = order, order.stop
        else:
            ticket.target, ticket.tp = order, order.limit
        self._asked[self._outbox.protect(ticket)] = _Asked(order, before)

    def drop(self, order: Order) -> bool:
        """Take an exit's level away. Returns whether it had one."""
        ticket = self._tickets.exit_of(order)
        if ticket is None:
            return False
        ticket.drop(order)
        self._outbox.protect(ticket)
        return True

    def move(self, order: Order, level: Decimal) -> bool:
        """Ask for another level. Returns whether the exit had one."""
        ticket = self._tickets.exit_of(order)
        if ticket is None:
            return False
        before = (ticket.sl, ticket.tp)
        if ticket.stop is order:
            ticket.sl = level
        else:
            ticket.tp = level
        self._asked[self._outbox.protect(ticket)] = _Asked(order, before, level)
        return True

    def leave(self, order: Order) -> None:
        """Have the last level of a stop that this process holds stand at the venue, unless a level nearer to the market does.
        Where the venue refuses it, what was there stays."""
        assert order.stop is not None
        for ticket in self._guarded(order):
            nearer = ticket.sl is None or (order.stop - ticket.sl) * ticket.side.sign > 0
            if nearer and ticket.stop is None:
                before, ticket.sl = ticket.sl, order.stop
                self._left[self._outbox.protect(ticket)] = before

    def stands(self, order: Order) -> bool:
        """Whether every position that this stop guards has an acknowledged one at the venue, where it stands or nearer."""
        guarded = self._guarded(order)
        return bool(guarded) and all(self._reaches(one, order) for one in guarded)

    def _reaches(self, ticket: Ticket, order: Order) -> bool:
        if ticket.sl is None or order.stop is None or self._outbox.levels_of(ticket.number) is not None:
            return False
        return (ticket.sl - order.stop) * ticket.side.sign >= 0

    def _guarded(self, order: Order) -> list[Ticket]:
        found = self._tickets.of_exit(order)
        return [one for one in found if one.entry == order.parent] or found

    def again(self, ticket: Ticket, at: int) -> None:
        """Ask for the levels of a position again from `at` on (epoch ms)."""
        self._again[ticket.number] = at

    def on_taken(self, token: str, position: int) -> None:
        self._stubborn.discard(position)
        self._left.pop(token, None)
        asked = self._asked.pop(token, None)
        if asked is None or not asked.order.live:
            return
        order = asked.order
        if asked.level is not None:
            self._scope.publish(OrderMoved(order.id, order.strategy, order.symbol, asked.level))
        elif not order.acknowledged:
            self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, order.quantity))

    def on_refused(self, token: str, position: int, text: str, now: int) -> None:
        """What was before stays. A stop that the venue will not keep goes to the engine, a target is watched here; levels that
        belong to no exit are asked for again."""
        if token in self._left:
            self._not_left(position, self._left.pop(token), text)
            return
        asked = self._asked.pop(token, None)
        if asked is None:
            self._refused_again(position, text, now)
            return
        order, ticket = asked.order, self._tickets.exit_of(asked.order)
        if ticket is not None:
            self._restore(ticket, asked)
        if asked.level is not None:
            self._say(f"{order.id} stays where it is, not at {asked.level:f} ({text})", order)
            return
        if not order.live:
            return
        if order.venue_kind is OrderKind.LIMIT and ticket is not None:
            self._say(f"{order.id} is watched by the engine: {text}", order)
            self._watched.add(order)
        if self._watched.holds(order):  # also since its position is gone
            self._scope.publish(OrderAccepted(order.id, order.strategy, order.symbol, order.quantity))
        else:
            self._scope.publish(OrderRejected(order.id, order.strategy, order.symbol, text, order.rule))

    def _not_left(self, position: int, before: Decimal | None, text: str) -> None:
        ticket = self._tickets.find(position)
        if ticket is not None:
            self._scope.publish(LogLine(ticket.strategy, "WARN", f"position {position} keeps no stop at {ticket.sl}: {text}"))
            ticket.sl = before

    def _refused_again(self, position: int, text: str, now: int) -> None:
        """Levels that belong to no change of an exit are asked for once more. Refused a second time they cannot stand there:
        then the engine watches the exits, and the position keeps no level."""
        ticket = self._tickets.find(position)
        if ticket is None:
            self._stubborn.discard(position)
            return
        if position not in self._stubborn:
            self._stubborn.add(position)
            self._again[position] = now + AGAIN_MS
            return
        self._stubborn.discard(position)
        if ticket.sl is None and ticket.tp is None:
            self._again[position] = now + AGAIN_MS
            return
        self._scope.publish(
            LogLine(ticket.strategy, "WARN", f"position {position} keeps no levels, the engine watches its exits ({text})")
        )
        for order in ticket.exits:
            self._watched.add(order)
        ticket.stop = ticket.target = ticket.sl = ticket.tp = None
        self._outbox.protect(ticket)

    def _restore(self, ticket: Ticket, asked: _Asked) -> None:
        """The level is what it was before; what was asked for later and carries it along is asked for again without."""
        stop = ticket.stop is asked.order
        if asked.level is None:
            ticket.drop(asked.order)
        if stop:
            ticket.sl = asked.before[0]
        else:
            ticket.tp = asked.before[1]
        later = self._outbox.levels_of(ticket.number)
        if later is not None and later != (ticket.sl, ticket.tp):
            self._outbox.protect(ticket)

    def on_time(self, ts: int) -> None:
        for number in [number for number, due in self._again.items() if ts >= due]:
            del self._again[number]
            ticket = self._tickets.find(number)
            if ticket is not None:
                self._outbox.protect(ticket)

    def ids(self) -> list[str]:
        return [order.id for ticket in self._tickets.open.values() for order in ticket.exits]

    def _say(self, text: str, order: Order) -> None:
        self._scope.publish(LogLine(order.strategy, "WARN", text))
