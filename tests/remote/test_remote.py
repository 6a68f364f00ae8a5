"""Engines elsewhere: an `ssh` of the test's own runs the other end here, in a process of its own."""

from __future__ import annotations

import os
import signal
import stat
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.errors import QktError, UsageError
from qkt.remote.address import Address, parse_address
from qkt.remote.contexts import Context, ContextError, Contexts, load_contexts
from qkt.remote.line import Line
from qkt.remote.relay import WIRE, greeting
from qkt.remote.tunnel import LineError, command
from qkt.remote.wire import WINDOW, Kind, Wire, WireError
from qkt.runtime.control import commands
from qkt.runtime.control.answers import Done
from qkt.runtime.control.client import new_id
from qkt.runtime.control.endpoint import Endpoint
from qkt.runtime.control.errors import NoAnswerError, OtherProtocolError
from qkt.runtime.control.frames import Snapshot, Subscribe
from qkt.runtime.control.link import RemoteLink
from qkt.runtime.control.serving import serving
from tests.remote.fuzz import fuzz
from tests.runtime.control.fake import FakeEngine, strategy

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with a short path that is the user's, with a fake ssh which writes down what it was given."""
    with tempfile.TemporaryDirectory(prefix="qkt") as name:
        folder = Path(name)
        for variable in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(variable, name)
        script = folder / "ssh"
        script.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {name}/words\n[ -e {name}/down ] && {{ echo "no route" >&2; exit 255; }}\n'
            f'echo "a shell says hello"\necho $$ > {name}/pid\nfor last; do :; done\nexec sh -c "exec $last"\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{name}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        yield folder


@pytest.fixture
def box(place: Path) -> Context:
    return Context("box", Address("example.net", "eva", 2222), str(place / "state"), f"{sys.executable} -m qkt.cli.main")


@pytest.fixture
async def engine(place: Path) -> AsyncIterator[FakeEngine]:
    (place / "state").mkdir()
    fake = FakeEngine()
    async with serving(fake, place / "state"):
        fake.put("strategies", strategy("gold"))
        yield fake


async def test_frames_and_commands_go_through_the_pipes_and_a_lost_line_comes_back(
    place: Path, box: Context, engine: FakeEngine
) -> None:
    async with anyio.create_task_group() as tasks:
        line = Line(box, tasks)
        link = RemoteLink(line.connect)
        assert (await link.hello()).version == "0"
        assert (place / "words").read_text().splitlines() == command(box, asking=False)[1:]
        halt = commands.Halt(id=new_id(), author="me", name="gold")
        async with link.stream(Subscribe(rate=20)) as stream:
            frames = aiter(stream)
            assert [(await anext(frames)).frame for _ in range(2)] == ["hello", "snapshot"]
            assert await link.perform(halt) == Done(id=halt.id, affected=("gold",))
            engine.hold = anyio.Event()
            stop = commands.Stop(id=new_id(), author="me", name="gold")
            lost: list[QktError] = []

            async def stopped() -> None:
                try:
                    await link.perform(stop)
                except QktError as problem:
                    lost.append(problem)

            async with anyio.create_task_group() as asking:
                asking.start_soon(stopped)
                while stop not in engine.performed:
                    await anyio.sleep(0.001)
                (place / "down").touch()
                os.kill(int((place / "pid").read_text()), signal.SIGKILL)
            assert [type(one) for one in lost] == [NoAnswerError]  # whether it acted is unknown
            async for _ in frames:
                pass
        with pytest.raises(LineError, match=r"eva@example.net:2222.*did not get there \(no route\)"):
            await link.health()
        (place / "down").unlink()
        engine.hold.set()
        await anyio.sleep(0.45)  # the failure stands for a moment
        assert isinstance(await link.answer(stop.id, wait=5), Done)
        assert engine.performed == [halt, stop]  # each once
        async with link.stream(Subscribe()) as stream:
            frames = aiter(stream)
            await anext(frames)
            assert isinstance(await anext(frames), Snapshot)
        tasks.cancel_scope.cancel()


async def test_nothing_is_left_when_a_line_is_given_up(place: Path, box: Context, engine: FakeEngine) -> None:
    async with anyio.create_task_group() as tasks:
        line = Line(box, tasks)
        await RemoteLink(line.connect).health()
        assert line.tunnel is not None
        path = line.tunnel.endpoint.path
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        tasks.cancel_scope.cancel()
    assert not os.path.exists(path)
    with pytest.raises(ProcessLookupError):
        os.kill(int((place / "pid").read_text()), 0)


async def refusal(context: Context) -> str:
    async with anyio.create_task_group() as tasks:
        try:
            await RemoteLink(Line(context, tasks).connect).health()
        except QktError as problem:
            return f"{type(problem).__name__}: {problem}"
    raise AssertionError("it was not refused")


async def test_what_is_wrong_there_is_one_sentence(place: Path, box: Context) -> None:
    assert "no engine is running; start one with" in await refusal(box)
    gone = Context("box", box.address, remote_command="no-such-qkt")
    assert "there is no 'no-such-qkt' there; name where qkt is with --remote-command" in await refusal(gone)
    chatty = Context("box", box.address, remote_command="yes #")
    assert "what answered is no qkt" in await refusal(chatty)


