"""Scalar functions of the language.

They take defined floats, never raise, and answer None (Undefined) where there is no finite result. Rounding and remainders
are decimal: an integer-valued operand counts as it is, any other as its 12 significant digits, so that mod(0.3, 0.1) is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN
from fractions import Fraction
from types import MappingProxyType

from qkt.core.numbers import to_decimal
from qkt.indicators.ties import flat, same


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A scalar function: its upper-case name, how many arguments it takes (None: any number more), and itself."""

    name: str
    min_args: int
    max_args: int | None
    call: Callable[..., float | None]


def _safe(function: Callable[..., float | None]) -> Callable[..., float | None]:
    """The function with every failure and every non-finite result turned into None, and one zero."""

    def call(*args: float) -> float | None:
        try:
            result = function(*args)
        except (ArithmeticError, ValueError):
            return None
        return result + 0.0 if result is not None and math.isfinite(result) else None

    return call


def _rounded(rounding: str) -> Callable[[float], float]:
    def rounded(x: float) -> float:
        return x if x.is_integer() else float(to_decimal(x).to_integral_value(rounding))

    return rounded


def _exact(x: float) -> Fraction:
    return Fraction(x) if x.is_integer() else Fraction(to_decimal(x))


def _mod(a: float, b: float) -> float:
    return float(_exact(a) % _exact(b))


def _round_to(x: float, step: float) -> float:
    exact_step = _exact(step)
    return float(exact_step * round(_exact(x) / exact_step))


def _rank_of(v: float, *others: float) -> float:
    return 1.0 + len([w for w in others if w > v and not same(w, v)])


def _normalize(*values: float) -> float:
    low, high = min(values), max(values)
    return 0.0 if flat(values) else (values[0] - low) / (high - low)


def _softmax(*values: float) -> float:
    highest = max(values)
    return math.exp(values[0] - highest) / math.fsum(math.exp(v - highest) for v in values)


def _clamp(x: float, low: float, high: float) -> float | None:
    return None if low > high else min(max(x, low), high)


def _sign(x: float) -> float:
    return float((x > 0.0) - (x < 0.0))


_SPECS = (
    FunctionSpec("ABS", 1, 1, _safe(abs)),
    FunctionSpec("SQRT", 1, 1, _safe(math.sqrt)),
    FunctionSpec("LOG", 1, 1, _safe(math.log)),
    FunctionSpec("EXP", 1, 1, _safe(math.exp)),
    FunctionSpec("POW", 2, 2, _safe(math.pow)),
    FunctionSpec("MOD", 2, 2, _safe(_mod)),
    FunctionSpec("ROUND_TO", 2, 2, _safe(_round_to)),
    FunctionSpec("FLOOR", 1, 1, _safe(_rounded(ROUND_FLOOR))),
    FunctionSpec("CEIL", 1, 1, _safe(_rounded(ROUND_CEILING))),
    FunctionSpec("ROUND", 1, 1, _safe(_rounded(ROUND_HALF_EVEN))),
    FunctionSpec("MIN", 2, None, _safe(min)),
    FunctionSpec("MAX", 2, None, _safe(max)),
    FunctionSpec("RANK_OF", 2, None, _safe(_rank_of)),
    FunctionSpec("NORMALIZE", 2, None, _safe(_normalize)),
    FunctionSpec("SOFTMAX", 2, None, _safe(_softmax)),
    FunctionSpec("CLAMP", 3, 3, _safe(_clamp)),
    FunctionSpec("SIGN", 1, 1, _safe(_sign)),
)

FUNCTIONS: Mapping[str, FunctionSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
