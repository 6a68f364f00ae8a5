"""Stops that move: they follow the price, never loosen, fire on the side that pays, and keep their name."""

from decimal import Decimal

import pytest

from qkt.core.events import OrderAccepted, OrderCancelled, OrderModified, Tick
from qkt.core.terms import OrderKind, OrderState
from qkt.strategy import ExitForm, Trail, TrailingExit
from tests.market import GOLD, SILVER, Market, by, stepped, tightening, trailing


def trail_by(distance: object) -> Trail:
    return Trail(ExitForm.BY, Decimal(str(distance)))


def trail_pct(percent: object) -> Trail:
    return Trail(ExitForm.PCT, Decimal(str(percent)))


@pytest.fixture
def market() -> Market:
    market = Market(GOLD, SILVER)
    market.quote(250, 250)
    return market


def stop_of(market: Market) -> Decimal:
    (order,) = [order for order in market.working if order.stop is not None]
    assert order.stop is not None
    return order.stop


# ------------------------------------------------------------------ protective


def test_an_armed_trail_stands_until_it_is_armed_and_follows_from_then_on(market: Market) -> None:
    market.buy(1, stop_loss=trailing(4, arm_after=6))
    market.quote(253, 253)
    assert stop_of(market) == 246
    market.quote(256, 256)
    assert stop_of(market) == 252
    market.quote(258, 258)
    assert stop_of(market) == 254
    market.quote("254.1", "254.1")
    market.quote("253.9", "254.3")
    fill = market.fills[-1]
    assert (fill.kind, fill.price) == (OrderKind.ARMED_TRAILING_STOP, Decimal("253.9"))
    assert market.net() == 0


def test_an_unarmed_trail_is_a_plain_stop(market: Market) -> None:
    market.buy(1, stop_loss=trailing(4, arm_after=6))
    market.quote("255.9", "255.9")
    market.quote("245.9", "246.1")
    assert market.fills[-1].price == Decimal("245.9")


def test_arming_is_for_good(market: Market) -> None:
    market.buy(1, stop_loss=trailing(4, arm_after=6))
    market.quote(256, 256)
    market.quote("252.5", "252.5")
    assert stop_of(market) == 252


def test_the_trail_of_a_short_follows_the_price_down_and_fires_on_the_ask(market: Market) -> None:
    market.sell(1, stop_loss=trailing(4))
    market.quote(240, 240)
    assert stop_of(market) == 244
    market.quote("243.8", "243.9")
    assert market.net() == -1
    market.quote("243.7", "244")
    assert market.fills[-1].price == 244


def test_a_percent_trail_becomes_a_distance_at_the_fill(market: Market) -> None:
    market.buy(1, stop_loss=TrailingExit(trail_pct(2), Decimal(0)))
    market.quote(300, 300)
    assert stop_of(market) == 295


def test_a_gap_takes_two_steps_at_once(market: Market) -> None:
    market.buy(1, stop_loss=stepped(5, (4, 0), (9, 5)))
    market.quote(260, 260)
    assert stop_of(market) == 255


def test_a_step_that_would_loosen_the_stop_is_passed_over(market: Market) -> None:
    market.buy(1, stop_loss=stepped(5, (2, 1), (4, "0.5"), (6, 4)))
    market.quote("254.5", "254.5")
    assert stop_of(market) == 251
    market.quote(256, 256)
    assert stop_of(market) == 254


def test_the_level_moves_before_it_is_tested_on_the_same_tick(market: Market) -> None:
    market.buy(1, stop_loss=stepped(5, (2, 1)))
    market.quote("250.9", "253.3")  # the middle takes the step, the bid is beyond the new level
    assert (market.fills[-1].kind, market.fills[-1].price) == (OrderKind.STEPPED_STOP, Decimal("250.9"))


def test_a_stop_tightens_with_time_down_to_its_floor(market: Market) -> None:
    opened = market.now
    market.sell(1, stop_loss=tightening(8, 3, 60_000, 2))
    levels = []
    for minutes in (0.5, 1, 2, 5):
        market.quote(250, 250, at=opened + int(minutes * 60_000))
        levels.append(stop_of(market))
    assert levels == [258, 255, 252, 252]
    market.quote(252, 252)
    assert (market.fills[-1].kind, market.fills[-1].price) == (OrderKind.TIME_TIGHTENING_STOP, Decimal(252))


def test_an_entry_filled_by_the_broker_can_be_stopped_on_the_same_tick(market: Market) -> None:
    market.buy(1, limit=245, stop_loss=trailing(3))
    market.quote(241, 244)  # filled at 244, stop at 241
    assert [fill.price for fill in market.fills] == [244, 241]
    assert market.net() == 0


def test_the_target_goes_with_a_moving_stop_and_the_other_way_round(market: Market) -> None:
    market.buy(1, stop_loss=trailing(4), take_profit=by(10))
    market.quote(261, 261)
    assert market.working == []
    market.buy(1, stop_loss=trailing(4), take_profit=by(10))
    market.quote(256, 256)
    assert market.working == []
    cancelled = [event.order_id for event in market.told(OrderCancelled)]  # type: ignore[attr-defined]
    assert cancelled == ["dsl-script--1-sl", "dsl-script--3-tp"]