async def test_another_version_is_refused_with_both_named(place: Path, box: Context) -> None:
    told = greeting(Endpoint(kind="unix", pid=1, protocol=99)).model_copy(update={"version": "9.9"})
    (place / "other").write_text(told.line().decode())
    other = Context("box", box.address, remote_command=f"cat {place}/other; cat #")
    words = await refusal(other)
    assert words.startswith(OtherProtocolError.__name__)
    assert f"speaks protocol 99 over wire {WIRE} (qkt 9.9), expected protocol 1 over wire {WIRE} (qkt " in words


# ---------------------------------------------------------------------------- the wire


async def test_a_reader_that_stops_is_never_sent_more_than_its_window() -> None:
    sent: list[bytes] = []
    inbox, feed = anyio.create_memory_object_stream[bytes](8)[::-1]

    async def write(message: bytes) -> None:
        sent.append(message)

    async def talk() -> tuple[Any, Any]:
        import asyncio

        reader = asyncio.StreamReader()
        reader.feed_data(b"x" * 10 * WINDOW)
        _, writer = await asyncio.open_unix_connection(sock=ours)
        return reader, writer

    import socket

    ours, theirs = socket.socketpair()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Wire(inbox.receive, write, dial=talk).run)
        await feed.send(Kind.OPEN.to_bytes(1, "big") + (1).to_bytes(4, "big") + bytes(4))
        await anyio.sleep(0.05)
        assert sum(len(message) - 9 for message in sent) == WINDOW
        await feed.send(
            Kind.GRANT.to_bytes(1, "big") + (1).to_bytes(4, "big") + (4).to_bytes(4, "big") + (5).to_bytes(4, "big")
        )
        await anyio.sleep(0.02)
        assert sum(len(message) - 9 for message in sent) == WINDOW + 5
        tasks.cancel_scope.cancel()
    theirs.close()


@given(st.binary(min_size=9, max_size=64))
def test_whatever_comes_over_the_line_ends_it_or_is_understood(noise: bytes) -> None:
    async def work() -> None:
        chunks = [noise, b""]

        async def read() -> bytes:
            return chunks.pop(0)

        async def write(message: bytes) -> None:
            pass

        try:
            await Wire(read, write).run()
        except* WireError:
            pass

    anyio.run(work)


# ------------------------------------------------------------- addresses and contexts

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(NAMES, st.none() | NAMES, st.none() | st.integers(1, 65_535))
def test_an_address_reads_as_it_is_written(host: str, user: str | None, port: int | None) -> None:
    address = Address(host, user, port)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "-oProxyCommand=x@y",
        "a@-host",
        "a@b:0",
        "a@b:99999",
        "a@b c",
        "a@$(x)",
        "a@`x`",
        "ssh://",
        "a@b\n",
        "a@%h",
        "a@b;x",
        "@b",
    ],
)
def test_what_ssh_or_a_shell_could_take_for_something_else_is_no_host(text: str) -> None:
    with pytest.raises(UsageError, match="is no host"):
        parse_address(text)


def test_the_words_of_ssh_are_ours_and_the_path_is_quoted_for_the_shell_there() -> None:
    words = command(Context("x", Address("::1", "eva"), "/srv/my qkt"), asking=True)
    assert words[-3:] == ["--", "eva@::1", "qkt attach --stdio --state-dir '/srv/my qkt'"]
    assert "BatchMode=yes" not in words


def test_contexts_are_kept_and_found_again(tmp_path: Path) -> None:
    contexts = Contexts(tmp_path / "qkt" / "contexts.toml")
    contexts.add(Context("prod", Address("h", "eva", 22), "/srv/q kt", 'a "b" \\c'))
    contexts.add(Context("desk.1", None, "/état"))
    contexts.chosen = "desk.1"
    contexts.keep()
    again = load_contexts(contexts.path)
    assert (again.known, again.chosen) == (contexts.known, "desk.1")
    assert [path.name for path in contexts.path.parent.iterdir()] == ["contexts.toml"]
    again.remove("desk.1")
    assert tomllib.loads(again.text())["contexts"].keys() == {"prod"}
    assert again.chosen is None
    with pytest.raises(ContextError, match="did you mean 'prod'"):
        again.find("prdo")
    with pytest.raises(ContextError, match="already"):
        again.add(Context("prod"))


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "[contexts.a]\nhost = 'x'",
        "[contexts.a]\naddress = 'a@-b'",
        "contexts = 3",
        "chosen = 'x'",
        "[",
        "[contexts.a]\nstate_dir = 1",
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contexts.toml"
    path.write_text(text)
    with pytest.raises(ContextError, match=str(path)) as problem:
        load_contexts(path)
    assert "\n" not in str(problem.value).rstrip()


async def test_a_line_that_is_told_nonsense_ends_with_a_sentence_and_keeps_nothing() -> None:
    lined = await fuzz(64, 5)
    assert lined.mistreated == []
    assert {"ended", "refused"} <= set(lined.became)
