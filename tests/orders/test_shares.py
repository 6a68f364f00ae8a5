"""What an entry has in its leg: targets in parts, time exits, and exits that never exceed the leg."""

from decimal import Decimal

import pytest

from qkt.core.events import LogLine, OrderCancelled
from qkt.core.terms import Purpose
from tests.market import GOLD, SILVER, Market, at, by, parts, rr, trailing
from tests.orders.test_slow_venue import SlowVenue

HOUR = 3_600_000


@pytest.fixture
def market() -> Market:
    market = Market(GOLD, SILVER)
    market.quote(100, 100)
    return market


THIRDS = parts(("0.5", by(10)), ("0.3", at(115)), ("0.2", rr(4)))


# ------------------------------------------------------------------- scale-out


def test_a_target_in_parts_takes_its_fractions_and_the_stop_shrinks_with_each(market: Market) -> None:
    market.buy(1, stop_loss=by(5), take_profit=THIRDS)
    assert market.levels() == {
        "dsl-script--1-leg-0": ("0.5", Decimal(110)),
        "dsl-script--1-leg-1": ("0.3", Decimal(115)),
        "dsl-script--1-leg-2": ("0.2", Decimal(120)),
        "dsl-script--1-sl": ("1", Decimal(95)),
    }
    market.quote(111, 111)
    assert market.levels()["dsl-script--1-sl"][0] == "0.5"
    market.quote(116, 116)
    market.quote(121, 121)
    assert market.net() == 0
    assert market.working == []
    assert {fill.purpose for fill in market.fills[1:]} == {Purpose.TAKE_PROFIT}


def test_what_no_part_takes_runs_on_under_the_stop(market: Market) -> None:
    market.buy(1, stop_loss=trailing(5), take_profit=parts(("0.25", by(10))))
    market.quote(112, 112)
    assert [(order.id, order.remaining, order.stop) for order in market.working] == [
        ("dsl-script--1-sl", Decimal("0.75"), Decimal(107))
    ]


def test_the_stop_takes_every_part_with_it(market: Market) -> None:
    market.buy(1, stop_loss=by(5), take_profit=THIRDS)
    market.quote(111, 111)
    market.quote(94, 94)
    assert market.net() == 0
    assert market.working == []


def test_a_part_is_rounded_down_to_the_step_and_the_rest_stays_guarded(market: Market) -> None:
    market.buy("0.05", stop_loss=by(5), take_profit=parts(("0.5", by(10)), ("0.5", by(20))))
    market.quote(121, 121)
    assert market.net() == Decimal("0.01")
    assert market.levels() == {"dsl-script--1-sl": ("0.01", Decimal(95))}


def test_the_last_parts_give_way_when_the_leg_shrinks(market: Market) -> None:
    market.buy(1, stop_loss=by(5), take_profit=THIRDS)
    market.sell("0.4")
    sizes = {name: size for name, (size, _) in market.levels().items()}
    assert sizes == {"dsl-script--1-leg-0": "0.5", "dsl-script--1-leg-1": "0.1", "dsl-script--1-sl": "0.6"}


def test_parts_grow_with_every_slice_of_the_entry() -> None:
    venue = SlowVenue()
    venue.enter("1", take_profit=parts(("0.5", by(5)), ("0.3", by(9))))
    venue.fill("e", "0.4", complete=False)
    assert [venue.sent[f"b-leg-{n}"].quantity for n in (0, 1)] == [Decimal("0.2"), Decimal("0.12")]
    for name in ("b-leg-0", "b-leg-1", "b-sl"):
        venue.accept(name)
    venue.fill("e", "0.6")
    assert venue.sizes == [("b-leg-0", Decimal("0.5")), ("b-leg-1", Decimal("0.3")), ("b-sl", Decimal("1.0"))]


def test_a_partial_stop_leaves_no_more_targets_than_position() -> None:
    venue = SlowVenue()
    venue.enter("1", take_profit=parts(("0.5", by(5)), ("0.5", by(9))))
    venue.fill("e", "1")
    for name in ("b-leg-0", "b-leg-1", "b-sl"):
        venue.accept(name)
    venue.fill("b-sl", "0.7", complete=False)
    assert venue.sizes == [("b-leg-0", Decimal("0.3"))]
    assert venue.cancels == ["b-leg-1"]


