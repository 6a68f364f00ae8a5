"""Formulas over a window, written once for numbers and for columns.

A window is a sequence of floats, oldest first; or of arrays, of which the k-th holds the k-th value of many windows at
once. Both take the same operations in the same order, so they give the same bits. Sums run oldest to newest; the builtin
`sum` would not do, since it compensates from Python 3.12 on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from qkt.indicators.inputs import FloatArray

Num = TypeVar("Num", float, "FloatArray")


def total(values: Iterable[Num]) -> Num:
    """The sum of one or more values."""
    rest = iter(values)
    acc = next(rest)
    for v in rest:
        acc = acc + v
    return acc


def mean(window: Sequence[Num]) -> Num:
    """The arithmetic mean."""
    return total(window) / len(window)


def squares(values: Iterable[Num], center: Num) -> Num:
    """Sum of squared deviations from `center`."""
    rest = iter(values)
    d = next(rest) - center
    acc = d * d
    for v in rest:
        d = v - center
        acc = acc + d * d
    return acc


def path(values: Iterable[Num]) -> Num:
    """Sum of the absolute steps between two or more values."""
    steps = pairwise(values)
    a, b = next(steps)
    acc = abs(b - a)
    for a, b in steps:
        acc = acc + abs(b - a)
    return acc


def sample_variance(window: Sequence[Num]) -> Num:
    """Sum of squared deviations over n - 1."""
    return squares(window, mean(window)) / (len(window) - 1)


def root(x: Num) -> Num:
    """The square root, correctly rounded in both forms."""
    if isinstance(x, float):
        return math.sqrt(x)
    import numpy as np

    return np.sqrt(x)
