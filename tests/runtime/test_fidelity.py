"""A session that runs is done again beside itself; what differs is told, and what is not known is never taken for equal."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import pytest

from qkt.brokers.factory import BrokerKind
from qkt.runtime.control.commands import Halt
from qkt.runtime.engine import Engine
from qkt.runtime.errors import StateError
from qkt.runtime.fidelity.keeper import Shadowing
from qkt.runtime.fidelity.shadow import Shadow
from qkt.runtime.inputs import TickInput
from qkt.runtime.journal import JournalReading, Registration
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.recorder import tape_folder
from qkt.runtime.setup import Terms
from qkt.runtime.tape import TapeWriter, read_tape, segments
from qkt.runtime.tape_following import PATIENCE
from tests.runtime.samples import BOOK, CROSS, ListFeed, strategy_file, ticks
from tests.runtime.test_portfolios import book_file

pytestmark = pytest.mark.anyio

QUICK = Shadowing(every=3600, seconds=20)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def shadowed(folder: Path, registration: Registration) -> Shadow:
    """A session done again in this process, as far as its recording goes."""
    shadow = Shadow(folder / "state", JournalReading.beside(folder / "state"), registration, folder / "shadow")
    assert shadow.advance(monotonic() + 60)
    return shadow


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


async def test_each_child_of_a_portfolio_has_its_own_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(1500)), {}))) as engine:
        live = await engine.deploy(book_file(tmp_path, BOOK, CROSS), "book", {})
        await engine.hosted["book"].pump.ended.wait()
        await live.drained()
        await live.recorder.saved()
        books = live.machine.session.books
        owner = books.trades[-1].strategy
        with sqlite3.connect(tmp_path / "state" / "journal.sqlite") as db:
            query = "select input, place, data from effects where kind = 'fill' and data like ? limit 1"
            number, place, data = db.execute(query, (f'%"{owner}"%',)).fetchone()
            changed = data.replace('"price":"1.', '"price":"2.')
            db.execute("update effects set data = ? where input = ? and place = ?", (changed, number, place))
        told = shadowed(tmp_path, live.registration).as_json()

        async def answer(settings: Shadowing, runs: list[int]) -> dict[str, Any]:
            return {str(run): told for run in runs}

        monkeypatch.setattr(engine.fidelity, "_ask", answer)
        assert await engine.fidelity.look(QUICK)
        rows = engine.snapshot().tables.strategies
        whole = rows["book"].fidelity
        children = {f"book:{name.partition('/')[2]}": row.fidelity for name, row in rows.items() if row.parent == "book"}
        assert whole is not None
        assert set(children) == set(books.strategies)
        for name, found in children.items():
            assert found is not None
            assert found.state == ("differs" if name == owner else "equal")
            assert found.fills == sum(trade.strategy == name for trade in books.trades)
        assert (whole.state, whole.fills) == ("differs", len(books.trades))
        assert sum(found.records for found in children.values() if found is not None) <= whole.records
        assert len({one.fills for one in children.values() if one is not None}) > 1


async def test_a_tape_that_was_tampered_with_is_never_taken_for_faithful(tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(list(ticks(2000)), {}))) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "one", {})
        await engine.hosted["one"].pump.ended.wait()
        await live.drained()
        await live.recorder.saved()
        tape = tape_folder(tmp_path / "state", live.registration.run)
        (file,) = segments(tape)
        end = file.stat().st_size
        await engine.perform(
            Halt(id="halt-once", author="me", name="one", reason="for a whole block behind"), lambda step: None
        )
        await live.recorder.saved()
        sound = file.read_bytes()
        damaged = bytearray(sound)
        damaged[end - 1] ^= 1
        file.write_bytes(damaged)
        shadow = shadowed(tmp_path, live.registration)
        for _ in range(PATIENCE - 1):
            assert shadow.advance(monotonic() + 60)
            assert shadow.as_json()["as_of"] < live.machine.last_ts, "what is damaged is not done again"
        with pytest.raises(StateError, match="is not whole"):
            shadow.advance(monotonic() + 60)

        file.write_bytes(sound)
        writer = TapeWriter(tmp_path / "forged")  # by somebody who knows how a tape is made
        for number, item in list(read_tape(tape)):
            if isinstance(item, TickInput) and number > 1000:
                tick = item.tick
                assert tick.bid is not None
                assert tick.ask is not None
                writer.append(replace(item, tick=replace(tick, bid=tick.bid + 0.0001, ask=tick.ask + 0.0001)))
            else:
                writer.append(item)
        writer.close()
        file.write_bytes(segments(tmp_path / "forged")[0].read_bytes())
        told = shadowed(tmp_path, live.registration).as_json()
        assert 0 < told["equal"] < told["records"]
        assert told["difference"] is not None


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
            shadow = shadowed(tmp_path, live.registration)
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
