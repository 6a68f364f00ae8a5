"""A session that runs is done again beside itself; what differs is told, and what is not known is never taken for equal."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic

import anyio
import pytest

from qkt.brokers.factory import BrokerKind
from qkt.runtime.engine import Engine
from qkt.runtime.fidelity.keeper import Shadowing
from qkt.runtime.fidelity.shadow import Shadow
from qkt.runtime.journal import JournalReading
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.setup import Terms
from tests.runtime.samples import ListFeed, strategy_file, ticks

pytestmark = pytest.mark.anyio

QUICK = Shadowing(every=3600, seconds=20)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_is_equal_is_all_and_a_dead_process_is_unknown(tmp_path: Path) -> None:
    pause = anyio.Event()
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(3000)), {1500: pause}))) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "one", {})
        while live.machine.ticks < 1500:
            await anyio.sleep(0.01)
        await live.recorder.saved()
        assert await engine.fidelity.look(QUICK)
        half = engine.snapshot().tables.strategies["one"].fidelity
        assert half is not None
        pause.set()
        await engine.hosted["one"].pump.ended.wait()
        await live.drained()
        await live.recorder.saved()
        await anyio.sleep(0.1)
        assert await engine.fidelity.look(QUICK)
        found = engine.snapshot().tables.strategies["one"].fidelity
        assert found is not None
        assert (found.state, found.parity_pct, found.behind, found.missed, found.extra) == ("equal", 100, 0, 0, 0)
        assert found.records > half.records > 0
        assert found.fills == len(live.machine.session.books.trades) > 10

        assert engine.fidelity.process is not None
        engine.fidelity.process.kill()
        assert not await engine.fidelity.look(QUICK)
        dead = engine.snapshot().tables.strategies["one"].fidelity
        assert dead is not None
        assert (dead.state, dead.parity_pct) == ("unknown", None)
        assert live.state == "running"


async def test_a_planted_difference_is_named_and_told_once(tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(2000)), {}))) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "one", {})
        await engine.hosted["one"].pump.ended.wait()
        await live.drained()
        await live.recorder.saved()
        with sqlite3.connect(tmp_path / "state" / "journal.sqlite") as db:
            number, place, data = db.execute("select input, place, data from effects where kind = 'fill' limit 1").fetchone()
            changed = data.replace('"price":"1.', '"price":"2.')
            db.execute("update effects set data = ? where input = ? and place = ?", (changed, number, place))
        for _ in range(2):
            assert await engine.fidelity.look(QUICK)
        found = engine.snapshot().tables.strategies["one"].fidelity
        assert found is not None
        assert found.state == "differs"
        assert found.parity_pct is not None
        assert 0 < found.parity_pct < 100
        assert f"input {number} " in (found.difference or "")
        assert "price was '2." in (found.difference or "")
        assert [row.text.count("qkt replay one") for row in engine.alerts if "comes to something else" in row.text] == [1]


async def test_a_journal_that_comes_later_than_the_tape_makes_no_fill_a_missed_one(tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(2000)), {}))) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "one", {})
        await engine.hosted["one"].pump.ended.wait()
        await live.drained()
        await live.recorder.saved()
        await anyio.sleep(0.1)
        with sqlite3.connect(tmp_path / "state" / "journal.sqlite", isolation_level=None) as db:
            for table in ("commits", "effects"):
                db.execute(f"create table late_{table} as select * from {table} where input > 300")
                db.execute(f"delete from {table} where input > 300")
            journal = JournalReading.beside(tmp_path / "state")
            shadow = Shadow(tmp_path / "state", journal, live.registration, tmp_path / "shadow")
            assert shadow.advance(monotonic() + 60)
            early = shadow.as_json()
            for table in ("commits", "effects"):
                db.execute(f"insert into {table} select * from late_{table}")
        assert shadow.advance(monotonic() + 60)
        late = shadow.as_json()
    assert early["as_of"] < late["as_of"]
    assert (early["missed"], late["missed"], late["extra"]) == (0, 0, 0)
    assert late["records"] == late["equal"] > early["records"]


async def test_fills_at_a_venue_are_held_against_paper_on_the_same_ticks(tmp_path: Path) -> None:
    state, terms = tmp_path / "state", Terms(broker=BrokerKind.MT5_SIM)
    async with Engine(state, OwnFeeds(lambda: ListFeed(list(ticks(2000)), {})), terms=terms) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "one", {})
        await engine.hosted["one"].pump.ended.wait()
        await live.drained()
        await live.recorder.saved()
        await anyio.sleep(0.1)
        shadow = Shadow(state, JournalReading.beside(state), live.registration, tmp_path / "shadow")
        assert shadow.advance(monotonic() + 60)
        found = shadow.as_json()
        fills = len({row.order_id for row in live.machine.session.books.trades})
    assert found["records"] == found["equal"] > 0
    assert found["paper"] is not None
    assert found["extra"] < fills
