"""Statistics of an equity curve, float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qkt.backtest.record import RunRecord

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

SMALLEST_BASE = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurve:
    """Equity over time: `times` epoch ms UTC, `values` account currency, rounded to the 8 decimals that money has."""

    times: Ints
    values: Floats

    @classmethod
    def of(cls, record: RunRecord) -> EquityCurve:
        values = np.array(record.equity_values, dtype=np.float64).round(8)
        return cls(np.array(record.equity_times, dtype=np.int64), values)

    def __len__(self) -> int:
        return len(self.times)

    def thinned(self, points: int) -> EquityCurve:
        """At most `points` samples: every second one is dropped until they fit; the first and the last always stay."""
        count = len(self)
        kept = np.arange(count)
        stride = 1
        while len(kept) > points:
            stride *= 2
            kept = np.arange(0, count, stride)
            if kept[-1] != count - 1:
                kept = np.append(kept, count - 1)
        return EquityCurve(self.times[kept], self.values[kept])


def returns(values: Floats) -> Floats:
    """r_t = (E_t - E_{t-1}) / max(|E_{t-1}|, 1e-8), one less than there are samples."""
    return np.diff(values) / np.maximum(np.abs(values[:-1]), SMALLEST_BASE)


def volatility(r: Floats, per_year: float) -> float | None:
    """sd(r) * sqrt(A) with n - 1 in the variance, as a share of equity a year. None for fewer than two returns."""
    if len(r) < 2:
        return None
    return float(np.std(r, ddof=1)) * math.sqrt(per_year)


def sharpe(r: Floats, per_year: float) -> float | None:
    """mean(r) / sd(r) * sqrt(A), risk-free rate 0 (Sharpe 1994). None for fewer than two returns or without variance."""
    if len(r) < 2 or float(np.ptp(r)) == 0.0:
        return None
    return float(np.mean(r) / np.std(r, ddof=1)) * math.sqrt(per_year)


def sortino(r: Floats, per_year: float) -> float | None:
    """mean(r) / sqrt(sum(min(r, 0)^2) / n) * sqrt(A), target 0 (Sortino and Price 1994). None without a negative return."""
    if len(r) < 2:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(r, 0.0) ** 2)))
    return None if downside == 0.0 else float(np.mean(r)) / downside * math.sqrt(per_year)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall of equity from a peak: times epoch ms, `fraction` of the peak and `money`, both positive.

    `peak` is the last sample at the peak, `trough` the lowest one, `recovery` the first that is back at the peak, None when
    there was none until the end. `duration_ms` runs from the peak to the recovery or else to the end.
    """

    fraction: float
    money: float
    peak: int
    trough: int
    recovery: int | None
    duration_ms: int


def deepest_drawdown(curve: EquityCurve) -> Drawdown | None:
    """The drawdown with the largest fraction max((peak - E) / peak), None when equity never fell below a positive peak."""
    times, values = curve.times, curve.values
    if not len(values):
        return None
    peaks = np.maximum.accumulate(values)
    fractions = np.divide(peaks - values, peaks, out=np.zeros_like(values), where=peaks > 0)
    trough = int(np.argmax(fractions))
    if fractions[trough] <= 0.0:
        return None
    level = peaks[trough]
    peak = int(np.flatnonzero(values[:trough] == level)[-1])
    back = np.flatnonzero(values[trough:] >= level)
    recovery = int(times[trough + back[0]]) if len(back) else None
    return Drawdown(
        fraction=float(fractions[trough]),
        money=round(float(level - values[trough]), 8),
        peak=int(times[peak]),
        trough=int(times[trough]),
        recovery=recovery,
        duration_ms=(int(times[-1]) if recovery is None else recovery) - int(times[peak]),
    )


def largest_fall(values: Floats) -> float:
    """max(peak - E) in money, which need not belong to the drawdown that is deepest in percent."""
    return round(float(np.max(np.maximum.accumulate(values) - values)), 8) if len(values) else 0.0


def longest_under_water(curve: EquityCurve) -> int:
    """The longest time from a peak to the next sample that is back at it, or to the end, in ms; 0 without a fall."""
    if not len(curve):
        return 0
    at_peak = np.flatnonzero(curve.values == np.maximum.accumulate(curve.values))
    marks = np.append(at_peak, len(curve) - 1)
    fallen = np.diff(marks) > 1
    if at_peak[-1] != len(curve) - 1:
        fallen[-1] = True
    spans = np.diff(curve.times[marks])[fallen]
    return int(spans.max()) if len(spans) else 0
