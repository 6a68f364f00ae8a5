"""Feeds that several readers share."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.errors import DataError, UsageError
from qkt.data.feeds import FeedHealth, FeedHub, FeedItem, FeedReader, FeedState, FeedTick, ReplayFeed
from tests.data.feeds.hands import LEAN, ScriptFeed, quote, settle, states, ticks
from tests.data.samples import ListSource, table


def with_hub(test: Callable[[FeedHub, ScriptFeed], Awaitable[None]], room: int = 100) -> None:
    async def run() -> None:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                hub = FeedHub(tasks, room=room)
                await test(hub, ScriptFeed())
                await hub.aclose()

    anyio.run(run)


async def drain(reader: FeedReader) -> list[FeedItem]:
    """What waits for a reader now."""
    items: list[FeedItem] = []

    async def read() -> None:
        async for item in reader:
            items.append(item)  # noqa: PERF401 - what was read before the cancellation counts

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await settle()
        tasks.cancel_scope.cancel()
    return items


def test_every_reader_gets_the_symbols_it_asked_for_under_its_own_names() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        one = await hub.open("live", lambda: feed, ["PAPER:A", "PAPER:B"])
        two = await hub.open("live", lambda: pytest.fail("made twice"), ["BROKER:A"])
        await feed.put(quote("A", 1), quote("B", 2))
        assert [item.tick.symbol for item in ticks(await drain(one))] == ["PAPER:A", "PAPER:B"]
        assert [item.tick.symbol for item in ticks(await drain(two))] == ["BROKER:A"]

    with_hub(test)


def test_readers_of_a_market_id_share_its_ticks_and_no_others() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        readers = [await hub.open("live", lambda: feed, [symbol]) for symbol in ("PAPER:A", "PAPER:A", "A")]
        await feed.put(quote("A", 1))
        (one,), (two,), (other,) = [ticks(await drain(reader)) for reader in readers]
        assert one is two
        assert other.tick is not one.tick
        assert (one.tick.symbol, other.tick.symbol) == ("PAPER:A", "A")

    with_hub(test)


def test_symbols_are_counted_and_the_last_reader_closes_the_feed() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        one = await hub.open("live", lambda: feed, ["A", "B"])
        two = await hub.open("live", lambda: feed, ["B"])
        assert feed.wanted == {"A", "B"}
        await one.aclose()
        await one.aclose()
        assert feed.wanted == {"B"}
        assert not feed.closed
        await two.aclose()
        assert feed.closed
        again = ScriptFeed()
        await hub.open("live", lambda: again, ["A"])
        assert again.wanted == {"A"}

    with_hub(test)


def test_a_slow_reader_loses_its_oldest_ticks_and_slows_nobody() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        slow = await hub.open("live", lambda: feed, ["A"])
        quick = await hub.open("live", lambda: feed, ["A"])
        seen: list[FeedTick] = []
        for ts in range(1, 8):
            await feed.put(quote("A", ts))
            seen += ticks(await drain(quick))
        assert [item.tick.ts for item in seen] == [1, 2, 3, 4, 5, 6, 7]
        assert (quick.dropped, slow.dropped, slow.waiting) == (0, 4, 3)
        late = await drain(slow)
        assert states(late[:1]) == ["gap"]
        assert "4 ticks were dropped" in late[0].reason  # type: ignore[union-attr]
        assert [item.tick.ts for item in ticks(late)] == [5, 6, 7]

    with_hub(test, room=3)


@LEAN
@given(st.lists(st.one_of(st.just("put"), st.just("read"), st.just("health")), max_size=30), st.integers(1, 4))
def test_a_queue_keeps_the_newest_in_order_and_counts_the_rest(deeds: list[str], room: int) -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        reader = await hub.open("live", lambda: feed, ["A"])
        put, seen, health = 0, [], 0
        for deed in [*deeds, "read"]:
            if deed == "put":
                put += 1
                await feed.put(quote("A", put))
            elif deed == "health":
                health += 1
                await feed.put(FeedHealth(FeedState.LOST, put))
            else:
                seen += await drain(reader)
        times = [item.tick.ts for item in ticks(seen)]
        assert times == sorted(times)
        assert len(times) + reader.dropped == put
        assert states(seen).count("lost") == health
        assert ("gap" in states(seen)) == (reader.dropped > 0)
        assert put == 0 or times[-1] == put

    with_hub(test, room)


def test_a_patient_feed_waits_for_its_slowest_reader() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        source = ListSource("A", [table(range(1, 501), range(1, 501))])
        slow = await hub.open("file", lambda: ReplayFeed({"A": source}), ["A"])
        quick = await hub.open("file", lambda: feed, ["A"])
        gone = await hub.open("file", lambda: feed, ["A"])
        seen: list[FeedItem] = []

        async def read() -> None:
            seen.extend([item async for item in quick])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await settle()
            assert len(ticks(seen)) < 20
            await gone.aclose()
            all_of_it = [item async for item in slow]
        assert [item.seq for item in ticks(all_of_it)] == [item.seq for item in ticks(seen)] == list(range(1, 501))
        assert states(seen) == ["connected", "ended"]

    with_hub(test, room=5)


def test_a_held_replay_begins_after_what_the_reader_furthest_behind_has_seen() -> None:
    async def run() -> None:
        source = ListSource("A", [table(range(1, 10), range(1, 10))])
        async with anyio.create_task_group() as tasks:
            hub = FeedHub(tasks, held=True)
            one = await hub.open("file", lambda: ReplayFeed({"A": source}), ["A"], after=6)
            two = await hub.open("file", lambda: ReplayFeed({"A": source}), ["A"], after=4)
            await settle()
            assert one.waiting == two.waiting == 0
            hub.release()
            assert [item.seq for item in ticks([item async for item in one])] == [7, 8, 9]
            assert [item.seq for item in ticks([item async for item in two])] == [5, 6, 7, 8, 9]

    anyio.run(run)


def test_who_comes_back_to_a_replay_that_went_on_is_told_of_the_gap() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        feed.replayable = True  # type: ignore[misc]
        await hub.open("live", lambda: feed, ["A"])
        await feed.put(FeedHealth(FeedState.CONNECTED, 1), *(quote("A", ts, seq=ts) for ts in range(1, 6)))
        back = await hub.open("live", lambda: feed, ["A"], after=2)
        await feed.put(quote("A", 6, seq=6))
        items = await drain(back)
        assert states(items) == ["connected", "gap"]
        assert [item.seq for item in ticks(items)] == [6]

    with_hub(test)


@pytest.mark.parametrize("problem", [DataError("the file is gone"), ZeroDivisionError("oops")])
def test_a_feed_that_breaks_tells_its_readers_and_breaks_nothing_else(problem: Exception) -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        reader = await hub.open("live", lambda: feed, ["A"])
        await feed.put(quote("A", 1))
        await feed.fail(problem)
        items = [item async for item in reader]
        assert states(items) == ["failed"]
        assert str(problem) in items[-1].reason  # type: ignore[union-attr]
        assert feed.closed

    with_hub(test)


def test_news_of_a_symbol_reaches_its_readers_only() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        one = await hub.open("live", lambda: feed, ["PAPER:A"])
        two = await hub.open("live", lambda: feed, ["PAPER:B"])
        await feed.put(FeedHealth(FeedState.UNAVAILABLE, 1, "no such symbol", ("A",)))
        (told,) = await drain(one)
        assert told == FeedHealth(FeedState.UNAVAILABLE, 1, "no such symbol", ("PAPER:A",))
        assert await drain(two) == []

    with_hub(test)


def test_a_symbol_that_cannot_be_served_leaves_nothing_behind() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        with pytest.raises(UsageError, match="no such symbol"):
            await hub.open("live", lambda: feed, ["NOSUCH"])
        other = ScriptFeed()
        await hub.open("live", lambda: other, ["A"])
        assert other.wanted == {"A"}

    with_hub(test)


def test_a_hundred_openings_leave_no_task_and_no_feed() -> None:
    async def test(hub: FeedHub, feed: ScriptFeed) -> None:
        before = len(anyio.get_running_tasks())
        for _ in range(100):
            made = ReplayFeed({"A": ListSource("A", [table(range(1, 200), range(1, 200))])})
            reader = await hub.open("file", lambda made=made: made, ["A"])
            assert isinstance(await anext(reader), FeedHealth)
            await reader.aclose()
        await settle()
        assert len(anyio.get_running_tasks()) == before
        gc.collect()
        assert not [thing for thing in gc.get_objects() if isinstance(thing, ReplayFeed) and thing is not made]

    with_hub(test)
