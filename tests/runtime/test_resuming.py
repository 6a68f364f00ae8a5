"""What a session goes on from: the same feed at the same place, a tape whose end was lost, a strategy that had ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from qkt.core.events import Tick
from qkt.data.feeds import FeedTick
from qkt.ledger import TradeRow
from qkt.runtime import recorder as recording
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done, Failed
from qkt.runtime.engine import Engine
from qkt.runtime.inputs import GapInput
from qkt.runtime.journal import Journal
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.recorder import Recorder, tape_folder
from qkt.runtime.recovery import Recovery
from qkt.runtime.tape import TapeWriter, read_tape, segments
from tests.runtime.samples import ListFeed, machine, strategy_file, ticks

pytestmark = pytest.mark.anyio

TWO = """STRATEGY two VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m,
    other = PAPER:EURUSD EVERY 1m
RULES
    WHEN ema(other.close, 3) CROSSES ABOVE ema(eu.close, 8) AND POSITION.eu = 0
    THEN BUY eu SIZING 0.2 BRACKET { STOP LOSS BY 0.0006, TAKE PROFIT BY 0.0012 }
"""
FAREWELL = """import qkt


class Farewell(qkt.Strategy):
    streams = {"eu": "SIM:EURUSD 1m"}
    said = 0

    def on_candle(self, candle):
        self.log("bar")

    def on_stop(self):
        self.log("farewell")
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class OneName(ListFeed):
    """Serves every market id under one name."""

    def name_of(self, symbol: str) -> str:
        return "EURUSD"


def feed(source: Sequence[Tick]) -> OwnFeeds:
    return OwnFeeds(lambda: OneName([replace(tick, symbol="EURUSD") for tick in source]))


async def to_the_end(state: Path, market: OwnFeeds, file: Path) -> list[TradeRow]:
    async with Engine(state, market) as engine:
        if not engine.hosted:
            command = ask.Deploy(id="deploy-00000001", author="me", path=str(file), name="one")
            assert isinstance(await engine.perform(command, lambda _: None), Done)
        with anyio.fail_after(30):
            await engine.hosted["one"].pump.ended.wait()
        return list(engine.hosted["one"].live.machine.session.books.trades)


async def test_of_two_market_ids_behind_one_name_none_loses_the_tick_at_which_the_process_died(tmp_path: Path) -> None:
    source, file = list(ticks(1200)), strategy_file(tmp_path, TWO, "two.qkt")
    whole = await to_the_end(tmp_path / "whole", feed(source), file)
    assert len(whole) > 4
    await to_the_end(tmp_path / "cut", feed(source[:600]), file)
    writer = TapeWriter(tape_folder(tmp_path / "cut", 1))
    writer.append_tick(source[600], 601)  # and then the process died, before the other one had it
    writer.close()
    assert await to_the_end(tmp_path / "cut", feed(source), file) == whole
    places = [
        (item.tick.symbol, item.number) for _, item in read_tape(tape_folder(tmp_path / "cut", 1)) if hasattr(item, "tick")
    ]
    assert len(places) == len(set(places)) == 2 * len(source)


async def test_another_feed_than_the_one_that_was_read_is_not_followed(tmp_path: Path) -> None:
    source, file = list(ticks(1200)), strategy_file(tmp_path, TWO, "two.qkt")
    before = await to_the_end(tmp_path / "state", feed(source[:600]), file)
    async with Engine(tmp_path / "state", feed(source[1:])) as engine:
        with anyio.fail_after(30):
            await engine.hosted["one"].pump.ended.wait()
        live = engine.hosted["one"].live
        assert "it is not the one that was read before" in str(live.machine.blocked)
        assert list(live.machine.session.books.trades) == before
        assert live.feed_number == 600


async def test_strategies_hear_that_they_are_stopped_and_go_on_when_they_are_started(tmp_path: Path) -> None:
    source, file = list(ticks(400)), strategy_file(tmp_path, FAREWELL, "farewell.py")
    state = tmp_path / "state"

    def said(engine: Engine) -> list[str]:
        return [effect.value["text"] for _, effect in engine.journal.of_kind(1, ["log"], 1000)]

    await to_the_end(state, OwnFeeds(lambda: ListFeed(source[:200])), file)
    async with Engine(state, OwnFeeds(lambda: ListFeed(source))) as engine:
        with anyio.fail_after(30):
            await engine.hosted["one"].pump.ended.wait()
        bars = len(said(engine))
        assert set(said(engine)) == {"bar"}  # the end of a process is not that of its sessions
        await engine.perform(ask.Stop(id="stop-00000001", author="me", name="one"), lambda _: None)
        assert said(engine)[-1] == "farewell"
    more = [*source, *ticks(200, start=source[-1].ts + 2000)]
    async with Engine(state, OwnFeeds(lambda: ListFeed(more))) as engine:
        await engine.perform(ask.Start(id="start-0000001", author="me", name="one"), lambda _: None)
        with anyio.fail_after(30):
            await engine.hosted["one"].pump.ended.wait()
        assert said(engine).count("farewell") == 1
        assert len(said(engine)) > bars + 2


