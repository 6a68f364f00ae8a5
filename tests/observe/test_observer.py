"""Whatever fails in a view of the engine, the engine goes on, and the view comes back."""

from __future__ import annotations

import anyio
import anyio.abc
import pytest

from qkt.config import Alerts, Config, Observe
from qkt.config import Channel as Settings
from qkt.observe.alerts import KINDS
from qkt.observe.channel import Channel
from qkt.observe.observer import observing
from qkt.observe.reception import Reception
from qkt.observe.tail import LineTail
from qkt.runtime.engine import Engine

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr("qkt.observe.observer.AGAIN", 0.01)
    monkeypatch.setattr("qkt.observe.observer.LOOK", 0.01)


@pytest.fixture
def failing(monkeypatch):
    """Makes a method of a class fail the first times it is called; gives how often it was called."""

    def fail(owner, name, times=2):
        calls = []
        whole = getattr(owner, name)

        def first_fails(*given, **named):
            calls.append(name)
            if len(calls) <= times:
                raise RuntimeError("a view that breaks")
            return whole(*given, **named)

        monkeypatch.setattr(owner, name, first_fails)
        return calls

    return fail


async def test_a_heartbeat_that_fails_begins_again(engine, failing, tmp_path):
    calls = failing(Engine, "health")
    with anyio.fail_after(10):
        async with observing(engine, Config(observe=Observe(serve=False, heartbeat_file=tmp_path / "beat"))):
            while not (tmp_path / "beat").exists():
                await anyio.sleep(0.01)
    assert len(calls) == 3


async def test_lines_are_read_again_after_a_failure(engine, failing):
    calls = failing(LineTail, "_new")
    heard = []
    with anyio.fail_after(10):
        async with observing(engine, Config(observe=Observe(serve=False))) as observer:
            observer.tail.listen(heard.append)
            while not heard:
                await anyio.sleep(0.01)
    assert len(calls) >= 3


async def test_a_summary_that_fails_is_tried_on_the_next_day(engine, failing, monkeypatch):
    calls = failing(Engine, "snapshot_in_turns")
    monkeypatch.setattr("qkt.observe.observer.next_time", lambda now, hours, minutes: now)
    said = []
    settings = Settings.model_validate({"url": "json://localhost", "events": KINDS})
    channel = Channel("ops", settings, lambda title, body: not said.append(title), pause=lambda seconds: False)
    config = Config(observe=Observe(serve=False), alerts=Alerts(summary="12:00"))
    with anyio.fail_after(10):
        async with observing(engine, config, channels=[channel]):
            while not any("2 sessions" in title for title in said):
                await anyio.sleep(0.01)
    assert len(calls) >= 3


async def test_serving_that_fails_begins_again(engine, failing):
    calls = failing(Reception, "receive")
    with anyio.fail_after(10):
        async with observing(engine, Config(observe=Observe(port=0))) as observer:
            while len(calls) < 3 or observer.address is None:
                await anyio.sleep(0.01)


async def test_a_port_that_is_taken_is_said_once_and_asked_for_again(engine, monkeypatch):
    monkeypatch.setattr("qkt.observe.observer.RETRY", 0.01)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as taken:
        port = taken.extra(anyio.abc.SocketAttribute.local_port)
        with anyio.fail_after(10):
            async with observing(engine, Config(observe=Observe(port=port))) as observer:
                await anyio.sleep(0.1)
                assert observer.address is None
    said = [line.text for line in engine.lines(0, limit=5000) if "not served" in line.text]
    assert len(said) == 1
