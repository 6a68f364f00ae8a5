"""Long runs of every indicator with a memory, against a direct computation of single values in exact or extended arithmetic.

    python benchmarks/stability.py [--bars 5000000] [--n 50] [NAME ...]

The market is a walk of five-decimal prices. Early on a stretch of it is a billion times higher, as a broken feed might
deliver: what sums would keep of it long after it left the window is what this looks for. The values of 200 bars, the last
one among them, are compared. Prints the worst relative difference of each indicator and exits with 1 above 1e-9.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from qkt.indicators import REGISTRY, Feed

LIMIT = 1e-9
MINUTE = 60_000
CHUNK = 50_000
SAMPLES = 200
# Weights of recursive averages this many periods back are below 1e-25.
MEMORY = 60
LOST = 1e9
CROSS_ZERO = ("CCI", "RESID", "SKEW", "CORRELATION", "BETA")
NEAR_ZERO = 1e-3

Floats = Any
Direct = Callable[["Market", int, int], float]


@dataclass(frozen=True)
class Market:
    """Candles as columns; `close` and `other` also serve as series of numbers."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    start: Floats
    end: Floats
    other: Floats

    def cut(self, a: int, b: int) -> Market:
        return Market(*(getattr(self, f.name)[a:b] for f in fields(self)))

    def closes(self, upto: int, count: int) -> list[Fraction]:
        return [Fraction(v) for v in self.close[upto + 1 - count : upto + 1].tolist()]

    def others(self, upto: int, count: int) -> list[Fraction]:
        return [Fraction(v) for v in self.other[upto + 1 - count : upto + 1].tolist()]


