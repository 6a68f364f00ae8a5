"""What the rest of the engine needs to know of an indicator in order to check, warm up, make and feed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from qkt.core.timeframe import MINUTE_MS

LARGEST = 2**31 - 1


class Feed(StrEnum):
    """What one input of an indicator is."""

    NUMBER = "number"
    PAIR = "pair"
    MULTI = "multi"
    CANDLE = "candle"
    TICK = "tick"
    CONDITION = "condition"


# How a series is written in a signature; all others are numbers.
SERIES_WORDS = {Feed.CANDLE: "stream", Feed.TICK: "stream.tick", Feed.CONDITION: "condition"}


class Indicator(Protocol):
    """An indicator at work. `value` is None while Undefined. Inputs are defined and finite; what is not is never fed.

    `update` feeds one input and returns the value: `update(x)` for NUMBER, `(x, y)` for PAIR, `(values)` for MULTI,
    `(candle)` for CANDLE, `(price, volume)` for TICK, `(flag)` for CONDITION.

    `column` feeds consecutive inputs given as float64 arrays (MULTI: a sequence of them; CANDLE: one object of arrays;
    CONDITION: a bool array) and returns the value after each: the bits, and the state, of as many calls of `update`.
    """

    value: float | None

    def update(self, *args: Any, **kwargs: Any) -> float | None: ...

    def column(self, *args: Any, **kwargs: Any) -> list[float | None]: ...


@dataclass(frozen=True, slots=True)
class ConstantSpec:
    """A constant of a call. A bound of None is not checked."""

    name: str
    minimum: int | None = 1
    maximum: int | None = LARGEST
    integer: bool = True

    @property
    def range(self) -> str:
        """The values it takes: `n ≥ 2`, `hour 0 … 23`, `k`."""
        if self.minimum is None:
            return self.name
        bounded = self.maximum is not None and self.maximum < LARGEST
        return f"{self.name} {self.minimum} … {self.maximum}" if bounded else f"{self.name} ≥ {self.minimum}"

    def check(self, value: float) -> str | None:
        """Why the value is not acceptable; None when it is."""
        if self.integer and not float(value).is_integer():
            return f"{self.name} must be a whole number, not {value:.12g}"
        if self.minimum is not None and value < self.minimum:
            return f"{self.name} must be at least {self.minimum}, not {value:.12g}"
        if self.maximum is not None and value > self.maximum:
            return f"{self.name} must be at most {self.maximum}, not {value:.12g}"
        return None


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """An indicator of the catalogue.

    `build` takes the constants, integers as int; for MULTI also the number of series. `bars` takes the constants and gives
    the warm-up in bars, or, for indicators anchored to the clock, `minutes` gives it in minutes. `refuse` says what is wrong
    with constants that are each in range but do not go together. Series are counted with the first one.
    """

    name: str
    feed: Feed
    constants: tuple[ConstantSpec, ...]
    build: Callable[..., Indicator]
    bars: Callable[..., int]
    minutes: Callable[..., int] | None = None
    refuse: Callable[..., str | None] | None = None
    needs_volume: bool = False

    @property
    def min_series(self) -> int:
        """How many series a call has at least; a candle or tick stream counts as one."""
        return 2 if self.feed in (Feed.PAIR, Feed.MULTI) else 1

    @property
    def max_series(self) -> int | None:
        """How many series a call has at most; None for any number."""
        return None if self.feed is Feed.MULTI else self.min_series

    @property
    def signature(self) -> str:
        """How a call is written: `correlation(number, number, n)`."""
        word = SERIES_WORDS.get(self.feed, "number")
        series = [word] * self.min_series + (["…"] if self.max_series is None else [])
        return f"{self.name.lower()}({', '.join((*series, *(c.name for c in self.constants)))})"

    def series_fits(self, series_count: int) -> bool:
        """Whether a call may have this many series."""
        return series_count >= self.min_series and (self.max_series is None or series_count <= self.max_series)

    def check(self, constants: Sequence[float], series_count: int = 1) -> str | None:
        """Why the constants are not acceptable, each in its range and all together; None when they are."""
        for constant, value in zip(self.constants, constants, strict=True):
            if complaint := constant.check(value):
                return complaint
        return self.refuse(*self._typed(constants, series_count)) if self.refuse else None

    def warmup(self, constants: Sequence[float], timeframe_ms: int, series_count: int = 1) -> int:
        """Bars that a call charges to its stream. A timeframe of 0 is a stream without a clock (a basket)."""
        arguments = self._typed(constants, series_count)
        if self.minutes is None:
            return self.bars(*arguments)
        if timeframe_ms == 0:
            return 1
        return -(-self.minutes(*arguments) // max(1, timeframe_ms // MINUTE_MS)) + 1

    def make(self, constants: Sequence[float], series_count: int = 1) -> Indicator:
        """A new instance. The constants must have passed their ranges and `check`."""
        return self.build(*self._typed(constants, series_count))

    def _typed(self, constants: Sequence[float], series_count: int) -> list[float]:
        values: list[float] = [int(v) if c.integer else v for c, v in zip(self.constants, constants, strict=True)]
        return [*values, series_count] if self.feed is Feed.MULTI else values
