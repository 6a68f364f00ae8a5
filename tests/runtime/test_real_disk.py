"""A disk that is full, and one that cannot be written any more: real ones, a few megabytes of memory mounted as a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest

from qkt.core.events import Tick
from qkt.observe.doctor import machine
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done
from qkt.runtime.engine import Engine
from qkt.runtime.errors import StateError
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.session import LiveSession
from qkt.runtime.state import LOOK
from tests.runtime.samples import ListFeed, strategy_file, ticks

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux") or os.geteuid() != 0, reason="mounting takes root on Linux"),
]
OPEN, LATER = 1115, 1431
"""Places of the market: a position under a trailing stop is open; it is gone, and another entry is due."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Callable[[], None]:
    """Leave no byte. Returns what makes room again."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return ballast.unlink


@pytest.fixture(scope="module")
def source() -> list[Tick]:
    return list(ticks(2500))


async def reached(live: LiveSession, number: int) -> None:
    with anyio.fail_after(30):
        while live.feed_number < number:
            await anyio.sleep(0.005)


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not true():
            await anyio.sleep(0.005)


async def test_a_full_disk_blocks_entries_keeps_exits_alerts_once_and_clears(
    source: list[Tick], disk: Path, tmp_path: Path
) -> None:
    first, second = anyio.Event(), anyio.Event()
    market = OwnFeeds(lambda: ListFeed(source, pauses={OPEN: first, LATER: second}))
    async with Engine(disk / "state", market) as engine:
        command = ask.Deploy(id="deploy-00000001", author="me", path=str(strategy_file(tmp_path)), name="one")
        assert isinstance(await engine.perform(command, lambda _: None), Done)
        live = engine.hosted["one"].live
        await reached(live, OPEN)
        await live.recorder.saved()
        trades = live.machine.session.books.trades
        assert not live.machine.flat
        known = engine.journal.last_input(1)
        make_room = fill(disk)
        for _ in range(40):  # what fits into pages that are there already still fits
            await live.gap(live.machine.last_ts, None, "a sentence that takes some room " * 20)
        await until(lambda: live.recorder.refused is not None)
        first.set()
        await reached(live, LATER)
        assert live.machine.flat, "the exit of the open position was kept"
        assert {r.reason for r in live.machine.session.risk.rejections} == {"blocked: nothing can be recorded"}
        assert [alert.level for alert in engine.alerts] == ["ERROR"]
        assert "nothing can be recorded" in next(iter(engine.alerts)).text
        make_room()
        await until(lambda: live.recorder.refused is None)
        second.set()
        with anyio.fail_after(30):
            await engine.hosted["one"].pump.ended.wait()
        assert [alert.level for alert in engine.alerts] == ["ERROR", "INFO"]
        assert engine.journal.last_input(1) > known
        assert any(row.purpose == "ENTRY" and row.timestamp > source[LATER].ts for row in trades)
        final = list(trades)
    async with Engine(disk / "state", market) as engine:
        assert list(engine.hosted["one"].live.machine.session.books.trades) == final


async def test_a_state_on_a_disk_that_cannot_be_written_is_refused_in_a_sentence(
    source: list[Tick], disk: Path, tmp_path: Path
) -> None:
    market = OwnFeeds(lambda: ListFeed(source[:200]))
    async with Engine(disk / "state", market) as engine:
        await engine.deploy(strategy_file(tmp_path), "one", {})
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(StateError, match="Read-only file system"):
        await Engine(disk / "state", market).__aenter__()
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    async with Engine(disk / "state", market) as engine:
        assert "one" in engine.hosted


@pytest.mark.parametrize("room", [0, 8192, 65_536])
async def test_an_engine_that_cannot_begin_on_a_full_disk_says_so(disk: Path, room: int) -> None:
    fill(disk)
    os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - room)
    with pytest.raises(StateError, match="cannot be used") as refused:
        async with Engine(disk / "state", OwnFeeds(lambda: ListFeed([]))):
            pass
    assert refused.value.remedy == LOOK


def test_doctor_tells_a_full_disk_from_one_that_belongs_to_somebody_else(disk: Path) -> None:
    fill(disk)
    assert [one.remedy for one in machine.disk(disk) if "written" in one.found] == ["make room"]
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert ["right to" in one.remedy for one in machine.disk(disk) if "written" in one.found] == [True]
