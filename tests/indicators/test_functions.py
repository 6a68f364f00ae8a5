"""Scalar functions beyond the vectors of the specification."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.indicators import FUNCTIONS, FunctionSpec


@pytest.mark.parametrize("spec", FUNCTIONS.values(), ids=FUNCTIONS.keys())
@settings(deadline=None)
@given(data=st.data())
def test_a_function_never_raises_and_never_gives_an_infinity(spec: FunctionSpec, data: st.DataObject) -> None:
    count = spec.max_args or data.draw(st.integers(spec.min_args, 4))
    numbers = st.one_of(st.floats(), st.sampled_from([0.0, 1e308, -1e308, 5e-324, 0.1, 3.0]))
    result = spec.call(*(data.draw(numbers) for _ in range(count)))
    assert result is None or math.isfinite(result)


def call(name: str, *args: float) -> float | None:
    return FUNCTIONS[name].call(*args)


def test_rounding_works_on_the_decimal_a_person_means() -> None:
    assert call("FLOOR", (0.3 - 0.1) / 0.1) == 2.0
    assert call("CEIL", 0.1 * 3 / 0.1) == 3.0
    assert call("ROUND", 2.5000000000000004) == 2.0
    assert call("FLOOR", 123456789012345.0) == 123456789012345.0
    assert call("MOD", 0.3, 0.1) == 0.0
    assert call("MOD", 0.7, 0.1) == 0.0
    assert call("ROUND_TO", 1.005, 0.01) == 1.0
    assert call("ROUND_TO", 1.015, 0.01) == 1.02


@settings(deadline=None)
@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
def test_mod_is_the_decimal_remainder_with_the_sign_of_the_divisor(a: int, b: int) -> None:
    expected = Decimal(a) - b * (Decimal(a) / b).to_integral_value("ROUND_FLOOR")
    assert call("MOD", a / 1000, b / 1000) == float(expected / 1000)


def test_ties_by_noise_are_ties() -> None:
    assert call("RANK_OF", 0.3, 0.1 + 0.2) == 1.0
    assert call("NORMALIZE", 0.3, 0.1 + 0.2) == 0.0


def test_there_is_one_zero() -> None:
    assert math.copysign(1.0, call("ROUND", -0.4) or 0.0) == 1.0
    assert math.copysign(1.0, call("MOD", 6.0, -3.0) or 0.0) == 1.0


def test_clamp_and_sign() -> None:
    assert call("CLAMP", 5.0, 1.0, 3.0) == 3.0
    assert call("CLAMP", -5.0, 1.0, 3.0) == 1.0
    assert call("CLAMP", 2.0, 1.0, 3.0) == 2.0
    assert call("CLAMP", 2.0, 3.0, 1.0) is None
    assert [call("SIGN", x) for x in (-2.5, 0.0, 7.0)] == [-1.0, 0.0, 1.0]
