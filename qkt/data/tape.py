"""Several sources, one tape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from qkt.core.errors import DataError
from qkt.data.sources import TickSource
from qkt.data.tables import Ints, TickTable, joined

Codes: TypeAlias = npt.NDArray[np.uint8 | np.int16]

EMPTY = joined([])


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A stretch of the tape. Merged row i happens at `ts[i]` and is the next unread row of `tables[code[i]]`.

    `tables` has one entry for each source, in the order of the sources, some maybe empty. `code` is None when there is one
    source. Rows stand in order of time, then source, then file; all rows of a timestamp stand in one chunk.
    """

    tables: list[TickTable]
    ts: Ints
    code: Codes | None

    def __len__(self) -> int:
        return len(self.ts)


def merge(
    sources: Sequence[TickSource], start: int | None = None, end: int | None = None, rows: int = 500_000
) -> Iterator[Chunk]:
    """The tape of all sources over [start, end), in chunks of about `rows` rows or fewer."""
    if not sources:
        return
    streams = [_Stream(source, start, end) for source in sources]
    share = max(1, rows // len(streams))
    while any(len(stream.table) for stream in streams):
        horizons = [stream.horizon(share) for stream in streams]
        nearest = min((horizon for horizon in horizons if horizon is not None), default=None)
        yield _chunk([stream.take(nearest) for stream in streams])


def first_rows(chunks: Iterable[Chunk], count: int) -> Iterator[Chunk]:
    """The tape up to so many rows."""
    for chunk in chunks:
        if count <= 0:
            return
        yield chunk if len(chunk) <= count else _head(chunk, count)
        count -= len(chunk)


def _head(chunk: Chunk, count: int) -> Chunk:
    code = None if chunk.code is None else chunk.code[:count]
    shares = [count] if code is None else np.bincount(code, minlength=len(chunk.tables)).tolist()
    tables = [table.slice(0, share) for table, share in zip(chunk.tables, shares, strict=True)]
    return Chunk(tables, chunk.ts[:count], code)


def _chunk(tables: list[TickTable]) -> Chunk:
    if len(tables) == 1:
        return Chunk(tables, tables[0].ts, None)
    code: Codes = np.repeat(_numbers(len(tables)), [len(table) for table in tables])
    ts = np.concatenate([table.ts for table in tables])
    order = np.argsort(ts, kind="stable")
    return Chunk(tables, ts[order], code[order])


def _numbers(count: int) -> Codes:
    return np.arange(count, dtype=np.uint8) if count <= 256 else np.arange(count, dtype=np.int16)


class _Stream:
    """One source with its current table and a look at the next, so that it is known up to which time it is complete."""

    def __init__(self, source: TickSource, start: int | None, end: int | None) -> None:
        self._symbol = source.symbol
        self._tables = source.tables(start, end)
        self._next = self._read()
        self.table = EMPTY
        self._advance()

    def horizon(self, rows: int) -> int | None:
        """The time before which this stream may give its rows, about `rows` of them; None when it may give all it has left."""
        ts = self.table.ts
        if len(ts) > rows:
            at = rows if ts[rows] > ts[0] else int(np.searchsorted(ts, ts[0], side="right"))
            if at < len(ts):
                return int(ts[at])
        return int(self._next.ts[0]) if self._next is not None else None

    def take(self, horizon: int | None) -> TickTable:
        """Hand out the rows before the horizon."""
        taken = self.table.between(None, horizon)
        self.table = self.table.slice(len(taken), len(self.table))
        if not len(self.table):
            self._advance()
        return taken

    def _advance(self) -> None:
        """Make the next table the current one, together with those that go on with its last timestamp."""
        table, following = self._next, self._read() if self._next is not None else None
        while table is not None and following is not None and following.ts[0] <= table.ts[-1]:
            if following.ts[0] < table.ts[-1]:
                raise DataError(f"{self._symbol or 'the data'} goes back in time between two tables at {following.ts[0]} ms")
            table, following = joined([table, following]), self._read()
        self.table = EMPTY if table is None else table
        self._next = following

    def _read(self) -> TickTable | None:
        return next((table for table in self._tables if len(table)), None)