async def test_a_session_that_cannot_be_recorded_is_not_started_and_is_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = list(ticks(400))
    await to_the_end(tmp_path / "state", OwnFeeds(lambda: ListFeed(source[:200])), strategy_file(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(source)), restore=False) as engine:
        with monkeypatch.context() as broken:
            broken.setattr(TapeWriter, "_resume", full)
            refused = await engine.perform(ask.Start(id="start-0000001", author="me", name="one"), lambda _: None)
        assert isinstance(refused, Failed)
        assert (refused.kind, refused.where) == ("refused", str(tape_folder(tmp_path / "state", 1)))
        assert "No space left on device" in refused.found
        assert not engine.hosted
        started = await engine.perform(ask.Start(id="start-0000002", author="me", name="one"), lambda _: None)
        assert isinstance(started, Done)
        with anyio.fail_after(30):
            await engine.hosted["one"].pump.ended.wait()
        assert engine.hosted["one"].live.machine.ticks == len(source)


def lived(folder: Path, count: int) -> Recorder:
    """A session whose tape is written and not synced. What it led to is in the journal."""
    one = machine(folder)
    recorder = Recorder(one, TapeWriter(folder / "tape"), Journal(folder), 1, lambda *_: None, lambda _: None)
    for n, tick in enumerate(ticks(count), 1):
        recorder.tick(FeedTick(tick, n))
        if n % 50 == 0:
            recorder.flush()
    return recorder


@pytest.mark.parametrize("damage", ["cut", "holes", "gone"])
async def test_a_machine_that_stops_loses_nothing_that_was_told(tmp_path: Path, damage: str) -> None:
    before = lived(tmp_path, 1500)
    [file] = segments(tmp_path / "tape")
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "holes":  # pages reach the disk in any order
        file.write_bytes(data[:4096] + bytes(4096) + data[8192:])
    else:
        file.unlink()
    journal = Journal(tmp_path)
    last = journal.last_input(1)
    recovery = Recovery(machine(tmp_path), tmp_path / "tape", journal, 1)
    done = recovery.run()
    assert done.inputs >= last
    assert done.unsaved == []
    assert recovery._machine.session.books.trades == before.machine.session.books.trades
    writer = TapeWriter(tmp_path / "tape", lost=journal.kept(1))
    assert writer.next == done.inputs + 1
    writer.close()
    assert [number for number, _ in read_tape(tmp_path / "tape")] == list(range(1, done.inputs + 1))


async def test_memory_has_a_bound_while_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "RETRY", 0.0)
    monkeypatch.setattr(recording, "ROOM", 4000)
    alerts: list[str] = []
    one, journal = machine(tmp_path), Journal(tmp_path)
    recorder = Recorder(one, TapeWriter(tmp_path / "tape"), journal, 1, lambda _, text: alerts.append(text), lambda _: None)
    source = list(ticks(600))
    works = recorder._tape.write

    def fails(_: object) -> None:
        raise OSError(28, "No space left on device")

    for n, tick in enumerate(source, 1):
        if n == 100:
            monkeypatch.setattr(recorder._tape, "write", fails)
        if n == 500:
            monkeypatch.setattr(recorder._tape, "write", works)
        recorder.tick(FeedTick(tick, n))
        if n % 10 == 0:
            recorder.flush()
        assert recorder.waiting < 5000
    recorder.close()
    assert recorder.dropped > 200
    assert [text.partition(" ")[0] for text in alerts] == ["nothing", "0", "the"]
    items = [item for _, item in read_tape(tmp_path / "tape")]
    [gap] = [item for item in items if isinstance(item, GapInput)]
    assert gap.reason == f"{recorder.dropped} ticks had no room while nothing could be recorded"
    Recovery(machine(tmp_path), tmp_path / "tape", journal, 1).run()


async def test_a_defect_in_telling_ends_its_session_and_no_other(tmp_path: Path) -> None:
    source = list(ticks(1200))
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(source))) as engine:
        for name in ("one", "two"):
            live = await engine.deploy(strategy_file(tmp_path), name, {})
            if name == "one":
                live.recorder._told = fails
        with anyio.fail_after(30):
            while "one" in engine.hosted:
                await anyio.sleep(0.005)
            await engine.hosted["two"].pump.ended.wait()
        assert len(engine.hosted["two"].live.machine.session.books.trades) > 2
        assert any(alert.scope == "one" and "defect" in alert.text for alert in engine.alerts)


def fails(*_: object) -> None:
    raise RuntimeError("no words")
