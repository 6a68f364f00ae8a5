"""A venue that refuses exits and closes, or hears late of their size: no position is left standing bare."""

from decimal import Decimal
from itertools import pairwise

from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import LogLine, OrderModified, OrderRejected, Tick
from qkt.core.terms import Purpose
from qkt.orders import Order
from tests.market import GOLD, Market, at, by, parts, trailing

FLAT: tuple[Decimal, list[Order]] = (Decimal(0), [])


def refusing(every: int) -> Market:
    market = Market(execution=ExecutionSettings.of(reject_every=every))
    market.quote(100, 101)
    return market


def test_the_engine_holds_a_stop_that_its_venue_refused() -> None:
    market = refusing(3)
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    assert market.levels() == {
        "dsl-script--1-tp": ("1", Decimal(107)),
        "dsl-script--1-sl-again-1": ("1", Decimal(97)),
    }
    assert [line.level for line in market.told(LogLine)] == ["ERROR"]  # type: ignore[attr-defined]
    market.quote("97.1", 98)
    assert len(market.fills) == 1
    market.quote(97, 98)
    assert (market.fills[-1].price, market.fills[-1].purpose) == (Decimal(97), Purpose.STOP_LOSS)
    assert (market.net(), market.working) == FLAT


def test_the_held_stop_of_a_short_shrinks_with_its_position() -> None:
    market = refusing(2)
    market.sell(1, stop_loss=by(4))
    market.buy("0.4")
    assert list(market.levels().values()) == [("0.6", Decimal(104))]
    market.quote(103, 104)
    market.quote(103, 104)  # the first close was refused too
    assert market.fills[-1].quantity == Decimal("0.60")
    assert market.net() == 0


def test_a_stop_that_was_hit_is_sent_until_the_venue_takes_it() -> None:
    market = refusing(2)
    market.buy(1, stop_loss=trailing(4))
    market.quote(97, 98)
    assert len(market.told(OrderRejected)) == 1
    assert market.net() == 1
    market.quote(105, 106)  # a second later it is closed, wherever the market is: the stop was hit
    assert (market.fills[-1].order_id, market.fills[-1].purpose) == ("dsl-script--1-sl-again-1", Purpose.STOP_LOSS)
    assert (market.net(), market.working) == FLAT


def test_a_time_exit_is_tried_again() -> None:
    market = refusing(2)
    market.buy(1, time_exit_ms=5_000)
    market.quote(100, 101, at=65_000)
    assert len(market.told(OrderRejected)) == 1
    assert market.net() == 1
    market.quote(100, 101, at=65_999)
    assert market.net() == 1
    market.quote(100, 101, at=66_000)
    assert market.fills[-1].order_id == "dsl-script--0-close-again-1"
    assert market.net() == 0


def test_the_pause_before_the_next_try_grows() -> None:
    market = Market()
    market.quote(100, 101)
    market.buy(1, time_exit_ms=1_000)
    market.session.broker._acceptance.refusal = lambda order, quantity: "closed for today"  # type: ignore[attr-defined]
    for _ in range(200):
        market.quote(100, 101)
    refusals = [event.at for event in market.told(OrderRejected)]
    assert [b - a for a, b in pairwise(refusals)] == [1_000, 2_000, 4_000, 8_000, 16_000, *[30_000] * 5]


def test_an_entry_beyond_its_exits_is_closed_although_the_first_close_is_refused() -> None:
    market = refusing(2)
    market.buy(1, stop_loss=at(102))
    assert market.net() == 1
    market.quote(100, 101)
    assert (market.net(), market.working) == FLAT


def sized(market: Market, size: float, bid: float = 100.0) -> None:
    market.now += 1_000
    market.session.on_tick(Tick(GOLD, market.now, bid + 0.5, bid, bid + 1, bid_size=size, ask_size=size))


def exits(market: Market) -> list[str]:
    return [f"{order.remaining.normalize():f}" for order in market.working if order.reduce_only]


def test_parts_too_small_at_the_first_slice_come_with_the_next_and_stand_on_steps() -> None:
    market = Market(execution=ExecutionSettings.of(partial="depth"))
    sized(market, 0.02)
    market.buy("0.1", stop_loss=by(4), take_profit=parts(("0.33", by(2)), ("0.33", by(3)), ("0.34", by(4))))
    assert exits(market) == ["0.02"]
    sized(market, 0.04)
    assert exits(market) == ["0.06", "0.01", "0.01", "0.02"]
    sized(market, 1)
    assert exits(market) == ["0.1", "0.03", "0.03", "0.03"]
    assert {event.quantity % Decimal("0.01") for event in market.told(OrderModified)} == {0}  # type: ignore[attr-defined]
    market.quote(106, 107)
    assert [str(fill.quantity) for fill in market.fills[3:]] == ["0.03", "0.03", "0.03"]
    assert list(market.levels().values()) == [("0.01", Decimal(97))]


def test_a_stop_hit_before_its_venue_knew_its_new_size_takes_the_rest_out_too() -> None:
    market = Market(execution=ExecutionSettings.of(partial="depth", modify_latency=60_000))
    sized(market, 0.4)
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    sized(market, 0.3)
    sized(market, 5, bid=90)
    assert [f"{fill.purpose} {fill.quantity}" for fill in market.fills[2:]] == ["ENTRY 0.30", "STOP 0.40", "STOP 0.60"]
    assert market.net() == 0
    assert market.working == []
