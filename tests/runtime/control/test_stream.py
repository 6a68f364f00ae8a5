"""The event stream: the state once, then what changed, at the reader's rate and never faster than it reads."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from qkt.core.errors import QktError
from qkt.runtime.control import commands
from qkt.runtime.control.client import new_id
from qkt.runtime.control.frames import Ack, Bye, Delta, Lines, Snapshot, Subscribe, fold
from qkt.runtime.control.hub import SUBSCRIBERS, Subscription, open_hub
from tests.runtime.control.fake import market, strategy

pytestmark = pytest.mark.anyio

FAST = Subscribe(rate=20)


@asynccontextmanager
async def reading(hub, wanted=FAST):
    subscription = hub.subscribe(wanted)
    async with aclosing(subscription.frames()) as frames:
        assert (await anext(frames)).frame == "hello"
        yield frames
    subscription.close()


@pytest.fixture
async def hub(engine):
    async with open_hub(engine) as hub:
        yield hub


async def test_frames_over_the_socket_fold_to_the_engines_state(client, engine):
    engine.put("strategies", strategy("gold"))
    async with client.stream(FAST) as stream:
        frames = aiter(stream)
        assert (await anext(frames)).frame == "hello"
        state = await anext(frames)
        assert isinstance(state, Snapshot)
        engine.put("market", market("XAUUSD", "2411.50"))
        engine.drop("strategies", "gold")
        while state.version != engine.version:
            frame = await anext(frames)
            assert isinstance(frame, Delta)
            state = fold(state, frame)
        assert state.tables == engine.snapshot().tables


async def test_a_slow_reader_gets_the_latest_state_and_no_backlog(hub, engine):
    async with reading(hub) as frames:
        state = await anext(frames)
        built = engine.snapshots
        for number in range(10_000):  # while the reader does something else
            engine.put("market", market("XAUUSD", f"{number}.00"))
        assert engine.snapshots == built
        state = fold(state, await anext(frames))
        assert state.tables.market["XAUUSD"].bid == 9_999
        assert engine.snapshots == built + 1


async def test_a_reader_that_does_not_read_does_not_slow_the_engine_or_fill_memory(client, engine):
    engine.put("strategies", strategy("gold"))
    async with client.stream(Subscribe(rate=20)):
        for _ in range(30):
            for number in range(100):
                engine.put("market", market(f"S{number}", f"{engine.version}.00"))
            engine.say("x" * 4000)
            await anyio.sleep(0)
        assert (await client.health()).status == "ready"


async def test_frames_come_at_the_rate_that_was_asked_for(hub, engine):
    async with reading(hub, Subscribe(rate=10)) as frames:
        await anext(frames)
        count = 0
        with anyio.move_on_after(0.55):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_flicker, engine)
                async for _ in frames:
                    count += 1
        assert 1 <= count <= 6


async def _flicker(engine):
    number = 0
    while True:
        engine.put("market", market("XAUUSD", f"{(number := number + 1)}.00"))
        await anyio.sleep(0.002)


async def test_who_has_seen_everything_hears_of_a_change_at_once(hub, engine):
    async with reading(hub) as frames:
        await anext(frames)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_later, 0.3, engine.put, "market", market("XAUUSD", "1.00"))
            with anyio.fail_after(1):  # a heartbeat would come after two seconds
                frame = await anext(frames)
        assert frame.rows.market["XAUUSD"].bid == 1


async def test_an_engine_that_changes_all_the_time_wakes_nobody_before_the_time(hub, engine, monkeypatch):
    woken = []
    wake = Subscription.wake
    monkeypatch.setattr(Subscription, "wake", lambda self: (woken.append(1), wake(self)))
    async with reading(hub, Subscribe(rate=2)) as frames, anyio.create_task_group() as tasks:
        await anext(frames)
        tasks.start_soon(_quote, engine)
        for _ in range(3):
            await anext(frames)
        tasks.cancel_scope.cancel()
    assert len(woken) <= 5  # when it begins and when it is idle; the quotes are a hundred


async def _later(seconds, do, *arguments):
    await anyio.sleep(seconds)
    do(*arguments)


async def _quote(engine):
    while True:
        engine.put("market", market("XAUUSD", f"{engine.version}.00"))
        await anyio.sleep(0.01)


async def test_time_goes_on_in_the_frames_of_an_engine_in_which_nothing_happens(hub, engine, monkeypatch):
    monkeypatch.setattr("qkt.runtime.control.hub.HEARTBEAT", 0.02)
    async with reading(hub) as frames:
        await anext(frames)
        built = engine.snapshots
        await anext(frames)
        assert engine.snapshots == built + 1


async def test_only_the_tables_that_are_wanted_come(hub, engine):
    engine.put("strategies", strategy("gold"))
    engine.put("market", market("XAUUSD", "1.00"))
    async with reading(hub, Subscribe(rate=20, tables=("market",))) as frames:
        state = await anext(frames)
        assert (set(state.tables.market), set(state.tables.strategies)) == ({"XAUUSD"}, set())


async def test_a_reader_may_look_at_something_else(client, engine):
    engine.put("strategies", strategy("gold"))
    async with client.stream(Subscribe(rate=20, tables=("market",))) as stream:
        frames = aiter(stream)
        await anext(frames)
        state = await anext(frames)
        await stream.want(Subscribe(rate=20, tables=("strategies", "rules"), rules="gold"))
        while not state.tables.rules:
            state = fold(state, await anext(frames))
        assert (set(state.tables.strategies), state.tables.rules["gold:1"].value) == ({"gold"}, "1.34")


async def test_lines_are_resumed_after_the_last_one_seen(hub, engine):
    for number in range(1, 6):
        engine.say(f"line {number}")
    async with reading(hub, Subscribe(rate=20, after=3)) as frames:
        await anext(frames)
        lines = await anext(frames)
        assert isinstance(lines, Lines)
        assert [line.number for line in lines.lines] == [4, 5]
        assert lines.missed == 0


async def test_lines_that_are_too_many_are_counted(hub, engine):
    for number in range(700):
        engine.say(f"line {number}")
    async with reading(hub, Subscribe(rate=20, after=0)) as frames:
        await anext(frames)
        lines = await anext(frames)
        assert (len(lines.lines), lines.missed, lines.lines[-1].number) == (500, 200, 700)


async def test_who_asks_for_no_past_gets_only_new_lines(hub, engine):
    engine.say("old")
    async with reading(hub) as frames:
        await anext(frames)
        engine.say("new")
        found = [await anext(frames), await anext(frames)]
        assert [line.text for frame in found if isinstance(frame, Lines) for line in frame.lines] == ["new"]


async def test_every_reader_hears_of_a_command_and_who_gave_it(client, engine):
    engine.put("strategies", strategy("gold"))
    async with client.stream(FAST) as stream:
        frames = aiter(stream)
        await anext(frames)
        await anext(frames)
        await client.perform(commands.Halt(id=new_id(), author="eva", name="gold"))
        acks = []
        while len(acks) < 3:
            frame = await anext(frames)
            acks += [frame] if isinstance(frame, Ack) else []
        assert [ack.answer.answer for ack in acks] == ["accepted", "accepted", "done"]
        assert {ack.author for ack in acks} == {"eva"}


async def test_the_end_is_said(engine):
    async with open_hub(engine) as hub, reading(hub) as frames:
        await anext(frames)
        hub.close("stopped by an operator")
        assert await anext(frames) == Bye(reason="stopped by an operator")
        with pytest.raises(StopAsyncIteration):
            await anext(frames)


async def test_readers_beyond_the_limit_are_refused(hub):
    for _ in range(SUBSCRIBERS):
        hub.subscribe(FAST)
    with pytest.raises(QktError, match="16 subscribers read already"):
        hub.subscribe(FAST)


async def test_a_table_that_is_not_is_refused(client):
    async with client.stream(Subscribe(tables=("strategiez",))) as stream:
        with pytest.raises(QktError, match="no table named strategiez"):
            await anext(aiter(stream))
