"""Small files and tables for the tests of the data room."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from qkt.data import DataReport, TickTable


def table(ts: Sequence[int], price: Sequence[float], volume: Sequence[float] | None = None) -> TickTable:
    """Ticks quoted one point around their price."""
    prices = np.array(price, float)
    sizes = None if volume is None else np.array(volume, float)
    return TickTable(np.array(ts, np.int64), prices, prices - 0.5, prices + 0.5, sizes)


class ListSource:
    """A source over tables that are at hand."""

    def __init__(self, symbol: str, tables: Sequence[TickTable]) -> None:
        self.symbol = symbol
        self.volume = True
        self.report = DataReport(symbol)
        self._tables = tables

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        return (table.between(start, end) for table in self._tables)


def write(path: Path, text: str) -> Path:
    """A text file, gzip when its name says so."""
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
