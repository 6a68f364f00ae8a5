"""Figures of a run are the same from its result and from what was written of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from qkt.backtest import curve as curves
from qkt.backtest.curve import EquityCurve
from qkt.backtest.daily import days_of
from qkt.backtest.daily_returns import daily_closes, daily_returns
from qkt.backtest.result import as_data
from qkt.core.calendars import calendar_for
from qkt.core.timeframe import DAY_MS, MINUTE_MS
from qkt.ledger import FinancingRow
from qkt.research.figures import daily_returns_in

SYMBOL = "SIM:EURUSD"
SATURDAY = 1_704_499_200_000
"""2024-01-06 00:00 UTC."""


def rollover(ts: int) -> FinancingRow:
    return FinancingRow(**dict.fromkeys(FinancingRow.__slots__) | {"timestamp": ts, "amount": Decimal("-1")})


def written(curve: EquityCurve, points: int) -> Any:
    """What a result says of days."""
    calendar = calendar_for(SYMBOL)
    thin = curve.thinned(points)
    days = days_of(curve, [], [rollover(SATURDAY)])  # booked while the market is closed
    metrics = {"days": as_data(days), "daily": as_data(daily_returns(curve, calendar))}
    equity = {"times": thin.times.tolist(), "values": thin.values.tolist()}
    return json.loads(json.dumps({"symbols": [SYMBOL], "equity": equity, "metrics": metrics}))


@pytest.mark.parametrize("weeks", [2, 8], ids=["too short for statistics", "long"])
def test_daily_returns_of_a_thinned_curve_are_those_of_the_whole(weeks: int) -> None:
    calendar = calendar_for(SYMBOL)
    start = SATURDAY - 5 * DAY_MS
    minutes = np.arange(start, start + 7 * weeks * DAY_MS, 7 * MINUTE_MS)
    times = np.array([ts for ts in minutes.tolist() if calendar.is_open(ts)], dtype=np.int64)
    steps = np.random.default_rng(7).normal(0, 20, len(times))
    curve = EquityCurve(times, (10_000 + np.cumsum(steps)).round(8))
    told = written(curve, 300)
    exact = curves.returns(daily_closes(curve, calendar)[1]).tolist()
    assert len(told["equity"]["times"]) < len(times)
    assert daily_returns_in(told) == pytest.approx(exact, rel=1e-12)
    assert daily_returns_in(written(curve, len(times))) == pytest.approx(exact, rel=1e-12)


def test_days_that_do_not_agree_with_the_statistics_are_not_made_up() -> None:
    curve = EquityCurve(SATURDAY + DAY_MS * np.arange(2, 40), 10_000.0 + np.arange(38))
    told = written(curve, 100)
    del told["metrics"]["days"][7]
    with pytest.raises(ValueError, match="are not the"):
        daily_returns_in(told)
