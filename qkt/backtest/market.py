"""A market that is held in memory, for many runs over the same ticks.

Its sources are read once, and so is what every jumping replay finds out about their columns: the merged order, the extremes of
blocks, candles, the first rows of windows. Nothing of that belongs to a run, so runs one after the other, or in processes
forked from the one that loaded it, share it and come to the same results as runs that read for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeAlias, cast

from qkt.backtest.bar_sources import ResolvedBars, is_bars
from qkt.backtest.columns import ChunkColumns
from qkt.core.errors import UsageError
from qkt.data import BarSource, DataReport, TickSource, TickTable, first_rows, joined, merge

Source: TypeAlias = TickSource | BarSource
Sources: TypeAlias = Mapping[str, Source]


class HeldTicks:
    """A symbol's ticks in one table. Implements `TickSource`; `volume` is whether they were read with their volumes."""

    def __init__(self, symbol: str, table: TickTable, report: DataReport, *, volume: bool, observed: bool) -> None:
        self.symbol = symbol
        self.report = report
        self.observed = observed
        self._table = table
        self._volume = volume

    @classmethod
    def read(cls, source: TickSource, start: int | None, end: int | None) -> HeldTicks:
        """Everything of a source in [start, end), with volumes where the source gives them."""
        tables = list(source.tables(start, end))
        return cls(source.symbol, joined(tables), source.report, volume=source.volume, observed=source.observed)

    @property
    def volume(self) -> bool:
        return self._volume

    @volume.setter
    def volume(self, wanted: bool) -> None:
        if wanted and not self._volume:
            raise UsageError(
                f"the market was loaded without the volumes of {self.symbol or 'its data'}, and this run reads them",
                remedy="load it for a strategy or an execution that reads volumes",
            )

    def between(self, start: int | None, end: int | None) -> HeldTicks:
        """The ticks of [start, end), without copying. What was skipped on reading is not told of a part."""
        table = self._table.between(start, end)
        report = DataReport(
            self.report.symbol,
            self.report.sources,
            self.report.layout,
            rows=len(table),
            notes=list(self.report.notes),
            warnings=list(self.report.warnings),
        )
        report.saw(table.ts)
        return HeldTicks(self.symbol, table, report, volume=self._volume, observed=self.observed)

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        """See `TickSource`."""
        table = self._table.between(start, end)
        if len(table):
            yield table


class LoadedMarket(Mapping[str, Source]):
    """The sources of a run by market id, held over [start, end) (epoch ms, None leaves a side open).

    It takes the place of the sources it was loaded from in as many runs as wanted, which must name its markets in the same
    order. Ticks are held; bars stay with their files, which keep what they have read.
    """

    def __init__(self, sources: Sources, start: int | None, end: int | None) -> None:
        self._sources = dict(sources)
        self.start, self.end = start, end

    @classmethod
    def load(cls, sources: Sources, start: int | None = None, end: int | None = None) -> LoadedMarket:
        """Read what the sources hold in [start, end). Raises DataError for what cannot be read."""
        return cls({name: _held(source, start, end) for name, source in sources.items()}, start, end)

    def between(self, start: int | None, end: int | None) -> LoadedMarket:
        """The part of the market in [start, end), itself where that is all of it. Keep it for all the runs over it: what they
        find out about columns is kept with it."""
        if (start, end) == (self.start, self.end):
            return self
        return LoadedMarket({name: _part(source, start, end) for name, source in self._sources.items()}, start, end)

    @cached_property
    def columns(self) -> list[ChunkColumns]:
        """The merged ticks as a jumping replay needs them."""
        symbols = tuple(self._sources)
        ticks = [cast(TickSource, source) for source in self._sources.values()]
        return [ChunkColumns(chunk, symbols, shared=True) for chunk in merge(ticks)]

    def __getitem__(self, market: str) -> Source:
        return self._sources[market]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def _held(source: Source, start: int | None, end: int | None) -> Source:
    if isinstance(source, ResolvedBars):
        return ResolvedBars(source.bars, HeldTicks.read(source.ticks, start, end))
    return source if is_bars(source) else HeldTicks.read(cast(TickSource, source), start, end)


def _part(source: Source, start: int | None, end: int | None) -> Source:
    if isinstance(source, ResolvedBars):
        return ResolvedBars(source.bars, cast(HeldTicks, source.ticks).between(start, end))
    return source.between(start, end) if isinstance(source, HeldTicks) else source


def columns_of(sources: Sources, start: int | None, end: int | None, limit: int | None = None) -> Iterator[ChunkColumns]:
    """The merged ticks of [start, end) as columns, the first `limit` of them; read as they go unless the market is held."""
    if isinstance(sources, LoadedMarket) and limit is None:
        yield from sources.between(start, end).columns
        return
    symbols = tuple(sources)
    chunks = merge([cast(TickSource, source) for source in sources.values()], start, end)
    for chunk in chunks if limit is None else first_rows(chunks, limit):
        yield ChunkColumns(chunk, symbols)
