"""Takes back the entries that still work when a halt comes. What protects or reduces a position stays."""

from __future__ import annotations

from collections.abc import Callable

from qkt.core.bus import Scope
from qkt.core.events import CancelFailed, LogLine, OrderFilled
from qkt.core.numbers import ZERO, total
from qkt.core.terms import LegRole, OrderState
from qkt.ledger import Books
from qkt.orders import Deadlines, Order, Phase, WithdrawOrder
from qkt.risk.halts import Halted, Halts
from qkt.risk.reserved import Reservations, brings_more

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1_000, 30_000
ALERT_FROM = 3


class Sweep:
    """Cancels on a halt, and again what could not be cancelled, after pauses that double.

    An entry against the strategy's own primary leg which can only close it reduces as long as the leg is there; when it has
    gone, the entry goes too. Must hear fills after the order manager.
    """

    def __init__(self, scope: Scope, halts: Halts, reserved: Reservations, books: Books, deadlines: Deadlines) -> None:
        self._scope = scope
        self._halts = halts
        self._reserved = reserved
        self._books = books
        self._deadlines = deadlines
        # How often a cancel of an order has failed.
        self._failed: dict[str, int] = {}
        # A fill is booked and the order manager does not know of it yet.
        self.filling = False
        scope.subscribe(Halted, self._on_halted)
        scope.subscribe(CancelFailed, self._on_failed)

    def on_filled(self, _: OrderFilled) -> None:
        """A fill is booked and its order settled: what it left without a position to reduce goes."""
        self.filling = False
        if len(self._halts):
            self._sweep()

    def _on_halted(self, event: Halted) -> None:
        if not event.halt.entry_only and not self.filling:
            self._sweep()

    def _sweep(self) -> None:
        for name in self._books.strategies:
            halt = self._halts.over(name)
            if halt is None or halt.entry_only:
                continue
            for order in self._doomed(name):
                if order.cancel_reason is None:
                    self._scope.publish(WithdrawOrder(order, halt.told))

    def _doomed(self, strategy: str) -> list[Order]:
        """Entries that could open or grow a position, the oldest reducing ones of a leg left out as far as they fit in it."""
        room = {legs.symbol: legs.primary for legs in self._books.strategies[strategy].open_books()}
        taken: dict[str, list[Order]] = {}
        found = []
        for order in self._reserved.entries(strategy):
            leg = room.get(order.symbol)
            kept = taken.setdefault(order.symbol, [])
            fits = leg is not None and total(one.remaining for one in (*kept, order)) <= leg.quantity
            if fits and leg is not None and leg.side is not order.side and _plain(order):
                kept.append(order)
            elif order.state is not OrderState.CREATED:  # a sibling that was not sent yet goes with the one before it
                found.append(order)
        return found

    def _on_failed(self, event: CancelFailed) -> None:
        order = next((one for one in self._reserved.entries(event.strategy) if one.id == event.order_id), None)
        halt = self._halts.over(event.strategy)
        if order is None or halt is None or halt.entry_only:
            return
        count = self._failed[order.id] = self._failed.get(order.id, 0) + 1
        pause = min(FIRST_PAUSE_MS << (count - 1), LONGEST_PAUSE_MS)
        level = "ERROR" if count >= ALERT_FROM else "WARN"
        text = f"{order.id} could not be cancelled ({event.reason}), attempt {count}; again in {pause // 1000} s"
        self._scope.publish(LogLine(order.strategy, level, text))
        self._deadlines.plan(event.at + pause, Phase.CANCEL, self._again(order))

    def _again(self, order: Order) -> Callable[[], None]:
        def cancel() -> None:
            halt = self._halts.over(order.strategy)
            if order.live and halt is not None:
                self._scope.publish(WithdrawOrder(order, halt.told))
            else:
                self._failed.pop(order.id, None)

        return cancel


def _plain(order: Order) -> bool:
    return order.role is LegRole.PRIMARY and not brings_more(order) and order.remaining > ZERO
