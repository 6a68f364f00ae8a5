"""Parquet files of rows, from wherever they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qkt.core.errors import DataError
from qkt.data.layouts import Head, Layout, detect
from qkt.data.ordering import TOLERANCE_MS
from qkt.data.rows import Batch, decode
from qkt.data.times import MILLISECONDS, UNREADABLE, EpochTime, TextTime, TimeFormat, Zone, first_time_format

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 131_072


class ParquetFile:
    """A Parquet file whose column names say what they hold. Raises DataError for what is no such file."""

    def __init__(self, path: Path, mapping: Mapping[str, str] | None, zone: str | None) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self._where = str(path)
        with _refusing(path):
            self._file = pq.ParquetFile(path, pre_buffer=False)  # which would hold the whole file
        names = self._file.schema_arrow.names
        self.layout: Layout = detect(Head(",", [names]), mapping, self._where)
        if not self._file.metadata.num_rows:
            raise DataError("holds no rows", where=self._where)
        self._check_types()
        self.zone = Zone(zone or self.layout.zone or "UTC")
        self._form = self._time_format()
        self.zone_assumed = zone is None and self.layout.zone is None and isinstance(self._form, TextTime)

    def first_ts(self) -> int:
        """Earliest time among the first rows."""
        batch = self._decode(self._first(self.layout.times), 1)
        known = batch.ts[batch.ts > UNREADABLE]
        if not len(known):
            raise DataError("the first rows have no time", where=self._where)
        return int(known.min())

    def symbols(self) -> list[str]:
        """The symbols that the rows name, sorted; empty without such a column."""
        column = self.layout.fields.get("symbol")
        if column is None:
            return []
        found: set[str] = set()
        with _refusing(self.path):
            for batch in self._file.iter_batches(BATCH_ROWS, columns=[column]):
                found.update(str(name).strip().upper() for name in batch.column(0).unique().to_pylist() if name)
        return sorted(found)

    def batches(self, fields: Sequence[str], start: int | None, end: int | None) -> Iterator[Batch]:
        """Rows with these fields, decoded; row groups that lie outside [start, end) are not read."""
        names = [*self.layout.times, *(self.layout.fields[field] for field in fields if field in self.layout.fields)]
        wanted, row = [], 1
        for group in range(self._file.num_row_groups):
            if self._concerns(group, start, end):
                wanted.append(group)
            elif not wanted:
                row += self._file.metadata.row_group(group).num_rows
        with _refusing(self.path):
            for batch in self._file.iter_batches(BATCH_ROWS, row_groups=wanted, columns=names):
                yield self._decode(batch, row)
                row += batch.num_rows

    def _concerns(self, group: int, start: int | None, end: int | None) -> bool:
        """Whether a row group can hold rows of the range, by its statistics."""
        if len(self.layout.times) != 1 or not isinstance(self._form, EpochTime) or (start is None and end is None):
            return True
        column = self._file.schema_arrow.names.index(self.layout.times[0])
        statistics = self._file.metadata.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_min_max or not isinstance(statistics.min, int):
            return True
        first, last = (int(self._form.to_ms(np.array([edge]))[0]) for edge in (statistics.min, statistics.max))
        return (start is None or last >= start - TOLERANCE_MS) and (end is None or first < end + TOLERANCE_MS)

    def _decode(self, rows: pa.RecordBatch, first_row: int) -> Batch:
        import pyarrow as pa

        cells: dict[str, Any] = {}
        for name in rows.schema.names:
            column = rows.column(name)
            if name in self.layout.times:
                cells[name] = _time_cells(column, self._form)
            elif name == self.layout.fields.get("symbol"):
                cells[name] = column
            else:
                cells[name] = column if column.type == pa.float64() else column.cast(pa.float64())
        return decode(cells, self.layout, self._form, self.zone, np.arange(first_row, first_row + rows.num_rows))

    def _time_format(self) -> TimeFormat:
        """Timestamps are cast to ms; whole numbers and texts are told by the first one that is there."""
        import pyarrow as pa

        kind = self._file.schema_arrow.field(self.layout.times[0]).type
        if pa.types.is_timestamp(kind):
            return MILLISECONDS
        rows = self._first(self.layout.times)
        samples = zip(*(rows.column(name).to_pylist() for name in self.layout.times), strict=True)
        texts = [" ".join(map(str, cells)) for cells in samples if None not in cells]
        form = first_time_format(texts, self.layout.times[0])
        if form is None or isinstance(form, EpochTime) != pa.types.is_integer(kind):
            raise DataError(
                f"the times in {self.layout.times[0]} are not understood",
                where=self._where,
                expected="timestamps, epoch milliseconds or ISO 8601",
            )
        return form

    def _check_types(self) -> None:
        from pyarrow import types

        for field, name in self.layout.fields.items():
            kind = self._file.schema_arrow.field(name).type
            number = any(check(kind) for check in (types.is_floating, types.is_integer, types.is_decimal, types.is_null))
            if field != "symbol" and not number:
                raise DataError(f"column {name} holds {kind}", where=self._where, expected="numbers")

    def _first(self, names: Sequence[str]) -> pa.RecordBatch:
        with _refusing(self.path):
            return next(self._file.iter_batches(50, columns=list(names)))


def _time_cells(column: pa.Array, form: TimeFormat) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
    return column.cast(pa.int64() if isinstance(form, EpochTime) else pa.string())


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turns what pyarrow says of a file it cannot read into a DataError."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise DataError(f"is not a usable Parquet file ({reason})", where=str(path)) from None
