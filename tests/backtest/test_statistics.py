"""Statistics of returns and falls against an independent library, and against examples worked out by hand."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal

import numpy as np
import pytest

from qkt.backtest import curve as curves
from qkt.backtest import daily_returns as daily
from qkt.backtest import drawdowns as falls
from qkt.backtest.curve import EquityCurve
from qkt.backtest.metrics import measure
from qkt.backtest.prices import PriceRecorder
from qkt.backtest.undefined import REASONS, undefined
from qkt.core.bus import EventBus
from qkt.core.calendars import calendar_for
from qkt.core.clock import EventClock
from qkt.core.events import Candle
from qkt.core.terms import Side
from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from qkt.strategy import StreamSpec
from tests.backtest.records import START, SYMBOL, fill, minutes, record, trip

MIDNIGHT = START // DAY_MS * DAY_MS
CRYPTO = "BACKTEST:BTCUSDT"


def walk(seed: int, n: int = 250) -> EquityCurve:
    """A year of daily closes with fat tails, one sample each midnight."""
    r = np.random.default_rng(seed).standard_t(4, n) * 0.01 + 0.0004
    values = 10_000 * np.cumprod(np.concatenate(([1.0], 1 + np.clip(r, -0.2, 0.2))))
    return EquityCurve(MIDNIGHT + np.arange(n + 1) * DAY_MS, values)


@pytest.fixture(scope="module")
def empyrical():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("empyrical", reason="empyrical-reloaded (extra dev) is not installed")


@pytest.mark.parametrize("seed", range(5))
def test_ratios_agree_with_an_independent_library(empyrical, seed):
    curve = walk(seed)
    r = curves.returns(curve.values)
    assert curves.sharpe(r, 252) == pytest.approx(empyrical.sharpe_ratio(r, annualization=252))
    assert curves.sortino(r, 252) == pytest.approx(empyrical.sortino_ratio(r, annualization=252))
    assert curves.volatility(r, 252) == pytest.approx(empyrical.annual_volatility(r, annualization=252))
    fall = falls.deepest_drawdown(curve)
    assert fall is not None
    assert fall.fraction == pytest.approx(-empyrical.max_drawdown(r))
    found = daily.daily_returns(curve, calendar_for(CRYPTO))
    assert found is not None
    assert found.tail_ratio == pytest.approx(empyrical.tail_ratio(r))


@pytest.mark.parametrize("seed", range(3))
def test_growth_and_calmar_agree_with_an_independent_library(empyrical, seed):
    curve = walk(seed)
    gained = Decimal(float(curve.values[-1])) - 10_000
    run = record(
        curve.values.tolist(), equity_times=curve.times.tolist(), realized=gained, symbols=(CRYPTO,), timeframe_ms=DAY_MS
    )
    m = measure(run)
    r = curves.returns(curve.values)
    assert m.cagr == pytest.approx(empyrical.cagr(r, annualization=365.25))
    assert m.calmar_annual == pytest.approx(empyrical.calmar_ratio(r, annualization=365.25))


@pytest.mark.parametrize("seed", range(3))
def test_skew_and_kurtosis_agree_with_an_independent_library(seed):
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with empyrical-reloaded (extra dev)")
    curve = walk(seed)
    r = curves.returns(curve.values)
    found = daily.daily_returns(curve, calendar_for(CRYPTO))
    assert found is not None
    assert (found.skew, found.kurtosis) == (pytest.approx(stats.skew(r)), pytest.approx(stats.kurtosis(r)))


def test_the_error_of_a_sharpe_ratio_of_normal_returns_is_that_of_lo():
    """Skewness 0, kurtosis 3: sqrt((1 + s^2 / 2) / (n - 1)), here of returns that have these moments exactly."""
    r = np.tile([-math.sqrt(3.0), 0.0, 0.0, 0.0, 0.0, math.sqrt(3.0)], 20) + 0.1  # moments 0, 1, 0, 3
    ratio = 0.1 / math.sqrt(120 / 119)
    assert daily.sharpe_error(r) == pytest.approx(math.sqrt((1 + ratio**2 / 2) / 119))
    assert daily.probabilistic_sharpe(r, ratio) == pytest.approx(0.5)


def test_the_published_example_of_a_deflated_sharpe_ratio():
    """Bailey and Lopez de Prado 2014: 100 trials over 250 days, annual ratios of variance 1/2: 0.1132 a day is to be beaten."""
    assert daily.expected_best_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert daily.expected_best_sharpe(1, 0.5) == 0.0


def test_more_trials_make_the_best_one_less_convincing():
    r = curves.returns(walk(3).values)
    confidence = [daily.deflated_sharpe(r, trials, 0.001) for trials in (1, 10, 1000)]
    assert confidence[0] == daily.probabilistic_sharpe(r)
    assert confidence == sorted(confidence, reverse=True)


def test_nothing_is_said_of_fewer_than_twenty_days():
    curve = walk(1, 19)
    assert daily.daily_returns(curve, calendar_for(CRYPTO)) is None
    assert daily.daily_returns(walk(1, 20), calendar_for(CRYPTO)) is not None


def test_sunday_evening_belongs_to_monday_and_a_day_without_samples_to_nobody():
    friday = MIDNIGHT + 2 * DAY_MS
    times = np.array([friday, friday + 20 * HOUR_MS, friday + 71 * HOUR_MS, friday + 80 * HOUR_MS, friday + 120 * HOUR_MS])
    days, closes = daily.daily_closes(EquityCurve(times, np.arange(5.0)), calendar_for(SYMBOL))
    assert (days - friday // DAY_MS).tolist() == [0, 3, 4]
    assert closes.tolist() == [0.0, 1.0, 3.0, 4.0]


@pytest.mark.parametrize(("symbol", "days"), [(CRYPTO, 365.25), (SYMBOL, 365.25 * 5 / 7), ("BACKTEST:US500", 252)])
def test_trading_days_a_year_follow_the_calendar(symbol, days):
    assert daily.days_per_year(walk(0), calendar_for(symbol)) == pytest.approx(days)


def test_every_deep_fall_is_listed_once_the_deepest_first():
    #                  0    1   2    3    4    5     6   7    8    9
    m = measure(record([100, 98, 100, 120, 60.0, 120, 130, 129, 110, 115]))
    assert [(d.peak, d.trough, d.recovery) for d in m.drawdowns] == [
        (minutes(3), minutes(4), minutes(5)),
        (minutes(6), minutes(8), None),
        (minutes(0), minutes(1), minutes(2)),
    ]
    assert m.drawdowns[0] == m.drawdown
    assert m.time_under_water == pytest.approx((2 + 2 + 3) / 9)
    shares = [0, 0.02, 0, 0, 0.5, 0, 0, 1 / 130, 20 / 130, 15 / 130]
    assert m.ulcer_index == pytest.approx(math.sqrt(sum(x * x for x in shares) / 10))


def test_falls_below_one_percent_are_noise():
    assert measure(record([100.0, 99.01, 100.0])).drawdowns == ()


def test_the_largest_fall_of_a_day_starts_at_its_first_sample():
    times = [
        MIDNIGHT,
        MIDNIGHT + HOUR_MS,
        MIDNIGHT + 2 * HOUR_MS,
        MIDNIGHT + DAY_MS,
        MIDNIGHT + DAY_MS + 1,
        MIDNIGHT + DAY_MS + 2,
    ]
    assert measure(record([100, 100, 90, 80, 80, 76.0], equity_times=times)).max_daily_drawdown == pytest.approx(0.2)


def test_what_is_held_is_worth_its_entries_over_time():
    lots = Decimal("0.1")
    fills = [
        fill(10, opened=lots, price=Decimal("1.1")),
        fill(20, opened=lots, price=Decimal("1.3")),
        fill(40, side=Side.SELL, closed=lots, price=Decimal("1.2")),
        fill(60, side=Side.SELL, closed=lots, price=Decimal("1.2")),
    ]
    m = measure(record([10_000.0] * 101, trades=fills), {SYMBOL: Decimal(100_000)})
    assert m.peak_gross == Decimal(24_000)
    assert m.average_gross == Decimal((11_000 * 10 + 24_000 * 20 + 12_000 * 20) // 100)
    assert m.turnover == pytest.approx(4.8)


def test_a_long_and_a_short_leg_are_both_held():
    lots = Decimal("0.1")
    fills = [fill(0, opened=lots, price=Decimal(1)), fill(50, side=Side.SELL, opened=lots, price=Decimal(1))]
    m = measure(record([10_000.0] * 101, trades=fills), {SYMBOL: Decimal(100_000)})
    assert (m.average_gross, m.peak_gross) == (Decimal(15_000), Decimal(20_000))


def test_months_add_up_and_compound():
    times = [MIDNIGHT, MIDNIGHT + 22 * DAY_MS, MIDNIGHT + 23 * DAY_MS, MIDNIGHT + 60 * DAY_MS]
    months = measure(record([100.0, 110.0, 121.0, 60.5], equity_times=times)).seasons.months
    assert [(m.year, m.month, m.pnl) for m in months] == [(2024, 1, 10.0), (2024, 2, 11.0), (2024, 3, -60.5)]
    assert [m.fraction for m in months] == pytest.approx([0.1, 0.1, -0.5])


def test_trades_are_told_apart_by_hour_and_weekday_of_their_entry():
    trips = [trip("3", entered=0), trip("-1", entered=59), trip("5", entered=60), trip("2", entered=60 * 24)]
    seasons = measure(record(round_trips=trips)).seasons
    assert [(s.number, s.trades, s.wins, s.net) for s in seasons.hours] == [(8, 3, 2, Decimal(4)), (9, 1, 1, Decimal(5))]
    assert [(s.number, s.trades) for s in seasons.weekdays] == [(2, 3), (3, 1)]


def test_every_missing_figure_has_its_reason():
    m = measure(record([10_000.0, 10_001.0]))
    reasons = undefined(m)
    assert all(name in reasons for name in REASONS if getattr(m, name) is None)
    assert reasons["sharpe"] == "fewer than two returns, or all of them equal"
    assert reasons["calmar_annual"] == reasons["cagr"] == "the run is shorter than 30 days"
    assert reasons["daily"] == "fewer than 20 daily returns"
    assert not {"max_drawdown", "turnover"} & reasons.keys()


def prices_of(count: int, most: int, minute: int = 1):
    clock = EventClock()
    bus = EventBus(clock)
    spec = StreamSpec("eur", SYMBOL, Timeframe.parse(f"{minute}m"))
    recorder = PriceRecorder(bus.root, [spec], most)
    for n in range(count):
        start = MIDNIGHT + n * minute * MINUTE_MS
        bus.root.publish(Candle("eur", SYMBOL, start, start + minute * MINUTE_MS, n, n + 0.5, n - 0.5, n + 0.25, 1.0))
        bus.root.publish(Candle("other", SYMBOL, start, start + 1, 0, 0, 0, 0, 1.0))
    return recorder.prices()


def test_prices_are_kept_whole_while_there_are_few():
    prices = prices_of(10, 10)[SYMBOL]
    assert (prices.timeframe_ms, len(prices), prices.open.tolist()) == (MINUTE_MS, 10, list(range(10)))


@pytest.mark.parametrize("count", [11, 21, 60, 61, 599])
def test_too_many_prices_are_merged_into_longer_candles_that_hold_the_same_extremes(count):
    prices = prices_of(count, 10)[SYMBOL]
    assert len(prices) <= 10
    assert (prices.starts % prices.timeframe_ms == 0).all()
    assert (prices.open[0], prices.close[-1]) == (0.0, count - 0.75)
    assert (prices.low.min(), prices.high.max()) == (-0.5, count - 0.5)
    step = prices.timeframe_ms // MINUTE_MS
    assert prices.high.tolist() == [min((n + 1) * step, count) - 0.5 for n in range(len(prices))]


def test_a_timeframe_that_no_longer_one_holds_is_kept():
    assert len(prices_of(100, 10, 7)[SYMBOL]) == 100
