"""What a live feed does to a session: its faults, its losses, its order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from qkt.data.feeds import FeedHealth, FeedHub, FeedItem, FeedState
from qkt.runtime.control import commands as ask
from qkt.runtime.engine import Engine
from qkt.runtime.markets import SharedFeed
from qkt.runtime.session import LiveSession
from tests.data.feeds.hands import ManualTimer, ScriptFeed, quote
from tests.runtime.samples import START, SYMBOL, strategy_file

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Stage:
    """A session in an engine on a live feed that the test speaks through."""

    def __init__(self, live: LiveSession, feed: ScriptFeed, engine: Engine, wall: ManualTimer) -> None:
        self.live = live
        self.wall = wall
        self._feed = feed
        self._engine = engine

    async def give(self, *items: FeedItem) -> None:
        """Have the feed give these and the session handle them."""
        await self._feed.put(*items)
        await self.live.drained()
        await self.live.timer(0)  # nothing is due: it comes after all that the feed's news led to

    async def tick(self, ts: int, price: float = 1.1) -> None:
        self.wall.seconds = (ts - START) / 1000
        item = quote("EURUSD", ts, price)
        item.tick.bid, item.tick.ask = price - 1e-5, price + 1e-5
        await self.give(item)

    async def health(self, state: FeedState, ts: int) -> None:
        await self.give(FeedHealth(state, ts))

    def said(self) -> list[str]:
        return [line.text for line in self._engine.lines(-1) if line.kind == "feed"]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    feed, wall = ScriptFeed(), ManualTimer(START)
    async with anyio.create_task_group() as tasks:
        market = SharedFeed(FeedHub(tasks), "live", lambda: feed)
        async with Engine(tmp_path / "state", market, wall=wall) as engine:
            command = ask.Deploy(id="test-00000001", author="me", path=str(strategy_file(tmp_path)))
            await engine.perform(command, lambda step: None)
            yield Stage(engine.hosted["cross"].live, feed, engine, wall)
    assert feed.closed


async def test_a_lost_feed_blocks_entries_until_it_is_back(stage: Stage) -> None:
    await stage.health(FeedState.CONNECTED, START)
    for state in (FeedState.STALE, FeedState.LOST, FeedState.RECONNECTING):
        await stage.health(state, START + 1)
    assert [halt.reason for halt in stage.live.machine.halts] == ["the feed is stale: stale"]
    await stage.health(FeedState.CONNECTED, START + 2)
    assert not stage.live.machine.halts


async def test_a_symbol_that_is_refused_leaves_the_others_alone(stage: Stage) -> None:
    await stage.give(FeedHealth(FeedState.UNAVAILABLE, START, "no permission", ("EURUSD",)))
    assert not stage.live.machine.halts
    assert stage.said() == [f"feed unavailable ({SYMBOL}): no permission"]


async def test_ticks_that_the_gate_keeps_out_never_reach_the_session(stage: Stage) -> None:
    for n in range(20):
        await stage.tick(START + n * 1000)
    await stage.tick(START + 20_000, 2.2)
    await stage.tick(START + 21_000)
    assert stage.live.machine.ticks == 21
    assert [text.partition(":")[2].partition(":")[0] for text in stage.said()] == [
        "EURUSD is outlier",
        "EURUSD is outlier no longer",
    ]


async def test_time_of_a_session_never_goes_back(stage: Stage) -> None:
    await stage.tick(START + 5_000)
    await stage.tick(START + 4_000)
    assert stage.live.machine.ticks == 2
    assert stage.live.machine.last_ts == START + 5_000
