"""The parameters that are searched: axes, the conditions between them, and the combinations they make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from itertools import product
from typing import TypeAlias

from qkt.core.errors import UsageError
from qkt.research.constraint import Constraint

MOST_VALUES = 100_000
DIGITS = 12

FORMS = "NAME=5..30:5 (a range with its step), NAME=20,50,100 (values), or NAME=0.1..0.5 (anything between)"

Params: TypeAlias = dict[str, str]
"""Values by name, as texts that the strategy's loader reads."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and the values it may take, in their order."""

    name: str
    values: tuple[str, ...]

    def at(self, share: float) -> str:
        """The value that a draw from [0, 1) means."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    def place(self, value: str) -> float:
        """Where a value lies between the first (0) and the last one (1)."""
        return self.values.index(value) / max(1, len(self.values) - 1)

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Interval:
    """A parameter that may take any value from `low` to `high`."""

    name: str
    low: Decimal
    high: Decimal

    def at(self, share: float) -> str:
        """The value that a draw from [0, 1) means, to 12 significant digits."""
        return self.text(float(self.low) + share * float(self.high - self.low))

    def place(self, value: str) -> float:
        """Where a value lies between the ends, 0 to 1."""
        return float((Decimal(value) - self.low) / (self.high - self.low))

    @staticmethod
    def text(value: float) -> str:
        """A number as it is given to the strategy."""
        return plain(Decimal(f"{value:.{DIGITS}g}"))

    def __str__(self) -> str:
        return f"{self.name}={plain(self.low)}..{plain(self.high)}"


@dataclass(frozen=True, slots=True)
class Space:
    """All combinations of some axes that satisfy the conditions."""

    axes: tuple[Axis | Interval, ...]
    constraints: tuple[Constraint, ...] = ()

    @classmethod
    def parse(cls, params: Sequence[str], where: Sequence[str] = ()) -> Space:
        """The space of `NAME=…` texts. Raises UsageError for what makes none."""
        axes = tuple(parse_axis(text) for text in params)
        names = [axis.name for axis in axes]
        if not names:
            raise UsageError("no parameter is searched", expected=f"--param {FORMS}")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"--param gives '{twice}' twice", expected="each name once")
        return cls(axes, tuple(Constraint.parse(text, names) for text in where))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    @property
    def size(self) -> int | None:
        """How many combinations there are before conditions; None where a parameter takes anything between two values."""
        counts = [len(axis.values) if isinstance(axis, Axis) else None for axis in self.axes]
        return None if None in counts else math.prod(count for count in counts if count is not None)

    def allows(self, params: Params) -> bool:
        return all(constraint.holds(params) for constraint in self.constraints)

    def grid(self) -> Iterator[Params]:
        """Every combination that is allowed, the last axis fastest. Raises UsageError where a range has no step."""
        choices = []
        for axis in self.axes:
            if isinstance(axis, Interval):
                raise UsageError(
                    f"'{axis}' has no step, and a grid needs one",
                    expected=f"such as {axis}:{plain((axis.high - axis.low) / 10)}",
                    remedy="or search with --search random",
                )
            choices.append(axis.values)
        for values in product(*choices):
            params = dict(zip(self.names, values, strict=True))
            if self.allows(params):
                yield params

    def as_json(self) -> dict[str, list[str]]:
        return {"params": [str(axis) for axis in self.axes], "where": [one.text for one in self.constraints]}


def parse_axis(text: str) -> Axis | Interval:
    """`NAME=5..30:5`, `NAME=20,50,100` or `NAME=0.1..0.5`. A range between whole numbers goes by 1 where no step is given.

    Raises UsageError for another form.
    """
    name, equals, given = (part.strip() for part in text.partition("="))
    if not (name and equals and given):
        raise UsageError(f"--param '{text}' cannot be understood", expected=FORMS)
    if ".." not in given:
        values = tuple(_canonical(value.strip()) for value in given.split(","))
        if "" in values or len(set(values)) < len(values):
            raise UsageError(f"--param '{text}' has a value that is empty or there twice", expected="each value once")
        return Axis(name, values)
    ends, colon, step_text = given.partition(":")
    low_text, _, high_text = ends.partition("..")
    low, high = (_number(part, text) for part in (low_text, high_text))
    if high < low:
        raise UsageError(f"--param '{text}' ends before it begins", expected=f"{name}={plain(high)}..{plain(low)}")
    whole = low == low.to_integral_value() and high == high.to_integral_value()
    if not colon and not whole and low < high:
        return Interval(name, low, high)
    step = _number(step_text, text) if colon else Decimal(1)
    if step <= 0:
        raise UsageError(f"--param '{text}' goes by steps of {plain(step)}", expected="a step above zero")
    count = int((high - low) / step) + 1
    if count > MOST_VALUES:
        raise UsageError(f"--param '{text}' has {count:,} values", expected=f"at most {MOST_VALUES:,}, by a longer step")
    return Axis(name, tuple(plain(low + n * step) for n in range(count)))


def plain(value: Decimal) -> str:
    """A number without exponent and trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def _canonical(text: str) -> str:
    try:
        value = Decimal(text)
    except DecimalException:
        return text
    return plain(value) if value.is_finite() else text


def _number(text: str, whole: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except DecimalException:
        value = Decimal("nan")
    if not value.is_finite():
        raise UsageError(f"--param '{whole}' has '{text.strip()}' where a number belongs", expected=FORMS)
    return value
