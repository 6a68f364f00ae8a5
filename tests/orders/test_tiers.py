"""Conditional extra positions: tiers that wait for the price to move away from their parent's fill."""

from decimal import Decimal

import pytest

from qkt.core.events import RiskRejected
from qkt.core.formula import Formula
from qkt.core.terms import LegRole, Side
from qkt.strategy import Tier
from tests.market import GOLD, Market, by

HALF = Formula(("x", Decimal(2), "/"))


def tier(threshold: object, recover: object | None = None, *, within: int = 60_000, quantity: Formula = HALF) -> Tier:
    back = None if recover is None else Decimal(str(recover))
    return Tier(Decimal(str(threshold)), back, within, quantity, Decimal(3), Decimal(5))


@pytest.fixture
def market() -> Market:
    market = Market()
    market.quote(100)
    return market


def entries(market: Market) -> list[tuple[str, Decimal]]:
    """What tiers have bought or sold, and at what price."""
    return [(fill.order_id, fill.price) for fill in market.fills if fill.role is LegRole.STACK and fill.leg_id is None]


def test_a_tier_fires_when_the_price_has_moved_in_favour_and_opens_a_leg_of_its_own(market: Market) -> None:
    market.buy(2, tiers=(tier(4),))
    market.quote("103.9")
    assert entries(market) == []
    market.quote("104.5")
    assert entries(market) == [("dsl-script--0-stack-tier0-entry", Decimal("104.5"))]
    parent, extra = market.script.context.legs(GOLD)
    assert (parent.quantity, parent.role) == (2, LegRole.PRIMARY)
    assert (extra.quantity, extra.role) == (1, LegRole.STACK)
    assert sorted(level for _, level in market.levels().values()) == [Decimal("101.5"), Decimal("109.5")]


def test_exits_lie_at_distances_from_the_tick_not_from_the_fill(market: Market) -> None:
    market.buy(2, tiers=(tier(4),))
    market.quote(104, 105)
    assert entries(market)[0][1] == 105
    assert sorted(level for _, level in market.levels().values()) == [Decimal("101.5"), Decimal("109.5")]


def test_each_tier_fires_once(market: Market) -> None:
    market.buy(2, tiers=(tier(4), tier(6)))
    for price in (104, 105, 104, 106, 104, 106):
        market.quote(price)
    assert [price for _, price in entries(market)] == [104, 106]


def test_a_tier_for_a_short_parent_mirrors_it(market: Market) -> None:
    market.sell(2, tiers=(tier(4), tier(3, 2)))
    market.quote(103)
    market.quote(101)
    market.quote(96)
    assert [price for _, price in entries(market)] == [101, 96]
    assert {leg.side for leg in market.script.context.legs(GOLD)} == {Side.SELL}


def test_a_recovery_is_measured_from_the_worst_price_which_keeps_falling(market: Market) -> None:
    market.buy(2, tiers=(tier(3, 2),))
    for price in (98, 97, "98.5", 95, "96.9"):
        market.quote(price)
        assert entries(market) == []
    market.quote(97)
    assert [price for _, price in entries(market)] == [97]


def test_a_tier_is_abandoned_when_its_time_is_over(market: Market) -> None:
    market.buy(2, tiers=(tier(4, within=5_000), tier(4, within=5_001)))
    market.quote(104, at=market.now + 5_001)
    assert [name.rpartition("-stack-")[2] for name, _ in entries(market)] == ["tier1-entry"]


@pytest.mark.parametrize("how", ["stop", "close", "opposite", "turned", "parts"])
def test_tiers_end_with_their_parent_however_it_is_closed(market: Market, how: str) -> None:
    market.buy(2, stop_loss=by(3), tiers=(tier(4), tier(3, 2)))
    match how:
        case "stop":
            market.quote(97)
        case "close":
            market.close()
        case "opposite":
            market.sell(2)
        case "turned":
            market.sell(3)
            market.buy(1)
        case _:
            market.sell(1)
            market.sell(1)
    for price in (97, 99, 104):
        market.quote(price)
    assert entries(market) == []
    assert market.net() == 0


def test_two_parents_keep_tiers_of_their_own(market: Market) -> None:
    market.buy(1, stop_loss=by(1), tiers=(tier(4),))
    market.buy(1, stop_loss=by(20), tiers=(tier(5),))
    market.quote(99)
    market.quote(105)
    assert [price for _, price in entries(market)] == [105]


def test_what_a_tier_opened_survives_the_parent_and_goes_with_a_close(market: Market) -> None:
    market.buy(2, take_profit=by(5), tiers=(tier(4),))
    market.quote(104)
    market.quote(105)
    assert [leg.role for leg in market.script.context.legs(GOLD)] == [LegRole.STACK]
    market.close()
    assert (market.net(), market.working) == (0, [])


def test_the_tick_that_fills_the_parent_fires_nothing(market: Market) -> None:
    """The price of the parent's own tick lies away from its fill when there is a spread."""
    market.buy(2, stop=101, tiers=(tier("0.5", "0"),))
    market.quote(100, 102)
    assert entries(market) == []
    market.quote("101.5", "101.7")
    assert entries(market) == []
    market.quote(101, "101.1")
    market.quote(101, "101.1")
    assert len(entries(market)) == 1


def test_tiers_pass_risk_like_any_order(market: Market) -> None:
    market.buy(2, tiers=(tier(4, quantity=Formula.constant(Decimal(1_000))),))
    market.quote(104)
    market.quote(104)
    assert entries(market) == []
    assert len(market.told(RiskRejected)) == 1


def test_an_entry_that_only_reduces_starts_no_tiers(market: Market) -> None:
    market.buy(2)
    market.sell(1, tiers=(tier(4),))
    market.quote(96)
    assert entries(market) == []
