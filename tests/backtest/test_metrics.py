"""Figures of a run against examples worked out by hand and against formulas written a second way."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from qkt.backtest.metrics import measure
from qkt.core.terms import Side
from qkt.core.timeframe import DAY_MS, MINUTE_MS
from tests.backtest.records import START, SYMBOL, fill, minutes, open_leg, record, trip

FX_MINUTES = 525_960 * 5 / 7


def test_a_run_without_trades_has_figures_and_no_ratios():
    m = measure(record([10_000.0]))
    assert (m.fills, m.closed_trades, m.total_pnl, m.max_drawdown, m.max_drawdown_money) == (0, 0, 0, 0.0, 0.0)
    assert (m.win_rate, m.profit_factor, m.expectancy, m.payoff_ratio, m.average_win, m.largest_loss) == (None,) * 6
    assert (m.sharpe, m.sortino, m.volatility, m.calmar, m.recovery_factor, m.cagr, m.drawdown) == (None,) * 7
    assert m.average_seconds is None


def test_a_run_that_was_stopped_before_the_first_tick_has_figures_too():
    m = measure(record([], ticks=0))
    assert (m.total_pnl, m.exposure, m.days, m.longest_drawdown_ms) == (0, None, (), 0)


def test_wins_and_losses_of_closed_trades():
    nets = ["10", "-4", "6", "2", "0", "3", "-2", "-5"]
    m = measure(record(round_trips=[trip(net) for net in nets]))
    assert (m.closed_trades, m.wins, m.losses) == (8, 4, 3)
    assert m.net == Decimal(10)
    assert m.win_rate == pytest.approx(4 / 7)
    assert m.profit_factor == pytest.approx(21 / 11)
    assert m.average_win == Decimal("5.25")
    assert m.average_loss == Decimal("-3.66666667")
    assert m.payoff_ratio == pytest.approx(5.25 / (11 / 3))
    assert m.expectancy == Decimal("1.42857143")
    assert (m.largest_win, m.largest_loss) == (Decimal(10), Decimal(-5))


def test_expectancy_is_the_win_rate_weighted_average():
    m = measure(record(round_trips=[trip(net) for net in ("10", "-4", "6", "-1", "-3")]))
    assert m.win_rate is not None
    assert m.average_win is not None
    assert m.average_loss is not None
    weighted = m.win_rate * float(m.average_win) + (1 - m.win_rate) * float(m.average_loss)
    assert float(m.expectancy or 0) == pytest.approx(weighted)


def test_a_trade_of_nothing_ends_a_run_of_wins():
    m = measure(record(round_trips=[trip(net) for net in ("1", "1", "0", "1", "-1", "-1", "-1", "2")]))
    assert m.max_consecutive_wins == 2
    assert m.max_consecutive_losses == 3


def test_the_profit_factor_is_undefined_without_a_loss():
    m = measure(record(round_trips=[trip("1"), trip("2")]))
    assert m.profit_factor is None
    assert m.win_rate == 1.0


def test_sums_of_money_are_exact():
    m = measure(record(round_trips=[trip("0.00000001") for _ in range(3)] + [trip("123456789012345.00000001")]))
    assert m.gross_profit == Decimal("123456789012345.00000004")


def test_long_and_short_trades_are_told_apart():
    trips = [trip("5"), trip("-2", side=Side.SELL), trip("7", side=Side.SELL)]
    m = measure(record(round_trips=trips))
    assert (m.long.closed_trades, m.long.net) == (1, Decimal(5))
    assert (m.short.closed_trades, m.short.net, m.short.win_rate) == (2, Decimal(5), 0.5)


def test_sharpe_sortino_and_volatility_by_their_formulas():
    equity = [10_000.0, 10_010.0, 9_990.0, 10_030.0, 10_020.0, 10_025.0]
    r = [b / a - 1 for a, b in pairwise(equity)]
    mean = sum(r) / len(r)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in r) / (len(r) - 1))
    downside = math.sqrt(sum(x * x for x in r if x < 0) / len(r))
    m = measure(record(equity))
    assert m.periods_per_year == pytest.approx(FX_MINUTES)
    assert m.sharpe == pytest.approx(mean / deviation * math.sqrt(FX_MINUTES))
    assert m.sortino == pytest.approx(mean / downside * math.sqrt(FX_MINUTES))
    assert m.volatility == pytest.approx(deviation * math.sqrt(FX_MINUTES))


@pytest.mark.parametrize(
    ("symbol", "timeframe_minutes", "expected"),
    [
        ("BACKTEST:EURUSD", 15, FX_MINUTES / 15),
        ("BACKTEST:BTCUSDT", 1, 525_960),
        ("BACKTEST:BTCUSDT", 60, 8_766),
        ("BACKTEST:US500", 5, 252 * 390 / 5),
    ],
)
def test_the_first_symbols_calendar_annualises(symbol, timeframe_minutes, expected):
    run = record([1.0, 2.0, 3.0], symbols=(symbol, "BACKTEST:XAUUSD"), timeframe_ms=timeframe_minutes * MINUTE_MS)
    assert measure(run).periods_per_year == pytest.approx(expected)


def test_equal_returns_have_no_sharpe_and_no_loss_no_sortino():
    m = measure(record([10_000.0, 10_000.0, 10_000.0]))
    assert m.sharpe is None
    assert m.volatility == 0.0
    assert measure(record([10_000.0, 10_001.0, 10_003.0])).sortino is None


def test_two_samples_are_too_few_for_a_deviation():
    m = measure(record([10_000.0, 9_000.0]))
    assert (m.sharpe, m.sortino, m.volatility) == (None, None, None)


def test_a_return_is_measured_against_the_size_of_equity_even_when_it_is_negative():
    values = np.array([100.0, -50.0, -25.0, 10.0])
    m = measure(record(values.tolist()))
    r = np.array([-1.5, 0.5, 1.4])
    assert m.sharpe == pytest.approx(r.mean() / r.std(ddof=1) * math.sqrt(FX_MINUTES))


def test_the_deepest_drawdown_runs_from_its_peak_to_its_recovery():
    #         0    1    2   3   4    5    6    7    8
    equity = [100, 120, 90, 84, 110, 120, 130, 125, 140]
    m = measure(record([float(e) for e in equity]))
    assert m.drawdown is not None
    assert m.max_drawdown == pytest.approx(36 / 120)
    assert m.drawdown.money == 36.0
    assert (m.drawdown.peak, m.drawdown.trough, m.drawdown.recovery) == (minutes(1), minutes(3), minutes(5))
    assert m.drawdown.duration_ms == 4 * MINUTE_MS


def test_a_drawdown_without_recovery_lasts_to_the_end():
    m = measure(record([100.0, 100.0, 80.0, 90.0, 95.0]))
    assert m.drawdown is not None
    assert m.drawdown.recovery is None
    assert m.drawdown.peak == minutes(1)
    assert m.drawdown.duration_ms == 3 * MINUTE_MS


def test_the_longest_drawdown_need_not_be_the_deepest():
    m = measure(record([100.0, 50.0, 100.0, 99.0, 99.0, 99.0, 100.0]))
    assert m.drawdown is not None
    assert m.drawdown.duration_ms == 2 * MINUTE_MS
    assert m.longest_drawdown_ms == 4 * MINUTE_MS


@pytest.mark.parametrize(
    ("equity", "minutes_under"),
    [([100.0, 101.0, 102.0], 0), ([100.0, 99.0], 1), ([100.0, 100.0, 99.0, 98.0], 2), ([100.0, 99.0, 101.0, 101.0], 2)],
)
def test_time_under_water(equity, minutes_under):
    assert measure(record(equity)).longest_drawdown_ms == minutes_under * MINUTE_MS


def test_the_largest_fall_in_money_may_be_another_one_than_that_in_percent():
    m = measure(record([100.0, 50.0, 1_000.0, 900.0]))
    assert m.max_drawdown == 0.5
    assert m.max_drawdown_money == 100.0


def test_noise_below_the_decimals_of_money_is_no_drawdown():
    m = measure(record([10_000.0, 10_000.000000000002, 10_000.0]))
    assert m.drawdown is None
    assert m.max_drawdown_money == 0.0


def test_ratios_of_the_total_to_the_drawdown():
    m = measure(record([10_000.0, 10_500.0, 10_290.0, 10_300.0], realized=Decimal(250), unrealized=Decimal(50)))
    assert m.total_pnl == Decimal(300)
    assert m.return_fraction == pytest.approx(0.03)
    assert m.calmar == pytest.approx(0.03 / 0.02)
    assert m.recovery_factor == pytest.approx(300 / 210)


def test_growth_a_year_needs_a_run_of_thirty_days():
    half_year = round(182.625 * DAY_MS)
    run = record([10_000.0, 11_000.0], equity_times=[START, START + half_year], realized=Decimal(1_000))
    m = measure(run)
    assert m.cagr == pytest.approx(0.21)
    assert measure(replace(run, last_ts=START + 29 * DAY_MS)).cagr is None


def test_losing_everything_is_a_growth_of_minus_one():
    run = record([10_000.0, -1.0], equity_times=[START, START + 90 * DAY_MS], realized=Decimal(-10_001))
    assert measure(run).cagr == -1.0


def test_exposure_counts_the_time_with_any_leg_open_once():
    trips = [trip("1", entered=10, left=30), trip("1", entered=20, left=40), trip("1", entered=25, left=28)]
    run = record([10_000.0] * 101, round_trips=trips, open_positions=[open_leg(90)])
    assert measure(run).exposure == pytest.approx((30 + 10) / 100)


def test_exposure_leaves_out_the_time_when_the_market_is_closed():
    friday_21h = START + 2 * DAY_MS + 13 * 60 * MINUTE_MS
    monday_0h = friday_21h + 51 * 60 * MINUTE_MS
    run = record(
        [1.0, 1.0],
        equity_times=[friday_21h, monday_0h],
        round_trips=[trip("1", entry_time=friday_21h, exit_time=monday_0h - 60 * MINUTE_MS)],
    )
    # In session: Friday 21-22, Sunday 22-24; held but for the last hour.
    assert measure(run).exposure == pytest.approx(2 / 3)


def test_slippage_in_money_is_price_lost_times_units_times_rate():
    fills = [
        fill(slippage=Decimal("0.00002"), quantity=Decimal("0.5")),
        fill(slippage=Decimal("-0.00001"), quantity=Decimal("0.1"), fx_rate=Decimal("1.25")),
    ]
    run = record(trades=fills, commission=Decimal("7"), swap=Decimal("-3"))
    costs = measure(run, {SYMBOL: Decimal(100_000)}).costs
    assert costs.spread_and_slippage == Decimal("1") - Decimal("0.125")
    assert costs.swap == Decimal(3)
    assert costs.total == Decimal("10.875")


def test_slippage_has_no_price_without_the_contract_size():
    costs = measure(record(trades=[fill()], commission=Decimal(1))).costs
    assert (costs.spread_and_slippage, costs.total) == (None, None)


def test_the_days_add_up_to_the_change_of_equity():
    midnight = START + 16 * 60 * MINUTE_MS
    times = [START, START + 60_000, midnight, midnight + 60_000, midnight + DAY_MS + 1]
    fills = [
        replace(fill(), timestamp=START + 60_000, realized=Decimal(4)),
        replace(fill(), timestamp=midnight + 30_000, realized=Decimal(-3)),
        replace(fill(), timestamp=midnight + 40_000, realized=Decimal(1)),
    ]
    days = measure(record([100.0, 103.0, 105.0, 102.0, 110.0], equity_times=times, trades=fills)).days
    assert [(day.date.isoformat(), day.pnl, day.realized, day.fills) for day in days] == [
        ("2024-01-10", 5.0, Decimal(4), 1),
        ("2024-01-11", -3.0, Decimal(-2), 2),
        ("2024-01-12", 8.0, Decimal(0), 0),
    ]


def test_holding_time_is_the_mean_over_trades():
    assert measure(record(round_trips=[trip("1", entered=0, left=1), trip("1", entered=0, left=4)])).average_seconds == 150.0


def test_the_expectancy_in_r_is_over_trades_of_known_risk():
    trips = [trip("10", r_multiple=Decimal(2)), trip("-5", r_multiple=Decimal(-1)), trip("7")]
    assert measure(record(round_trips=trips)).expectancy_r == Decimal("0.5")
    assert measure(record(round_trips=[trip("7")])).expectancy_r is None