def test_what_fills_after_the_first_exits_are_done_gets_exits_of_its_own() -> None:
    venue = SlowVenue()
    venue.enter("1")
    venue.fill("e", "0.4", complete=False)
    venue.accept("b-tp")
    venue.accept("b-sl")
    venue.fill("b-tp", "0.4")
    venue.fill("e", "0.6")
    assert {name: venue.sent[name].quantity for name in ("b-tp-2", "b-sl-2")} == {
        "b-tp-2": Decimal("0.6"),
        "b-sl-2": Decimal("0.6"),
    }


def test_a_size_waits_for_the_acknowledgement_of_its_order() -> None:
    venue = SlowVenue()
    venue.enter("1")
    venue.fill("e", "0.4", complete=False)
    venue.fill("e", "0.6")
    assert venue.sizes == []
    venue.accept("b-sl", "0.4")
    assert venue.sizes == [("b-sl", Decimal("1.0"))]
    assert venue.sent["b-sl"].quantity == 1


def test_an_order_sent_twice_is_acknowledged_again_and_placed_once() -> None:
    from qkt.orders import OrderApproved

    venue = SlowVenue()
    venue.enter("1")
    entry = venue.sent.pop("e")
    venue.scope.publish(OrderApproved(entry))
    assert venue.sent == {}
    assert venue.acknowledged == ["e", "e"]


# ------------------------------------------------------------------- time exit


def test_a_time_exit_closes_what_its_entry_opened_and_nothing_else(market: Market) -> None:
    market.buy(1, stop_loss=by(5), time_exit_ms=HOUR)
    market.buy(2, stop_loss=by(7), take_profit=by(30))
    market.quote(103, 103, at=60_000 + HOUR - 1)
    assert market.net() == 3
    market.quote(104, 104, at=60_000 + HOUR)
    assert (market.fills[-1].purpose, market.fills[-1].quantity, market.fills[-1].price) == (Purpose.CLOSE, 1, 104)
    assert market.levels() == {"dsl-script--3-tp": ("2", Decimal(130)), "dsl-script--3-sl": ("2", Decimal(93))}


def test_a_time_exit_leaves_the_bracket_of_its_position_nowhere(market: Market) -> None:
    market.buy(1, stop_loss=by(5), take_profit=by(9), time_exit_ms=HOUR)
    market.quote(103, 103, at=60_000 + HOUR)
    assert market.net() == 0
    assert market.working == []
    assert {event.order_id for event in market.told(OrderCancelled)} == {"dsl-script--1-tp", "dsl-script--1-sl"}  # type: ignore[attr-defined]


def test_a_tick_of_any_symbol_brings_a_time_exit(market: Market) -> None:
    market.buy(1, time_exit_ms=HOUR)
    market.quote(20, 20, at=60_000 + HOUR, symbol=SILVER)
    assert market.net() == 0
    assert market.fills[-1].price == 100


def test_time_runs_from_the_fill_and_not_for_an_order_that_waits(market: Market) -> None:
    market.buy(1, limit=95, time_exit_ms=HOUR)
    market.quote(100, 100, at=60_000 + 2 * HOUR)
    assert len(market.working) == 1
    market.quote(94, 94, at=60_000 + 3 * HOUR)
    market.quote(96, 96, at=60_000 + 4 * HOUR - 1)
    assert market.net() == 1
    market.quote(96, 96, at=60_000 + 4 * HOUR)
    assert market.net() == 0


def test_a_time_exit_closes_no_more_than_its_entry_still_has(market: Market) -> None:
    market.buy(1, take_profit=parts(("0.4", by(5))), time_exit_ms=HOUR)
    market.quote(106, 106)
    market.quote(103, 103, at=60_000 + HOUR)
    assert [fill.quantity for fill in market.fills] == [1, Decimal("0.4"), Decimal("0.6")]


def test_nothing_is_left_for_a_time_exit_whose_position_is_gone(market: Market) -> None:
    market.buy(1, stop_loss=by(5), time_exit_ms=HOUR)
    market.close()
    market.buy(1)
    market.quote(103, 103, at=60_000 + HOUR)
    assert market.net() == 1


def test_an_opposite_entry_takes_the_newest_share_first(market: Market) -> None:
    market.buy(1, stop_loss=by(5))
    market.buy(1, stop_loss=by(7))
    market.sell("1.5")
    assert market.levels() == {"dsl-script--1-sl": ("0.5", Decimal(95))}


def test_a_fill_beyond_a_part_of_its_target_is_closed_at_market(market: Market) -> None:
    market.buy(1, stop_loss=by(5), take_profit=parts(("0.5", by(5)), ("0.5", at(99))))
    assert market.net() == 0
    assert "beyond its own exits" in market.told(LogLine)[0].text  # type: ignore[attr-defined]
