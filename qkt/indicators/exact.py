"""Sums over a window that are exact, whatever its length and however long the run.

Every float is a whole multiple of a power of two, so a window of floats is a window of integers in units of 2**-power. Their
sums are kept as integers: what enters is added, what leaves is taken away, nothing is rounded and nothing can drift, in
constant time for any n. Formulas are evaluated on the integers and rounded once, by the last division. Where a float needs
a finer unit, the window is written in it from then on.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque

from qkt.indicators.inputs import Column, FloatArray, NumberFed
from qkt.indicators.ties import flat

POWER = 60
LARGEST_SCALE = 1023
# A window that spreads by more than this share of its newest number is not flat: no need to look for its extremes.
MOVED = 1e-9


class Integers:
    """The last n floats, oldest first, and the same as integers in units of 2**-power."""

    __slots__ = ("floats", "integers", "n", "power", "scale")

    def __init__(self, n: int) -> None:
        self.n = n
        self.power = POWER
        self.scale = 2.0**POWER
        self.floats: deque[float] = deque(maxlen=n)
        self.integers: deque[int] = deque()

    def finer(self, x: float) -> int:
        """The integer of a float that is no multiple of the unit, or too large to be scaled; refines the unit if it must."""
        numerator, denominator = x.as_integer_ratio()
        power = denominator.bit_length() - 1
        if power > self.power:
            by = power - self.power
            self.integers = deque(i << by for i in self.integers)
            self.power = power
            # Beyond the range of floats no product is whole, so that every float comes here.
            self.scale = 2.0**power if power <= LARGEST_SCALE else math.nan
            self.refined()
        return numerator << (self.power - power)

    def refined(self) -> None:
        """The integers stand in another unit: sums of them have to be taken anew."""


class ExactRolling(Integers, NumberFed):
    """A formula over the exact sum of the last n numbers. Ready on input n; Undefined beyond the range of floats."""

    __slots__ = ("divisor", "total", "value")

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.total = 0
        self.divisor = self.divide_by(1 << self.power)
        self.value: float | None = None

    @abstractmethod
    def divide_by(self, unit: int) -> int:
        """What the formula divides by where one is `unit`."""

    @abstractmethod
    def of(self, x: float) -> float | None:
        """The value of a full window, whose newest number is x."""

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        scaled = x * self.scale
        new = int(scaled) if scaled.is_integer() else self.finer(x)
        integers = self.integers
        integers.append(new)
        self.floats.append(x)
        if len(integers) > self.n:
            self.replace(new, integers.popleft())
        else:
            self.add(new)
            if len(integers) < self.n:
                return None
        try:
            self.value = self.of(x)
        except (OverflowError, ZeroDivisionError):
            self.value = None
        return self.value

    def add(self, new: int) -> None:
        """One more number stands in the window."""
        self.total += new

    def replace(self, new: int, old: int) -> None:
        """A number came into the full window, the oldest one left."""
        self.total += new - old

    def refined(self) -> None:
        self.total = sum(self.integers)
        self.divisor = self.divide_by(1 << self.power)


class ExactSquares(ExactRolling):
    """The same with the sum of squares."""

    __slots__ = ("squares",)

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.squares = 0

    def add(self, new: int) -> None:
        self.total += new
        self.squares += new * new

    def replace(self, new: int, old: int) -> None:
        self.total += new - old
        self.squares += new * new - old * old

    def spread(self) -> int:
        """n times the sum of squared deviations from the mean, in units of 2**(-2 power)."""
        return self.n * self.squares - self.total * self.total

    def deviation(self, x: float) -> float:
        """The root of the spread over the divisor, 0 for a flat window."""
        deviation = math.sqrt((self.n * self.squares - self.total * self.total) / self.divisor)
        return 0.0 if deviation <= MOVED * abs(x) and flat(self.floats) else deviation

    def refined(self) -> None:
        super().refined()
        self.squares = sum(i * i for i in self.integers)


class ExactPositions(ExactRolling):
    """The same with the sum of k * x_k, k = 1 for the oldest number."""

    __slots__ = ("weighted",)

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.weighted = 0

    def add(self, new: int) -> None:
        self.total += new
        self.weighted += len(self.integers) * new

    def replace(self, new: int, old: int) -> None:
        self.weighted += self.n * new - self.total  # everyone moves down by one, the oldest out
        self.total += new - old

    def refined(self) -> None:
        super().refined()
        self.weighted = sum(k * i for k, i in enumerate(self.integers, 1))


class ExactPair:
    """A formula over the exact moments of the last n pairs. Ready on input n."""

    __slots__ = ("n", "products", "value", "x", "y")

    def __init__(self, n: int) -> None:
        self.n = n
        self.x, self.y = Leg(n), Leg(n)
        self.products = 0
        self.value: float | None = None

    @abstractmethod
    def of(self) -> float | None:
        """The value of two full windows."""

    def update(self, x: float, y: float) -> float | None:
        """Feed one pair; returns the value."""
        xs, ys = self.x, self.y
        unit = xs.power + ys.power
        new_x, old_x = xs.push(x)
        new_y, old_y = ys.push(y)
        if xs.power + ys.power == unit:
            self.products += new_x * new_y - old_x * old_y
        else:
            self.products = sum(a * b for a, b in zip(xs.integers, ys.integers, strict=True))
        if len(xs.integers) == self.n:
            try:
                self.value = self.of()
            except (OverflowError, ZeroDivisionError):
                self.value = None
        return self.value

    def column(self, x: FloatArray, y: FloatArray) -> Column:
        """Feed consecutive pairs; returns the value after each."""
        return [self.update(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]

    def joint(self) -> float:
        """n² times the covariance of the population."""
        products = self.n * self.products - self.x.total * self.y.total
        return products / (1 << (self.x.power + self.y.power))


class Leg(Integers):
    """One side of a pair, with its sum and its sum of squares."""

    __slots__ = ("squares", "total")

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.total = self.squares = 0

    def push(self, x: float) -> tuple[int, int]:
        """Feed one number; returns what entered the window and what left it, 0 while nothing does."""
        scaled = x * self.scale
        new = int(scaled) if scaled.is_integer() else self.finer(x)
        self.integers.append(new)
        self.floats.append(x)
        old = self.integers.popleft() if len(self.integers) > self.n else 0
        self.total += new - old
        self.squares += new * new - old * old
        return new, old

    def spread(self) -> float:
        """n² times the variance of the population."""
        return (self.n * self.squares - self.total * self.total) / (1 << (2 * self.power))

    def refined(self) -> None:
        self.total = sum(self.integers)
        self.squares = sum(i * i for i in self.integers)
