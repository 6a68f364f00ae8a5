"""Conditional extra positions: tiers that fire when the price has moved from the fill of their parent.

A tier belongs to what its parent opened: it ends when that is closed by any path, or when its time is over. What a fired
tier opens is a leg of its own with its own exits, and survives the parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import LogLine, Tick
from qkt.core.ids import OrderIds
from qkt.core.numbers import q8, to_decimal
from qkt.core.terms import LegRole, OrderKind, Purpose, Side
from qkt.core.watch import NEVER, AnyWatch, Reads, TrailWatch, Waits, Watch
from qkt.orders.events import Leaving, OrderEnded, OrderRequested
from qkt.orders.holdings import HoldingClosed, Holdings
from qkt.orders.order import Order
from qkt.strategy import BracketSpec, ExitForm, ExitPrice, Tier


@dataclass(slots=True, eq=False)
class _Armed:
    """A tier that waits. `watch` is a level, or the way back from the worst price once the adverse move was deep enough."""

    number: int
    tier: Tier
    watch: AnyWatch


@dataclass(slots=True, eq=False)
class _Parent:
    """An entry that has filled as far as it will, and the tiers of it that wait. `filled_at` is when it was done (epoch ms),
    `seq` which event that was."""

    order: Order
    filled_at: int
    seq: int
    armed: list[_Armed]


class Tiers:
    """Waiting tiers by parent. Implements `Waiting`. Must hear ticks behind the strategy's own tick handler."""

    due = NEVER

    def __init__(self, scope: Scope, ids: OrderIds, holdings: Holdings, waits: Waits) -> None:
        self._scope = scope
        self._ids = ids
        self._holdings = holdings
        self._waits = waits
        self._parents: dict[str, _Parent] = {}
        waits.add(self)
        scope.subscribe(OrderEnded, self._on_ended)
        scope.subscribe(HoldingClosed, self._on_closed)
        scope.subscribe(Leaving, self._on_leaving)

    def __len__(self) -> int:
        """Parents with tiers that wait."""
        return len(self._parents)

    def watches(self) -> list[AnyWatch]:
        return [armed.watch for parent in self._parents.values() for armed in parent.armed]

    def _on_ended(self, event: OrderEnded) -> None:
        order, signal = event.order, event.order.signal
        if signal is not None and signal.tiers and not order.unwanted and self._holdings.quantity(order.id) > 0:
            tiers = [_Armed(number, tier, _first_watch(order, tier, event.at)) for number, tier in enumerate(signal.tiers)]
            self._parents[order.id] = _Parent(order, event.at, event.seq, tiers)
            self._waits.changed()

    def _on_closed(self, event: HoldingClosed) -> None:
        self._forget(event.holding.id)

    def _on_leaving(self, event: Leaving) -> None:
        for parent in list(self._parents.values()):
            order = parent.order
            if event.strategy in (None, order.strategy) and event.symbol in (None, order.symbol):
                self._forget(order.id)

    def _forget(self, parent_id: str) -> None:
        if self._parents.pop(parent_id, None) is not None:
            self._waits.changed()

    # ------------------------------------------------------------------- ticks

    def on_tick(self, tick: Tick) -> None:
        if not self._parents:
            return
        for parent in list(self._parents.values()):
            if parent.order.symbol != tick.symbol or tick.seq < parent.seq:  # the tick that filled it comes too early
                continue
            for armed in list(parent.armed):
                if parent.order.id in self._parents:
                    self._test(parent, armed, tick)

    def _test(self, parent: _Parent, armed: _Armed, tick: Tick) -> None:
        if tick.ts - parent.filled_at > armed.tier.within_ms:
            self._retire(parent, armed)
        elif isinstance(armed.watch, TrailWatch):
            if self._has_recovered(armed.watch, armed.tier, tick):
                self._fire(parent, armed, tick)
        elif _reached(armed.watch, tick.price):
            if armed.tier.recover is None:
                self._fire(parent, armed, tick)
            else:
                armed.watch = _way_back(parent.order, armed.tier, armed.watch, tick.price)
                self._waits.changed()

    def _has_recovered(self, trail: TrailWatch, tier: Tier, tick: Tick) -> bool:
        assert tier.recover is not None
        if not self._waits.reached(trail):
            return False
        self._waits.follow(trail, tick.price)
        back = to_decimal(tick.price) - to_decimal(trail.extreme)
        return (-back if trail.below else back) >= tier.recover

    def _retire(self, parent: _Parent, armed: _Armed) -> None:
        """A tier fires once, or never."""
        parent.armed.remove(armed)
        if not parent.armed:
            self._parents.pop(parent.order.id, None)
        self._waits.changed()

    def _fire(self, parent: _Parent, armed: _Armed, tick: Tick) -> None:
        self._retire(parent, armed)
        order, tier = parent.order, armed.tier
        quantity = q8(tier.quantity.at(order.filled))
        name = f"{order.id}-stack-tier{armed.number}"
        if quantity <= 0:
            self._scope.publish(LogLine(order.strategy, "WARN", f"{name} is left out: quantity {quantity}"))
            return
        price = q8(to_decimal(tick.price))
        self._ids.signal()
        entry = Order(
            id=f"{name}-entry",
            strategy=order.strategy,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            kind=OrderKind.MARKET,
            purpose=Purpose.ENTRY,
            created_at=tick.ts,
            role=LegRole.STACK,
            bracket=BracketSpec(
                _at(price - order.side.sign * tier.stop_distance), _at(price + order.side.sign * tier.target_distance)
            ),
            bracket_id=name,
            signal_price=price,
        )
        self._scope.publish(OrderRequested(entry))


def _at(price: Decimal) -> ExitPrice:
    return ExitPrice(ExitForm.AT, price)


def _first_watch(order: Order, tier: Tier, filled_at: int) -> Watch:
    """The favourable level of an MFE tier, the adverse one from which an MAE tier looks for the way back."""
    assert order.average is not None
    favourable = tier.recover is None
    above = (order.side is Side.BUY) == favourable
    level = order.average + tier.threshold if above else order.average - tier.threshold
    return Watch(order.symbol, Reads.PRICE, not above, float(level), filled_at + tier.within_ms + 1)


def _way_back(order: Order, tier: Tier, watch: Watch, price: float) -> TrailWatch:
    """Up from the lowest price for a long parent, down from the highest for a short one."""
    assert tier.recover is not None
    short = order.side is Side.SELL
    return TrailWatch(order.symbol, Reads.PRICE, short, price, float(tier.recover), deadline=watch.deadline)


def _reached(watch: Watch, price: float) -> bool:
    return price <= watch.level if watch.below else price >= watch.level
