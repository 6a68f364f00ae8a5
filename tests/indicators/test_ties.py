"""Noise of binary fractions decides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.indicators import REGISTRY, same
from qkt.indicators.ties import difference, flat
from tests.indicators.feeding import Bar

HOUR = 3_600_000
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def last(name: str, constants: list[float], inputs: list[float]) -> float | None:
    indicator = REGISTRY[name].make(constants)
    for x in inputs:
        indicator.update(x)
    return indicator.value


def test_sums_and_differences_of_prices_are_the_same_but_for_noise() -> None:
    assert 0.1 + 0.2 != 0.3
    assert same(0.1 + 0.2, 0.3)
    assert same(100.4 - 100.1, 99.7 - 99.4)
    assert same((100.1 + 100.1 + 100.1) / 3, 100.1)
    assert not same(1.10001, 1.10002)
    assert not same(0.0, 1e-300)


def test_whole_numbers_are_compared_exactly() -> None:
    assert not same(1767571200000.0, 1767571200001.0)
    assert same(1767571200000.5, 1767571200000.50001)
    assert same(1767571200000.0, 1767571200000.0005)


def test_infinity_is_the_same_as_itself_alone() -> None:
    assert same(float("inf"), float("inf"))
    assert not same(float("inf"), 1.5)
    assert not same(float("inf"), float("-inf"))


@settings(deadline=None)
@given(FLOATS, FLOATS)
def test_same_and_difference_agree(a: float, b: float) -> None:
    assert same(a, b) == same(b, a)
    assert difference(a, b) == (0.0 if same(a, b) else a - b)


@settings(deadline=None)
@given(st.lists(st.one_of(FLOATS, st.sampled_from([0.3, 0.1 + 0.2, 3.0, 3.0000000001])), min_size=2, max_size=5))
def test_a_window_is_flat_when_its_extremes_are_the_same(window: list[float]) -> None:
    assert flat(window) == same(min(window), max(window))


def test_a_flat_window_of_fractions_has_no_spread() -> None:
    prices = [0.1] * 10
    assert last("ZSCORE", [10], prices) is None
    assert last("STDDEV", [10], prices) == 0.0
    assert last("VARIANCE", [10], prices) == 0.0
    assert last("ER", [9], prices) == 0.0
    assert last("REGRESSION_SLOPE", [10], prices) == 0.0
    assert last("BOLLINGER_UPPER", [10, 2], prices) == last("BOLLINGER_LOWER", [10, 2], prices)
    assert last("SKEW", [9], prices) == 0.0
    assert last("VARIANCE_RATIO", [2, 9], prices) is None


def test_a_constant_market_has_no_direction() -> None:
    prices = [100.1, 100.4 - 0.3, 100.1, 100.2 - 0.1] * 20
    assert len(set(prices)) > 1
    assert last("RSI", [14], prices) == 50.0
    assert last("RUNLENGTH", [], prices) == 0.0
    assert last("PERCENTILE_RANK", [10], prices) == 0.0
    assert last("MACD", [3, 7, 4], prices) == 0.0
    assert last("MACD_HIST", [3, 7, 4], prices) == 0.0


def test_regressors_that_do_not_move_have_no_residual() -> None:
    resid = REGISTRY["RESID"].make([5], 2)
    correlation, beta = REGISTRY["CORRELATION"].make([5]), REGISTRY["BETA"].make([5])
    for k in range(5):
        resid.update([float(k), 0.1])
        correlation.update(float(k), 0.1)
        beta.update(float(k), 0.1)
    assert resid.value is None
    assert correlation.value is None
    assert beta.value is None


def test_a_peer_that_stands_still_but_for_noise_confirms_only_standing_still() -> None:
    confirm = REGISTRY["CONFIRM_RATIO"].make([1], 3)
    confirm.update([0.3, 0.3, 5.0])
    assert confirm.update([0.1 + 0.2, 0.1 + 0.2, 6.0]) == 0.5


def test_a_session_without_movement_has_no_deviation() -> None:
    deviation = REGISTRY["VWAP_SESSION_STDEV"].make([0])
    for hour, price in enumerate([0.3, 0.1 + 0.2, 0.3]):
        deviation.update(Bar(price, price, price, price, 1.0, hour * HOUR, (hour + 1) * HOUR))
    assert deviation.value == 0.0


@pytest.mark.parametrize("name", ["PLUS_DI", "MINUS_DI"])
def test_equal_moves_up_and_down_count_for_neither_side(name: str) -> None:
    indicator = REGISTRY[name].make([2])
    edges = [(100.1, 99.7), (100.4, 99.4), (100.9, 98.9), (101.0, 98.8), (101.3, 98.5)]
    for i, (high, low) in enumerate(edges):
        indicator.update(Bar(99.9, high, low, 99.9, 0.0, i, i + 1))
    assert 100.4 - 100.1 != 99.7 - 99.4
    assert indicator.value is None  # no movement was ever counted, so ADX does not exist


def test_a_price_of_zero_gives_no_return() -> None:
    skew = REGISTRY["SKEW"].make([3])
    values = [skew.update(x) for x in (1.0, 2.0, 0.0, 5.0, 6.0, 7.0)]
    assert [v is None for v in values] == [True, True, True, True, False, False]


def test_a_spread_too_small_to_be_squared_is_none() -> None:
    fading = [2.0**-k for k in range(600, 620)]
    assert last("ZSCORE", [5], fading) is None
    assert last("SKEW", [5], [1.0, *[1.0 + 1e-14 * k for k in range(9)]]) is not None
    correlation = REGISTRY["CORRELATION"].make([5])
    for x in fading:
        correlation.update(x, x)
    assert correlation.value is None


def test_a_spread_beyond_the_range_of_floats_is_undefined() -> None:
    assert last("VARIANCE", [3], [1e200, -1e200, 1e200]) is None
    assert last("BOLLINGER_UPPER", [3, 2], [1e200, -1e200, 1e200]) is None
