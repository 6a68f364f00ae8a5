"""How much may be lost: each rule on its limit and beyond it, of the account and of a strategy, and how long it halts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from qkt.core.daily import DailyBoundary
from qkt.core.errors import UsageError
from qkt.core.events import RiskRejected
from qkt.core.swaps import Rollovers
from qkt.core.timeframe import DAY_MS
from qkt.risk import Halt, LossLimits, RiskLimits, StrategyLimits
from tests.market import Market, by, instrument

ONE = Decimal(1)
WHOSE = pytest.mark.parametrize("whose", ["account", "strategy"])


def limits(whose: str, more: dict[str, object] | None = None, **losses: object) -> RiskLimits:
    held = LossLimits(**{name: Decimal(str(value)) for name, value in losses.items()})
    if whose == "account":
        return RiskLimits(losses=held, **(more or {}))  # type: ignore[arg-type]
    free = LossLimits()
    return RiskLimits(losses=free, every_strategy=StrategyLimits(held), **(more or {}))  # type: ignore[arg-type]


def market(whose: str, more: dict[str, object] | None = None, **losses: object) -> Market:
    made = Market(limits=limits(whose, more, **losses))
    made.quote(100)
    return made


def trade(made: Market, points: object, lots: object = 10) -> None:
    """Gain or lose so many points of the price on some lots."""
    price = float(made.session._board.last(made.symbol) or 0)
    made.buy(lots)
    made.quote(round(price + float(str(points)), 8))
    made.close()


def halts(made: Market) -> list[Halt]:
    return list(made.session.risk.halts)


def told(made: Market) -> list[str]:
    return [f"{halt.cause} {halt.lasts}" for halt in halts(made)]


# ----------------------------------------------------------------- daily loss


@WHOSE
def test_a_loss_on_the_limit_is_allowed_and_a_cent_more_halts_for_the_day(whose: str) -> None:
    made = market(whose, max_daily_loss=50)
    trade(made, -5)
    assert halts(made) == []
    trade(made, "-0.01", lots=1)
    (halt,) = halts(made)
    assert halt.reason == "daily loss 50.01000000 exceeds max 50"
    assert (halt.since, halt.until, halt.strategy) == (made.now, DAY_MS, None if whose == "account" else "script")
    assert not made.buy(1)
    assert [event.reason for event in made.told(RiskRejected)] == ["halted: daily loss 50.01000000 exceeds max 50"]  # type: ignore[attr-defined]


def test_costs_and_financing_count_as_losses() -> None:
    terms = {"GOLD": instrument(commission_per_lot=Decimal(1), swap_long_points=Decimal(-50))}
    made = Market(terms=terms, limits=limits("account", max_daily_loss=20))
    made.quote(100)
    made.buy(10)
    made.quote(100, at=21 * 3_600_000 - 1)
    made.quote(100, at=21 * 3_600_000)  # ten lots cost five at the rollover
    assert halts(made) == []
    made.sell(6)
    (halt,) = halts(made)
    assert halt.reason == "daily loss 21.00000000 exceeds max 20"


def test_what_a_rollover_costs_at_the_boundary_is_of_the_day_that_begins() -> None:
    terms = {"GOLD": instrument(swap_long_points=Decimal(-50), swap_rollovers=Rollovers(minute=0, weekends=True))}
    made = Market(terms=terms, limits=limits("account", max_daily_loss=20))
    made.quote(100)
    made.buy(10)
    made.quote(100, at=DAY_MS)  # five at midnight
    made.quote("98.4")
    made.close()
    assert told(made) == ["daily loss DAILY"]


def test_what_is_open_does_not_count_as_a_loss_of_the_day() -> None:
    made = market("account", max_daily_loss=50)
    made.buy(10)
    made.quote(50)
    assert halts(made) == []


def test_a_gain_of_the_day_may_be_lost_again() -> None:
    made = market("account", max_daily_loss=50)
    trade(made, 5)
    trade(made, -10)
    assert halts(made) == []


def test_every_day_has_its_own_loss() -> None:
    made = market("account", max_daily_loss=50)
    trade(made, -5)
    made.quote(95, at=DAY_MS)
    trade(made, -5)
    assert halts(made) == []


# ------------------------------------------------------------------ drawdowns


@WHOSE
def test_a_drawdown_from_the_start_counts_what_is_open_and_halts_for_good(whose: str) -> None:
    made = market(whose, max_drawdown_pct="1.1")
    made.buy(11)
    made.quote(90)  # 110 of 10,000
    assert halts(made) == []
    made.quote("89.99")
    (halt,) = halts(made)
    assert halt.reason == "drawdown 1.1011 % (10000.00 to 9889.89) exceeds max 1.1 %"
    made.quote(100, at=9 * DAY_MS)
    assert halts(made) == [halt]


@WHOSE
def test_a_trailing_drawdown_is_measured_from_the_peak(whose: str) -> None:
    made = market(whose, {"drawdown_basis": "trailing"}, max_drawdown_pct=1)
    made.buy(100)
    made.quote(125)  # the peak, 12,500
    made.quote("123.75")
    assert halts(made) == []
    made.quote("123.74")
    assert told(made) == ["drawdown PERSISTENT"]


@WHOSE
def test_a_daily_drawdown_is_measured_from_the_balance_that_the_day_began_with(whose: str) -> None:
    made = market(whose, max_daily_drawdown_pct=1)
    trade(made, -10)  # the balance is 9,900
    made.buy(99)
    made.quote(89, at=DAY_MS)
    assert halts(made) == []
    made.quote("88.99")
    assert told(made) == ["daily drawdown DAILY"]
    made.quote("88.99", at=2 * DAY_MS)  # still 9,900, of which more than a hundredth is open loss
    assert [halt.since for halt in halts(made)] == [2 * DAY_MS]


def test_the_equity_of_the_day_is_that_of_the_last_quote_before_it() -> None:
    made = market("account", {"daily_drawdown_basis": "equity"}, max_daily_drawdown_pct=1)
    made.buy(100)
    made.quote(110, at=DAY_MS - 1)  # 11,000
    made.quote("108.9", at=DAY_MS + 5)
    assert halts(made) == []
    made.quote("108.89")
    assert told(made) == ["daily drawdown DAILY"]


def test_a_drawdown_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no balance to measure it by"):
        Market(balance="0", limits=limits("account", max_drawdown_pct=1))


# ------------------------------------------------------------- how long it halts


def test_a_daily_halt_lifts_at_the_boundary_and_not_a_millisecond_before() -> None:
    made = market("account", max_daily_loss=50)
    trade(made, -6)
    made.quote(94, at=DAY_MS - 1)
    assert not made.buy(1)
    made.quote(94, at=DAY_MS)
    assert made.buy(1)


@pytest.mark.parametrize(
    ("began", "ends"), [("2024-03-09T23:00", "2024-03-10T21:00"), ("2024-11-02T22:00", "2024-11-03T22:00")]
)
def test_a_daily_halt_lifts_at_its_boundary_in_a_zone_whose_clocks_change(began: str, ends: str) -> None:
    start, end = (round(dt.datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000) for text in (began, ends))
    made = Market(limits=limits("account", {"day": DailyBoundary("America/New_York", 17 * 60)}, max_daily_loss=50), start=start)
    made.quote(100)
    trade(made, -6)
    assert [halt.until for halt in halts(made)] == [end]
    made.quote(94, at=end - 1)
    assert not made.buy(1)
    made.quote(94, at=end)
    assert made.buy(1)


def test_the_clock_alone_lifts_a_daily_halt() -> None:
    made = market("account", max_daily_loss=50)
    trade(made, -6)
    assert made.session.next_timer == DAY_MS
    made.session.on_timer(DAY_MS - 1)
    assert len(halts(made)) == 1
    made.session.on_timer(DAY_MS)
    assert halts(made) == []


def test_what_needs_an_operator_is_told_before_what_ends_with_the_day() -> None:
    made = market("account", max_daily_loss=50, max_drawdown_pct=1)
    made.buy(30)
    made.quote(97)
    made.sell(20)
    assert not made.buy(1)
    made.quote(95)
    assert not made.buy(1)
    assert told(made) == ["daily loss DAILY", "drawdown PERSISTENT"]
    first, second = (event.reason for event in made.told(RiskRejected))  # type: ignore[attr-defined]
    assert (first[:18], second[:16]) == ("halted: daily loss", "halted: drawdown")


def test_an_account_halt_binds_before_a_strategy_has_broken_anything_of_its_own() -> None:
    made = Market(
        limits=RiskLimits(
            losses=LossLimits(Decimal(50)), every_strategy=StrategyLimits(LossLimits(Decimal(10), max_drawdown_pct=ONE))
        )
    )
    made.quote(100)
    trade(made, -2)
    assert told(made) == ["daily loss DAILY"]
    assert halts(made)[0].strategy == "script"
    made.quote(98, at=DAY_MS)
    trade(made, -6)
    assert {(halt.strategy, halt.cause) for halt in halts(made)} == {(None, "daily loss"), ("script", "daily loss")}


def test_one_lot_protected_by_a_stop_keeps_it_through_a_halt() -> None:
    made = market("account", max_drawdown_pct="0.1")
    made.buy(2, stop_loss=by(20))
    made.buy(1, limit=80)
    made.quote(94)
    assert told(made) == ["drawdown PERSISTENT"]
    assert [order.purpose.value for order in made.working] == ["STOP"]
    made.quote(80)
    assert made.net() == 0
