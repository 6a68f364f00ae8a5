"""An engine does its sessions and back-tests again for who asks, in processes of their own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.core.clock import SystemClock
from qkt.runtime.control import commands as ask
from qkt.runtime.control.details import Way
from qkt.runtime.control.errors import ControlError, UnknownSessionError
from qkt.runtime.engine import Engine
from qkt.runtime.guides import Guides
from qkt.runtime.markets import OwnFeeds
from tests.explain.samples import SIZED, market
from tests.runtime.samples import ListFeed, ticks

LOUD = """import os
import qkt


class Loud(qkt.Strategy):
    streams = {"eu": "SIM:EURUSD 1m"}

    def on_candle(self, candle):
        print("hello", candle.close)
        print('{"error": "of the strategy"}', flush=True)
        os.system("echo from elsewhere")
        if not self.position("eu").quantity:
            self.buy("eu", "0.1", stop_loss=qkt.by("0.0100"))
"""

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_stories_and_scenes_of_a_session_and_of_a_back_test(tmp_path: Path) -> None:
    (tmp_path / "sized.qkt").write_text(SIZED)
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(3000)), {}))) as engine:
        path = str(tmp_path / "sized.qkt")
        await engine.perform(ask.Deploy(id="deploy-sized", author="me", path=path, name="sized"), lambda step: None)
        data = (f"EURUSD={market(tmp_path)}",)
        asked = ask.Backtest(id="test-sized", author="me", path=path, data=data, start="2024-01-10")
        await engine.perform(asked, lambda step: None)
        await engine.hosted["sized"].pump.ended.wait()

        fill = engine.fills("sized")[1]
        story = await engine.story("sized", order=fill.order, width=90)
        assert story.lines[0].startswith("sized, fill 2: BUY 0.2 SIM:EURUSD")
        assert await engine.story("sized", fill=2, width=90) == story

        opened = await engine.travel("sized", Way())
        at_fill = await engine.travel("sized", Way(stride="fill", number=2))
        assert (opened.place, at_fill.fills, at_fill.at) == (1, 2, fill.ts)
        back = await engine.travel("sized", Way(place=at_fill.place, stride="fill", by=-1))
        assert (back.fills, back.place < at_fill.place) == (1, True)
        assert back.parts[0].title == "Happened"

        while not (await engine.run("1")).trades:
            await anyio.sleep(0.02)
        tested = await engine.travel("run:1", Way(stride="fill", number=2))
        assert (tested.at, tested.equity) == (at_fill.at, at_fill.equity)
        assert tested.counts["fill"] == at_fill.counts["fill"]
        assert tested.balance != Decimal(10_000)

        with pytest.raises(ControlError, match="there is no fill 99"):
            await engine.story("sized", fill=99)
        with pytest.raises(ControlError, match="has no fill"):
            await engine.story("sized", order="nothing")
        with pytest.raises(ControlError, match="there is no run 7"):
            await engine.travel("run:7", Way())
        with pytest.raises(UnknownSessionError):
            await engine.travel("nobody", Way())


async def test_a_strategy_that_prints_is_tested_and_explained_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(400)), {}))) as engine:
        path = str(tmp_path / "loud.py")
        await engine.perform(ask.Deploy(id="deploy-loud", author="me", path=path, name="loud"), lambda step: None)
        data = (f"EURUSD={market(tmp_path, 400)}",)
        asked = ask.Backtest(id="test-loud", author="me", path=path, data=data, start="2024-01-10")
        await engine.perform(asked, lambda step: None)
        with anyio.fail_after(30):
            await engine.hosted["loud"].pump.ended.wait()
            assert (await engine.story("loud", fill=1)).lines[0].startswith("loud, fill 1: BUY 0.1 SIM:EURUSD")
            assert (await engine.travel("loud", Way(stride="fill", number=1))).fills == 1
            while (row := next(iter(engine.runs))).ended is None:
                await anyio.sleep(0.02)
        assert (row.state, row.error) == ("done", None)
        assert (await engine.run("1")).curve


async def test_a_guide_that_died_and_one_whose_session_has_gone_are_replaced_by_the_next_question(tmp_path: Path) -> None:
    (tmp_path / "sized.qkt").write_text(SIZED)
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(400)), {}))) as engine:
        path = str(tmp_path / "sized.qkt")
        await engine.perform(ask.Deploy(id="deploy-sized", author="me", path=path, name="sized"), lambda step: None)
        await engine.hosted["sized"].pump.ended.wait()
        first = await engine.travel("sized", Way(place=300))
        for guide in engine.guides.running():
            guide.kill()
        with pytest.raises(ControlError, match="has ended"):
            await engine.travel("sized", Way(place=300))
        assert await engine.travel("sized", Way(place=300)) == first

        (before,) = [guide.pid for guide in engine.guides.running()]
        await engine.perform(ask.Flatten(id="flat-sized", author="me", name="sized"), lambda step: None)
        (tmp_path / "sized.qkt").write_text(SIZED + "\n-- again\n")
        await engine.perform(ask.Resync(id="resync-sized", author="me", path=path, name="sized"), lambda step: None)
        await engine.hosted["sized"].pump.ended.wait()
        await engine.travel("sized", Way(place=1))
        assert [guide.pid for guide in engine.guides.running()] != [before]


class Process:
    """A process that takes a moment to end, and answers everything with nothing."""

    def __init__(self, alive: set[Process]) -> None:
        self._alive = alive
        self.returncode: int | None = None
        alive.add(self)

    def kill(self) -> None:
        self.returncode = -9

    async def aclose(self) -> None:
        await anyio.sleep(0.01)
        self._alive.discard(self)

    async def receive_until(self, end: bytes, longest: int) -> bytes:
        return b"{}"


async def test_questions_at_once_leave_no_process_that_nobody_can_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: set[Process] = set()

    async def start(guide: Any) -> None:
        guide.process = guide._answers = Process(alive)

    async def send(guide: Any, message: object) -> None: ...

    monkeypatch.setattr("qkt.runtime.guides._Guide._start", start)
    monkeypatch.setattr("qkt.runtime.guides._Guide._send", send)
    guides = Guides(tmp_path, lambda run: {}, SystemClock())
    for run in "ab":
        await guides._ask(run, 1, {})
    async with anyio.create_task_group() as tasks:
        for run in "cde":
            tasks.start_soon(guides._ask, run, 1, {})
    assert alive == set(guides.running())
    for run in "fg":
        await guides._ask(run, 1, {})
    assert alive == set(guides.running())
    assert len(alive) == 2
