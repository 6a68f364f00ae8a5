"""Text files of rows, plain or gzip."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from qkt.core.errors import DataError
from qkt.data.layouts import Head, Layout, detect
from qkt.data.rows import NO_LINES, Batch, decode, numpy_of
from qkt.data.tables import Flags, Ints
from qkt.data.times import UNREADABLE, EpochTime, TextTime, TimeFormat, Zone, carries_offset, first_time_format

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 8 << 20
HEAD_BYTES = 1 << 16
HEAD_ROWS = 50
# From this share of bytes that are no text on a file is not one.
LARGEST_RUBBISH = 0.02
MAGIC = {b"PK\x03\x04": "a zip archive", b"PAR1": "a Parquet file", b"\x1f\x8b": "gzip inside gzip"}

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(nan|NaN|NAN|inf|Inf|INF|infinity|Infinity)$"
WHOLE = r"^\d{1,18}$|^[1-8]\d{18}$"


class TextFile:
    """A file of delimited rows. Opening it reads only its beginning. Raises DataError for what is no such file."""

    def __init__(self, path: Path, mapping: Mapping[str, str] | None, zone: str | None) -> None:
        self.path = path
        self._where = str(path)
        head, self._skipped_lines = _head(path)
        self.layout: Layout = detect(head, mapping, self._where)
        if self.layout.header:
            self._skipped_lines += 1
        rows = head.rows[1:] if self.layout.header else head.rows
        if not rows:
            raise DataError("holds a header but no rows", where=self._where)
        self.zone = Zone(zone or self.layout.zone or "UTC")
        self._form = self._time_format(rows)
        self.zone_assumed = zone is None and self.layout.zone is None and self._is_wall_time(rows)
        self._rows = rows

    def first_ts(self) -> int:
        """Earliest time among the first rows."""
        import pyarrow as pa

        cells = [pa.array(texts, pa.string()) for texts in zip(*self._sample_times(self._rows), strict=True)]
        if isinstance(self._form, EpochTime):
            cells = [_lenient_cast(cells[0], WHOLE, pa.int64())[0]]
        names = dict(zip(self.layout.times, cells, strict=True))
        ts = decode(names, self.layout, self._form, self.zone, np.arange(len(cells[0]))).ts
        known = ts[ts > UNREADABLE]
        if not len(known):
            raise DataError("the first rows have no time", where=self._where)
        return int(known.min())

    def symbols(self) -> list[str]:
        """The symbols that the rows name, sorted; empty without such a column."""
        column = self.layout.fields.get("symbol")
        if column is None:
            return []
        found: set[str] = set()
        for _, block in self._blocks():
            found.update(self._named_in(block, column, found))
        return sorted(name for name in found if name)

    def batches(self, fields: Sequence[str], start: int | None, end: int | None) -> Iterator[Batch]:  # noqa: ARG002
        """All rows with these fields, decoded; a text file has no way to leap to a time."""
        names = [*self.layout.times, *(self.layout.fields[field] for field in fields if field in self.layout.fields)]
        for line, block in self._blocks():
            batch = self._typed(block, line, names)
            yield self._lenient(block, line, names) if batch is None else batch

    def _time_format(self, rows: Sequence[Sequence[str]]) -> TimeFormat:
        samples = [" ".join(times) for times in self._sample_times(rows)]
        form = first_time_format(samples, self.layout.times[0])
        if form is None:
            raise DataError(
                f"the times are not understood, the first is '{samples[0] if samples else ''}'",
                where=self._where,
                expected="epoch seconds, ms, us or ns, ISO 8601, DD.MM.YYYY HH:MM:SS, YYYY.MM.DD HH:MM:SS or YYYYMMDD HHMMSS",
            )
        return form

    def _is_wall_time(self, rows: Sequence[Sequence[str]]) -> bool:
        return isinstance(self._form, TextTime) and not any(carries_offset(" ".join(row)) for row in self._sample_times(rows))

    def _sample_times(self, rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        places = [self.layout.position(name) for name in self.layout.times]
        return [tuple(row[place].strip() for place in places) for row in rows if len(row) > max(places)]

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        """Whole lines in blocks, each with the number of its first line."""
        line, skip = 1, self._skipped_lines
        for block in _blocks(self.path):
            count, begin = block.count(b"\n"), 0
            while skip and begin < len(block):
                begin = block.index(b"\n", begin) + 1
                line, count, skip = line + 1, count - 1, skip - 1
            if begin < len(block):
                yield line, block[begin:] if begin else block
            line += count

    def _named_in(self, block: bytes, column: str, found: set[str]) -> set[str]:
        """Symbols of a block. Most files name one in each row, which a count of bytes shows."""
        separator = self.layout.delimiter.encode()
        for name in found:
            if block.count(separator + name.encode() + separator) == block.count(b"\n"):
                return set()
        cells, _ = self._texts(block, [column])
        return {str(name).strip().upper() for name in cells[column].unique().to_pylist() if name}

    def _typed(self, block: bytes, line: int, names: Sequence[str]) -> Batch | None:
        """The block read straight into numbers, None when some cell or row does not fit."""
        import pyarrow as pa
        from pyarrow import csv as pacsv

        types = {name: pa.float64() for name in names}
        types |= {name: pa.int64() if isinstance(self._form, EpochTime) else pa.string() for name in self.layout.times}
        if "symbol" in self.layout.fields:
            types[self.layout.fields["symbol"]] = pa.dictionary(pa.int32(), pa.string())
        try:
            table = pacsv.read_csv(
                io.BytesIO(block),
                pacsv.ReadOptions(column_names=list(self.layout.columns)),
                pacsv.ParseOptions(delimiter=self.layout.delimiter, ignore_empty_lines=False),
                pacsv.ConvertOptions(
                    column_types=types, include_columns=list(names), null_values=[""], strings_can_be_null=True
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError):
            return None
        cells = {name: table[name] for name in names}
        return decode(cells, self.layout, self._form, self.zone, np.arange(line, line + table.num_rows))

    def _lenient(self, block: bytes, line: int, names: Sequence[str]) -> Batch:
        """The block read as texts, of which those that are no numbers break only their row."""
        import pyarrow as pa

        texts, lost = self._texts(block, names)
        rows = len(next(iter(texts.values())))
        lines = np.arange(line, line + rows + len(lost))
        if len(lost):
            lines = np.delete(lines, lost)
        broken = np.zeros(rows, bool)
        cells: dict[str, pa.ChunkedArray] = {}
        for name in names:
            if name == self.layout.fields.get("symbol") or (name in self.layout.times and isinstance(self._form, TextTime)):
                cells[name] = texts[name]
                continue
            pattern, kind = (WHOLE, pa.int64()) if name in self.layout.times else (NUMBER, pa.float64())
            cells[name], bad = _lenient_cast(texts[name], pattern, kind)
            broken |= bad
        return decode(cells, self.layout, self._form, self.zone, lines, broken, lost + line)

    def _texts(self, block: bytes, names: Sequence[str]) -> tuple[dict[str, pa.ChunkedArray], Ints]:
        """Columns of texts, and which rows of the block (from 0) were left out for their number of cells."""
        import pyarrow as pa
        from pyarrow import csv as pacsv

        lost: list[int] = []

        def note(row: pacsv.InvalidRow) -> str:
            lost.append(row.number - 1)
            return "skip"

        table = pacsv.read_csv(
            io.BytesIO(block.replace(b"\0", b" ").replace(b'"', b"").decode("utf-8", "replace").encode()),
            pacsv.ReadOptions(column_names=list(self.layout.columns), use_threads=False, block_size=2 * BLOCK_BYTES),
            pacsv.ParseOptions(
                delimiter=self.layout.delimiter, ignore_empty_lines=False, invalid_row_handler=note, quote_char=False
            ),
            pacsv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=list(names),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        return {name: table[name] for name in names}, np.array(lost, np.int64) if lost else NO_LINES


def _lenient_cast(texts: pa.ChunkedArray, pattern: str, kind: pa.DataType) -> tuple[pa.ChunkedArray, Flags]:
    """Texts as numbers, null where they are none; and where that is so although a text is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(texts)
    fits = pc.match_substring_regex(trimmed, pattern)
    numbers = pc.if_else(fits, trimmed, pa.scalar(None, pa.string())).cast(kind)
    return numbers, numpy_of(pc.and_not(pc.fill_null(pc.not_equal(trimmed, ""), False), pc.fill_null(fits, False)))


