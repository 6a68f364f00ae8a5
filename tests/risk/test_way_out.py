"""Whoever asks to be out is out, whatever was on its way to the venue by then."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import LogLine, OrderFilled
from qkt.core.terms import OrderKind, Side
from qkt.orders import OrderApproved
from qkt.risk import LossLimits, RiskLimits
from qkt.strategy import OcoEntrySignal, StackLayer, StackPlan, Tier
from tests.market import GOLD, SILVER, Market, by
from tests.risk.test_caps import X, above

# Orders take 250 ms; a cancel takes longer, so that what was sent before it is filled before it.
SLOW = ExecutionSettings(latency=250, cancel_latency=700)


def market(execution: ExecutionSettings = SLOW) -> Market:
    made = Market(GOLD, SILVER, limits=RiskLimits(losses=LossLimits()), execution=execution)
    made.quote(100)
    made.quote(10, symbol=SILVER)
    return made


def flatten(made: Market, **what: str) -> int:
    return made.session.way_out.take("flat1", "flattened by me", **what)  # type: ignore[arg-type]


def pass_time(made: Market, quotes: int = 9) -> None:
    for _ in range(quotes):
        made.quote(100, at=made.now + 200)
        made.quote(10, symbol=SILVER, at=made.now)


def test_an_entry_that_is_filled_before_its_cancel_arrives_is_closed() -> None:
    made = market()
    made.buy(2, stop_loss=by(5))
    assert flatten(made) == 0
    assert made.session.way_out.under_way()
    pass_time(made)
    assert [(fill.side, fill.quantity) for fill in made.fills] == [(Side.BUY, 2), (Side.SELL, 2)]
    assert (made.net(), made.working, made.session.way_out.under_way()) == (0, [], False)
    assert [line.text for line in made.told(LogLine)] == [  # type: ignore[attr-defined]
        f"{made.fills[0].order_id} was filled before its cancel arrived, and is closed"
    ]


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_one_that_grows_or_turns_the_position_that_is_being_closed_is_closed_too(side: Side) -> None:
    made = market()
    made.buy(2)
    pass_time(made)
    made.enter(side, 3)
    assert flatten(made) == 1
    pass_time(made)
    assert (made.net(), made.working) == (0, [])


def test_every_slice_of_it_is_closed() -> None:
    made = market(ExecutionSettings(latency=250, cancel_latency=900, partial="0.5"))
    made.buy(4)
    flatten(made)
    pass_time(made, 15)
    assert sum(fill.side is Side.BUY for fill in made.fills) > 1
    assert (made.net(), made.working) == (0, [])


def test_what_should_have_followed_it_does_not_come() -> None:
    made = market()
    layers = (StackLayer(Decimal(1), OrderKind.STOP, above("1")),)
    made.buy(1, stack=StackPlan(layers, 600_000))
    made.buy(1, on_fill=(made.entry(Side.BUY, 1, limit=90),))
    made.buy(1, tiers=(Tier(Decimal(1), None, 600_000, X, Decimal(5), Decimal(5)),))
    flatten(made)
    while len(made.fills) < 3:
        made.quote(100, at=made.now + 50)
    made.quote(103, at=made.now + 50)  # while the closes are on their way
    pass_time(made)
    assert len(made.fills) == 6
    assert (made.net(), made.working) == (0, [])


def test_a_tier_does_not_fire_while_its_parent_is_being_closed() -> None:
    made = market()
    made.buy(1, tiers=(Tier(Decimal(1), None, 600_000, X, Decimal(5), Decimal(5)),))
    pass_time(made)
    flatten(made)
    made.quote(103, at=made.now + 100)
    pass_time(made)
    assert [fill.side for fill in made.fills] == [Side.BUY, Side.SELL]


def test_a_pair_of_which_one_is_filled_on_the_way_ends_flat() -> None:
    made = market()
    made.fire(OcoEntrySignal("script", GOLD, None, made.entry(Side.BUY, 1, limit=101), made.entry(Side.SELL, 1, stop=80)))
    flatten(made)
    pass_time(made)
    assert len(made.told(OrderFilled)) == 2
    assert (made.net(), made.working) == (0, [])


def test_what_is_asked_for_later_is_not_touched() -> None:
    made = market()
    flatten(made)
    made.buy(1)
    pass_time(made)
    assert made.net() == 1


def test_of_one_symbol_the_others_are_left_alone() -> None:
    made = market()
    made.buy(1)
    made.buy(1, symbol=SILVER)
    made.buy(1, limit=9, symbol=SILVER)
    flatten(made, symbol=GOLD)
    pass_time(made)
    assert (made.net(), made.net(SILVER), len(made.working)) == (0, 1, 1)


def test_nothing_is_sent_twice_for_one_slice() -> None:
    made = market()
    made.buy(2)
    flatten(made)
    flatten(made)
    pass_time(made)
    asked = [event.order.id for event in made.told(OrderApproved)]  # type: ignore[attr-defined]
    assert len(asked) == len(set(asked)) == 2
