"""Hears a run from its first event to its last, and keeps what concerns the orders it was told to watch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from qkt.brokers import Quote, QuoteBoard
from qkt.core.events import (
    CancelFailed,
    Candle,
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    RiskRejected,
    RuleFired,
)
from qkt.core.terms import Purpose
from qkt.engine import Session
from qkt.engine.traders import Trader
from qkt.explain.sizing import Sizing
from qkt.lang.compiled import CompiledStrategy
from qkt.lang.looking import LookedAt
from qkt.orders import Order, OrderApproved, OrderRequested, SubmitOrder
from qkt.portfolio import SignalSized, SignalSuppressed

ORDER_EVENTS: tuple[type[Any], ...] = (
    OrderAccepted,
    OrderRejected,
    OrderCancelled,
    OrderModified,
    OrderMoved,
    CancelFailed,
    RiskRejected,
)


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule at the moment it fired: its text, its terms, the sizes it asked for. `rule` counts from 0, `time` is the end of
    the bar at which it was asked (epoch ms), `at` when it was."""

    strategy: str
    rule: int
    time: int
    at: int
    text: str
    terms: tuple[LookedAt, ...]
    sizes: tuple[Sizing, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an order comes from: the number of the firing that sent it (None outside of one), and the order that opened what
    it closes, or that it follows (its id, empty for an entry of its own)."""

    firing: int | None
    opener: str


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of a watched order and the quote of its market by then."""

    event: Event
    quote: Quote | None


class Witness:
    """Attends one run.

    `origins` (by order) and `fills` (the order of each, in turn) are complete. `heard` has the events of the `watched` orders,
    `asked` those orders as they were asked for, `orders` as they are, `seen` what the firings of the numbers in `firings`
    looked like, `decided` what the book of a portfolio said to them.
    """

    def __init__(
        self, session: Session, board: QuoteBoard, watched: Collection[str] = (), firings: Collection[int] = ()
    ) -> None:
        self.origins: dict[str, Origin] = {}
        self.fills: list[str] = []
        self.heard: dict[str, list[Heard]] = {}
        self.asked: dict[str, Order] = {}
        self.orders: dict[str, Order] = {}
        self.seen: dict[int, Firing] = {}
        self.decided: dict[int, list[SignalSized | SignalSuppressed]] = {}
        self._session = session
        self._board = board
        self._watched = frozenset(watched)
        self._firings = frozenset(firings)
        self._count = 0
        # The latest firing of a rule, the order that opened a leg, the first of a pyramid, a strategy's bars by its own names.
        self._latest: dict[tuple[str, int], int] = {}
        self._openers: dict[int, str] = {}
        self._seeds: dict[str, str] = {}
        self._candles: dict[str, dict[str, Candle]] = {}
        self._attend()

    def _attend(self) -> None:
        scope = self._session.scope
        for trader in self._session.traders:
            candles = self._candles[trader.name] = {}
            trader.scope.subscribe_first(Candle, partial(keep_latest, candles))
        scope.subscribe_first(RuleFired, self._on_fired)
        scope.subscribe_first(OrderRequested, self._on_order)
        scope.subscribe_first(OrderApproved, self._on_order)
        scope.subscribe_first(SubmitOrder, lambda event: self._take(event.order, event))
        for kind in ORDER_EVENTS:
            scope.subscribe_first(kind, lambda event: self._hear(event.order_id, event.symbol, event))
        scope.subscribe(OrderFilled, self._on_filled)
        scope.subscribe(SignalSized, self._on_decided)
        scope.subscribe(SignalSuppressed, self._on_decided)

    def _on_fired(self, event: RuleFired) -> None:
        number = self._latest[event.strategy, event.rule] = self._count
        self._count += 1
        if number in self._firings:
            trader = next((one for one in self._session.traders if one.name == event.strategy), None)
            if trader is not None and isinstance(trader.strategy, CompiledStrategy):
                self.seen[number] = _look(trader, trader.strategy, self._candles[trader.name], event)

    def _on_decided(self, event: SignalSized | SignalSuppressed) -> None:
        number = None if event.rule is None else self._latest.get((event.strategy, event.rule))
        if number in self._firings:
            self.decided.setdefault(number, []).append(event)

    def _on_order(self, event: OrderRequested | OrderApproved) -> None:
        for order in (event.order, event.sibling):
            if order is not None:
                self._take(order, event)

    def _take(self, order: Order, event: Event) -> None:
        """Exits are first heard of when they are sent, closes that risk has no say in when they are approved."""
        if order.id not in self.origins:
            self.origins[order.id] = self._origin(order)
            if order.id in self._watched:
                self.asked[order.id], self.orders[order.id] = replace(order), order
        approved = any(isinstance(one.event, OrderApproved) for one in self.heard.get(order.id, ()))
        if not (approved and isinstance(event, OrderApproved)):  # a sibling is, with the first and again by itself
            self._hear(order.id, order.symbol, event)

    def _origin(self, order: Order) -> Origin:
        opener = order.parent
        if opener and opener not in self.origins:
            seed = self._seeds.setdefault(opener, order.id)
            opener = "" if seed == order.id else seed
        if not opener and order.leg_id is not None:
            opener = self._openers.get(order.leg_id, "")
        firing = None if order.rule is None else self._latest.get((order.strategy, order.rule))
        if order.purpose in (Purpose.STOP_LOSS, Purpose.TAKE_PROFIT):
            firing = None  # placed by the entry's fill
        elif opener and order.purpose is Purpose.ENTRY:
            firing = self.origins[opener].firing
        return Origin(firing, opener)

    def _on_filled(self, event: OrderFilled) -> None:
        if event.repeated:
            return
        self.fills.append(event.order_id)
        if event.opened_leg is not None:
            self._openers.setdefault(event.opened_leg, event.order_id)
        self._hear(event.order_id, event.symbol, event)

    def _hear(self, order_id: str, symbol: str, event: Event) -> None:
        if order_id in self._watched:
            self.heard.setdefault(order_id, []).append(Heard(event, self._board.quote(symbol)))


def keep_latest(candles: dict[str, Candle], candle: Candle) -> None:
    """Remember the latest closed bar of each stream, before the strategy is asked about it."""
    candles[candle.stream] = candle


def _look(trader: Trader, strategy: CompiledStrategy, candles: dict[str, Candle], event: RuleFired) -> Firing:
    rule, now = event.rule, event.time
    return Firing(
        trader.name,
        rule,
        now,
        event.at,
        strategy.rules[rule],
        strategy.look(rule, candles, now),
        tuple(Sizing.at(trader.context, size) for size in strategy.look_at_sizes(rule, candles, now)),
    )
