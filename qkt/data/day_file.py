"""One day of one symbol as a Parquet file of the store.

Prices that are whole numbers of a decimal point size are kept as those numbers, delta-packed; the quotient by the power of
ten gives back the very same doubles. Prices that are not stay doubles.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np

from qkt.core.errors import DataError
from qkt.data.rows import Columns
from qkt.data.tables import Floats, Ints

PRICES = ("price", "bid", "ask")
FIELDS = (*PRICES, "volume", "bid_volume", "ask_volume")
MOST_DIGITS = 8
LARGEST_POINTS = 2**31


def content_sha256(columns: Columns) -> str:
    """Checksum of the values of a day, whatever file they are in."""
    digest = hashlib.sha256(columns["ts"].astype("<i8").tobytes())
    for field in FIELDS:
        if field in columns:
            # One NaN stands for all of them.
            values = np.where(np.isnan(columns[field]), np.nan, columns[field])
            digest.update(field.encode() + values.astype("<f8").tobytes())
    return digest.hexdigest()


def write_day(path: Path, columns: Columns) -> str:
    """Write a day and return the checksum of the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {"ts": pa.array(columns["ts"])}
    metadata = {}
    for field in FIELDS:
        values = columns.get(field)
        if values is None:
            continue
        digits, points = _as_points(values) if field in PRICES else (0, None)
        if points is None:
            arrays[field] = pa.array(values, mask=np.isnan(values))
        else:
            arrays[field] = pa.array(points.astype(np.int32), mask=np.isnan(values))
            metadata[field] = str(digits)
    table = pa.table(arrays).replace_schema_metadata(metadata)
    packed = ["ts", *metadata]
    pq.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=[name for name in table.column_names if name not in packed],
        column_encoding=dict.fromkeys(packed, "DELTA_BINARY_PACKED"),
    )
    return sync_and_sum(path)


def read_day(path: Path, fields: Collection[str] = FIELDS) -> Columns:
    """The columns of a day, of these fields and what there is. Raises DataError when the file is missing or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = ["ts", *(name for name in file.schema_arrow.names if name in fields)]
        table = file.read(columns=names)
        digits = {key.decode(): int(value) for key, value in (table.schema.metadata or {}).items() if key.decode() in names}
    except (OSError, pa.ArrowException, ValueError) as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise DataError(
            f"is missing or damaged ({reason})", where=str(path), remedy="see what is lost with qkt data verify"
        ) from None
    columns: Columns = {"ts": table["ts"].to_numpy()}
    for name in names[1:]:
        values = table[name].to_numpy()
        columns[name] = values / 10.0 ** digits[name] if name in digits else values.astype(np.float64, copy=False)
    return columns


def file_sha256(path: Path) -> str:
    """Checksum of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_and_sum(path: Path) -> str:
    """Bring a file to the disk for good and return its checksum."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_points(values: Floats) -> tuple[int, Ints | None]:
    """The least number of decimals with which all values are whole points, and those points; None when there is none."""
    known = values[~np.isnan(values)]
    for digits in range(MOST_DIGITS + 1):
        scale = 10.0**digits
        points = np.rint(known * scale)
        if len(points) and np.abs(points).max() >= LARGEST_POINTS:
            break
        if np.array_equal(points / scale, known):
            whole = np.zeros(len(values), np.int64)
            whole[~np.isnan(values)] = points
            return digits, whole
    return 0, None
