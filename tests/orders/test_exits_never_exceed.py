"""Whatever traders do: exits never exceed their leg, nothing fills after its end, held levels only tighten."""

import random
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.core.events import OrderCancelled, OrderFilled, OrderRejected
from qkt.core.numbers import ZERO
from qkt.core.terms import Purpose, Side
from qkt.orders import Order
from tests.backtest.random_run import Gambler, Plan
from tests.market import GOLD, Market


def step(market: Market, gambler: Gambler, pick: random.Random, price: float) -> float:
    """One tick, and maybe something to do after it."""
    price = max(50.0, price + pick.choice([-0.4, -0.1, 0.0, 0.0, 0.1, 0.4]))
    market.quote(round(price, 2), round(price + pick.choice([0, 0.02]), 2), at=market.now + pick.choice([0, 500, 30_000]))
    if pick.random() < 0.3:
        gambler._act(GOLD, price)
    return price


def check_room(market: Market) -> None:
    """Stops and targets of a leg each fit into it, and an exit without a leg does not exist."""
    guarded: dict[tuple[int, Purpose], Decimal] = {}
    for order in market.working:
        if order.leg_id is not None and order.purpose.protective:
            key = (order.leg_id, order.purpose)
            guarded[key] = guarded.get(key, ZERO) + order.remaining
    for (leg, _), quantity in guarded.items():
        assert quantity <= market.books.leg_quantity(leg)


def check_level(levels: dict[str, Decimal], order: Order) -> None:
    if order.held and order.stop is not None:
        before = levels.get(order.id, order.stop)
        assert (order.stop - before) * (1 if order.side is Side.SELL else -1) >= 0
        levels[order.id] = order.stop


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_the_order_room_keeps_its_promises(seed: int) -> None:
    market = Market()
    market.quote(100, "100.02")
    gambler = Gambler(Plan(seed, 1, 0, 0, True, "quotes", False, ("1m",)))
    gambler.name, gambler._names = "script", [GOLD]
    gambler.on_start(market.script.context)
    pick, price = random.Random(seed), 100.0
    levels: dict[str, Decimal] = {}
    for _ in range(120):
        price = step(market, gambler, pick, price)
        check_room(market)
        for order in market.working:
            check_level(levels, order)
    market.close()
    market.cancel(including_protection=True)
    assert market.net() == 0
    assert market.working == []
    ended: set[str] = set()
    for event in market.events:
        if isinstance(event, OrderFilled | OrderCancelled | OrderRejected):
            assert event.order_id not in ended
            if not isinstance(event, OrderFilled) or event.complete:
                ended.add(event.order_id)
