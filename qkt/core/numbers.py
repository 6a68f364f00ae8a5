"""Decimal arithmetic of orders, fills and money, and the one bridge from float to Decimal.

Sums and products are exact, quotients keep 16 significant digits (IEEE decimal64, half-even), stored money and prices
keep 8 decimals. Nothing else rounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from math import isfinite

EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
# Wide enough to write any finite double with 8 decimals.
WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)
D64 = Context(prec=16, rounding=ROUND_HALF_EVEN)

ZERO = Decimal(0)
ONE = Decimal(1)
EIGHT_PLACES = Decimal("0.00000001")
NO_MONEY = Decimal("0.00000000")


# Looked up once: every fill comes by here dozens of times.
_add, _multiply, _divide, _quantize = EXACT.add, EXACT.multiply, D64.divide, WIDE.quantize


def exact(first: Decimal, second: Decimal, *more: Decimal) -> Decimal:
    """The exact product."""
    product = _multiply(first, second)
    for factor in more:
        product = _multiply(product, factor)
    return product


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    result = ZERO
    for amount in amounts:
        result = _add(result, amount)
    return result


def quotient(a: Decimal, b: Decimal) -> Decimal:
    """a / b rounded to 16 significant digits."""
    return _divide(a, b)


def q8(x: Decimal) -> Decimal:
    """x with 8 decimals, half-even."""
    return _quantize(x, EIGHT_PLACES)


def floor_to(x: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `x`, written with the decimals of the step."""
    steps = EXACT.divide(x, step).to_integral_value(rounding=ROUND_FLOOR)
    return EXACT.multiply(steps, step).quantize(step, context=EXACT)


def to_decimal(x: float) -> Decimal:
    """The decimal of a float's 12 significant digits: 0.3 - 0.1 becomes 0.2. Raises ValueError unless x is finite."""
    if not isfinite(x):
        raise ValueError(f"a finite number is needed, not {x!r}")
    return Decimal(f"{x:.12g}")


def plain(x: Decimal) -> str:
    """Text without an exponent."""
    return f"{x:f}"
