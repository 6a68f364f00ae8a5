"""Falls of equity from its peaks: the deepest, all of the deep ones, and how long they last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qkt.backtest.curve import EquityCurve, Floats
from qkt.core.timeframe import DAY_MS

SHALLOWEST = 0.01
"""Falls of a smaller share of the peak are noise and not listed."""


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


def drawdowns(curve: EquityCurve, shallowest: float = SHALLOWEST) -> tuple[Drawdown, ...]:
    """Every fall from a positive peak to the recovery or the end, the deepest fraction first; those of an equal depth in their
    order. Shallower ones than `shallowest` are left out."""
    fractions = under_water(curve.values)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], fractions > 0.0, [False])).astype(np.int8)))
    if not len(edges):
        return ()
    # Between two falls the fraction is 0, so that the maximum from one start to the next is that of the fall.
    starts, depths = edges[::2], np.maximum.reduceat(fractions, edges[::2])
    deep = np.flatnonzero(depths >= shallowest)
    found = [_fall(curve, fractions, start, end) for start, end in zip(starts[deep], edges[1::2][deep], strict=True)]
    return tuple(sorted(found, key=lambda one: -one.fraction))


def deepest_drawdown(curve: EquityCurve) -> Drawdown | None:
    """The drawdown with the largest fraction max((peak - E) / peak), None when equity never fell below a positive peak."""
    fractions = under_water(curve.values)
    if not len(fractions) or fractions.max() <= 0.0:
        return None
    trough = int(np.argmax(fractions))
    above = np.flatnonzero(fractions[:trough] <= 0.0)
    back = np.flatnonzero(fractions[trough:] <= 0.0)
    return _fall(curve, fractions, int(above[-1]) + 1, trough + int(back[0]) if len(back) else len(fractions))


def _fall(curve: EquityCurve, fractions: Floats, start: int, end: int) -> Drawdown:
    """The fall whose samples below the peak are [start, end)."""
    times, values = curve.times, curve.values
    trough, peak = start + int(np.argmax(fractions[start:end])), start - 1
    recovery = None if end == len(values) else int(times[end])
    return Drawdown(
        fraction=float(fractions[trough]),
        money=round(float(values[peak] - values[trough]), 8),
        peak=int(times[peak]),
        trough=int(times[trough]),
        recovery=recovery,
        duration_ms=(int(times[-1]) if recovery is None else recovery) - int(times[peak]),
    )


def under_water(values: Floats) -> Floats:
    """(peak - E) / peak at every sample, 0 where the running peak is not positive."""
    peaks = np.maximum.accumulate(values)
    shares: Floats = np.divide(peaks - values, peaks, out=np.zeros_like(values), where=peaks > 0)
    return shares


def largest_fall(values: Floats) -> float:
    """max(peak - E) in money, which need not belong to the drawdown that is deepest in percent."""
    return round(float(np.max(np.maximum.accumulate(values) - values)), 8) if len(values) else 0.0


def longest_under_water(curve: EquityCurve) -> int:
    """The longest time from a peak to the next sample that is back at it, or to the end, in ms; 0 without a fall."""
    spans = _spans(curve)
    return max(spans, default=0)


def time_under_water(curve: EquityCurve) -> float | None:
    """Share of the run's time that lies between a peak and the return to it; None for a run without duration."""
    whole = int(curve.times[-1] - curve.times[0]) if len(curve) else 0
    return sum(_spans(curve)) / whole if whole > 0 else None


def ulcer_index(values: Floats) -> float | None:
    """sqrt(mean(((peak - E) / peak)^2)) over the samples (Martin and McCann, 1989), a fraction. None without a sample."""
    return float(np.sqrt(np.mean(under_water(values) ** 2))) if len(values) else None


def largest_daily_fall(curve: EquityCurve) -> float:
    """max over UTC days of (first sample - lowest sample) / first sample. A sample on midnight ends the day before it."""
    if len(curve) < 2:
        return 0.0
    days = (curve.times - 1) // DAY_MS
    starts = np.flatnonzero(np.concatenate(([True], np.diff(days) != 0)))
    first, lowest = curve.values[starts], np.minimum.reduceat(curve.values, starts)
    falls = np.divide(first - lowest, first, out=np.zeros_like(first), where=first > 0)
    return float(falls.max())


def _spans(curve: EquityCurve) -> list[int]:
    """How long each fall took, from the last sample at its peak to the first one back there, or to the end."""
    if not len(curve):
        return []
    at_peak = np.flatnonzero(curve.values == np.maximum.accumulate(curve.values))
    marks = np.append(at_peak, len(curve) - 1)
    fallen = np.diff(marks) > 1
    if at_peak[-1] != len(curve) - 1:
        fallen[-1] = True
    spans: list[int] = np.diff(curve.times[marks])[fallen].tolist()
    return spans
