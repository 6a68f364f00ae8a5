"""Files and invented quotes as feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.errors import DataError, UsageError
from qkt.data import TickSource, merge, open_data, ticks_of
from qkt.data.feeds import FeedItem, FeedTick, ReplayFeed, parse_speed, synthetic_feed
from tests.data.feeds.hands import LEAN, JumpTimer, states, ticks
from tests.data.samples import ListSource, table, write

DAY = ("EURUSD", "XAUUSD")


async def read(feed: ReplayFeed, symbols: Sequence[str], after: int = 0, most: int | None = None) -> list[FeedItem]:
    """What a feed gives, up to `most` items."""
    if after:
        feed.resume(after)
    await feed.subscribe(symbols)
    items: list[FeedItem] = []
    async for item in feed:
        items.append(item)
        if len(items) == most:
            break
    await feed.aclose()
    return items


def numbered(sources: Mapping[str, TickSource]) -> list[FeedTick]:
    """The back-test's tape, one tick at a time, with the place of each."""
    tape = ticks_of(merge(list(sources.values())), tuple(sources))
    return [FeedTick(tick, seq) for seq, tick in enumerate(tape, 1)]


STEPS = st.lists(st.integers(0, 3), max_size=12)


@LEAN
@given(st.lists(STEPS, min_size=3, max_size=3), st.integers(0, 40), st.permutations("ABC"), st.integers(1, 3))
def test_a_replay_is_the_tape_of_a_back_test_from_any_place_on(
    steps: list[list[int]], after: int, order: list[str], count: int
) -> None:
    wanted, rest = order[:count], sorted(order[count:])
    times = [list(accumulate(own)) for own in steps]
    sources = {name: ListSource(name, [table(ts, ts)]) for name, ts in zip("ABC", times, strict=False)}
    tape = numbered({name: sources[name] for name in (*wanted, *rest)})
    expected = [item for item in tape if item.seq > after and item.tick.symbol in wanted]  # type: ignore[operator]
    assert ticks(anyio.run(read, ReplayFeed(sources), wanted, after)) == expected


def test_a_file_becomes_a_feed_that_says_when_it_begins_and_ends(tmp_path: Path) -> None:
    write(tmp_path / "eurusd.csv", "ts,bid,ask\n1700000000000,1.1,1.2\n1700000001000,1.2,1.3\n")
    items = anyio.run(read, ReplayFeed(open_data([str(tmp_path)])), ["EURUSD"])
    assert states(items) == ["connected", "ended"]
    assert [(item.seq, item.tick.ts, item.tick.bid) for item in ticks(items)] == [
        (1, 1_700_000_000_000, 1.1),
        (2, 1_700_000_001_000, 1.2),
    ]


def test_bars_are_refused_for_they_do_not_say_which_extreme_came_first(tmp_path: Path) -> None:
    rows = "".join(f"{1_700_000_000_000 + minute * 60_000},1,2,0.5,1.5\n" for minute in range(3))
    write(tmp_path / "eurusd.csv", f"ts,open,high,low,close\n{rows}")
    with pytest.raises(DataError, match="EURUSD: bars cannot be replayed as a feed"):
        ReplayFeed(open_data([str(tmp_path)]))


def test_data_that_goes_back_in_time_ends_the_feed_with_the_reason() -> None:
    source = ListSource("EURUSD", [table([5], [1]), table([6], [1]), table([4], [1])])
    items = anyio.run(read, ReplayFeed({"EURUSD": source}), ["EURUSD"])
    assert states(items)[-1] == "failed"
    assert "goes back in time" in items[-1].reason  # type: ignore[union-attr]


@pytest.mark.parametrize(("speed", "waits"), [(1.0, [1.0, 3.0]), (4.0, [0.25, 0.75]), (None, [])])
def test_a_replay_keeps_the_pace_asked_for(speed: float | None, waits: list[float]) -> None:
    async def run() -> list[float]:
        timer = JumpTimer()
        source = ListSource("A", [table([1000, 2000, 2000, 5000], [1, 2, 3, 4])])
        await read(ReplayFeed({"A": source}, speed=speed, timer=timer), ["A"])
        return timer.slept

    assert anyio.run(run) == waits


def test_what_is_late_comes_at_once_and_the_pace_is_kept() -> None:
    class SlowTimer(JumpTimer):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            self.seconds += 1.5  # the reader was busy

    async def run() -> list[float]:
        timer = SlowTimer()
        source = ListSource("A", [table([0, 1000, 2000, 9000], [1, 2, 3, 4])])
        await read(ReplayFeed({"A": source}, speed=1.0, timer=timer), ["A"])
        return timer.slept

    assert anyio.run(run) == [1.0, 6.5]


def test_a_symbol_subscribed_on_the_way_comes_from_then_on() -> None:
    async def run() -> list[tuple[str, int | None]]:
        names = {name: ListSource(name, [table([1, 2, 3], [1, 2, 3])]) for name in "AB"}
        feed = ReplayFeed(names)
        await feed.subscribe("A")
        seen = []
        async for item in feed:
            if isinstance(item, FeedTick):
                seen.append((item.tick.symbol, item.seq))
                if item.tick.ts == 2:
                    await feed.subscribe("B")
        return seen

    assert anyio.run(run) == [("A", 1), ("A", 3), ("B", 4), ("A", 5), ("B", 6)]


def test_a_market_id_is_served_by_the_data_of_its_symbol() -> None:
    feed = ReplayFeed({"EURUSD": ListSource("EURUSD", [])})
    assert feed.name_of("BACKTEST:EURUSD") == "EURUSD"
    assert ReplayFeed({"": ListSource("", [])}).name_of("PAPER:GBPUSD") == ""
    with pytest.raises(UsageError, match="no PAPER:GBPUSD, expected one of EURUSD"):
        feed.name_of("PAPER:GBPUSD")


def test_resuming_a_replay_that_runs_is_refused() -> None:
    async def run() -> None:
        feed = ReplayFeed({"A": ListSource("A", [table([1], [1])])})
        await anext(feed)
        with pytest.raises(UsageError, match="only before it begins"):
            feed.resume(1)
        await feed.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(feed)

    anyio.run(run)


def test_invented_quotes_are_those_of_their_seed_and_sequence_number() -> None:
    def feed(seed: int) -> ReplayFeed:
        return synthetic_feed(DAY, seed, days=2, ticks_per_day=200)

    whole = ticks(anyio.run(read, feed(7), DAY))
    assert {item.tick.symbol for item in whole} == set(DAY)
    assert all(a.tick.ts <= b.tick.ts for a, b in pairwise(whole))
    assert ticks(anyio.run(read, feed(7), DAY, 333)) == whole[333:]
    assert ticks(anyio.run(read, feed(8), DAY)) != whole


def test_an_invented_symbol_without_a_price_is_refused_before_anything_runs() -> None:
    with pytest.raises(UsageError, match="no first price is known for ODDITY"):
        synthetic_feed(["ODDITY"], 1)


@pytest.mark.parametrize(("text", "speed"), [("real", 1.0), ("fast", None), ("60x", 60.0), ("0.5", 0.5)])
def test_speeds_are_written_the_way_they_are_said(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "0", "-1x", "nan", "inf", "quick"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no speed"):
        parse_speed(text)
