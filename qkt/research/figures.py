"""The figures by which runs are compared, and which of them is the better one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np

from qkt.backtest import curve as curves
from qkt.backtest import drawdowns
from qkt.backtest.curve import EquityCurve, Floats
from qkt.backtest.daily_returns import daily_closes, days_per_year
from qkt.backtest.result import BacktestResult
from qkt.core.calendars import calendar_for
from qkt.core.errors import UsageError
from qkt.core.timeframe import DAY_MS
from qkt.lang.suggest import did_you_mean

HIGHER = (
    "sharpe",
    "sortino",
    "calmar",
    "calmar_annual",
    "cagr",
    "total_pnl",
    "return_fraction",
    "profit_factor",
    "win_rate",
    "expectancy",
    "expectancy_r",
    "payoff_ratio",
    "recovery_factor",
)
LOWER = ("max_drawdown", "max_drawdown_money", "volatility")
OTHERS = ("closed_trades", "exposure")

METRICS = (*HIGHER, *LOWER)
"""What runs can be ranked by."""

FIGURES = (*METRICS, *OTHERS)

CURVE_POINTS = 2_000
EPOCH = date(1970, 1, 1)


def require_metric(name: str) -> str:
    """The name, if runs can be ranked by it. Raises UsageError for another one."""
    if name not in METRICS:
        remedy = did_you_mean(name, METRICS)
        raise UsageError(f"runs cannot be ranked by '{name}'", expected=f"one of {', '.join(METRICS)}", remedy=remedy)
    return name


def score(figures: Mapping[str, float | None], metric: str) -> float | None:
    """The figure so that more is better: drawdowns and volatility count negative. None where it is undefined."""
    value = figures.get(metric)
    return None if value is None else better_up(value, metric)


def better_up(value: float, metric: str) -> float:
    """A value of the metric so that more is better."""
    return -value if metric in LOWER else value


def figures_of(result: BacktestResult) -> dict[str, float | None]:
    """All figures of a run as float64, None where one is undefined; with them the trading days of a year of its market, and
    the lowest equity of the run."""
    figures = {name: _number(getattr(result.metrics, name)) for name in FIGURES}
    days = days_per_year(result.equity, calendar_for(result.record.symbols[0]))
    return {**figures, "days_per_year": days, "lowest_equity": float(result.equity.values.min())}


def daily_returns_of(result: BacktestResult) -> tuple[float, ...]:
    """Returns from the close of a trading day to that of the next."""
    closes = daily_closes(result.equity, calendar_for(result.record.symbols[0]))[1]
    return tuple(curves.returns(closes).tolist()) if len(closes) > 1 else ()


def daily_returns_in(told: Mapping[str, Any]) -> tuple[float, ...]:
    """The same of a result as `BacktestResult.as_dict` tells it, exactly: from its days, since a long run's curve is thinned.

    Raises KeyError, TypeError or ValueError for what is no such result."""
    times, values = told["equity"]["times"], told["equity"]["values"]
    if not times:
        return ()
    shown = {(ts - 1) // DAY_MS for ts in times[1:]}
    ends, closes = [times[0]], [values[0]]
    for one in told["metrics"]["days"]:
        day = (date.fromisoformat(one["date"]) - EPOCH).days
        # A day without a sample has no close: it is there for a fill or a rollover alone, and equity did not change over it.
        if day in shown or one["pnl"] or not (one["fills"] or float(one["financing"])):
            ends.append((day + 1) * DAY_MS)
            closes.append(round(closes[-1] + one["pnl"], 8))
    curve = EquityCurve(np.array(ends, dtype=np.int64), np.array(closes, dtype=np.float64))
    found = curves.returns(daily_closes(curve, calendar_for(told["symbols"][0]))[1])
    counted = told["metrics"]["daily"]
    if counted is not None and counted["days"] != len(found):
        raise ValueError(f"its {len(found)} days are not the {counted['days']} of its daily returns")
    return tuple(found.tolist())


def curve_of(result: BacktestResult) -> tuple[tuple[int, float], ...]:
    """The equity curve in at most 2,000 points."""
    thin = result.equity.thinned(CURVE_POINTS)
    return tuple(zip(thin.times.tolist(), thin.values.tolist(), strict=True))


def _number(value: object) -> float | None:
    if value is None:
        return None
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None


# What can be said of equity before a run has ended. Annualising changes no comparison of parts, so nothing is annualised.
PARTIAL: Mapping[str, Callable[[Floats], float | None]] = {
    "sharpe": lambda values: curves.sharpe(curves.returns(values), 1.0),
    "sortino": lambda values: curves.sortino(curves.returns(values), 1.0),
    "total_pnl": lambda values: float(values[-1] - values[0]),
    "return_fraction": lambda values: float((values[-1] - values[0]) / values[0]),
    "max_drawdown": lambda values: _depth(values),
    "max_drawdown_money": drawdowns.largest_fall,
    "volatility": lambda values: curves.volatility(curves.returns(values), 1.0),
}


def partial_score(metric: str, values: Floats) -> float | None:
    """The score of the equity samples so far. Raises KeyError for a metric that needs a whole run."""
    figure = PARTIAL[metric](values.round(8)) if len(values) > 1 else None
    return None if figure is None else better_up(figure, metric)


def _depth(values: Floats) -> float:
    drawdown = drawdowns.deepest_drawdown(EquityCurve(np.arange(len(values)), values))
    return drawdown.fraction if drawdown else 0.0
