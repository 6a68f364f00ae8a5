"""A whole column gives the bits, and leaves the state, of one input after the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.indicators import REGISTRY, Feed, IndicatorSpec
from qkt.indicators.rolling import BLOCK
from tests.indicators.feeding import Bar, bits, feed_column, feed_one_by_one

MINUTE = 60_000
# Round prices that tie, sums and differences that tie but for noise, zeros, what has no square, and whatever floats there are.
PRICES = st.one_of(
    st.sampled_from([0.1, 0.3, 0.1 + 0.2, 100.4 - 100.1, 99.7 - 99.4, 1.1, 1.1000000001, 2.0, 7.0, 0.0, -3.0]),
    st.integers(990, 1010).map(lambda k: k / 10),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.sampled_from([1e-200, 3e-170, -1e160]),
)
VOLUMES = st.one_of(st.none(), st.integers(0, 3).map(float), st.floats(0.0, 1e6))


@st.composite
def candles(draw: st.DrawFn) -> list[Bar]:
    at = 20_000 * 1_440 * MINUTE + 30 * MINUTE * draw(st.integers(0, 48))
    out = []
    prices = st.integers(990, 1010).map(lambda k: k / 10)
    for _ in range(draw(st.integers(0, 40))):
        four = [draw(prices) for _ in range(4)]
        out.append(Bar(four[0], max(four), min(four), four[1], draw(VOLUMES), at, at + 30 * MINUTE))
        at += 30 * MINUTE * draw(st.sampled_from([1, 1, 1, 2, 5, 30]))
    return out


def inputs_for(spec: IndicatorSpec) -> st.SearchStrategy[list[Any]]:
    match spec.feed:
        case Feed.NUMBER:
            return st.lists(PRICES, max_size=40)
        case Feed.PAIR:
            return st.lists(st.tuples(PRICES, PRICES), max_size=40)
        case Feed.MULTI:
            return st.lists(st.tuples(PRICES, PRICES, PRICES), max_size=40)
        case Feed.TICK:
            return st.lists(st.tuples(PRICES, VOLUMES), max_size=40)
        case Feed.CONDITION:
            return st.lists(st.booleans(), max_size=40)
        case Feed.CANDLE:
            return candles()


def constants_for(spec: IndicatorSpec, draw: Callable[..., Any]) -> list[float]:
    series = 3 if spec.feed is Feed.MULTI else spec.min_series
    drawn = [
        draw(st.integers(c.minimum or 0, min((c.minimum or 0) + 7, c.maximum or 7))) if c.integer else draw(st.floats(0.0, 3.0))
        for c in spec.constants
    ]
    if spec.check(drawn, series) is not None:  # those that must rise: fast and slow, start and end, step and window
        drawn = [float(c.minimum or 0) + 2 * i for i, c in enumerate(spec.constants)]
    if spec.name == "RESID":
        drawn = [draw(st.integers(4, 9))]
    assert spec.check(drawn, series) is None
    return drawn


@pytest.mark.parametrize("spec", REGISTRY.values(), ids=REGISTRY.keys())
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_columns_and_single_inputs_in_any_mixture_give_the_same_bits(spec: IndicatorSpec, data: st.DataObject) -> None:
    inputs = data.draw(inputs_for(spec))
    constants = constants_for(spec, data.draw)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(inputs)), max_size=4)))
    as_column = data.draw(st.lists(st.booleans(), min_size=5, max_size=5))
    plain, mixed = spec.make(constants, 3), spec.make(constants, 3)
    expected = feed_one_by_one(plain, spec.feed, inputs)
    got: list[float | None] = []
    for begin, end, column in zip([0, *cuts], [*cuts, len(inputs)], as_column, strict=False):
        form = feed_column if column else feed_one_by_one
        got += form(mixed, spec.feed, inputs[begin:end])
        assert bits([mixed.value]) == bits(expected[:end][-1:] or [None])
    assert bits(got) == bits(expected)
    assert all(v is None or math.isfinite(v) for v in got)


NUMBERS = [name for name, spec in REGISTRY.items() if spec.feed in (Feed.NUMBER, Feed.PAIR)]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_column_longer_than_a_block_gives_the_same_bits(name: str) -> None:
    spec = REGISTRY[name]
    random = np.random.default_rng(11)
    steps = random.integers(-2, 3, size=(2, BLOCK + 700))
    x, y = (1.1 + np.cumsum(steps, axis=1) / 1e5).tolist()
    y[300:330] = [1.1] * 30
    x[BLOCK - 15 : BLOCK + 15] = [0.1 + 0.2] * 15 + [0.3] * 15
    inputs: list[Any] = x if spec.feed is Feed.NUMBER else list(zip(x, y, strict=True))
    constants = [3.0, 7.0, 4.0][: len(spec.constants)]
    got = feed_column(spec.make(constants), spec.feed, inputs)
    assert bits(got) == bits(feed_one_by_one(spec.make(constants), spec.feed, inputs))
