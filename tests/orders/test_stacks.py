"""Pyramids: a seed, and layers that follow its fill."""

from decimal import Decimal

import pytest

from qkt.core.events import LogLine, RiskRejected
from qkt.core.formula import Formula
from qkt.core.terms import LegRole, OrderKind, Side
from qkt.strategy import StackLayer, StackPlan
from tests.market import GOLD, Market, by


def formula(text: str) -> Formula:
    """`+2` or `-2`: so far from the seed's fill."""
    return Formula(("x", Decimal(text), "+"))


def layer(kind: OrderKind, price: str, quantity: str = "1", limit: str | None = None) -> StackLayer:
    return StackLayer(Decimal(quantity), kind, formula(price), None if limit is None else formula(limit))


def plan(*layers: StackLayer, within: int = 60_000) -> StackPlan:
    return StackPlan(layers, within)


@pytest.fixture
def market() -> Market:
    market = Market()
    market.quote(100)
    return market


def kinds(market: Market) -> dict[str, OrderKind]:
    return {order.id.rpartition("-")[2]: order.kind for order in market.working}


def test_layers_take_their_prices_from_the_fill_of_the_seed(market: Market) -> None:
    layers = plan(layer(OrderKind.STOP, "2"), layer(OrderKind.LIMIT, "-3"), layer(OrderKind.STOP_LIMIT, "4", limit="5"))
    market.buy(1, stop=105, stack=layers)
    assert [order.id for order in market.working] == ["dsl-script--0-l1"]
    market.quote("105.5")
    assert [(order.id, order.kind, order.stop, order.limit) for order in market.working] == [
        ("dsl-script--0-l2", OrderKind.STOP, Decimal("107.5"), None),
        ("dsl-script--0-l3", OrderKind.LIMIT, None, Decimal("102.5")),
        ("dsl-script--0-l4", OrderKind.STOP_LIMIT, Decimal("109.5"), Decimal("110.5")),
    ]


@pytest.mark.parametrize(("side", "price", "kind"), [("BUY", "2", "Stop"), ("BUY", "-2", "IfTouched"), ("SELL", "-2", "Stop")])
def test_a_layer_at_a_price_is_touched_from_either_side(market: Market, side: str, price: str, kind: str) -> None:
    market.enter(Side(side), 1, stack=plan(layer(OrderKind.IF_TOUCHED, price)))
    assert kinds(market) == {"l2": OrderKind(kind)}
    market.quote(100)
    assert len(market.fills) == 1
    market.quote(100 + int(price))
    assert [(fill.kind, fill.price) for fill in market.fills][1:] == [(OrderKind(kind), 100 + int(price))]


def test_a_layer_touched_across_a_gap_fills_like_a_market_order(market: Market) -> None:
    market.buy(1, stack=plan(layer(OrderKind.IF_TOUCHED, "-2")))
    market.quote(95, "95.2")
    assert market.fills[-1].price == Decimal("95.2")


def test_layers_average_into_the_primary_leg_and_keep_their_own_exits(market: Market) -> None:
    market.buy(1, stop_loss=by(3), take_profit=by(6), stack=plan(layer(OrderKind.STOP, "2")))
    market.quote(102)
    (leg,) = market.script.context.legs(GOLD)
    assert (leg.quantity, leg.role) == (2, LegRole.PRIMARY)
    assert market.levels() == {
        "dsl-script--0-l1-tp": ("1", Decimal(106)),
        "dsl-script--0-l1-sl": ("1", Decimal(97)),
        "dsl-script--0-l2-tp": ("1", Decimal(108)),
        "dsl-script--0-l2-sl": ("1", Decimal(99)),
    }
    market.quote(99)
    assert market.net() == 1
    assert set(market.levels()) == {"dsl-script--0-l1-tp", "dsl-script--0-l1-sl"}


def test_pending_layers_go_when_their_time_is_over(market: Market) -> None:
    market.buy(1, stack=plan(layer(OrderKind.STOP, "2"), layer(OrderKind.LIMIT, "-2"), within=5_000))
    filled_at = market.now
    market.quote(100, at=filled_at + 4_999)
    assert len(market.working) == 2
    market.quote(101, at=filled_at + 5_000)
    assert market.working == []


def test_pending_layers_go_when_every_filled_layer_is_closed(market: Market) -> None:
    market.buy(1, stop_loss=by(3), take_profit=by(4), stack=plan(layer(OrderKind.STOP, "2"), layer(OrderKind.LIMIT, "-20")))
    market.quote(102)
    market.quote(104)
    assert "dsl-script--0-l3" in market.levels()
    market.quote(106)
    assert (market.net(), market.working) == (0, [])


@pytest.mark.parametrize("ended_by", ["close", "cancel", "opposite"])
def test_a_close_a_cancel_and_an_opposite_entry_end_a_pyramid(market: Market, ended_by: str) -> None:
    market.buy(1, stack=plan(layer(OrderKind.STOP, "2")))
    if ended_by == "opposite":
        market.sell(1)
    else:
        getattr(market, ended_by)()
    market.quote(103)
    assert market.net() == (1 if ended_by == "cancel" else 0)
    assert market.working == []


def test_a_seed_that_is_cancelled_has_no_layers(market: Market) -> None:
    market.buy(1, limit=98, stack=plan(layer(OrderKind.STOP, "2")))
    market.cancel()
    market.quote(98)
    assert (market.fills, market.working) == ([], [])


def test_a_layer_that_risk_refuses_stays_out_and_the_others_stay(market: Market) -> None:
    layers = plan(layer(OrderKind.STOP, "60"), layer(OrderKind.STOP, "3"))
    assert market.buy(1, stack=layers, rule=7)
    assert kinds(market) == {"l3": OrderKind.STOP}
    assert len(market.told(RiskRejected)) == 1
    assert market.script.rearmed == []


def test_a_layer_below_zero_is_left_out_and_logged(market: Market) -> None:
    market.buy(1, stack=plan(layer(OrderKind.LIMIT, "-100"), layer(OrderKind.LIMIT, "-1")))
    assert kinds(market) == {"l3": OrderKind.LIMIT}
    assert [event.level for event in market.told(LogLine)] == ["WARN"]  # type: ignore[attr-defined]


def test_a_seed_filled_beyond_its_own_exits_closes_and_brings_no_layers(market: Market) -> None:
    market.buy(1, stop=102, stop_loss=by(1), take_profit=None, stack=plan(layer(OrderKind.STOP, "2")))
    market.enter(Side.BUY, 1, stop=101, stop_loss=None, take_profit=by(0), stack=plan(layer(OrderKind.STOP, "2")))
    market.quote(102)
    assert [order.id for order in market.working] == ["dsl-script--0-l1-sl", "dsl-script--0-l2"]
