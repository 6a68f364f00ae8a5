"""Protection: what each entry has in a leg, and the exits that guard it.

An exit only ever reduces the leg it is bound to. It goes when the leg goes and shrinks when the leg shrinks; when the leg
holds less than all entries put into it, the newest shares give way first.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

from qkt.core.bus import Scope
from qkt.core.events import LogLine, OrderFilled
from qkt.core.numbers import ONE, ZERO
from qkt.core.terms import OrderKind, OrderState, Purpose, Side
from qkt.orders.deadlines import Deadlines, Phase
from qkt.orders.entries import Book
from qkt.orders.exits import ExitLevels, Target, exit_levels
from qkt.orders.legs import LegView
from qkt.orders.order import Order
from qkt.orders.shares import LONGEST_PAUSE_MS, Share, first_stop, fixed_stop, held_stop, market_exit, target_order

CLOSED = "its leg is closed"


def _entry_of(leg: GuardedLeg, at: int) -> Order:
    """What stands for the entries of a leg that asked for no exits."""
    entry = Order(
        f"leg-{leg.id}-{at}",
        leg.strategy,
        leg.symbol,
        leg.side,
        leg.quantity,
        OrderKind.MARKET,
        Purpose.ENTRY,
        at,
        leg_id=leg.id,
    )
    entry.state = OrderState.FILLED
    return entry


class Sender(Protocol):
    """What protection may do with orders."""

    def send(self, order: Order) -> None: ...

    def cancel(self, order: Order, reason: str) -> None: ...

    def resize(self, order: Order, quantity: Decimal) -> None: ...


class GuardedLeg(NamedTuple):
    """An open leg to be guarded: its number, whose it is, its side and size (lots), its average entry."""

    id: int
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    entry: Decimal


class Protection:
    """Shares by strategy and symbol, oldest first."""

    def __init__(self, scope: Scope, legs: LegView, deadlines: Deadlines, sender: Sender) -> None:
        self._scope = scope
        self._legs = legs
        self._deadlines = deadlines
        self._sender = sender
        self._shares: dict[Book, list[Share]] = {}
        self._share_of: dict[str, Share] = {}
        self._share_of_entry: dict[str, Share] = {}
        self._begun: dict[str, int] = {}

    def exits(self, book: Book) -> list[Order]:
        return [order for share in self._shares.get(book, []) for order in share.exits]

    def on_fill(self, order: Order, fill: OrderFilled) -> None:
        """Place or grow the exits of an entry, shrink what an exit or a close has reduced, then fit all to their legs."""
        share = self._share_of.get(order.id)
        if share is not None:
            share.quantity -= fill.quantity
            self._adjust(share, f"{order.id} was filled")
        elif fill.opened_leg is not None and (order.bracket is not None or order.time_exit_ms is not None):
            self._on_opened(order, fill.opened_leg, fill)
        self._fit((order.strategy, order.symbol))
        if share is not None and share.quantity > 0 and not order.live and order.purpose is not Purpose.TAKE_PROFIT:
            # It was done before its venue heard how much there was to take out.
            share.resent += 1
            self._close(share, fill.at, order.purpose)

    def on_rejected(self, order: Order, at: int) -> None:
        """No position stands bare because a venue refused something: a resting stop is held by the engine from now on,
        where it stood, and what was to close at market is sent again, after a pause that grows."""
        share = self._share_of.get(order.id)
        if share is None or share.quantity <= 0 or order.purpose is Purpose.TAKE_PROFIT:
            return
        share.resent += 1
        if order.venue_kind is OrderKind.STOP:
            share.stop = held_stop(share, order, at)
            self._share_of[share.stop.id] = share
            self._sender.send(share.stop)
        else:
            self._plan_exit(share, at + share.pause_ms, order.purpose)
            share.pause_ms = min(2 * share.pause_ms, LONGEST_PAUSE_MS)

    def forget(self, order: Order) -> None:
        """A terminal order leaves. A share without exits and without a time exit guards nothing, unless it still grows."""
        self._share_of_entry.pop(order.id, None)
        self._begun.pop(order.id, None)
        share = self._share_of.pop(order.id, None)
        if share is not None and share.deadline is None and not share.exits and not share.entry.live:
            self._drop(share)

    # ---------------------------------------------------------------- by hand

    def guard(self, leg: GuardedLeg, purpose: Purpose, level: Decimal, at: int, reason: str) -> None:
        """Put a stop or a target at `level` in the place of those the leg has; what no entry's exits guard gets one too."""
        shares = [share for share in self._shares.get((leg.strategy, leg.symbol), ()) if share.leg_id == leg.id]
        bare = leg.quantity - sum((share.quantity for share in shares), ZERO)
        if bare > 0:
            shares.append(self._share(_entry_of(leg, at), leg.id, bare))
        for share in shares:
            if share.quantity > 0:
                self._replace(share, leg, purpose, level, at, reason)

    def _replace(self, share: Share, leg: GuardedLeg, purpose: Purpose, level: Decimal, at: int, reason: str) -> None:
        """The new exit is the share's before the old one goes, so that nothing takes the share for unguarded meanwhile."""
        share.resent += 1
        if purpose is Purpose.STOP_LOSS:
            old = [share.stop] if share.stop is not None else []
            order = share.stop = fixed_stop(share, level, leg.entry, at)
        else:
            old = [target for target, _ in share.targets]
            target = Target(level, ONE)
            order = target_order(share, target, 0, 1, at)
            share.targets = [(order, target)]
        self._share_of[order.id] = share
        for one in old:
            self._sender.cancel(one, reason)
        if order.live:
            self._sender.send(order)

    # ----------------------------------------------------------------- placing

    def _on_opened(self, entry: Order, leg_id: int, fill: OrderFilled) -> None:
        share = self._share_of_entry.get(entry.id)
        if share is not None:
            self._grow(share, fill)
            return
        levels = exit_levels(entry.bracket, entry.side, fill.price) if entry.bracket is not None else None
        if levels is not None and not levels.sane(entry.side, fill.price):
            self._refuse(entry, leg_id, fill, levels)
            return
        share = self._share(entry, leg_id, fill.opened_quantity)
        if entry.live:
            self._share_of_entry[entry.id] = share
        if entry.time_exit_ms is not None:
            self._plan_exit(share, fill.at + entry.time_exit_ms)
        if levels is not None:
            self._place(share, levels, fill)

    def _share(self, entry: Order, leg_id: int, quantity: Decimal) -> Share:
        number = self._begun.get(entry.id, 0) + 1
        if entry.live:
            self._begun[entry.id] = number
        share = Share(entry, leg_id, number, quantity, quantity)
        self._shares.setdefault((entry.strategy, entry.symbol), []).append(share)
        return share

    def _place(self, share: Share, levels: ExitLevels, fill: OrderFilled) -> None:
        count = len(levels.targets)
        share.targets = [(target_order(share, target, n, count, fill.at), target) for n, target in enumerate(levels.targets)]
        if levels.stop is not None:
            share.stop = first_stop(share, levels.stop, fill)
        orders = share.exits
        for order in orders:
            self._share_of[order.id] = share
        for order in orders:
            if order.live:  # an exit sent before it may have closed the leg
                self._sender.send(order)

    def _refuse(self, entry: Order, leg_id: int, fill: OrderFilled, levels: ExitLevels) -> None:
        targets = ", ".join(str(target.price) for target in levels.targets) or None
        text = f"{entry.id} filled at {fill.price}, beyond its own exits (stop {levels.stop}, target {targets})"
        self._scope.publish(LogLine(entry.strategy, "ERROR", f"{text}: closing at market"))
        self._close(self._share(entry, leg_id, fill.opened_quantity), fill.at)

    # ---------------------------------------------------------------- changing

    def _grow(self, share: Share, fill: OrderFilled) -> None:
        """A further slice of the entry: the stop grows with it, a target to its part of it. A target that was refused, as
        one too small for its venue is, gets another chance."""
        share.opened += fill.opened_quantity
        share.quantity += fill.opened_quantity
        left = share.quantity
        for n, (order, target) in enumerate(share.targets):
            keep = min(target.part(share.opened) - order.filled, left)
            if order.live:
                self._sender.resize(order, keep)
            elif order.state is OrderState.REJECTED:
                share.resent += 1
                again = target_order(share, target, n, len(share.targets), fill.at)
                again.quantity = keep
                share.targets[n] = again, target
                self._share_of[again.id] = share
                self._sender.send(again)
            else:
                continue
            left -= keep
        if share.stop is not None and share.stop.live:
            self._sender.resize(share.stop, share.quantity)

    def _adjust(self, share: Share, reason: str) -> None:
        """Fit the exits of a share to what is left of it: the stop guards all of it, the last targets give way first."""
        left = share.quantity
        if left <= 0:
            self._drop(share)
            for order in share.exits:
                self._sender.cancel(order, reason)
            return
        for order, _ in share.targets:
            if not order.live:
                continue
            keep = min(order.remaining, left)
            left -= keep
            if keep > 0:
                self._sender.resize(order, keep)
            else:
                self._sender.cancel(order, reason)
        if share.stop is not None and share.stop.live:
            self._sender.resize(share.stop, share.quantity)

    def _fit(self, book: Book) -> None:
        """Fit the shares of a book to its legs: gone with a closed leg, newest first when a leg is too small."""
        left: dict[int, Decimal] = {}
        for share in list(self._shares.get(book, ())):
            room = left.get(share.leg_id)
            if room is None:
                room = self._legs.leg_quantity(share.leg_id)
            keep = min(share.quantity, room)
            left[share.leg_id] = room - keep
            if keep != share.quantity:
                share.quantity = keep
                self._adjust(share, CLOSED)

    def _drop(self, share: Share) -> None:
        shares = self._shares[(share.entry.strategy, share.entry.symbol)]
        if share in shares:
            shares.remove(share)
        if self._share_of_entry.get(share.entry.id) is share:
            del self._share_of_entry[share.entry.id]
        if share.deadline is not None:
            self._deadlines.drop(share.deadline)
            share.deadline = None

    # --------------------------------------------------------------- time exit

    def _plan_exit(self, share: Share, time: int, purpose: Purpose = Purpose.CLOSE) -> None:
        if share.deadline is not None:
            self._deadlines.drop(share.deadline)
        share.deadline = self._deadlines.plan(time, Phase.TIME_EXIT, lambda: self._close(share, time, purpose))

    def _close(self, share: Share, time: int, purpose: Purpose = Purpose.CLOSE) -> None:
        """Take what is left of the share out at market. Its exits go when that is filled."""
        share.deadline = None
        suffix = "-sl" if purpose is Purpose.STOP_LOSS else "-close"
        order = market_exit(share, suffix, purpose, share.quantity, time)
        if purpose is Purpose.STOP_LOSS:
            share.stop = order
        self._share_of[order.id] = share
        self._sender.send(order)
