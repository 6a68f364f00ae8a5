"""The socket: only its user's, never in the way, never taken from an engine that lives."""

from __future__ import annotations

import os
import socket
import stat

import anyio
import httpx
import pytest

from qkt.core.errors import QktError
from qkt.runtime.control.client import connect
from qkt.runtime.control.endpoint import announced, listen, socket_path
from qkt.runtime.control.frames import Subscribe
from qkt.runtime.control.serving import serving

pytestmark = pytest.mark.anyio


async def test_only_its_user_can_open_the_socket(engine, state_dir):
    async with serving(engine, state_dir) as (_, endpoint):
        assert stat.S_IMODE(os.stat(endpoint.path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(state_dir / "control.json").st_mode) == 0o600
    assert not os.path.exists(endpoint.path)
    assert announced(state_dir) is None


async def test_a_stale_socket_is_replaced(engine, state_dir):
    left = listen(state_dir)
    left.socket.close()
    assert os.path.exists(left.endpoint.path)
    async with serving(engine, state_dir), connect(state_dir) as client:
        assert (await client.health()).status == "ready"


async def test_a_live_socket_is_refused_and_stays(engine, state_dir):
    async with serving(engine, state_dir), connect(state_dir) as client:
        with pytest.raises(QktError, match="an engine listens there already"):
            listen(state_dir)
        assert (await client.health()).status == "ready"


def test_whatever_else_is_in_the_way_stays(state_dir):
    path = socket_path(state_dir)
    path.parent.mkdir(mode=0o700)
    path.write_text("precious")
    with pytest.raises(QktError, match="is in the way"):
        listen(state_dir)
    assert path.read_text() == "precious"


def test_closing_does_not_take_the_socket_of_a_successor(state_dir):
    first = listen(state_dir)
    os.unlink(first.endpoint.path)
    second = listen(state_dir)
    first.close()
    assert os.path.exists(second.endpoint.path)
    second.close()


def test_a_runtime_folder_that_others_can_write_to_is_refused(state_dir, runtime_dir):
    (runtime_dir / "qkt").mkdir()
    (runtime_dir / "qkt").chmod(0o777)
    with pytest.raises(QktError, match="not yours alone"):
        listen(state_dir)


def test_the_path_is_short_however_long_the_state_directory_is(state_dir):
    assert len(str(socket_path(state_dir / ("x" * 200)))) < 100


def test_two_state_directories_have_two_sockets(state_dir):
    assert socket_path(state_dir / "a") != socket_path(state_dir / "b")


async def test_the_loopback_answers_only_who_knows_the_token(engine, state_dir):
    async with serving(engine, state_dir, tcp=True) as (_, endpoint):
        base = f"http://127.0.0.1:{endpoint.port}"
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.get(f"{base}/health")).status_code == 401
            wrong = {"authorization": "Bearer guessed"}
            assert (await stranger.post(f"{base}/v1/commands", headers=wrong, content="{}")).status_code == 401
        async with connect(state_dir) as client:
            assert (await client.health()).status == "ready"
            async with client.stream(Subscribe()) as stream:
                async for frame in stream:
                    assert frame.frame == "hello"
                    break


async def test_signals_stay_with_the_engine(engine, state_dir):
    import signal

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    async with serving(engine, state_dir), connect(state_dir) as client:
        await client.health()
        assert {number: signal.getsignal(number) for number in before} == before


async def test_nothing_is_left_behind(engine, state_dir):
    import asyncio

    def left():
        return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    async def once():
        async with serving(engine, state_dir), connect(state_dir) as client, client.stream(Subscribe()) as stream:
            async for _ in stream:
                break

    await once()
    before = left()
    for _ in range(3):
        await once()
    assert left() == before


def test_a_socket_that_does_not_answer_is_taken_for_alive(state_dir, monkeypatch):
    first = listen(state_dir)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: (_ for _ in ()).throw(BlockingIOError("full")))
    with pytest.raises(QktError, match="may be listening"):
        listen(state_dir)
    first.close()


@pytest.mark.parametrize("head", [b"GET /", b"GET / HTTP/1.1\r\nhost: "])
async def test_a_head_without_end_is_hung_up_on(engine, state_dir, head):
    async with serving(engine, state_dir) as (_, endpoint), await anyio.connect_unix(endpoint.path) as wire:
        await wire.send(head + b"x" * 200_000)
        with anyio.fail_after(5), pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
            await wire.receive()
