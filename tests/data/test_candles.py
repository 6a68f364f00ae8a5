"""Candles: the rules one tick at a time, and the same bits when whole tables are folded."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.timeframe import Timeframe
from qkt.data import Bar, CandleBuilder, CandleFolder, TickTable, bar_path
from tests.data.samples import table

MINUTE = Timeframe.parse("1m")


def feed(builder: CandleBuilder, ticks: list[tuple[int, float]]) -> list[Bar]:
    bars = [builder.update(ts, price, price - 1, price + 1, 2.0) for ts, price in ticks]
    return [bar for bar in bars if bar is not None]


def test_a_tick_at_the_end_of_a_window_closes_it_and_opens_the_next() -> None:
    builder = CandleBuilder(MINUTE)
    bars = feed(builder, [(0, 10.0), (59_999, 12.0), (60_000, 11.0)])
    assert bars == [Bar(0, 60_000, 10.0, 12.0, 10.0, 12.0, 4.0, 11.0, 13.0)]
    assert builder.unfinished == Bar(60_000, 120_000, 11.0, 11.0, 11.0, 11.0, 2.0, 10.0, 12.0)


def test_a_quiet_stretch_makes_no_candle() -> None:
    assert [bar.start for bar in feed(CandleBuilder(MINUTE), [(0, 1.0), (600_000, 2.0), (660_000, 3.0)])] == [0, 600_000]


def test_a_late_tick_never_reopens_a_window() -> None:
    builder = CandleBuilder(MINUTE)
    bars = feed(builder, [(0, 1.0), (60_000, 2.0), (59_000, 9.0), (61_000, 3.0), (120_000, 4.0)])
    assert [(bar.start, bar.high) for bar in bars] == [(0, 1.0), (60_000, 3.0)]
    assert builder.late == 1


def test_a_first_candle_that_began_before_the_data_is_dropped_and_counted() -> None:
    builder = CandleBuilder(MINUTE, begin=30_000)
    bars = feed(builder, [(31_000, 1.0), (60_000, 2.0), (120_000, 3.0)])
    assert [bar.start for bar in bars] == [60_000]
    assert builder.partial == 1


def test_a_first_candle_from_the_boundary_is_whole() -> None:
    builder = CandleBuilder(MINUTE, begin=60_000)
    assert [bar.start for bar in feed(builder, [(61_000, 1.0), (120_000, 2.0)])] == [60_000]


def test_the_last_tick_takes_the_quote_away_when_it_has_none() -> None:
    builder = CandleBuilder(MINUTE)
    builder.update(0, 1.0, 0.9, 1.1, None)
    builder.update(1, 1.0, None, None, None)
    bar = builder.update(60_000, 1.0, 0.9, 1.1, None)
    assert bar is not None
    assert (bar.bid, bar.ask, bar.volume) == (None, None, 0.0)


def test_weeks_begin_on_monday() -> None:
    builder = CandleBuilder(Timeframe.parse("1w"))
    sunday, monday = 1_704_585_600_000, 1_704_672_000_000
    bars = feed(builder, [(sunday, 1.0), (monday, 2.0)])
    assert [(bar.start, bar.end) for bar in bars] == [(monday - 7 * 86_400_000, monday)]


def test_folding_says_which_row_closed_each_candle() -> None:
    folder = CandleFolder(MINUTE)
    first = folder.fold(table([0, 1_000, 60_000, 61_000], [1, 2, 3, 4]))
    second = folder.fold(table([120_000, 300_000], [5, 6]))
    assert first.row.tolist() == [2]
    assert second.row.tolist() == [0, 1]
    assert second.start.tolist() == [60_000, 120_000]
    assert second.bid.tolist() == [3.5, 4.5]


def test_without_volume_the_prices_are_the_same() -> None:
    ticks = table([0, 60_000, 120_000], [1, 2, 3], [5, 6, 7])
    plain, full = (CandleFolder(MINUTE, volume=volume).fold(ticks) for volume in (False, True))
    assert plain.close.tolist() == full.close.tolist()
    assert (plain.volume.tolist(), full.volume.tolist()) == ([0.0, 0.0], [5.0, 6.0])


ticks = st.lists(
    st.tuples(
        st.integers(0, 40_000),
        st.floats(0.5, 2.0),
        st.one_of(st.none(), st.floats(0.01, 1e6)),
        st.booleans(),
    ),
    max_size=60,
)


@given(ticks, st.lists(st.integers(0, 60), max_size=6), st.sampled_from(["1s", "7s", "1m", "1w"]), st.booleans())
def test_folding_tables_gives_the_candles_of_single_ticks_bit_for_bit(
    rows: list[tuple[int, float, float | None, bool]], cuts: list[int], frame: str, bounded: bool
) -> None:
    base = 1_704_067_195_000
    ts = base + np.cumsum([row[0] for row in rows], dtype=np.int64)
    price = np.array([row[1] for row in rows])
    volume = np.array([np.nan if row[2] is None else row[2] for row in rows])
    quoted = np.array([row[3] for row in rows], bool)
    bid = np.where(quoted, price - 0.1, np.nan)
    begin = base + 3_000 if bounded else None
    builder, folder = (kind(Timeframe.parse(frame), begin) for kind in (CandleBuilder, CandleFolder))

    expected = []
    for row, (at, last, size, has_quote) in enumerate(zip(ts.tolist(), price.tolist(), volume.tolist(), quoted, strict=True)):
        bar = builder.update(at, last, last - 0.1 if has_quote else None, None, size)
        if bar is not None:
            expected.append((row, bar))

    found = []
    edges = [0, *sorted(min(cut, len(ts)) for cut in cuts), len(ts)]
    for a, b in pairwise(edges):
        closed = folder.fold(TickTable(ts, price, bid, None, volume).slice(a, b))
        found += list(zip((closed.row + a).tolist(), closed.bars(), strict=True))

    assert found == expected
    assert folder.unfinished == builder.unfinished
    assert (folder.late, folder.partial) == (builder.late, builder.partial)


@pytest.mark.parametrize("high_first", [True, False])
def test_the_path_of_a_bar_folds_back_into_the_bar(high_first: bool) -> None:
    path = bar_path(60_000, 60_000, 10.0, 12.0, 9.0, 11.0, 7.0, high_first)
    assert [point.ts for point in path] == [60_000, 75_000, 90_000, 119_999]
    assert [point.price for point in path] == ([10, 12, 9, 11] if high_first else [10, 9, 12, 11])
    builder = CandleBuilder(MINUTE)
    for point in path:
        builder.update(point.ts, point.price, None, None, point.volume)
    assert builder.unfinished == Bar(60_000, 120_000, 10.0, 12.0, 9.0, 11.0, 7.0, None, None)
