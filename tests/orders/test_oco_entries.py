"""Two entries of which one may fill."""

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import OrderCancelled, OrderRejected, RiskRejected
from qkt.core.terms import LegRole, Side
from qkt.strategy import EnterSignal, OcoEntrySignal
from tests.market import GOLD, SILVER, Market, by

Leg = dict[str, object]


@pytest.fixture
def market() -> Market:
    market = Market(GOLD, SILVER)
    market.quote(100, 100.1, symbol=SILVER)
    market.quote(100, 100.1)
    return market


def straddle(market: Market, first: Leg | None = None, second: Leg | None = None) -> bool:
    """Buy a break upwards or sell a break downwards."""
    up = market.entry(Side.BUY, **({"quantity": 1, "stop": 102, "rule": 7} | (first or {})))  # type: ignore[arg-type]
    down = market.entry(Side.SELL, **({"quantity": 1, "stop": 98, "rule": 7} | (second or {})))  # type: ignore[arg-type]
    return fire(market, up, down)


def fire(market: Market, first: EnterSignal, second: EnterSignal) -> bool:
    return market.fire(OcoEntrySignal("script", first.symbol, 7, first, second), rule=7)


def test_the_first_fill_takes_the_other_entry_off_the_book(market: Market) -> None:
    assert straddle(market)
    assert len(market.working) == market.script.context.open_orders(GOLD) == 2
    market.quote(97.9, 98)
    market.quote(103, 103.1)
    assert [fill.side for fill in market.fills] == [Side.SELL]
    assert market.working == []


def test_two_entries_that_one_tick_hits_fill_once(market: Market) -> None:
    straddle(market, second={"stop": None, "limit": 103})
    market.quote(103, 103.1)
    assert len(market.fills) == 1
    assert market.working == []


def test_the_second_leg_follows_the_first_and_ids_count_the_pair(market: Market) -> None:
    exits = {"stop_loss": by(1), "take_profit": by(2)}
    straddle(market, first=exits, second=exits)
    straddle(market, first=exits, second=exits)
    assert [order.id for order in market.working] == [f"dsl-script--{n}" for n in (0, 2, 5, 7)]


def test_a_refused_first_leg_leaves_nothing_behind(market: Market) -> None:
    assert not straddle(market, first={"quantity": 0})
    assert market.working == []
    assert [type(event) for event in market.told(OrderRejected)] == [OrderRejected]
    assert [event.order_id for event in market.told(OrderCancelled)] == ["dsl-script--1"]  # type: ignore[attr-defined]
    assert market.script.rearmed == [7]


def test_a_refused_second_leg_takes_the_first_back(market: Market) -> None:
    assert not straddle(market, second={"quantity": 0})
    assert market.working == []
    assert market.fills == []


def test_risk_judges_both_legs_before_either_is_sent(market: Market) -> None:
    assert not straddle(market, second={"quantity": 1_000})
    assert [event.order_id for event in market.told(RiskRejected)] == ["dsl-script--0"]  # type: ignore[attr-defined]
    assert market.told(OrderRejected) == []
    assert market.working == []


def test_a_deadline_of_one_leg_binds_both(market: Market) -> None:
    straddle(market, first={"good_till": market.now + 5_000})
    assert {order.expires_at for order in market.working} == {market.now + 5_000}
    market.quote(98, 103, at=market.now + 5_000)
    assert market.fills == []
    assert market.working == []


def test_what_cancels_one_leg_cancels_the_other_on_another_market_too(market: Market) -> None:
    fire(market, market.entry(Side.BUY, 1, stop=102), market.entry(Side.BUY, 1, stop=102, symbol=SILVER))
    market.cancel()
    assert market.working == []
    assert [event.reason for event in market.told(OrderCancelled)][1] == "dsl-script--0 was cancelled"  # type: ignore[attr-defined]


def test_legs_with_exits_are_positions_of_their_own(market: Market) -> None:
    exits = {"stop_loss": by(3), "take_profit": by(5)}
    market.sell(2)
    straddle(market, first=exits, second=exits)
    market.quote(101.9, 102)
    legs = market.script.context.legs(GOLD)
    assert [(leg.side, leg.quantity, leg.role) for leg in legs] == [
        (Side.SELL, 2, LegRole.PRIMARY),
        (Side.BUY, 1, LegRole.INDEPENDENT),
    ]
    assert market.levels() == {
        "dsl-script--2-tp": ("1", Decimal("107.00000000")),
        "dsl-script--2-sl": ("1", Decimal("99.00000000")),
    }


def test_a_hedged_pair_counts_two_legs_and_loses_the_same_at_any_price(market: Market) -> None:
    """Both legs filled before either cancel arrived: they stand beside each other, and nothing nets."""
    exits = {"stop_loss": by(50), "take_profit": by(60)}
    straddle(market, first=exits)
    market.quote(101.9, 102)
    straddle(market, second=exits, first={"stop": 120})
    market.quote(98, 98.1)
    position = market.script.context.position(GOLD)
    assert (position.quantity, position.count, position.longs, position.shorts, position.gross) == (0.0, 2, 1, 1, 2.0)
    losses = []
    for price in (80, 120):
        market.quote(price, price)
        losses.append(market.books.unrealized())
    assert losses == [Decimal(-4), Decimal(-4)]


def test_legs_without_exits_net_like_any_entry(market: Market) -> None:
    market.sell(1)
    straddle(market)
    market.quote(101.9, 102)
    assert market.net() == 0
    assert market.working == []


def late(**how: int) -> Market:
    """A market whose venue hears of commands later."""
    market = Market(execution=ExecutionSettings.of(**how))
    market.quote(100, 100.1)
    return market


def test_a_cancel_on_the_way_behind_its_orders_is_not_lost() -> None:
    market = late(latency=1_500)
    straddle(market)
    market.cancel()
    for price in (103, 103, 97, 97):
        market.quote(price, price)
    assert (market.fills, market.working) == ([], [])


def test_a_sibling_whose_cancel_comes_too_late_stands_beside_the_first_with_exits_of_its_own() -> None:
    market = late(cancel_latency=60_000)
    exits = {"stop_loss": by(20), "take_profit": by(20)}
    straddle(market, first=exits, second=exits)
    market.quote(102, 102)
    market.quote(98, 98)
    legs = market.script.context.legs(GOLD)
    assert [(leg.side, leg.role) for leg in legs] == [(Side.BUY, LegRole.INDEPENDENT), (Side.SELL, LegRole.INDEPENDENT)]
    assert len(market.working) == 4
    market.close()
    for _ in range(3):
        market.quote(98, 98, at=market.now + 60_000)
    assert (market.net(), market.working) == (0, [])
