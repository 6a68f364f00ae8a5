"""Stops whose level moves: how far, when, and what they wait for meanwhile.

A stop of side SELL protects a long and fires when a seller gets its level or less, one of side BUY is the mirror. Levels
move with the price of ticks and never loosen; a tick moves the level before it is tested. Levels are Decimal with 8
decimals and are compared as float64.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from qkt.core.events import Tick
from qkt.core.numbers import EXACT, ONE, exact, q8, quotient, to_decimal
from qkt.core.terms import Side
from qkt.core.watch import AnyWatch, Reads, TrailWatch, Waits, Watch
from qkt.orders.exits import distance_at
from qkt.orders.order import Order
from qkt.strategy import ExitForm, SteppedExit, TighteningExit, Trail, TrailingExit


class MovingStop(Protocol):
    """The level of one held order."""

    @property
    def level(self) -> Decimal: ...

    @property
    def watches(self) -> tuple[AnyWatch, ...]:
        """What can move the level or fire the stop next."""
        ...

    def on_tick(self, tick: Tick) -> bool:
        """Move with a tick of the symbol; whether the level is reached now."""
        ...


def moving_stop(order: Order, last: float | None, waits: Waits) -> MovingStop:
    """The stop of an order: a protective one starts at its anchor, a trailing entry at the last known price."""
    motion = order.motion
    if isinstance(motion, Trail):
        assert last is not None, "risk lets no order pass without a price"
        return Trailing(order, motion, last, waits)
    anchor = order.anchor
    assert anchor is not None
    if isinstance(motion, TrailingExit):
        return ArmedTrail(order, motion, anchor, waits)
    if isinstance(motion, SteppedExit):
        return Stepped(order, motion, anchor, waits)
    assert isinstance(motion, TighteningExit)
    return Tightening(order, motion, anchor, waits)


class Trailing:
    """Follows the best price: `trail` behind the running extreme, which starts at `extreme`."""

    def __init__(self, order: Order, trail: Trail, extreme: float, waits: Waits) -> None:
        self._waits = waits
        self._trail = trail
        self._sells = order.side is Side.SELL
        by, pct = (0.0, float(trail.value)) if trail.form is ExitForm.PCT else (float(trail.value), 0.0)
        self._watch = TrailWatch(order.symbol, _fires_on(order.side), self._sells, extreme, by, pct)
        self.watches = (self._watch,)

    @property
    def level(self) -> Decimal:
        extreme = to_decimal(self._watch.extreme)
        sign = -1 if self._sells else 1
        if self._trail.form is ExitForm.PCT:
            factor = ONE + sign * quotient(self._trail.value, Decimal(100))
            return q8(quotient(exact(extreme, factor), ONE))
        return q8(EXACT.add(extreme, sign * self._trail.value))

    def on_tick(self, tick: Tick) -> bool:
        watch = self._watch
        if not self._waits.reached(watch):
            return False
        self._waits.follow(watch, tick.price)
        number = tick.sell if self._sells else tick.buy
        if not watch.near(number):
            return False
        level = float(self.level)
        return number <= level if self._sells else number >= level


class _Fixed:
    """A level that waits where it stands until something moves it. `profit` is +1 when the position gains as prices rise."""

    def __init__(self, order: Order, anchor: Decimal, distance: Decimal, waits: Waits) -> None:
        self._order = order
        self._waits = waits
        self._anchor = anchor
        self._sells = order.side is Side.SELL
        self._profit = 1 if self._sells else -1
        self._level = self._at(-distance)
        self._watch = Watch(order.symbol, _fires_on(order.side), self._sells, float(self._level))

    @property
    def level(self) -> Decimal:
        return self._level

    def _at(self, gain: Decimal) -> Decimal:
        """The price at which the position has gained so much since its anchor."""
        return q8(EXACT.add(self._anchor, self._profit * gain))

    def _tighten(self, level: Decimal) -> None:
        """Go to a level that is nearer to the market; never back."""
        if (level - self._level) * self._profit > 0:
            self._level = level
            self._watch.level = float(level)
        self._changed()

    def _changed(self) -> None:
        self._watch.row = -1
        self._waits.changed()

    def _gain_watch(self, gain: Decimal) -> Watch:
        """Waits for the price to have gone so far in favour."""
        return Watch(self._order.symbol, Reads.PRICE, not self._sells, float(self._at(gain)))

    def _reached(self, tick: Tick) -> bool:
        return _beyond(self._watch, tick.sell if self._sells else tick.buy)


class ArmedTrail(_Fixed):
    """Stands at its distance from the fill until the price has gone far enough in favour, then follows for good."""

    def __init__(self, order: Order, spec: TrailingExit, anchor: Decimal, waits: Waits) -> None:
        distance = distance_at(spec.trail, anchor)
        super().__init__(order, anchor, distance, waits)
        self._trail = Trail(ExitForm.BY, distance)
        self._arm = self._gain_watch(spec.arm_after)
        self._trailing: Trailing | None = None
        self.watches: tuple[AnyWatch, ...] = (self._watch, self._arm)
        if spec.arm_after == 0:
            self._follow(float(anchor))

    @property
    def level(self) -> Decimal:
        return self._level if self._trailing is None else self._trailing.level

    def on_tick(self, tick: Tick) -> bool:
        trailing = self._trailing
        if trailing is None:
            if not _beyond(self._arm, tick.price):
                return self._reached(tick)
            trailing = self._follow(tick.price)
        return trailing.on_tick(tick)

    def _follow(self, price: float) -> Trailing:
        anchor = float(self._anchor)
        extreme = max(price, anchor) if self._sells else min(price, anchor)
        self._trailing = Trailing(self._order, self._trail, extreme, self._waits)
        self.watches = self._trailing.watches
        self._changed()
        return self._trailing


class Stepped(_Fixed):
    """Goes from step to step as the price reaches their thresholds; a step that would loosen the stop is passed over."""

    def __init__(self, order: Order, spec: SteppedExit, anchor: Decimal, waits: Waits) -> None:
        super().__init__(order, anchor, spec.distance, waits)
        self._steps = [(self._gain_watch(step.threshold), self._at(step.offset)) for step in spec.steps]

    @property
    def watches(self) -> tuple[AnyWatch, ...]:
        return (self._watch, self._steps[0][0]) if self._steps else (self._watch,)

    def on_tick(self, tick: Tick) -> bool:
        while self._steps and _beyond(self._steps[0][0], tick.price):
            _, level = self._steps.pop(0)
            self._tighten(level)
        return self._reached(tick)


class Tightening(_Fixed):
    """Comes nearer with every interval since the fill, down to its floor."""

    def __init__(self, order: Order, spec: TighteningExit, anchor: Decimal, waits: Waits) -> None:
        super().__init__(order, anchor, spec.distance, waits)
        self._spec = spec
        self._started = order.created_at
        self._watch.deadline = self._started + spec.interval_ms
        self.watches: tuple[AnyWatch, ...] = (self._watch,)

    def on_tick(self, tick: Tick) -> bool:
        deadline = self._watch.deadline
        if deadline is not None and tick.ts >= deadline:
            spec = self._spec
            intervals = (tick.ts - self._started) // spec.interval_ms
            distance = max(spec.floor, spec.distance - intervals * spec.by)
            at_floor = distance == spec.floor
            self._watch.deadline = None if at_floor else self._started + (intervals + 1) * spec.interval_ms
            self._tighten(self._at(-distance))
        return self._reached(tick)


def _fires_on(side: Side) -> Reads:
    return Reads.BID if side is Side.SELL else Reads.ASK


def _beyond(watch: Watch, number: float) -> bool:
    return number <= watch.level if watch.below else number >= watch.level
