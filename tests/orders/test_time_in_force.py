"""How long an order may live: at once or not at all, this session, and what happens first on one tick."""

from decimal import Decimal

import pytest

from qkt.core.events import OrderCancelled, OrderRejected
from qkt.core.terms import OrderKind, Purpose, TimeInForce
from tests.market import Market, by, trailing
from tests.orders.test_moving_stops import trail_by

IMMEDIATE = pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
HOUR = 3_600_000


@pytest.fixture
def market() -> Market:
    market = Market()
    market.quote(99, 101)
    return market


def reasons(market: Market) -> list[str]:
    return [event.reason for event in market.told(OrderCancelled)]  # type: ignore[attr-defined]


@IMMEDIATE
def test_an_immediate_limit_takes_what_the_market_offers_on_arrival(market: Market, tif: TimeInForce) -> None:
    market.buy(1, limit=102, tif=tif)
    assert [(fill.kind, fill.price) for fill in market.fills] == [(OrderKind.LIMIT, Decimal(101))]


@IMMEDIATE
def test_an_immediate_limit_out_of_reach_goes_at_once(market: Market, tif: TimeInForce) -> None:
    market.buy(1, limit="100.9", tif=tif)
    assert market.fills == []
    assert market.working == []
    assert reasons(market) == ["the market does not offer its limit at once"]


@IMMEDIATE
def test_a_stop_waits_for_its_trigger_first(market: Market, tif: TimeInForce) -> None:
    market.buy(1, stop=105, tif=tif)
    market.quote(103, 104)
    market.quote(105, 106)
    assert [fill.price for fill in market.fills] == [106]


@IMMEDIATE
def test_a_stop_limit_is_immediate_when_it_is_triggered(market: Market, tif: TimeInForce) -> None:
    market.buy(1, stop=105, limit="105.5", tif=tif)
    market.buy(2, stop=105, limit="106.5", tif=tif)
    market.quote(105, 106)
    assert [fill.quantity for fill in market.fills] == [2]
    assert market.working == []


@IMMEDIATE
def test_a_trailing_stop_limit_is_immediate_when_it_is_triggered(market: Market, tif: TimeInForce) -> None:
    market.sell(1, trail=trail_by(3), limit_offset=0, tif=tif)
    market.sell(2, trail=trail_by(3), limit_offset=5, tif=tif)
    market.quote(96, 98)
    assert [(fill.quantity, fill.price) for fill in market.fills] == [(2, Decimal(96))]
    assert market.working == []


def test_an_order_for_the_day_goes_with_the_session_of_its_market(market: Market) -> None:
    market.buy(1, limit=90, tif=TimeInForce.DAY)
    market.sell(1, trail=trail_by(50), tif=TimeInForce.DAY)
    market.quote(99, 101, at=22 * HOUR - 1)
    assert len(market.working) == 2
    market.quote(40, 41, at=22 * HOUR)
    assert market.fills == []
    assert reasons(market) == [f"expired at {22 * HOUR}"] * 2


def test_the_day_of_a_coin_ends_at_midnight() -> None:
    market = Market("SIM:BTCUSDT")
    market.quote(99, 101)
    market.buy(1, limit=90, tif=TimeInForce.DAY)
    market.quote(99, 101, at=24 * HOUR - 1)
    assert len(market.working) == 1
    market.quote(99, 101, at=24 * HOUR)
    assert market.working == []


def test_exits_live_until_they_are_cancelled_whatever_their_entry(market: Market) -> None:
    market.buy(1, limit=102, stop_loss=trailing(4), take_profit=by(9), tif=TimeInForce.IOC)
    market.buy(1, limit=99, stop_loss=by(4), tif=TimeInForce.DAY)
    market.quote(98, 99)
    market.quote(99, 101, at=40 * HOUR)
    assert len(market.working) == 3
    assert all(order.tif is TimeInForce.GTC and order.expires_at is None for order in market.working)


def test_a_held_order_that_has_expired_already_is_rejected_before_it_is_held(market: Market) -> None:
    market.sell(1, trail=trail_by(3), good_till=60_000, rule=3)
    assert "expired before it was sent" in market.told(OrderRejected)[0].reason  # type: ignore[attr-defined]
    assert market.working == []


def test_on_one_tick_the_venue_comes_first_then_the_clock_then_held_stops(market: Market) -> None:
    market.buy(1, stop_loss=by(4), time_exit_ms=HOUR)
    market.quote(96, 98, at=60_000 + HOUR)
    assert market.fills[-1].purpose is Purpose.STOP_LOSS
    market.quote(99, 101)
    market.buy(1, stop_loss=trailing(4), time_exit_ms=HOUR)
    market.quote(96, 98, at=market.now + HOUR)
    assert market.fills[-1].purpose is Purpose.CLOSE
    assert market.working == []
