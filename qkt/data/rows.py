"""Rows as a file has them: decoded, not yet judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from qkt.data.layouts import Layout
from qkt.data.tables import Flags, Floats, Ints, TickTable, mid_prices
from qkt.data.times import UNREADABLE, EpochTime, TimeFormat, Zone, filled, text_to_ms

if TYPE_CHECKING:
    import pyarrow as pa

# Columns by name: `ts` (epoch ms) and `line` are integers, the others floats with NaN for blank. All of one length.
Columns: TypeAlias = dict[str, np.ndarray]

NO_LINES: Ints = np.empty(0, np.int64)


@dataclass(slots=True)
class Batch:
    """Some consecutive rows of a file.

    `line` is the line (or row, from 1) of each, `ts` its time (UNREADABLE without one), `values` the fields that have any
    value, NaN where blank, and `blank` says where, for fields with some blanks. `broken` rows have a cell that cannot be
    read. `symbol` is the index of each row's symbol in `symbols`, -1 without one. `lost` are lines with a wrong number of
    cells.
    """

    line: Ints
    ts: Ints
    values: dict[str, Floats]
    blank: dict[str, Flags]
    broken: Flags | None = None
    symbol: Ints | None = None
    symbols: tuple[str, ...] = ()
    lost: Ints = field(default_factory=lambda: NO_LINES)

    def __len__(self) -> int:
        return len(self.ts)

    def missing(self, name: str) -> Flags:
        """Where a field is blank."""
        if name not in self.values:
            return np.ones(len(self), bool)
        return self.blank.get(name, np.zeros(len(self), bool))

    def take(self, rows: Flags) -> Batch:
        """The flagged rows; lost lines stay."""
        return Batch(
            self.line[rows],
            self.ts[rows],
            {name: values[rows] for name, values in self.values.items()},
            {name: blank[rows] for name, blank in self.blank.items()},
            None if self.broken is None else self.broken[rows],
            None if self.symbol is None else self.symbol[rows],
            self.symbols,
            self.lost,
        )


def decode(
    cells: Mapping[str, pa.Array | pa.ChunkedArray],
    layout: Layout,
    form: TimeFormat,
    zone: Zone,
    line: Ints,
    broken: Flags | None = None,
    lost: Ints = NO_LINES,
) -> Batch:
    """A batch of arrow columns by the file's names: numbers as float64, epoch times as int64, other times as text.

    Rows without any cell (empty lines) vanish.
    """
    ts = _times([cells[name] for name in layout.times], form, zone)
    batch = Batch(line, ts, {}, {}, broken, lost=lost)
    for ours, name in layout.fields.items():
        if name not in cells:
            continue
        if ours == "symbol":
            batch.symbol, batch.symbols = _symbols(cells[name])
        else:
            _number(batch, ours, cells[name], ours in layout.zero_is_blank)
    unreadable = ts == UNREADABLE
    if unreadable.any():
        empty = unreadable.copy()
        for name in layout.times:
            empty &= ~_present(cells[name])
        for name in batch.values:
            empty &= batch.missing(name)
        if broken is not None:
            empty &= ~broken
        if empty.any():
            return batch.take(~empty)
    return batch


def tick_table(columns: Columns) -> TickTable:
    """Ticks of judged columns: the middle where a row has no price, the sizes' sum where it has no volume."""
    bid, ask = columns.get("bid"), columns.get("ask")
    price = columns.get("price")
    if bid is not None and ask is not None:
        mids = mid_prices(bid, ask)
        price = mids if price is None else np.where(np.isnan(price), mids, price)
    assert price is not None
    volume = columns.get("volume")
    sizes = columns.get("bid_volume"), columns.get("ask_volume")
    if sizes[0] is not None and sizes[1] is not None:
        both = sizes[0] + sizes[1]
        volume = both if volume is None else np.where(np.isnan(volume), both, volume)
    return TickTable(columns["ts"], price, bid, ask, volume, *sizes)


def part(columns: Columns, rows: slice | Flags | Ints) -> Columns:
    """Some of the rows."""
    return {name: values[rows] for name, values in columns.items()}


def between(columns: Columns, start: int | None, end: int | None) -> Columns:
    """Rows with start <= ts < end of columns in order; None leaves a side open."""
    ts = columns["ts"]
    a = 0 if start is None else int(np.searchsorted(ts, start))
    b = len(ts) if end is None else int(np.searchsorted(ts, end))
    return columns if (a, b) == (0, len(ts)) else part(columns, slice(a, max(a, b)))


def join(a: Columns, b: Columns) -> Columns:
    """The rows of a, then those of b. A column that one of them lacks is blank there."""
    joined = {}
    for name in dict.fromkeys((*a, *b)):
        pieces = [columns[name] if name in columns else np.full(len(columns["ts"]), np.nan) for columns in (a, b)]
        joined[name] = np.concatenate(pieces)
    return joined


def _times(cells: list[pa.Array | pa.ChunkedArray], form: TimeFormat, zone: Zone) -> Ints:
    if isinstance(form, EpochTime):
        return form.to_ms(numpy_of(filled(cells[0], UNREADABLE)))
    import pyarrow.compute as pc

    text = cells[0] if len(cells) == 1 else pc.binary_join_element_wise(*cells, " ")
    return text_to_ms(text, form, zone)


def _symbols(cells: pa.Array | pa.ChunkedArray) -> tuple[Ints, tuple[str, ...]]:
    import pyarrow as pa

    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    coded = whole if isinstance(whole, pa.DictionaryArray) else whole.dictionary_encode()
    names = tuple(str(name).strip().upper() for name in coded.dictionary.to_pylist())
    return filled(coded.indices, -1).to_numpy().astype(np.int64), names


def _number(batch: Batch, name: str, cells: pa.Array | pa.ChunkedArray, zero_is_blank: bool) -> None:
    if cells.null_count == len(cells):
        return
    values: Floats = numpy_of(cells)
    blank = ~_present(cells) if cells.null_count else None
    if zero_is_blank:
        zero = values == 0.0
        if zero.any():
            values = np.where(zero, np.nan, values)
            blank = zero if blank is None else zero | blank
    if blank is not None:
        if blank.all():
            return
        batch.blank[name] = blank
    batch.values[name] = values


def _present(cells: pa.Array | pa.ChunkedArray) -> Flags:
    return numpy_of(cells.is_valid())


def numpy_of(cells: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """The numpy column of an arrow one, without a copy where that is possible."""
    import pyarrow as pa

    values: np.ndarray
    if isinstance(cells, pa.ChunkedArray):
        values = cells.to_numpy()
    elif isinstance(cells, pa.Int64Array | pa.DoubleArray) and len(cells) and not cells.null_count:
        # Its memory as it is: arrow's own way would import pandas, where it is installed, which takes longer than reading.
        kind = np.int64 if isinstance(cells, pa.Int64Array) else np.float64
        values = np.frombuffer(cells.buffers()[1], kind, len(cells) + cells.offset)[cells.offset :]
    else:
        values = cells.to_numpy(zero_copy_only=False)
    return values
