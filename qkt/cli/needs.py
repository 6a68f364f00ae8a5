"""What a checked strategy needs from the market, in words."""

from __future__ import annotations

from collections.abc import Iterator

from qkt.lang import values as v
from qkt.lang.fields import QUOTE_FIELDS
from qkt.lang.program import CheckedStrategy
from qkt.lang.values import below

_QUOTES = frozenset({*QUOTE_FIELDS, "mid"})


def needs(program: CheckedStrategy) -> Iterator[str]:
    """One need a line: markets and how much history, then what not every data set has."""
    history: dict[str, list[str]] = {}
    for stream in program.streams:
        frames = history.setdefault(stream.symbol, [])
        if stream.warmup:
            frames.append(f"{stream.warmup} bars of {stream.timeframe.text}")
    for symbol, frames in history.items():
        yield f"{symbol}: {' and '.join(frames)} before its rules act" if frames else f"{symbol}: no history"
    read = list(below(*program.values()))
    if program.wants_ticks:
        yield "every tick, for indicators that are fed by ticks"
    if any(isinstance(value, v.Read) and value.field in _QUOTES for value in read):
        yield "quotes with bid and ask"
    if program.wants_volume:
        yield "volume"
    if any(isinstance(value, v.InstrumentRead) for value in read):
        yield "the terms of its instruments"
