"""The merged tape."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qkt.core.errors import DataError
from qkt.data import TickTable, merge, mid_price, mid_prices
from tests.data.samples import ListSource, table


def tape(sources: list[ListSource], rows: int) -> list[tuple[int, int, float]]:
    """Time, source and price of each row, read the way a consumer does."""
    merged = []
    for chunk in merge(sources, rows=rows):
        code = np.zeros(len(chunk.ts), int) if chunk.code is None else chunk.code
        read = [0] * len(sources)
        for ts, source in zip(chunk.ts.tolist(), code.tolist(), strict=True):
            rows_of = chunk.tables[source]
            assert rows_of.ts[read[source]] == ts
            merged.append((ts, source, float(rows_of.price[read[source]])))
            read[source] += 1
        assert read == [len(rows_of) for rows_of in chunk.tables]
    return merged


@given(
    st.lists(st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=4), min_size=1, max_size=3),
    st.integers(1, 12),
)
def test_the_tape_is_in_order_of_time_then_source_then_file(steps: list[list[list[int]]], rows: int) -> None:
    sources, expected = [], []
    for number, tables in enumerate(steps):
        ts, serial, parts = 0, 0, []
        for part in tables:
            times, prices = [], []
            for step in part:
                ts, serial = ts + step, serial + 1
                times.append(ts)
                prices.append(float(serial))
            expected += [(at, number, price) for at, price in zip(times, prices, strict=True)]
            parts.append(table(times, prices))
        sources.append(ListSource(str(number), parts))
    assert tape(sources, rows) == sorted(expected)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 6))
def test_a_chunk_never_splits_a_timestamp(steps: list[int], rows: int) -> None:
    ts = np.cumsum(steps).tolist()
    half = len(ts) // 2
    sources = [ListSource("A", [table(ts[:half], ts[:half]), table(ts[half:], ts[half:])]), ListSource("B", [table(ts, ts)])]
    chunks = [chunk.ts for chunk in merge(sources, rows=rows)]
    for before, after in pairwise(chunks):
        assert before[-1] < after[0]


def test_one_source_keeps_its_tables_and_needs_no_codes() -> None:
    ticks = table([1, 2, 3], [1, 2, 3])
    (chunk,) = merge([ListSource("A", [ticks])])
    assert chunk.code is None
    assert chunk.ts is chunk.tables[0].ts


def test_a_range_is_half_open() -> None:
    (chunk,) = merge([ListSource("A", [table([1, 2, 3], [1, 2, 3])])], 2, 3)
    assert chunk.ts.tolist() == [2]


def test_tables_that_lack_a_column_are_joined_with_blanks() -> None:
    bare = TickTable(np.array([2]), np.array([2.0]))
    (chunk,) = merge([ListSource("A", [table([1, 2], [1, 2]), bare])])
    assert chunk.tables[0].bid is not None
    assert np.array_equal(chunk.tables[0].bid, [0.5, 1.5, np.nan], equal_nan=True)


def test_a_source_that_goes_back_in_time_is_refused() -> None:
    source = ListSource("EURUSD", [table([5], [1]), table([4], [1])])
    with pytest.raises(DataError, match="EURUSD goes back in time"):
        list(merge([source]))


@given(st.integers(1, 10**9), st.integers(0, 10**5), st.integers(0, 6))
def test_the_middle_is_the_double_nearest_to_its_decimal(bid: int, spread: int, digits: int) -> None:
    scale = 10**digits
    assume((bid + spread) / scale < 45_000_000)
    low, high = bid / scale, (bid + spread) / scale
    exact = (2 * bid + spread) / (2 * scale)
    assert mid_price(low, high) == exact == mid_prices(np.array([low]), np.array([high]))[0]
