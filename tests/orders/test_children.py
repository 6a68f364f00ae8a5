"""Entries that the fill of another entry brings."""

from decimal import Decimal

import pytest

from qkt.core.events import OrderRejected, RiskRejected
from qkt.core.terms import Side
from tests.market import GOLD, SILVER, Market


@pytest.fixture
def market() -> Market:
    market = Market(GOLD, SILVER)
    market.quote(50, 50.1, symbol=SILVER)
    market.quote(100, 100.1)
    return market


def buy_a_break(market: Market, **how: object) -> bool:
    children = (market.entry(Side.SELL, 2, symbol=SILVER, rule=7), market.entry(Side.BUY, 1, limit=98, rule=7))
    return market.buy(1, stop=102, on_fill=children, rule=7, **how)


def test_children_are_sent_with_the_fill_of_their_parent(market: Market) -> None:
    assert buy_a_break(market)
    assert [order.symbol for order in market.working] == [GOLD]
    market.quote(102, 102.1)
    assert [(fill.symbol, fill.side, fill.quantity) for fill in market.fills] == [
        (GOLD, Side.BUY, 1),
        (SILVER, Side.SELL, 2),
    ]
    assert [order.limit for order in market.working] == [Decimal(98)]
    market.quote(97.9, 98)
    assert market.net() == 2


def test_a_child_is_not_tested_on_the_tick_that_brought_it(market: Market) -> None:
    market.buy(1, stop=102, on_fill=(market.entry(Side.BUY, 1, limit=110),))
    market.quote(102, 102.1)
    assert len(market.fills) == 1
    market.quote(102, 102.1)
    assert len(market.fills) == 2


@pytest.mark.parametrize("end", ["cancelled", "expired", "rejected", "refused by risk"])
def test_a_parent_that_never_fills_drops_its_children(market: Market, end: str) -> None:
    if end == "rejected":
        market.buy("0.001", stop=102, on_fill=(market.entry(Side.SELL, 1, symbol=SILVER),))
    elif end == "refused by risk":
        market.buy(1_000, stop=102, on_fill=(market.entry(Side.SELL, 1, symbol=SILVER),))
    else:
        buy_a_break(market, good_till=market.now + 2_000)
        if end == "cancelled":
            market.cancel()
    market.quote(100, 100.1)
    market.quote(102, 102.1)
    market.quote(97, 97.1)
    assert market.fills == []
    assert market.working == []


def test_children_pass_risk_and_a_refused_one_leaves_the_rule_alone(market: Market) -> None:
    market.buy(1, stop=102, rule=7, on_fill=(market.entry(Side.SELL, 1, limit=9_000, symbol=SILVER, rule=7),))
    market.quote(102, 102.1)
    assert len(market.fills) == 1
    assert len(market.told(RiskRejected)) == 1
    assert market.script.rearmed == []


def test_a_refused_child_of_a_market_order_does_not_spoil_the_firing(market: Market) -> None:
    assert market.buy(1, rule=7, on_fill=(market.entry(Side.SELL, "0.001", symbol=SILVER, rule=7),))
    assert len(market.told(OrderRejected)) == 1
    assert market.script.rearmed == []
