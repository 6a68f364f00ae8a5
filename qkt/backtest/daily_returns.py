"""Returns from trading day to trading day: the ones by which runs of any timeframe can be compared, and how sure they are.

A Sharpe ratio is an estimate. With daily ratio s, skewness g3 and kurtosis g4 of n returns its standard error is
sqrt((1 - g3 * s + (g4 - 1) / 4 * s^2) / (n - 1)) (Mertens 2002; Bailey and Lopez de Prado, "The Sharpe Ratio Efficient
Frontier", 2012), and the best of many trials has to beat what luck alone would have given the best of them (the same, "The
Deflated Sharpe Ratio", 2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from qkt.backtest.curve import EquityCurve, Floats, Ints, returns, sharpe, sortino, volatility
from qkt.core.calendars import Calendar
from qkt.core.timeframe import DAY_MS, MINUTE_MS

FEWEST_DAYS = 20
"""Of returns: of fewer nothing is said."""

SHORT_SESSION = 0.25
"""A day that is open for less of it than this share of 24 hours (Sunday evening in FX) belongs to the day after it."""

NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class DailyReturns:
    """Statistics of `days` returns, from the close of a trading day to that of the next (UTC).

    `sharpe`, `sharpe_error` (its standard error), `sortino` and `volatility` are annual; `sharpe_confidence` is the probability
    that the true ratio is above 0 (probabilistic Sharpe ratio). `skew` = m3 / m2^1.5, `kurtosis` = m4 / m2^2 - 3 (0 for a
    normal distribution), m being central moments; `tail_ratio` = |95th / 5th percentile|. `best` and `worst` are fractions,
    `positive` the share of days above 0.
    """

    days: int
    days_per_year: float
    sharpe: float | None
    sharpe_error: float | None
    sharpe_confidence: float | None
    sortino: float | None
    volatility: float | None
    skew: float | None
    kurtosis: float | None
    tail_ratio: float | None
    best: float
    worst: float
    positive: float


def daily_returns(curve: EquityCurve, calendar: Calendar) -> DailyReturns | None:
    """None for fewer than 20 returns."""
    r = returns(daily_closes(curve, calendar)[1])
    if len(r) < FEWEST_DAYS:
        return None
    per_year = days_per_year(curve, calendar)
    ratio = sharpe(r, per_year)
    skew, kurtosis = _shape(r)
    error = None if ratio is None or skew is None or kurtosis is None else sharpe_error(r)
    low = float(np.percentile(r, 5))
    return DailyReturns(
        days=len(r),
        days_per_year=per_year,
        sharpe=ratio,
        sharpe_error=None if error is None else error * math.sqrt(per_year),
        sharpe_confidence=probabilistic_sharpe(r),
        sortino=sortino(r, per_year),
        volatility=volatility(r, per_year),
        skew=skew,
        kurtosis=kurtosis,
        tail_ratio=abs(float(np.percentile(r, 95)) / low) if low else None,
        best=float(r.max()),
        worst=float(r.min()),
        positive=float(np.mean(r > 0)),
    )


def daily_closes(curve: EquityCurve, calendar: Calendar) -> tuple[Ints, Floats]:
    """The last equity of each trading day that has a sample, after the first sample of all: days since the epoch, values. A
    sample on midnight ends the day before it."""
    if len(curve) < 2:
        return np.empty(0, np.int64), curve.values[:1]
    days = (curve.times[1:] - 1) // DAY_MS
    for day in np.unique(days).tolist():
        if calendar.open_ms_between(day * DAY_MS, (day + 1) * DAY_MS) < SHORT_SESSION * DAY_MS:
            days[days == day] = day + 1
    lasts = np.flatnonzero(np.append(np.diff(days) != 0, True))
    return days[lasts], np.concatenate((curve.values[:1], curve.values[1:][lasts]))


def days_per_year(curve: EquityCurve, calendar: Calendar) -> float:
    """Trading minutes a year of the calendar over those of its usual day."""
    first = int(curve.times[0]) // DAY_MS
    week = [calendar.open_ms_between((first + n) * DAY_MS, (first + n + 1) * DAY_MS) for n in range(14)]
    usual = float(np.median([length for length in week if length >= SHORT_SESSION * DAY_MS]))
    return calendar.minutes_per_year * MINUTE_MS / usual


def sharpe_error(r: Floats) -> float | None:
    """The standard error of mean(r) / sd(r), not annualised; None for fewer than 20 returns or without variance."""
    ratio = _ratio(r)
    if ratio is None:
        return None
    skew, kurtosis = _shape(r)
    assert skew is not None
    assert kurtosis is not None
    return math.sqrt(max(0.0, 1.0 - skew * ratio + (kurtosis + 2.0) / 4.0 * ratio**2) / (len(r) - 1))


def probabilistic_sharpe(r: Floats, benchmark: float = 0.0) -> float | None:
    """The probability that the true mean(r) / sd(r) is above `benchmark`, neither annualised; None as for the error."""
    ratio, error = _ratio(r), sharpe_error(r)
    if ratio is None or not error:
        return None
    return NORMAL.cdf((ratio - benchmark) / error)


def expected_best_sharpe(trials: int, variance: float) -> float:
    """What the best of N trials without any skill is expected to show: sqrt(V) * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N e))), V
    the variance of the trials' ratios, g Euler's constant, Z the normal quantile. Not annualised; 0 for one trial."""
    if trials < 2:
        return 0.0
    gamma = float(np.euler_gamma)
    first, second = NORMAL.inv_cdf(1.0 - 1.0 / trials), NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - gamma) * first + gamma * second)


def deflated_sharpe(r: Floats, trials: int, variance: float) -> float | None:
    """The probability that the best of `trials` is better than luck, `variance` being that of the ratios of all of them (per
    return, not annualised)."""
    return probabilistic_sharpe(r, expected_best_sharpe(trials, variance))


def _ratio(r: Floats) -> float | None:
    return None if len(r) < FEWEST_DAYS else sharpe(r, 1.0)


def _shape(r: Floats) -> tuple[float | None, float | None]:
    """Skewness and excess kurtosis from central moments, None without variance."""
    if float(np.ptp(r)) == 0.0:
        return None, None
    off = r - r.mean()
    variance = float(np.mean(off**2))
    return float(np.mean(off**3)) / variance**1.5, float(np.mean(off**4)) / variance**2 - 3.0
