"""Windows against a direct computation, and over long runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.indicators import REGISTRY

WALKS = st.lists(st.integers(-30, 30), min_size=1, max_size=60).map(
    lambda steps: [round(1.1 + sum(steps[: i + 1]) / 1e5, 5) for i in range(len(steps))]
)
Window = Sequence[float]


def exact_mean(window: Window) -> Fraction:
    return sum(map(Fraction, window), Fraction()) / len(window)


def exact_squares(window: Window) -> Fraction:
    center = exact_mean(window)
    return sum(((Fraction(v) - center) ** 2 for v in window), Fraction())


def zscore(window: Window) -> float | None:
    spread = math.sqrt(exact_squares(window) / (len(window) - 1))
    return float(Fraction(window[-1]) - exact_mean(window)) / spread if spread else None


def slope(window: Window) -> float:
    n = len(window)
    products = sum(((k - Fraction(n - 1, 2)) * Fraction(v) for k, v in enumerate(window)), Fraction())
    return float(products / Fraction(n * (n * n - 1), 12))


def efficiency(window: Window) -> float:
    path = sum(abs(b - a) for a, b in pairwise(window))
    return abs(window[-1] - window[0]) / path if path else 0.0


DIRECT: dict[str, tuple[int, Callable[[Window], float | None]]] = {
    "SUM": (0, lambda w: float(exact_mean(w) * len(w))),
    "AVG": (0, lambda w: float(exact_mean(w))),
    "SMA": (0, lambda w: float(exact_mean(w))),
    "WMA": (0, lambda w: float(sum(k * Fraction(v) for k, v in enumerate(w, 1)) / sum(range(1, len(w) + 1)))),
    "STDDEV": (0, lambda w: statistics.stdev(w)),
    "VARIANCE": (0, lambda w: statistics.variance(w)),
    "ZSCORE": (0, zscore),
    "REGRESSION_SLOPE": (0, slope),
    "PERCENTILE_RANK": (0, lambda w: sum(v < w[-1] for v in w) / len(w)),
    "MIN_OVER": (0, min),
    "MAX_OVER": (0, max),
    "HIGHEST": (1, lambda w: max(w[:-1])),
    "LOWEST": (1, lambda w: min(w[:-1])),
    "LAG": (1, lambda w: w[0]),
    "ER": (1, efficiency),
}


@pytest.mark.parametrize("name", DIRECT)
@settings(max_examples=25, deadline=None)
@given(walk=WALKS, n=st.integers(2, 9))
def test_a_window_is_what_a_direct_computation_gives(name: str, walk: list[float], n: int) -> None:
    more, direct = DIRECT[name]
    indicator = REGISTRY[name].make([n])
    for i, x in enumerate(walk, 1):
        got = indicator.update(x)
        if i < n + more:
            assert got is None
            continue
        expected = direct(walk[i - n - more : i])
        if expected is None:
            assert got is None
        else:
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("name", ["SMA", "SUM", "WMA", "STDDEV", "ZSCORE", "BOLLINGER_UPPER", "HIGHEST", "ER"])
def test_a_window_forgets_what_has_left_it(name: str) -> None:
    spec = REGISTRY[name]
    constants = [20.0, 2.0][: len(spec.constants)]
    random = np.random.default_rng(5)
    walk = 100.0 + np.cumsum(random.normal(0.0, 0.01, 40_000))
    walk[:1000] *= 1e9
    long, fresh = spec.make(constants), spec.make(constants)
    assert long.column(walk)[-100:] == fresh.column(walk[-150:])[-100:]


def test_the_tick_vwap_does_not_drift() -> None:
    random = np.random.default_rng(5)
    price, volume = 100.0 + random.random(50_000), random.random(50_000)
    volume[1_000:1_100] = 1e15  # leaves nothing behind once it is out of the window
    got = REGISTRY["VWAP"].make([64]).column(price, volume)[-1]
    traded = [Fraction(v) for v in volume[-64:].tolist()]
    value = sum((Fraction(p) * v for p, v in zip(price[-64:].tolist(), traded, strict=True)), Fraction())
    assert got == pytest.approx(float(value / sum(traded, Fraction())), rel=1e-13)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(*[st.integers(-50, 50).map(float)] * 3), min_size=6, max_size=25))
def test_the_residual_is_that_of_numpy(rows: list[tuple[float, float, float]]) -> None:
    n = 6
    indicator = REGISTRY["RESID"].make([n], 3)
    for i, row in enumerate(rows, 1):
        got = indicator.update(row)
        if i < n:
            continue
        window = np.array(rows[i - n : i])
        design = np.column_stack((np.ones(n), window[:, 1:]))
        if np.linalg.matrix_rank(design) < 3:
            assert got is None
        else:
            fit = np.linalg.lstsq(design, window[:, 0], rcond=None)[0]
            assert got == pytest.approx(window[-1, 0] - design[-1] @ fit, abs=1e-9)
