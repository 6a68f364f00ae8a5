"""Exits: anchored at the fill, bound to their leg, reduce-only, gone when the leg is gone."""

from decimal import Decimal

import pytest

from qkt.core.events import LogLine, OrderAccepted, OrderCancelled
from tests.market import Market, at, by, pct, rr


@pytest.fixture
def market() -> Market:
    market = Market()
    market.quote(99, 101)
    return market


def test_relative_exits_are_anchored_at_the_fill_not_at_the_signal(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=rr("1.5"))
    assert market.fills[0].price == 101
    assert market.levels() == {
        "dsl-script--1-tp": ("1", Decimal("107")),
        "dsl-script--1-sl": ("1", Decimal("97")),
    }


def test_percent_exits_are_points_of_the_fill_for_a_short_too(market: Market) -> None:
    market.sell(2, stop_loss=pct(2), take_profit=pct("0.5"))
    assert [level for _, level in market.levels().values()] == [Decimal("98.505"), Decimal("100.98")]


def test_absolute_exits_stay_where_they_are(market: Market) -> None:
    market.buy(1, stop_loss=at("95.5"), take_profit=rr(2))
    assert [level for _, level in market.levels().values()] == [Decimal("112"), Decimal("95.5")]


def test_a_lone_stop_and_a_lone_target_are_legal(market: Market) -> None:
    market.buy(1, stop_loss=by(4))
    market.buy(1, take_profit=by(6))
    assert [level for _, level in market.levels().values()] == [Decimal("97"), Decimal("107")]


def test_the_stop_cancels_the_target_and_the_other_way_round(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.quote("96.9", 97)
    assert [fill.order_id for fill in market.fills] == ["dsl-script--0", "dsl-script--1-sl"]
    assert market.working == []
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.quote("103.2", "103.4")
    assert market.fills[-1].order_id == "dsl-script--3-tp"
    assert market.working == []
    assert market.net() == 0


def test_a_plain_opposite_order_that_flattens_leaves_no_orphan(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.sell(1)
    assert market.net() == 0
    assert market.working == []
    market.quote(50, 51)
    market.quote(200, 201)
    assert len(market.fills) == 2


def test_exits_shrink_with_their_leg(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.sell("0.4")
    assert {quantity for quantity, _ in market.levels().values()} == {"0.6"}
    market.quote("96.9", 97)
    assert market.fills[-1].quantity == Decimal("0.60")
    assert market.net() == 0


def test_a_flip_cancels_the_exits_of_the_old_leg_and_guards_the_new_one(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.sell("1.5", stop_loss=by(10), take_profit=by(20))
    assert market.net() == Decimal("-0.5")
    assert market.levels() == {
        "dsl-script--3-tp": ("0.5", Decimal("79")),
        "dsl-script--3-sl": ("0.5", Decimal("109")),
    }


def test_an_entry_that_only_reduces_places_no_exits(market: Market) -> None:
    market.buy(1)
    market.sell("0.5", stop_loss=by(4), take_profit=by(6))
    assert market.net() == Decimal("0.5")
    assert market.working == []


def test_of_several_pairs_on_one_leg_the_newest_shrink_first(market: Market) -> None:
    market.buy("0.5", stop_loss=by(10))
    market.buy("0.3", stop_loss=by(20))
    market.sell("0.4")
    assert [quantity for quantity, _ in market.levels().values()] == ["0.4"]
    market.sell("0.1")
    assert market.levels() == {"dsl-script--1-sl": ("0.3", Decimal("91"))}


def test_a_pair_keeps_its_size_while_the_leg_has_room_for_all(market: Market) -> None:
    market.buy("0.5")
    market.buy("0.3", stop_loss=by(20))
    market.sell("0.4")
    assert [quantity for quantity, _ in market.levels().values()] == ["0.3"]


def test_close_cancels_the_exits_only_after_the_close_was_accepted(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.close()
    events = sorted(market.events, key=lambda event: event.seq)
    cancelled = [event for event in events if isinstance(event, OrderCancelled)]
    accepted = [event for event in events if isinstance(event, OrderAccepted)]
    assert len(cancelled) == 2
    assert cancelled[0].seq > accepted[-1].seq
    assert market.net() == 0
    assert market.working == []


def test_cancel_spares_protection_unless_it_is_included(market: Market) -> None:
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    market.buy(1, limit=90)
    market.cancel()
    assert set(market.levels()) == {"dsl-script--1-tp", "dsl-script--1-sl"}
    market.cancel(including_protection=True)
    assert market.working == []
    assert market.net() == 1


def test_exits_beyond_the_fill_close_the_position_at_once_and_say_so(market: Market) -> None:
    market.buy(1, stop_loss=at(102), take_profit=at(110))
    assert market.net() == 0
    assert market.working == []
    assert "beyond its own exits" in market.told(LogLine)[0].text  # type: ignore[attr-defined]


def test_the_exits_of_a_pending_entry_wait_for_its_fill(market: Market) -> None:
    market.buy(1, limit=95, stop_loss=by(4), take_profit=by(6))
    assert list(market.levels()) == ["dsl-script--0"]
    market.quote("94.7", "94.9")
    assert market.levels()["dsl-script--1-sl"] == ("1", Decimal("90.9"))


def test_an_entry_cancelled_before_its_fill_places_nothing(market: Market) -> None:
    market.buy(1, limit=95, stop_loss=by(4), take_profit=by(6))
    market.cancel()
    market.quote(90, 91)
    assert market.fills == []
    assert len(market.told(OrderCancelled)) == 1


def test_exits_are_first_tested_on_the_tick_after_the_entry(market: Market) -> None:
    market.buy(1, stop=103, stop_loss=at(99), take_profit=by(20))
    market.quote(90, 104)  # fills the entry; its stop at 99 is beyond the bid already
    assert [fill.order_id for fill in market.fills] == ["dsl-script--0"]
    market.quote(90, 104)
    assert market.fills[-1].order_id == "dsl-script--1-sl"


def test_nothing_is_left_after_any_round_trip(market: Market) -> None:
    for quantity in ("1", "0.37", "2.5"):
        market.buy(quantity, stop_loss=by(4), take_profit=by(6))
        market.quote("96.9", 97)
        market.quote(99, 101)
    assert market.working == []
    assert market.net() == 0
    assert len(market.books.round_trips) == 3


def test_a_stop_that_would_lie_below_zero_is_no_protection_and_closes_the_position(market: Market) -> None:
    market.buy(1, stop_loss=by(150))
    assert market.net() == 0
    assert market.working == []
    assert "beyond its own exits" in market.told(LogLine)[0].text  # type: ignore[attr-defined]
