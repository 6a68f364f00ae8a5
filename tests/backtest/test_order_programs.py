"""Random traders that use every kind of order, watched from event to event."""

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Event, OrderCancelled, OrderFilled, OrderRejected
from qkt.core.instruments import InstrumentRegistry
from qkt.core.terms import Purpose
from qkt.data import merge, ticks_of
from qkt.engine import Session, SessionSettings, TickBoard, assemble
from qkt.orders import OrderRequested
from qkt.strategy import CancelSignal, CloseSignal
from tests.backtest.random_run import Gambler, Memory, Plan, tape
from tests.market import instrument


class Watcher:
    """Hears every event of a session and checks it against what it has heard before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ended: set[str] = set()
        self._siblings: dict[str, str] = {}
        self._filled: set[str] = set()
        self.pairs = 0
        session.scope.tap(self.hear)

    def hear(self, event: Event) -> None:
        if isinstance(event, OrderRequested) and event.sibling is not None:
            self._siblings[event.order.id] = event.sibling.id
            self._siblings[event.sibling.id] = event.order.id
            self.pairs += 1
        elif isinstance(event, OrderFilled):
            assert event.order_id not in self._ended
            assert self._siblings.get(event.order_id) not in self._filled, "one cancels the other"
            assert event.purpose is Purpose.ENTRY or event.opened_leg is None, "only entries open positions"
            self._filled.add(event.order_id)
            if event.complete:
                self._ended.add(event.order_id)
        elif isinstance(event, OrderCancelled | OrderRejected):
            assert event.order_id not in self._ended
            self._ended.add(event.order_id)

    def check(self) -> None:
        """What must hold between two ticks."""
        books = self._session.books
        for legs in books.strategies["gambler"].legs.values():
            assert legs.net == sum((leg.quantity * leg.sign for leg in legs), Decimal(0))
        for purpose in (Purpose.STOP_LOSS, Purpose.TAKE_PROFIT):
            guarded: dict[int, Decimal] = {}
            for order in self._session.orders.live_orders():
                assert order.id not in self._ended
                if order.purpose is purpose:
                    assert order.leg_id is not None
                    guarded[order.leg_id] = guarded.get(order.leg_id, Decimal(0)) + order.remaining
            for leg_id, quantity in guarded.items():
                assert 0 < quantity <= books.leg_quantity(leg_id), "exits never exceed their leg"


@pytest.mark.parametrize("seed", range(6))
def test_a_random_trader_breaks_no_promise_and_can_always_go_flat(seed: int) -> None:
    plan = Plan(seed, 2, 1_500, 1_000, True, ExecutionSettings(), True, ("1m",))
    gambler = Gambler(plan)
    clock = EventClock()
    terms = InstrumentRegistry.standard().with_layer({f"S{n}": instrument(f"S{n}") for n in range(plan.symbols)})
    settings = SessionSettings(instruments=terms)
    session = assemble(gambler, settings, EventBus(clock), clock, TickBoard(), on_fault=_raise)
    watcher = Watcher(session)
    sources = [Memory(f"S{n}", tape(plan.seed * 10 + n, plan.ticks, True), 1_000) for n in range(plan.symbols)]
    symbols = tuple(f"SIM:S{n}" for n in range(plan.symbols))
    for tick in ticks_of(merge(sources, None, None), symbols):
        session.on_tick(tick)
        watcher.check()
    assert watcher.pairs > 3
    gambler.asleep = True
    for symbol in symbols:
        session.scope.publish(CancelSignal("gambler", symbol, None))
    for symbol in symbols:
        legs = gambler.context.legs(symbol)
        session.scope.publish(CloseSignal("gambler", symbol, None, legs))
    assert not session.books.strategies["gambler"].open_books()
    assert session.orders.live_orders() == []


def _raise(problem: Exception) -> None:
    raise problem
