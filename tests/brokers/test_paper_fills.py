"""At what price the paper broker fills, and when."""

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import OrderFilled, OrderRejected, Tick
from tests.market import GOLD, Market, at, by, instrument

MID = ExecutionSettings(fills="mid")


def quotes(**terms: object) -> Market:
    return Market(terms={"GOLD": instrument(**terms)})


def mid() -> Market:
    return Market(execution=MID, terms={"GOLD": instrument(slippage_points=Decimal(50))})


def prices(market: Market) -> list[str]:
    return [f"{fill.price.normalize():f}" for fill in market.fills]


def test_market_orders_pay_their_side() -> None:
    market = quotes()
    market.quote("61.30", "61.44")
    market.buy(1)
    market.sell(1)
    assert prices(market) == ["61.44", "61.3"]


def test_mid_fills_take_the_ticks_price_and_no_slippage() -> None:
    market = mid()
    market.quote("61.30", "61.44")
    market.buy(1)
    market.sell(1)
    assert prices(market) == ["61.37", "61.37"]


def test_a_buy_stop_triggers_on_the_ask_and_fills_at_it_or_at_the_middle() -> None:
    for market, price in ((quotes(), "61.44"), (mid(), "61.37")):
        market.quote("61.00", "61.10")
        market.buy(1, stop="61.40")
        market.quote("61.30", "61.39")
        assert market.fills == []
        market.quote("61.30", "61.44")
        assert prices(market) == [price]


def test_a_stop_hit_across_a_gap_fills_at_the_first_price_beyond_it() -> None:
    market = quotes()
    market.quote(63, "63.1")
    market.buy(1, stop_loss=at("61.40"))
    market.quote("63.05", "63.15")
    market.quote("60.90", "61.00")
    assert prices(market)[-1] == "60.9"


def test_a_limit_is_filled_at_itself_or_better_and_equality_counts() -> None:
    market = quotes()
    market.quote(100, 101)
    market.buy(1, limit=99)
    market.quote("98.5", "99.01")
    assert market.fills == []
    market.quote("98.5", "99")
    market.buy(1, limit=98)
    market.quote("96", "96.5")
    assert prices(market) == ["99", "96.5"]


def test_a_resting_limit_that_is_marketable_when_submitted_waits_for_the_next_tick() -> None:
    market = quotes()
    market.quote(100, 101)
    market.buy(1, limit=105)
    assert market.fills == []
    market.quote(100, 101)
    assert prices(market) == ["101"]


def test_slippage_is_adverse_for_market_orders_and_stops_and_never_for_limits() -> None:
    market = quotes(slippage_points=Decimal(3))
    market.quote(100, 101)
    market.buy(1)
    market.sell(1)
    market.buy(1, stop=103)
    market.quote(102, 103)
    market.sell(1, limit=104)
    market.quote(104, 105)
    assert prices(market) == ["101.03", "99.97", "103.03", "104"]


def test_slippage_in_rows_is_measured_against_what_the_order_was_meant_to_get() -> None:
    market = quotes(slippage_points=Decimal(3))
    market.quote(100, 102)
    market.buy(1)
    market.sell(1, stop=98)
    market.quote("97.5", 99)
    assert [row.slippage for row in market.books.trades] == [Decimal("1.03"), Decimal("0.53")]


def test_without_quotes_half_the_modelled_spread_is_paid() -> None:
    market = quotes(spread_points=Decimal(4))
    market.quote(100)
    market.buy(1)
    market.sell(1)
    assert prices(market) == ["100.02", "99.98"]


@pytest.mark.parametrize("model", [ExecutionSettings(), MID])
def test_a_stop_limit_marketable_at_its_trigger_takes_the_sides_price(model: ExecutionSettings) -> None:
    market = Market(execution=model)
    market.quote(49, "49.1")
    market.buy(1, stop=50, limit="50.10")
    market.quote("49.94", "50.04")
    assert prices(market) == ["50.04"]
    assert market.fills[0].kind == "StopLimit"


def test_a_stop_limit_not_marketable_at_its_trigger_rests_as_a_limit() -> None:
    market = quotes()
    market.quote(49, "49.1")
    market.buy(1, stop=50, limit="50.10")
    market.quote("50.20", "50.30")
    market.quote("50.05", "50.15")
    assert market.fills == []
    market.quote("49.00", "50.10")
    assert prices(market) == ["50.1"]


def test_quantity_is_floored_once_at_the_broker() -> None:
    market = quotes()
    market.quote(100, 101)
    market.buy("0.0199")
    assert market.fills[0].quantity == Decimal("0.01")
    assert str(market.fills[0].quantity) == "0.01"


def test_above_the_maximum_is_a_rejection() -> None:
    market = quotes(volume_max=Decimal(2))
    market.quote(100, 101)
    market.buy("2.01")
    assert "above the maximum" in market.told(OrderRejected)[0].reason  # type: ignore[attr-defined]


def test_inside_a_bar_stops_and_limits_fill_at_their_level_and_beyond_its_open_at_the_open() -> None:
    market = quotes()

    def bar(*path: tuple[float, int]) -> None:
        for price, kind in path:
            market.now += 1_000
            market.session.on_tick(Tick(GOLD, market.now, price, synthetic=kind))

    bar((80.0, 1))
    market.sell(1, stop_loss=at(83), take_profit=at(77))
    bar((84.0, 2), (76.0, 2), (79.0, 2))
    assert prices(market) == ["80", "83"]
    market.buy(1, stop_loss=at(75))
    bar((70.0, 1))  # the next bar opens beyond the stop
    assert prices(market)[-1] == "70"


def test_a_tick_with_crossed_or_non_positive_quotes_is_dropped_and_counted() -> None:
    market = quotes()
    market.quote(100, 101)
    market.buy(1, stop_loss=by(10))
    market.quote(60, 50)
    market.quote(-1, 1)
    market.quote(0)
    assert market.session.dropped == 3
    assert len(market.told(OrderFilled)) == 1


def test_a_whole_close_is_written_with_the_decimals_of_the_step() -> None:
    market = quotes()
    market.quote(100, 101)
    market.buy("0.3")
    market.close()
    assert [str(fill.quantity) for fill in market.fills] == ["0.30", "0.30"]
