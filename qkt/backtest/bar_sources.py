"""Bars where there are ticks: made of them, or resolved by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

import numpy as np

from qkt.core.timeframe import Timeframe
from qkt.data import BarSource, BarTable, CandleFolder, DataReport, TickSource


def is_bars(source: TickSource | BarSource) -> TypeGuard[BarSource]:
    return hasattr(type(source), "timeframe_ms")


class FoldedBars:
    """A symbol's ticks as bars, for a replay that is to see no more than bars. Implements `BarSource`.

    A first bar that began before the start of the reading is left out; the last one ends with the data.
    """

    def __init__(self, ticks: TickSource, frame: Timeframe) -> None:
        self._ticks = ticks
        self._frame = frame
        self.symbol = ticks.symbol
        self.volume = True
        self.observed = False

    @property
    def timeframe_ms(self) -> int:
        return self._frame.ms

    @property
    def report(self) -> DataReport:
        return self._ticks.report

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[BarTable]:
        self._ticks.volume = self.volume
        folder = CandleFolder(self._frame, start, volume=self.volume)
        ms = self._frame.ms
        for table in self._ticks.tables(start, end):
            bars = folder.fold(table)
            if len(bars):
                yield BarTable(bars.start, ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
        last = folder.unfinished
        if last is not None and (start is None or last.start >= start):
            columns = ([value] for value in (last.open, last.high, last.low, last.close, last.volume))
            yield BarTable(np.array([last.start]), ms, *map(np.array, columns))


class ResolvedBars:
    """Bars of which each gives way to the real ticks of its time where there are any; its path stands in where not.

    Implements `BarSource`; the replay reads the ticks beside it. `unresolved` counts the bars without ticks.
    """

    def __init__(self, bars: BarSource, ticks: TickSource) -> None:
        self.bars = bars
        self.ticks = ticks
        self.symbol = ticks.symbol
        self.unresolved = 0
        self.observed = False

    @property
    def timeframe_ms(self) -> int:
        return self.bars.timeframe_ms

    @property
    def report(self) -> DataReport:
        return self.ticks.report

    @property
    def volume(self) -> bool:
        return self.ticks.volume

    @volume.setter
    def volume(self, wanted: bool) -> None:
        self.bars.volume = self.ticks.volume = wanted

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[BarTable]:
        return self.bars.tables(start, end)