def test_a_moving_stop_goes_with_its_leg_and_shrinks_with_it(market: Market) -> None:
    market.buy(2, stop_loss=trailing(4))
    market.sell(1)
    assert [order.remaining for order in market.working] == [1]
    assert len(market.told(OrderModified)) == 1
    market.close()
    assert market.working == []
    market.quote(200, 200)
    assert market.net() == 0


# -------------------------------------------------------------------- entries


def test_a_trailing_entry_is_held_follows_the_extreme_and_keeps_its_kind(market: Market) -> None:
    market.buy(1, trail=trail_by(3), stop_loss=by(2))
    assert [order.state for order in market.working] == [OrderState.PENDING]
    assert [event.order_id for event in market.told(OrderAccepted)] == ["dsl-script--0"]  # type: ignore[attr-defined]
    market.quote(244, 244)
    assert stop_of(market) == 247
    market.quote("246.9", "246.95")
    market.quote("246.9", 247)
    assert (market.fills[0].kind, market.fills[0].price) == (OrderKind.TRAILING_STOP, Decimal(247))
    assert market.levels() == {"dsl-script--1-sl": ("1", Decimal(245))}


def test_a_percent_trail_of_an_entry_is_measured_from_the_extreme(market: Market) -> None:
    market.sell(1, trail=trail_pct("0.6"))
    market.quote("252.37", "252.37")
    assert stop_of(market) == Decimal("250.85578000")


def test_a_trailing_entry_starts_at_the_last_known_price(market: Market) -> None:
    market.sell(1, trail=trail_by(3))
    assert stop_of(market) == 247
    market.quote(247, 247)
    assert market.net() == -1


def test_a_trailing_stop_limit_becomes_a_limit_beyond_its_level(market: Market) -> None:
    market.sell(1, trail=trail_by(3), limit_offset="0.5")
    market.quote(240, 240)
    (order,) = market.working
    assert (order.state, order.limit) == (OrderState.WORKING, Decimal("246.5"))
    market.quote("246.7", "246.9")
    assert (market.fills[0].kind, market.fills[0].price) == (OrderKind.TRAILING_STOP_LIMIT, Decimal("246.7"))


def test_held_entries_are_open_orders(market: Market) -> None:
    market.sell(1, trail=trail_by(3))
    assert market.script.context.open_orders(GOLD) == 1
    market.cancel()
    assert market.script.context.open_orders(GOLD) == 0


def test_a_cancelled_held_order_says_so_and_never_fires(market: Market) -> None:
    market.sell(1, trail=trail_by(3))
    (order,) = market.working
    market.cancel()
    assert [event.reason for event in market.told(OrderCancelled)] == ["cancelled by the strategy"]  # type: ignore[attr-defined]
    market.quote(200, 200)
    assert market.fills == []
    assert order.state is OrderState.CANCELLED


def test_the_deadline_of_a_held_order_beats_its_trigger_and_any_tick_brings_it(market: Market) -> None:
    market.sell(1, trail=trail_by(3), good_till=120_000)
    market.quote(200, 200, at=120_000)
    assert market.fills == []
    market.sell(1, trail=trail_by(3), good_till=130_000)
    market.quote(20, 20, at=130_000, symbol=SILVER)
    assert market.working == []


def test_the_level_in_a_bar_is_the_price_when_the_market_ran_through_it(market: Market) -> None:
    market.buy(1, stop_loss=trailing(4))
    market.session.on_tick(Tick(GOLD, 70_000, 256.0, synthetic=2))
    market.session.on_tick(Tick(GOLD, 71_000, 248.0, synthetic=2))
    assert market.fills[-1].price == 252


def test_a_gap_costs_more_than_the_level(market: Market) -> None:
    market.buy(1, stop_loss=trailing(4))
    market.session.on_tick(Tick(GOLD, 70_000, 256.0, synthetic=2))
    market.session.on_tick(Tick(GOLD, 71_000, 248.0, synthetic=1))
    assert market.fills[-1].price == 248


def test_levels_never_loosen() -> None:
    import random

    pick = random.Random(5)
    specs = [trailing(3), trailing(3, arm_after=2), stepped(4, (1, -2), (2, 0), (5, 4)), tightening(4, 1, 30_000, 1)]
    for spec in specs * 5:
        for long in (True, False):
            market = Market()
            market.quote(100, 100)
            (market.buy if long else market.sell)(1, stop_loss=spec)
            seen = [stop_of(market)]
            price = 100.0
            while market.working:
                price = max(50.0, price + pick.choice([-1, -0.5, 0.5, 1]))
                market.quote(price, price + 0.25, at=market.now + pick.choice([1_000, 20_000]))
                if market.working:
                    seen.append(stop_of(market))
            assert seen == sorted(seen, reverse=not long)
