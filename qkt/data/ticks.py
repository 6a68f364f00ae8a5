"""Tables read one tick at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import numpy as np

from qkt.core.events import Tick
from qkt.data.tables import Floats, TickTable
from qkt.data.tape import Chunk

PIECE = 512
"""Rows of a table that are objects at a time: every session has its own, of each symbol."""


def ticks_of(chunks: Iterable[Chunk], symbols: tuple[str, ...]) -> Iterator[Tick]:
    """The tape one tick at a time. `symbols` names the tables of each chunk."""
    for chunk in chunks:
        columns = [table_ticks(table, symbol) for symbol, table in zip(symbols, chunk.tables, strict=True)]
        if chunk.code is None:
            yield from columns[0]
        else:
            for number in chunk.code.tolist():
                yield next(columns[number])


def table_ticks(table: TickTable, symbol: str) -> Iterator[Tick]:
    """Each row as a tick. Rows become objects `PIECE` at a time: those of a day of three symbols take 10 MB."""
    firsts = range(0, len(table), PIECE)
    return chain.from_iterable(_piece_ticks(table.slice(first, first + PIECE), symbol) for first in firsts)


def _piece_ticks(table: TickTable, symbol: str) -> Iterator[Tick]:
    n = len(table)
    bids, asks, volumes, bid_sizes, ask_sizes = (optional_list(column, n) for column in table.optional())
    columns = (repeat(symbol), table.ts.tolist(), table.price.tolist(), bids, asks, volumes)
    if table.bid_size is None and table.ask_size is None:
        return map(Tick, *columns)
    return map(Tick, *columns, repeat(0), bid_sizes, ask_sizes)


def optional_list(column: Floats | None, length: int) -> list[float | None]:
    """A column as a list with None for NaN, all None without a column."""
    if column is None:
        return [None] * length
    values: list[float | None] = column.tolist()
    if np.isnan(column).any():
        return [None if value != value else value for value in values]
    return values
