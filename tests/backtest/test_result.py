"""The result as data, as text and as warnings."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from qkt.backtest.curve import EquityCurve
from qkt.backtest.record import RunRecord, Timing
from qkt.backtest.render import one_line
from qkt.backtest.result import CURVE_POINTS, BacktestResult
from qkt.brokers.paper import ExecutionSettings
from qkt.core.terms import Side
from qkt.data import DataReport, Gap
from tests.backtest.records import SYMBOL, fill, minutes, open_leg, record, refusal, rejection, trip


def eventful() -> RunRecord:
    report = DataReport("EURUSD", ["eurusd.csv"], "compact", rows=1_000, good=993, skipped={"crossed": 7})
    report.gap_count, report.gaps = 2, [Gap(20 * 60_000, minutes(3), minutes(23))]
    return record(
        [10_000.0, 10_004.0, 9_998.0, 10_006.5],
        trades=[fill(1), fill(2, side=Side.SELL, realized=Decimal("-1.50000000"), position_effect="CLOSE_LONG")],
        round_trips=[trip("-1.5"), trip("3", side=Side.SELL)],
        realized=Decimal("1.5"),
        unrealized=Decimal("5"),
        open_positions=[open_leg(2)],
        rejections=[rejection("too large"), rejection("too far"), rejection("too far")],
        refusals=[refusal("below the minimum")],
        data={SYMBOL: report},
        params={"fast": "9"},
    )


@pytest.fixture
def result() -> BacktestResult:
    return BacktestResult.of(eventful(), {SYMBOL: Decimal(100_000)})


def test_two_equal_runs_give_the_same_json_but_for_the_timing():
    one, other = (BacktestResult.of(run).as_dict() for run in (eventful(), replace(eventful(), timing=Timing(9.0, 1.0))))
    assert one != other
    assert one.pop("timing") != other.pop("timing")
    assert json.dumps(one) == json.dumps(other)


def test_the_json_is_one_document_that_says_the_same(result):
    data = json.loads(result.to_json())
    assert data == result.as_dict()
    assert data["schema"] == "qkt.backtest/1"
    assert data["trade_count"] == 2
    assert data["trades"][1]["realized"] == "-1.50000000"
    assert data["trades"][1]["side"] == "SELL"
    assert data["metrics"]["total_pnl"] == "6.5"
    assert data["metrics"]["costs"]["total"] == "0.40000000"
    assert data["metrics"]["long"]["closed_trades"] == 1
    assert data["metrics"]["drawdown"]["money"] == 6.0
    assert data["period"]["start_iso"] == "2024-01-10T08:00:00.000Z"
    assert data["data"][SYMBOL]["skipped"] == {"crossed": 7}
    assert data["open_positions"][0]["unrealized"] == "5"
    assert data["equity"]["values"] == [10_000.0, 10_004.0, 9_998.0, 10_006.5]


def test_refused_orders_are_counted_and_listed(result):
    data = result.as_dict()
    assert data["rejections"]["count"] == 3
    assert data["rejections"]["rows"][0] == {
        "timestamp": minutes(1),
        "strategy": "crosses",
        "symbol": SYMBOL,
        "order_id": "ORD-1",
        "reason": "too large",
    }
    assert data["refusals"]["rows"][0]["reason"] == "below the minimum"


def test_decimals_are_written_without_an_exponent_and_zero_without_a_sign():
    tiny = fill(slippage=Decimal("-0E-8"), quantity=Decimal("1E+2"), gross=Decimal("1E-8"))
    row = BacktestResult.of(record(trades=[tiny])).as_dict()["trades"][0]
    assert (row["slippage"], row["quantity"], row["gross"]) == ("0.00000000", "100", "0.00000001")


@pytest.mark.parametrize(("samples", "stride"), [(1, 1), (10_000, 1), (10_001, 2), (40_003, 8), (79_993, 8), (80_000, 16)])
def test_a_long_curve_is_thinned_by_dropping_every_second_sample(samples, stride):
    curve = EquityCurve(np.arange(samples), np.arange(samples, dtype=np.float64))
    thin = curve.thinned(CURVE_POINTS)
    expected = [*range(0, samples, stride)]
    if expected[-1] != samples - 1:
        expected.append(samples - 1)
    assert thin.times.tolist() == expected
    assert len(thin) <= CURVE_POINTS


def test_a_run_of_nothing_is_valid_json_and_readable_text():
    result = BacktestResult.of(record([], ticks=0, interrupted=True))
    assert json.loads(result.to_json())["metrics"]["sharpe"] is None
    assert "interrupted" in str(result)


def test_the_report_fits_eighty_columns_and_has_no_colour_codes(result):
    text = str(result)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    for part in (
        "Net P&L  +6.50 USD (+0.07 %)",
        "fast=9",
        "profit factor",
        "max drawdown",
        "spread and slippage",
        "2024-01-10 08:02",
    ):
        assert part in text


def test_the_outcome_in_one_line(result):
    assert one_line(result) == "crosses: +6.50 USD (+0.07 %), 2 closed trades"


def test_warnings_name_what_makes_a_result_doubtful(result):
    assert result.warnings == [
        "1 position still open at the end, +5.00 USD at the last price",
        "risk rules refused 3 orders, most often (2x): too far",
        "the broker rejected 1 order: below the minimum",
        "no commission was charged: the instruments have none",
        "2 closed trades: too few for the statistics to mean much (fewer than 30)",
        f"{SYMBOL}: 7 bad rows of 1,000 skipped (7 crossed)",
        f"{SYMBOL}: 2 gaps of more than 5 minutes while the market was open, the largest 20 minutes",
    ]


def warnings_of(**changes: object) -> str:
    many = [trip("1")] * 30
    run = record([10_000.0, 10_030.0], trades=[fill()], round_trips=many, commission=Decimal(3))
    return "\n".join(BacktestResult.of(replace(run, **changes)).warnings)


def test_a_run_with_costs_and_enough_trades_has_no_warning():
    assert warnings_of() == ""


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"interrupted": True}, "interrupted after 120 ticks"),
        ({"trades": [], "round_trips": []}, "never traded"),
        ({"execution": ExecutionSettings(fills="mid")}, "middle price"),
        ({"trades": [fill(slippage=Decimal(0))]}, "no fill paid a spread or slippage"),
        ({"commission": Decimal(0)}, "no commission"),
        ({"equity_values": record([10_000.0, -1.0]).equity_values}, "closed out"),
        ({"warnings": ["told by the runner"]}, "told by the runner"),
    ],
)
def test_each_doubtful_thing_is_named(changes, part):
    assert part in warnings_of(**changes)


def test_a_limit_order_filled_at_its_level_is_no_sign_of_missing_quotes():
    fills = [fill(), fill(order_type="Limit", slippage=Decimal(0))]
    assert warnings_of(trades=fills) == ""
