"""What entries have opened, and how much of it is still open: the account that hooks, pyramids and tiers go by.

Several entries may share a leg. A closing fill counts for the entry whose exit it is; one that belongs to no entry counts
for those with something in the leg, the newest first, as protection lets them give way. When the leg is gone all are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import Event, OrderFilled, Trade
from qkt.core.numbers import EXACT, ZERO, exact, q8, quotient
from qkt.core.terms import Purpose
from qkt.orders.events import OrderApproved, OrderEnded, SubmitOrder
from qkt.orders.legs import LegView
from qkt.orders.order import Order
from qkt.strategy import ExitHooks


@dataclass(slots=True, eq=False)
class Holding:
    """One entry, or all layers of one pyramid. Quantities in lots, `pnl` in account currency after the costs of the closing
    fills, the last of which is `last`. `reason` is its purpose when it is an exit of this very entry, else CLOSE.

    `entries` are its orders that may still fill, `hooks` what the strategy wants to hear of its end.
    """

    id: str
    rule: int | None
    hooks: ExitHooks | None
    quantity: Decimal = ZERO
    closed: Decimal = ZERO
    pnl: Decimal = ZERO
    last: OrderFilled | None = None
    reason: Purpose = Purpose.CLOSE
    entries: dict[str, Order] = field(default_factory=dict)

    @property
    def growing(self) -> bool:
        """Whether an entry of it may still fill, one about to be cancelled not counted."""
        return any(order.cancel_reason is None for order in self.entries.values())

    def close(self, quantity: Decimal, trade: Trade, own: bool) -> None:
        """A part of a closing fill is this holding's, with its part of the money."""
        fill = trade.fill
        self.quantity = EXACT.subtract(self.quantity, quantity)
        self.closed = EXACT.add(self.closed, quantity)
        self.pnl = EXACT.add(self.pnl, _part_of_result(trade, quantity))
        self.last = fill
        self.reason = fill.purpose if own and fill.purpose.protective else Purpose.CLOSE


@dataclass(slots=True)
class HoldingClosed(Event):
    """Nothing of what the entry opened is open any more. Told again when a late slice was opened and closed after it."""

    holding: Holding


class Holdings:
    """Holdings of the entries that something follows: hooks, layers, tiers.

    Must hear approvals before the order manager, so that no fill comes too early. `settle` belongs behind the order
    manager's handling of fills: there exits and siblings are in order.
    """

    def __init__(self, scope: Scope, legs: LegView) -> None:
        self._scope = scope
        self._legs = legs
        self._holdings: dict[str, Holding] = {}
        self._of_entry: dict[str, Holding] = {}
        self._of_exit: dict[str, Holding | None] = {}
        self._in_leg: dict[int, list[Holding]] = {}
        self._closed: list[tuple[OrderFilled, Holding]] = []
        scope.subscribe(OrderApproved, self._on_approved)
        scope.subscribe(SubmitOrder, self._on_submit)
        scope.subscribe(Trade, self._on_trade)
        scope.subscribe(OrderEnded, self._on_ended)

    def __len__(self) -> int:
        return len(self._holdings)

    def quantity(self, holding_id: str) -> Decimal:
        """What the entry still has open, in lots."""
        holding = self._holdings.get(holding_id)
        return ZERO if holding is None else holding.quantity

    # ---------------------------------------------------------------- tracking

    def _on_approved(self, event: OrderApproved) -> None:
        order, signal = event.order, event.order.signal
        holding = self._holdings.get(order.parent)
        if holding is None:
            if signal is None or not (signal.hooks or signal.stack or signal.tiers):
                return
            name = order.parent or order.id
            holding = self._holdings[name] = Holding(name, signal.rule, signal.hooks)
        holding.entries[order.id] = order
        self._of_entry[order.id] = holding

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        if order.reduce_only and order.parent:
            self._of_exit[order.id] = self._of_entry.get(order.parent)

    def _on_ended(self, event: OrderEnded) -> None:
        order = event.order
        self._of_exit.pop(order.id, None)
        holding = self._of_entry.get(order.id)
        if holding is None:
            return
        holding.entries.pop(order.id, None)
        if holding.quantity == 0:
            if holding.closed > 0:
                self._scope.publish(HoldingClosed(holding))
            self._forget_when_done(holding)

    def _forget_when_done(self, holding: Holding) -> None:
        if holding.quantity == 0 and not holding.entries:
            self._holdings.pop(holding.id, None)
            for name in [name for name, found in self._of_entry.items() if found is holding]:
                del self._of_entry[name]

    # ------------------------------------------------------------------- fills

    def _on_trade(self, trade: Trade) -> None:
        fill = trade.fill
        if fill.closed_leg is not None:
            self._on_closed(trade, fill.closed_leg)
        holding = self._of_entry.get(fill.order_id)
        if holding is not None and fill.opened_leg is not None:
            holding.quantity = EXACT.add(holding.quantity, fill.opened_quantity)
            sharing = self._in_leg.setdefault(fill.opened_leg, [])
            if holding not in sharing:
                sharing.append(holding)

    def _on_closed(self, trade: Trade, leg_id: int) -> None:
        fill = trade.fill
        sharing = self._in_leg.get(leg_id)
        if not sharing:
            return
        left = fill.closed_quantity
        if fill.order_id in self._of_exit:
            owner = self._of_exit[fill.order_id]
            candidates = [] if owner is None else [owner]
        else:
            owner = None
            candidates = sharing[::-1]
        for holding in candidates:
            part = min(left, holding.quantity)
            if part > 0:
                left = EXACT.subtract(left, part)
                holding.close(part, trade, holding is owner)
        if self._legs.leg_quantity(leg_id) == 0:
            for holding in sharing:
                holding.quantity = ZERO
        self._closed += [(fill, holding) for holding in sharing if holding.quantity == 0]
        self._in_leg[leg_id] = [holding for holding in sharing if holding.quantity > 0]
        if not self._in_leg[leg_id]:
            del self._in_leg[leg_id]

    def settle(self, fill: OrderFilled) -> None:
        """Tell of holdings that this fill has closed."""
        if not self._closed:
            return
        closed = [holding for cause, holding in self._closed if cause is fill]
        self._closed = [entry for entry in self._closed if entry[0] is not fill]
        for holding in closed:
            if holding.quantity == 0:
                self._scope.publish(HoldingClosed(holding))
                self._forget_when_done(holding)


def _part_of_result(trade: Trade, quantity: Decimal) -> Decimal:
    """What a part of a closing fill has made: its share of the gain, less its share of the costs."""
    fill = trade.fill
    if quantity == fill.quantity:
        return trade.realized
    gain = quotient(exact(trade.realized + trade.commission, quantity), fill.closed_quantity)
    return q8(gain - quotient(exact(trade.commission, quantity), fill.quantity))