def _head(path: Path) -> tuple[Head, int]:
    """The first rows as cells, and how many empty lines stand before them."""
    where = str(path)
    with _reading(path) as stream:
        raw = stream.read(HEAD_BYTES)
    if not raw.strip():
        raise DataError("is empty", where=where, expected="rows of ticks or bars")
    for magic, kind in MAGIC.items():
        if raw.startswith(magic):
            raise DataError(f"is {kind}, not text", where=where, expected="a .csv, .csv.gz or .parquet file")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("is UTF-16 text", where=where, expected="UTF-8", remedy="save it as UTF-8")
    whole = raw if len(raw) < HEAD_BYTES else raw[: raw.rfind(b"\n") + 1]
    text = whole.decode("utf-8-sig", "replace")
    if text.count("\0") + text.count("\ufffd") >= LARGEST_RUBBISH * len(text):
        raise DataError("is not a text file", where=where, expected="a .csv, .csv.gz or .parquet file")
    lines = text.replace("\r", "").split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        raise DataError("is empty", where=where, expected="rows of ticks or bars")
    lines = [lines[number] for number in filled[:HEAD_ROWS]]
    delimiter = max("\t;,", key=lines[0].count)
    return Head(delimiter, list(csv.reader(lines, delimiter=delimiter))), filled[0]


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's text in blocks of whole lines."""
    rest = b""
    with _reading(path) as stream:
        while chunk := stream.read(BLOCK_BYTES):
            cut = chunk.rfind(b"\n") + 1
            if not cut:
                raise DataError("has a line of several megabytes", where=str(path), expected="a text file of rows")
            yield rest + chunk[:cut] if rest else chunk[:cut]
            rest = chunk[cut:]
    if rest:
        yield rest + b"\n"


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes]]:
    """A file open for reading its text, gunzipped when it is gzip; what goes wrong becomes a DataError."""
    where = str(path)
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield cast(IO[bytes], gzip.GzipFile(fileobj=file)) if gzipped else file
    except EOFError:
        raise DataError("is a gzip file that ends too early", where=where, remedy="copy or download it again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise DataError("is a damaged gzip file", where=where, remedy="copy or download it again") from None
    except OSError as problem:
        raise DataError(f"cannot be read ({problem.strerror or problem})", where=where) from None
