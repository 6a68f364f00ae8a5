"""The searches of the jumping replay find the row that stepping through every tick would stop at."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.backtest.columns import ChunkColumns, Rows
from qkt.core.watch import AnyWatch, Reads, TrailWatch, Watch
from qkt.data import Chunk
from tests.backtest.random_run import tape

SEEDS = st.integers(0, 10_000)


def two_symbols(seed: int, ticks: int) -> tuple[ChunkColumns, Rows]:
    """A chunk of two symbols, and the merged rows of the first."""
    tables = [tape(seed, ticks, True), tape(seed + 1, ticks // 3 + 1, True)]
    code = np.concatenate([np.zeros(len(tables[0]), np.uint8), np.ones(len(tables[1]), np.uint8)])
    ts = np.concatenate([table.ts for table in tables])
    order = np.lexsort((np.arange(len(ts)), code, ts))
    chunk = Chunk(tables, ts[order], code[order])
    return ChunkColumns(chunk, ("A", "B")), np.flatnonzero(code[order] == 0)


def numbers(columns: ChunkColumns, rows: Rows, reads: Reads) -> list[tuple[int, int, float, float]]:
    """Row, time, price and the number read, of every tick of the first symbol."""
    own = columns.by_symbol["A"]
    read = {Reads.PRICE: own.price, Reads.BID: own.bid, Reads.ASK: own.ask}[reads]
    assert read is not None
    return list(zip(rows.tolist(), own.ts.tolist(), own.price.tolist(), read.tolist(), strict=True))


def stepped(columns: ChunkColumns, rows: Rows, watch: AnyWatch, after: int) -> int:
    """Where a walk over every tick ends."""
    for row, ts, price, number in numbers(columns, rows, watch.reads):
        if row <= after:
            continue
        if watch.deadline is not None and ts >= watch.deadline:
            return row
        if isinstance(watch, TrailWatch):
            watch.take(price, price)
            if watch.near(number):
                return row
        elif number <= watch.level if watch.below else number >= watch.level:
            return row
    return columns.length


@settings(max_examples=150, deadline=None)
@given(
    seed=SEEDS,
    ticks=st.sampled_from([3, 100, 129, 1_000, 4_000]),
    reads=st.sampled_from(list(Reads)),
    below=st.booleans(),
    amount=st.sampled_from([0.0, 0.05, 0.4, 2.0, 9.0]),
    percent=st.sampled_from([0.0, 0.1, 2.0]),
    place=st.floats(0, 1),
    deadline=st.one_of(st.none(), st.floats(0, 1)),
)
def test_a_trail_stops_where_a_walk_over_every_tick_does(
    seed: int, ticks: int, reads: Reads, below: bool, amount: float, percent: float, place: float, deadline: float | None
) -> None:
    columns, rows = two_symbols(seed, ticks)
    after = int(place * columns.length) - 1
    start = columns.by_symbol["A"].price.item(min(columns.by_symbol["A"].local(max(after, 0)), ticks - 1))
    last = None if deadline is None else int(columns.ts[int(deadline * (columns.length - 1))])

    def trail() -> TrailWatch:
        return TrailWatch("A", reads, below, start, amount, percent, last)

    found = columns.by_symbol["A"].find(trail(), after, columns.length)
    assert found == stepped(columns, rows, trail(), after)


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.sampled_from([3, 129, 3_000]), st.booleans(), st.integers(-60, 60), st.floats(0, 1))
def test_a_level_is_found_where_a_walk_over_every_tick_meets_it(
    seed: int, ticks: int, below: bool, points: int, limit: float
) -> None:
    columns, rows = two_symbols(seed, ticks)
    watch = Watch("A", Reads.BID if below else Reads.ASK, below, 100 + points / 100)
    met = stepped(columns, rows, watch, 1)
    assert columns.by_symbol["A"].find(watch, 1, columns.length) == met
    before = max(2, int(limit * columns.length))
    assert columns.by_symbol["A"].find(watch, 1, before) == min(met, before)


def test_the_extremes_between_two_rows_are_those_of_the_symbols_own_ticks() -> None:
    columns, rows = two_symbols(5, 300)
    own = columns.by_symbol["A"]
    for after, upto in ((-1, 0), (3, 40), (10, 10), (50, 399)):
        inside = [price for row, _, price, _ in numbers(columns, rows, Reads.PRICE) if after < row <= upto]
        assert own.extremes(after, upto) == ((max(inside), min(inside)) if inside else None)
