"""Ticks to files in our own layouts."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from qkt.core.errors import DataError, UsageError
from qkt.data.rows import Columns

if TYPE_CHECKING:
    import pyarrow as pa

HEADER = "timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume"
FIELDS = ("price", "volume", "bid", "ask", "bid_volume", "ask_volume")


def write_ticks(path: Path, symbol: str, blocks: Iterable[Columns]) -> int:
    """Write ticks as .csv, .csv.gz or .parquet, by the name; returns the number of rows.

    Numbers are written so that they read back as the same doubles; gzip carries no time or name, so that equal ticks make
    equal files. The file appears when it is complete. Raises UsageError for other names, DataError when it cannot be
    written.
    """
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise UsageError(f"'{path}' has an unknown ending", expected=".csv, .csv.gz or .parquet")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = _write_parquet(part, symbol, blocks) if name.endswith(".parquet") else _write_csv(part, name, symbol, blocks)
        part.replace(path)
    except OSError as problem:
        raise DataError(f"cannot be written ({problem.strerror or problem})", where=str(path)) from None
    finally:
        part.unlink(missing_ok=True)
    return rows


def _write_csv(path: Path, name: str, symbol: str, blocks: Iterable[Columns]) -> int:
    from pyarrow import csv as pacsv

    options = pacsv.WriteOptions(include_header=False, quoting_style="none")
    rows = 0
    with _packing(path, gzipped=name.endswith(".gz")) as stream:
        stream.write(HEADER.encode() + b"\n")
        for block in blocks:
            text = io.BytesIO()
            pacsv.write_csv(_table(symbol, block), text, options)
            stream.write(text.getbuffer())
            rows += len(block["ts"])
    return rows


def _write_parquet(path: Path, symbol: str, blocks: Iterable[Columns]) -> int:
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    rows = 0
    for block in blocks:
        table = _table(symbol, block)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
        rows += table.num_rows
    if writer is None:
        raise DataError(f"there are no ticks of {symbol} to write", where=str(path))
    writer.close()
    return rows


def _table(symbol: str, block: Columns) -> pa.Table:
    import pyarrow as pa

    rows = len(block["ts"])
    names = HEADER.split(",")
    columns = [pa.array(block["ts"]), pa.array([symbol] * rows, pa.string())]
    for field in FIELDS:
        values = block.get(field)
        blank = pa.nulls(rows, pa.float64())
        columns.append(blank if values is None else pa.array(values, mask=np.isnan(values)))
    return pa.table(columns, names=names)


@contextmanager
def _packing(path: Path, *, gzipped: bool) -> Iterator[IO[bytes]]:
    with path.open("wb") as file:
        if not gzipped:
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed:
            yield cast(IO[bytes], packed)