def market(bars: int, seed: int = 7) -> Market:
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.integers(-9, 10, size=(2, bars)), axis=1)
    walk = np.abs(walk % 40_000 - 20_000) + 90_000  # between 0.9 and 1.1, reflected
    close, other = walk / 1e5
    first = np.concatenate((close[:1], close[:-1]))
    up, down = random.integers(0, 12, size=(2, bars)) / 1e5
    high, low = np.maximum(first, close) + up, np.minimum(first, close) - down
    broken = slice(bars // 100, bars // 100 + 60)
    for column in (first, high, low, close, other):
        column[broken] *= LOST
    volume = random.integers(0, 500, size=bars).astype(np.float64)
    start = np.arange(bars, dtype=np.int64) * MINUTE
    return Market(first, high, low, close, volume, start, start + MINUTE, other)


# ---------------------------------------------------------------- direct computation


def root(value: Fraction) -> float:
    with localcontext() as context:
        context.prec = 60
        return float((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def mean(window: Sequence[Fraction]) -> Fraction:
    return sum(window, Fraction()) / len(window)


def moment(window: Sequence[Fraction], power: int) -> Fraction:
    center = mean(window)
    return sum(((v - center) ** power for v in window), Fraction()) / len(window)


def covariance(xs: Sequence[Fraction], ys: Sequence[Fraction]) -> Fraction:
    x_mean, y_mean = mean(xs), mean(ys)
    return sum(((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)), Fraction()) / len(xs)


def returns(window: Sequence[Fraction]) -> list[Fraction]:
    return [(b - a) / a for a, b in pairwise(window)]


def average(values: Sequence[Fraction | float], alpha: float) -> float:
    """A recursive average that has forgotten its seed, in extended precision."""
    value = np.longdouble(values[0])
    for v in values[1:]:
        value += np.longdouble(alpha) * (np.longdouble(v) - value)
    return float(value)


def ema(m: Market, at: int, n: int) -> float:
    return average(m.close[at + 1 - MEMORY * n : at + 1].tolist(), 2.0 / (n + 1))


def rsi(m: Market, at: int, n: int) -> float:
    steps: list[float] = np.diff(m.close[at + 1 - MEMORY * n : at + 1]).tolist()
    gain = average([max(s, 0.0) for s in steps], 1.0 / n)
    loss = average([max(-s, 0.0) for s in steps], 1.0 / n)
    return 100.0 - 100.0 / (1.0 + gain / loss)


def ranges(m: Market, at: int, n: int) -> list[float]:
    a = at + 1 - MEMORY * n
    high = np.maximum(m.high[a : at + 1], m.close[a - 1 : at])
    low = np.minimum(m.low[a : at + 1], m.close[a - 1 : at])
    spans: list[float] = (high - low).tolist()
    return spans


def weighted(m: Market, at: int, n: int) -> float:
    return float(sum((k * v for k, v in enumerate(m.closes(at, n), 1)), Fraction()) / Fraction(n * (n + 1), 2))


def slope(m: Market, at: int, n: int) -> float:
    positions = [Fraction(k) for k in range(n)]
    return float(covariance(positions, m.closes(at, n)) / moment(positions, 2))


def efficiency(m: Market, at: int, n: int) -> float:
    window = m.closes(at, n + 1)
    return float(abs(window[-1] - window[0]) / sum((abs(b - a) for a, b in pairwise(window)), Fraction()))


def commodity(m: Market, at: int, n: int) -> float:
    columns = (m.high, m.low, m.close)
    typical = [
        sum(map(Fraction, row), Fraction()) / 3 for row in zip(*(c[at + 1 - n : at + 1].tolist() for c in columns), strict=True)
    ]
    center = mean(typical)
    return float((typical[-1] - center) / (Fraction(15, 1000) * mean([abs(v - center) for v in typical])))


def correlation(m: Market, at: int, n: int) -> float:
    xs, ys = m.closes(at, n), m.others(at, n)
    return float(covariance(xs, ys)) / (root(moment(xs, 2)) * root(moment(ys, 2)))


def residual(m: Market, at: int, n: int) -> float:
    ys, xs = m.closes(at, n), m.others(at, n)
    slope_ = covariance(xs, ys) / moment(xs, 2)
    return float(ys[-1] - mean(ys) - slope_ * (xs[-1] - mean(xs)))


def variance_ratio(m: Market, at: int, n: int) -> float:
    single = returns(m.closes(at, n + 1))
    sums = [a + b for a, b in pairwise(single)]
    return float(moment(sums, 2) / (2 * moment(single, 2)))


def skew(m: Market, at: int, n: int) -> float:
    window = returns(m.closes(at, n + 1))
    second = moment(window, 2)
    return float(moment(window, 3)) / (float(second) * root(second))


def tick_vwap(m: Market, at: int, n: int) -> float:
    rows = zip(m.closes(at, n), m.volume[at + 1 - n : at + 1].tolist(), strict=True)
    pairs = [(price * Fraction(volume), Fraction(volume)) for price, volume in rows]
    return float(sum((v for v, _ in pairs), Fraction()) / sum((v for _, v in pairs), Fraction()))


def session_vwap(m: Market, at: int, n: int) -> float:  # noqa: ARG001
    begin = at // 1440 * 1440
    volume = m.volume[begin : at + 1]
    return math.fsum((m.high[begin : at + 1] + m.low[begin : at + 1] + m.close[begin : at + 1]) / 3 * volume) / math.fsum(
        volume
    )


DIRECT: dict[str, tuple[Callable[[int], list[float]], Direct]] = {
    "SUM": (lambda n: [n], lambda m, at, n: float(sum(m.closes(at, n), Fraction()))),
    "SMA": (lambda n: [n], lambda m, at, n: float(mean(m.closes(at, n)))),
    "WMA": (lambda n: [n], weighted),
    "EMA": (lambda n: [n], ema),
    "RSI": (lambda n: [n], rsi),
    "ATR": (lambda n: [n], lambda m, at, n: average(ranges(m, at, n), 1.0 / n)),
    "STDDEV": (lambda n: [n], lambda m, at, n: root(moment(m.closes(at, n), 2) * n / (n - 1))),
    "VARIANCE": (lambda n: [n], lambda m, at, n: float(moment(m.closes(at, n), 2) * n / (n - 1))),
    "ZSCORE": (
        lambda n: [n],
        lambda m, at, n: float(m.closes(at, n)[-1] - mean(m.closes(at, n))) / root(moment(m.closes(at, n), 2) * n / (n - 1)),
    ),
    "BOLLINGER_UPPER": (
        lambda n: [n, 2],
        lambda m, at, n: float(mean(m.closes(at, n))) + 2 * root(moment(m.closes(at, n), 2)),
    ),
    "REGRESSION_SLOPE": (lambda n: [n], slope),
    "PERCENTILE_RANK": (lambda n: [n], lambda m, at, n: sum(v < m.closes(at, 1)[0] for v in m.closes(at, n)) / n),
    "ER": (lambda n: [n], efficiency),
    "SKEW": (lambda n: [n], skew),
    "VARIANCE_RATIO": (lambda n: [2, n], variance_ratio),
    "HIGHEST": (lambda n: [n], lambda m, at, n: float(max(m.closes(at - 1, n)))),
    "MIN_OVER": (lambda n: [n], lambda m, at, n: float(min(m.closes(at, n)))),
    "CORRELATION": (lambda n: [n], correlation),
    "BETA": (lambda n: [n], lambda m, at, n: float(covariance(m.closes(at, n), m.others(at, n)) / moment(m.others(at, n), 2))),
    "RESID": (lambda n: [n], residual),
    "CCI": (lambda n: [n], commodity),
    "VWAP": (lambda n: [n], tick_vwap),
    "VWAP_SESSION": (lambda _: [0], session_vwap),
}


# ---------------------------------------------------------------- comparison


def worst(name: str, m: Market, n: int, samples: int = SAMPLES) -> float:
    """The greatest difference of an indicator over the whole run from the direct computation, relative to the value.

    Values that pass through zero may differ there by a further 1e-12.
    """
    constants, direct = DIRECT[name]
    spec = REGISTRY[name]
    instance = spec.make(constants(n), 2)
    bars = len(m.close)
    first = max(bars // 100 + 60 + (MEMORY + 1) * n, bars // 10)
    wanted = sorted({*np.linspace(first, bars - 1, samples, dtype=np.int64).tolist()})
    found: list[float | None] = []
    taken = 0
    for begin in range(0, bars, CHUNK):
        part = m.cut(begin, begin + CHUNK)
        column = _fed(instance, spec.feed, part)
        while taken < len(wanted) and wanted[taken] < begin + len(column):
            found.append(column[wanted[taken] - begin])
            taken += 1
    difference = 0.0
    for at, value in zip(wanted, found, strict=True):
        expected = direct(m, at, n)
        if value is None:
            return math.inf
        gap = abs(value - expected)
        if gap:
            difference = max(difference, gap / (abs(expected) + (NEAR_ZERO if name in CROSS_ZERO else 0.0)))
    return difference


def _fed(instance: Any, feed: Feed, part: Market) -> list[float | None]:
    given: dict[Feed, tuple[Any, ...]] = {
        Feed.NUMBER: (part.close,),
        Feed.PAIR: (part.close, part.other),
        Feed.MULTI: ((part.close, part.other),),
        Feed.CANDLE: (part,),
        Feed.TICK: (part.close, part.volume),
    }
    values: list[float | None] = instance.column(*given[feed])
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=5_000_000)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    m = market(args.bars)
    print(f"{args.bars:,} bars, n = {args.n}")
    failed = False
    for name in args.names or DIRECT:
        began = time.perf_counter()
        difference = worst(name, m, args.n)
        failed |= difference > LIMIT
        print(f"{name:20}{difference:10.1e}  {(time.perf_counter() - began) / args.bars * 1e6:6.2f} us a bar", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
