"""How often and how fast: entries of a day, open symbols, pauses and rows of losses, runaways, and what venues ask for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.events import MarginRead, OrderRejected, RiskRejected
from qkt.core.terms import Side
from qkt.core.timeframe import DAY_MS, HOUR_MS
from qkt.risk import Cause, LossLimits, RiskLimits, StrategyLimits, VenueLimits
from qkt.strategy import OcoEntrySignal
from tests.market import GOLD, SILVER, Market

MINUTE = 60_000


def market(*, real: bool = False, venue: VenueLimits | None = None, **limits: object) -> Market:
    held = RiskLimits(
        losses=LossLimits(),
        every_strategy=StrategyLimits(**limits),  # type: ignore[arg-type]
        venue=venue or VenueLimits(),
    )
    made = Market(GOLD, SILVER, limits=held, real=real)
    made.quote(100)
    made.quote(10, symbol=SILVER)
    return made


def reasons(made: Market) -> list[str]:
    return [event.reason for event in made.told(RiskRejected)]  # type: ignore[attr-defined]


def causes(made: Market) -> list[str]:
    return [f"{halt.cause} {halt.lasts}" for halt in made.session.risk.halts]


def trade(made: Market, points: float, at: int | None = None) -> None:
    price = made.session._board.last(GOLD) or 0.0
    assert made.buy(1)
    made.quote(price + points, at=at)
    made.close()


# ------------------------------------------------------------------- entries


def test_so_many_entries_a_day_and_not_one_more() -> None:
    made = market(max_trades_per_day=2)
    trade(made, 1)
    trade(made, 1)
    assert not made.buy(1)
    assert reasons(made) == ["2 entries today, the limit is 2 trades per day"]
    assert made.script.context.account.entries_today == 2
    made.quote(100, at=DAY_MS)
    assert made.buy(1)


def test_working_entries_count_as_entries_of_the_day() -> None:
    made = market(max_trades_per_day=2)
    assert made.buy(1, limit=90)
    assert made.buy(1, limit=91)
    assert not made.buy(1)
    made.cancel()
    assert made.buy(1)


def test_alternatives_of_which_one_fills_are_one_entry() -> None:
    made = market(max_trades_per_day=2)
    pair = OcoEntrySignal("script", GOLD, None, made.entry(Side.BUY, 1, stop=110), made.entry(Side.SELL, 1, stop=90))
    assert made.fire(pair)
    assert made.buy(1, limit=95)
    assert not made.buy(1, limit=95)


def test_reducing_is_no_entry_and_passes_when_the_day_is_full() -> None:
    made = market(max_trades_per_day=1)
    made.buy(2)
    assert made.sell(1)
    assert not made.sell("1.01")  # a hundredth would open
    assert made.sell(1)
    assert made.net() == 0


def test_so_many_symbols_may_be_open_at_once_working_entries_included() -> None:
    made = market(max_open_positions=1)
    made.buy(1, limit=90)
    assert not made.buy(1, symbol=SILVER)
    assert reasons(made) == ["2 open positions of script exceed max 1 (open or working: SIM:GOLD)"]
    assert made.buy(1)  # of the symbol that is open already
    made.close()
    made.cancel()
    assert made.buy(1, symbol=SILVER)


# -------------------------------------------------------------------- losses


def test_after_a_loss_no_entry_passes_until_the_pause_is_over() -> None:
    made = market(cooldown_ms=10 * MINUTE)
    trade(made, -1)
    lost = made.now
    made.quote(99, at=lost + 10 * MINUTE - 1)
    assert not made.buy(1)
    made.script.context.time = made.now  # type: ignore[misc]
    assert made.script.context.account.cooldown_remaining == 1
    assert reasons(made) == ["cooling down after 1 losses in a row, until 1970-01-01T00:11:02Z"]
    made.quote(99, at=lost + 10 * MINUTE)
    assert made.buy(1)


def test_a_pause_after_two_losses_waits_for_the_second_and_a_win_ends_the_row() -> None:
    made = market(cooldown_ms=10 * MINUTE, cooldown_after=2)
    trade(made, -1)
    trade(made, 1)
    trade(made, -1)
    trade(made, -1)
    assert not made.buy(1)


def test_so_many_losses_in_a_row_halt_for_good() -> None:
    made = market(loss_streak_halt=3)
    for points in (-1, -1, 0, 1, -1, -1):  # nothing gained and nothing lost leaves the row as it is
        trade(made, points)
    assert causes(made) == []
    trade(made, -1)
    assert causes(made) == ["loss streak PERSISTENT"]
    made.quote(100, at=3 * DAY_MS)
    assert not made.buy(1)


def test_a_row_of_losses_that_halted_for_the_day_begins_anew_after_it() -> None:
    made = market(loss_streak_halt=2, loss_streak_halt_scope="daily")
    trade(made, -1)
    trade(made, -1)
    assert causes(made) == ["loss streak DAILY"]
    made.quote(98, at=DAY_MS)
    assert made.script.context.account.loss_streak == 0
    trade(made, -1)
    assert causes(made) == []
    trade(made, -1)
    assert causes(made) == ["loss streak DAILY"]


# ------------------------------------------------------------------- runaways


@pytest.mark.parametrize("real", [True, False])
def test_more_than_ten_round_trips_in_ten_minutes_halt_everywhere(real: bool) -> None:
    made = market(real=real, venue=VenueLimits(measured_usage_hours=Decimal(0)))
    for _ in range(10):
        trade(made, 1)
    assert causes(made) == []
    trade(made, 1)
    assert causes(made) == ["round trips PERSISTENT"]
    assert not made.buy(1)


def test_a_strategy_that_is_meant_to_be_fast_may_be_as_fast_as_it_is_configured() -> None:
    made = market(runaway_round_trips=12)
    for _ in range(12):
        trade(made, 1)
    assert causes(made) == []
    trade(made, 1)
    (halt,) = made.session.risk.halts
    assert halt.reason == "13 closing fills within 600 s, the limit is 12"


def test_what_was_counted_long_ago_is_not_shown_as_used() -> None:
    made = market()
    trade(made, 1)
    (trips,) = [rule for rule in made.session.risk.rules if rule.cause == Cause.ROUND_TRIPS]
    assert [trips.usage(made.now + ms).now for ms in (0, 10 * MINUTE - 1, 10 * MINUTE)] == [1, 1, 0]


def test_a_close_that_wins_and_loses_nothing_is_no_round_trip() -> None:
    made = market()
    for _ in range(20):
        trade(made, 0)
    assert causes(made) == []


def test_the_eleventh_round_trip_passes_when_the_first_was_ten_minutes_ago() -> None:
    made = market()
    trade(made, 1)
    first = made.now
    for _ in range(9):
        trade(made, 1)
    trade(made, 1, at=first + 10 * MINUTE)
    assert causes(made) == []
    trade(made, 1, at=first + 10 * MINUTE)
    assert causes(made) == ["round trips PERSISTENT"]


def test_more_than_five_rejections_in_a_minute_halt() -> None:
    made = market()
    for n in range(6):
        assert causes(made) == []
        made.session.scope.publish(OrderRejected(f"o{n}", "script", GOLD, "no money"))
    assert causes(made) == ["rejections PERSISTENT"]
    assert [halt.strategy for halt in made.session.risk.halts] == ["script"]


def test_a_rejection_of_a_minute_ago_counts_no_more() -> None:
    made = market()
    made.session.scope.publish(OrderRejected("o0", "script", GOLD, "no money"))
    made.quote(100, at=made.now + MINUTE)
    for n in range(1, 6):
        made.session.scope.publish(OrderRejected(f"o{n}", "script", GOLD, "no money"))
    assert causes(made) == []
    made.session.scope.publish(OrderRejected("o6", "script", GOLD, "no money"))
    assert causes(made) == ["rejections PERSISTENT"]


# --------------------------------------------------------------- real venues


def test_below_the_margin_floor_no_entry_passes() -> None:
    made = market(real=True)
    for level, passes in ((None, True), ("200", True), ("199.99", False), ("0", True)):
        made.session.scope.publish(MarginRead(None if level is None else Decimal(level)))
        assert made.buy("0.01") is passes
    assert reasons(made) == ["margin level 199.99 % is below the floor of 200 %"]


def test_a_margin_that_cannot_be_read_three_times_in_a_row_stops_entries() -> None:
    made = market(real=True)
    for level in (None, None, Decimal(500), None, None):
        made.session.scope.publish(MarginRead(level))
        assert made.buy("0.01")
    made.session.scope.publish(MarginRead(None))
    assert not made.buy("0.01")
    assert made.sell("0.05")  # which only reduces


def test_a_session_that_has_just_started_enters_with_little() -> None:
    made = market(real=True)
    made.session.risk.venue.started_at = made.now
    assert made.buy("0.01")
    assert not made.buy("0.02")
    made.quote(100, at=made.now + 24 * HOUR_MS - 1)
    assert not made.buy("0.02")
    made.quote(100)
    assert made.buy("0.02")


@pytest.mark.parametrize("real", [True, False])
def test_a_symbol_whose_data_is_not_sound_is_not_entered_at_a_real_venue(real: bool) -> None:
    made = market(real=real)
    made.buy("0.01")
    made.session.risk.venue.unsound[GOLD] = "stale"
    assert made.buy("0.01") is not real
    assert made.buy("0.01", symbol=SILVER)
    made.close()
    assert made.net() == 0
