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
