"""The number rules of orders and money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.numbers import exact, floor_to, plain, q8, quotient, to_decimal


def test_a_float_becomes_the_decimal_a_person_means() -> None:
    assert to_decimal(0.3 - 0.1) == Decimal("0.2")
    assert to_decimal(1.09316) == Decimal("1.09316")
    assert to_decimal(42876.24) == Decimal("42876.24")


@pytest.mark.parametrize("x", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(x: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        to_decimal(x)


def test_quantities_are_floored_to_the_step_and_keep_its_decimals() -> None:
    assert str(floor_to(to_decimal(0.3 - 0.1), Decimal("0.01"))) == "0.20"
    assert str(floor_to(Decimal("0.2399999999"), Decimal("0.01"))) == "0.23"
    assert str(floor_to(Decimal("0.0609"), Decimal("0.001"))) == "0.060"


@given(
    st.decimals("0.0001", "1000000", places=8),
    st.sampled_from([Decimal("0.01"), Decimal("0.001"), Decimal("0.1"), Decimal(1), Decimal("0.05")]),
)
def test_flooring_never_rounds_up_and_loses_less_than_a_step(quantity: Decimal, step: Decimal) -> None:
    floored = floor_to(quantity, step)
    assert floored <= quantity < floored + step
    assert floored % step == 0


def test_stored_money_rounds_half_even_at_eight_decimals() -> None:
    assert q8(Decimal("0.000000005")) == Decimal("0E-8")
    assert q8(Decimal("0.000000015")) == Decimal("0.00000002")


def test_quotients_have_sixteen_digits_and_products_all_of_them() -> None:
    assert quotient(Decimal(1), Decimal(3)) == Decimal("0.3333333333333333")
    assert exact(Decimal("1.23456789"), Decimal("98765.43210001")) == Decimal(123456789 * 9876543210001).scaleb(-16)


def test_text_has_no_exponent() -> None:
    assert plain(Decimal("0E-8")) == "0.00000000"
    assert plain(Decimal("1E+3")) == "1000"


def test_any_finite_price_can_be_written_with_eight_decimals() -> None:
    assert q8(to_decimal(1e300)) == Decimal("1e300")
