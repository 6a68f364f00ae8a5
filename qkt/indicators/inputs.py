"""What indicators are fed with, and the plain way to feed whole columns: one input after the other."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Only columns need numpy, which takes longer to import than a file takes to check: the functions that compute them import it.
FloatArray: TypeAlias = "NDArray[np.float64]"
BoolArray: TypeAlias = "NDArray[np.bool_]"
Column: TypeAlias = list[float | None]


class CandleLike(Protocol):
    """A closed candle over [start, end) in epoch ms. A volume of None or NaN is a missing one."""

    @property
    def open(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def close(self) -> float: ...
    @property
    def volume(self) -> float | None: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class CandleColumns(Protocol):
    """Consecutive candles as arrays of equal length. A missing volume is NaN."""

    @property
    def open(self) -> FloatArray: ...
    @property
    def high(self) -> FloatArray: ...
    @property
    def low(self) -> FloatArray: ...
    @property
    def close(self) -> FloatArray: ...
    @property
    def volume(self) -> FloatArray: ...
    @property
    def start(self) -> NDArray[np.int64]: ...
    @property
    def end(self) -> NDArray[np.int64]: ...


class CandleRow(NamedTuple):
    """One row of `CandleColumns`."""

    open: float
    high: float
    low: float
    close: float
    volume: float | None
    start: int
    end: int


def typical_price(c: CandleLike) -> float:
    """(high + low + close) / 3."""
    return (c.high + c.low + c.close) / 3.0


def traded(volume: float | None) -> float:
    """The volume, 0 when it is missing."""
    return 0.0 if volume is None or math.isnan(volume) else volume


class NumberFed(ABC):
    """Takes a column of numbers one by one."""

    __slots__ = ()
    value: float | None

    @abstractmethod
    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""

    def column(self, x: FloatArray) -> Column:
        """Feed consecutive numbers; returns the value after each."""
        return [self.update(v) for v in x.tolist()]


class MultiFed(ABC):
    """Takes columns of several series one row at a time."""

    __slots__ = ()
    value: float | None

    @abstractmethod
    def update(self, values: Sequence[float]) -> float | None:
        """Feed one value of each series; returns the value."""

    def column(self, columns: Sequence[FloatArray]) -> Column:
        """Feed consecutive rows; returns the value after each."""
        return [self.update(row) for row in zip(*(c.tolist() for c in columns), strict=True)]


class CandleFed(ABC):
    """Takes columns of candles one by one."""

    __slots__ = ()
    value: float | None

    @abstractmethod
    def update(self, c: CandleLike) -> float | None:
        """Feed one candle; returns the value."""

    def column(self, c: CandleColumns) -> Column:
        """Feed consecutive candles; returns the value after each."""
        fields = (c.open, c.high, c.low, c.close, c.volume, c.start, c.end)
        rows = zip(*(f.tolist() for f in fields), strict=True)
        return [self.update(CandleRow(*row)) for row in rows]


class ConditionFed(ABC):
    """Takes a column of truth values one by one."""

    __slots__ = ()
    value: float | None

    @abstractmethod
    def update(self, flag: bool) -> float | None:
        """Feed one truth value; returns the value."""

    def column(self, flags: BoolArray) -> Column:
        """Feed consecutive truth values; returns the value after each."""
        return [self.update(flag) for flag in flags.tolist()]
