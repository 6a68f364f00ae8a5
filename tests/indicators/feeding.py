"""Feeding any indicator of the registry, one input at a time or as columns, from the same inputs."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qkt.indicators import Feed, Indicator

CANDLE_FIELDS = ("open", "high", "low", "close", "volume", "start", "end")


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle as a strategy might hold it."""

    open: float
    high: float
    low: float
    close: float
    volume: float | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of candles."""

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    start: Any
    end: Any


def feed_one_by_one(indicator: Indicator, feed: Feed, inputs: Sequence[Any]) -> list[float | None]:
    """`inputs` are numbers, tuples, Bars or truth values, by feed. Also checks that `value` follows."""
    out = []
    for given in inputs:
        spread = feed in (Feed.PAIR, Feed.TICK)
        result = indicator.update(*given) if spread else indicator.update(given)
        assert bits([result]) == bits([indicator.value])
        out.append(result)
    return out


def feed_column(indicator: Indicator, feed: Feed, inputs: Sequence[Any]) -> list[float | None]:
    """The same inputs as arrays."""
    if feed is Feed.NUMBER:
        return indicator.column(np.array(inputs, dtype=np.float64))
    if feed is Feed.CONDITION:
        return indicator.column(np.array(inputs, dtype=np.bool_))
    if feed is Feed.CANDLE:
        kinds = {"start": np.int64, "end": np.int64}
        columns = {f: [getattr(bar, f) for bar in inputs] for f in CANDLE_FIELDS}
        columns["volume"] = [np.nan if v is None else v for v in columns["volume"]]
        return indicator.column(Bars(**{f: np.array(c, dtype=kinds.get(f, np.float64)) for f, c in columns.items()}))
    width = len(inputs[0]) if inputs else 2
    legs = [np.array([np.nan if row[k] is None else row[k] for row in inputs], dtype=np.float64) for k in range(width)]
    return indicator.column(legs) if feed is Feed.MULTI else indicator.column(*legs)


def bits(values: Sequence[float | None]) -> list[bytes | None]:
    """What must be equal for values to be equal to the last bit."""
    return [None if v is None else struct.pack("<d", v) for v in values]
