"""A process full of sessions: they come and go without a trace, and none of them feels another one."""

import gc
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.core.clock import EventClock
from qkt.core.errors import DataError
from qkt.core.events import Tick
from qkt.ledger import TradeRow
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done, Failed
from qkt.runtime.engine import Engine
from qkt.runtime.errors import SessionError, StateError
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.replay import replay
from qkt.runtime.session import LiveSession
from tests.runtime.samples import CROSS, FAILING, SYMBOL, ListFeed, strategy_file, ticks

pytestmark = pytest.mark.anyio
IDS = iter(range(1, 1 << 30))
TRAILED = 1115
"""A place of the sample market where the sample strategy holds a position under a trailing stop; it is closed by 1127."""
NEXT_ENTRY = 1381
OTHER = "SIM:GBPUSD"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


async def do(engine: Engine, kind: type, **values: Any) -> Any:
    command = kind(id=f"test-{next(IDS):08d}", author="me", **values)
    return await engine.perform(command, lambda step: None)


def market(source: list[Tick], **how: Any) -> OwnFeeds:
    return OwnFeeds(lambda: ListFeed(source, **how))


async def ended(engine: Engine, name: str) -> list[TradeRow]:
    """The trades of a session once its feed has ended."""
    hosted = engine.hosted[name]
    with anyio.fail_after(60):
        await hosted.pump.ended.wait()
    return list(hosted.live.machine.session.books.trades)


async def reached(engine: Engine, number: int, name: str = "cross") -> LiveSession:
    """A session once it has handled this many ticks."""
    live = engine.hosted[name].live
    with anyio.fail_after(30):
        while live.feed_number < number:
            await anyio.sleep(0.005)
        await live.recorder.saved()
    return live


@pytest.fixture(scope="module")
def source() -> list[Tick]:
    return list(ticks(2500))


@pytest.fixture(scope="module")
async def expected(source: list[Tick], tmp_path_factory: pytest.TempPathFactory) -> list[TradeRow]:
    folder = tmp_path_factory.mktemp("expected")
    async with Engine(folder / "state", market(source)) as engine:
        assert isinstance(await do(engine, ask.Deploy, path=str(strategy_file(folder))), Done)
        trades = await ended(engine, "cross")
    assert len(trades) > 10
    return trades


async def test_three_sessions_trade_as_each_would_alone(source: list[Tick], expected: list[TradeRow], tmp_path: Path) -> None:
    file = strategy_file(tmp_path)
    async with Engine(tmp_path / "state", market(source)) as engine:
        for name in ("a", "b", "c"):
            assert isinstance(await do(engine, ask.Deploy, path=str(file), name=name), Done)
        for name in ("a", "b", "c"):
            assert await ended(engine, name) == expected
        assert {row.name for row in engine.snapshot().tables.strategies.values()} == {"a", "b", "c"}
        assert [row.order for row in engine.fills("a")] == [trade.order_id for trade in expected]


async def test_a_restart_in_the_middle_changes_nothing(source: list[Tick], expected: list[TradeRow], tmp_path: Path) -> None:
    state, held = tmp_path / "state", {TRAILED: anyio.Event()}
    async with Engine(state, market(source, pauses=held)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        await reached(engine, TRAILED)
        before = engine.snapshot().tables
        assert before.positions
        assert before.orders
    async with Engine(state, market(source, pauses=held)) as engine:
        after = engine.snapshot().tables
        assert (after.positions, after.orders, after.fills) == (before.positions, before.orders, before.fills)
    async with Engine(state, market(source)) as engine:
        assert await ended(engine, "cross") == expected


async def test_a_session_that_fails_halts_itself_and_nobody_else(
    source: list[Tick], expected: list[TradeRow], tmp_path: Path
) -> None:
    async with Engine(tmp_path / "state", market(source)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, FAILING, "fails.py")))
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        assert await ended(engine, "cross") == expected
        assert len(await ended(engine, "fails")) == 1
        rows = engine.snapshot().tables.strategies
        assert (rows["fails"].state, rows["cross"].state) == ("FAULT", "RUN")
        assert any("ValueError: no idea" in line.text for line in engine.lines(0, session="fails"))


async def test_forty_sessions_come_and_go_and_leave_nothing(source: list[Tick], tmp_path: Path) -> None:
    file = strategy_file(tmp_path)
    feeds: list[ListFeed] = []

    def make() -> ListFeed:
        feeds.append(ListFeed(source[:200]))
        return feeds[-1]

    def held() -> tuple[int, int, int, int]:
        gc.collect()
        tasks = len(anyio.get_running_tasks())
        return tasks, threading.active_count(), len(os.listdir("/proc/self/fd")), len(engine.bus._scopes)

    async with Engine(tmp_path / "state", OwnFeeds(make)) as engine:
        await do(engine, ask.Deploy, path=str(file), name="first")
        await do(engine, ask.Stop, name="first", leave_unprotected=True)
        before = held()
        for n in range(40):
            assert isinstance(await do(engine, ask.Deploy, path=str(file), name=f"s{n}"), Done)
            assert isinstance(await do(engine, ask.Stop, name=f"s{n}", leave_unprotected=True), Done)
        assert held() == before
        assert not engine.hosted
        assert not engine.bus._followers
        assert not any(feed.open for feed in feeds)


async def test_operators_halt_resume_flatten_and_stop(source: list[Tick], tmp_path: Path) -> None:
    go = anyio.Event()
    async with Engine(tmp_path / "state", market(source, pauses={TRAILED: go})) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        await reached(engine, TRAILED)
        assert (await do(engine, ask.Reconcile, name="cross")).differences == ()
        killed = await do(engine, ask.Kill, name="cross", flatten=True)
        assert killed.flat is True
        assert not engine.snapshot().tables.positions
        assert engine.snapshot().tables.halts
        assert "cleared cross: operator kill" in (await do(engine, ask.Resume)).text
        assert not engine.snapshot().tables.halts
        go.set()
        assert len(await ended(engine, "cross")) > 2
        assert isinstance(await do(engine, ask.Stop, name="cross", flatten=True), Done)
        assert (await do(engine, ask.Stop, name="cross")).kind == "refused"
        assert (await do(engine, ask.Stop, name="cros")).kind == "unknown"
        assert (await do(engine, ask.Start, name="cross")).text == "cross is running"
        await do(engine, ask.Halt, name="cross", reason="lunch")
        assert isinstance(await do(engine, ask.Stop, name="cross", flatten=True), Done)
        assert (await do(engine, ask.Start, name="cross")).text == "cross is halted"
        assert "cleared cross: lunch" in (await do(engine, ask.Resume)).text


async def test_a_stop_names_what_only_this_process_protects(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={TRAILED: anyio.Event()})) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        await reached(engine, TRAILED)
        refused = await do(engine, ask.Stop, name="cross")
        assert isinstance(refused, Failed)
        assert (refused.kind, refused.remaining[0].session) == ("unprotected", "cross")
        assert refused.remaining[0].protection
        assert isinstance(await do(engine, ask.Stop, name="cross", leave_unprotected=True), Done)


async def test_resync_compiles_first_and_keeps_the_old_one_when_it_cannot(source: list[Tick], tmp_path: Path) -> None:
    file = strategy_file(tmp_path)
    async with Engine(tmp_path / "state", market(source[:100])) as engine:
        await do(engine, ask.Deploy, path=str(file))
        await ended(engine, "cross")
        file.write_text(CROSS.replace("eu.close, 3", "eu.close, 4"))
        planned = await do(engine, ask.Resync, path=str(file), dry_run=True)
        assert planned.text == "compiles; the source changed"
        assert engine.hosted["cross"].live.registration.run == 1
        assert isinstance(await do(engine, ask.Resync, path=str(file)), Done)
        assert engine.hosted["cross"].live.registration.run == 2
        file.write_text("STRATEGY broken")
        assert isinstance(await do(engine, ask.Resync, path=str(file), name="cross"), Failed)
        assert engine.hosted["cross"].live.registration.run == 2
        assert isinstance(await do(engine, ask.Deploy, path=str(file), name="other"), Failed)
        assert engine.known() == ["cross"]


async def test_a_second_engine_on_the_same_state_is_refused(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path, market(source)):
        with pytest.raises(StateError, match=f"process {os.getpid()}"):
            async with Engine(tmp_path, market(source)):
                pass


async def test_what_a_session_came_to_is_still_shown_when_it_rests(source: list[Tick], tmp_path: Path) -> None:
    pause = anyio.Event()
    async with Engine(tmp_path / "state", market(source, pauses={1_500: pause})) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        await reached(engine, 1_500, "cross")
        before = engine.snapshot().tables.strategies["cross"]
        await do(engine, ask.Stop, name="cross", leave_unprotected=True)
        after = engine.snapshot().tables.strategies["cross"]
    assert (after.state, after.orders, after.halt) == ("STOPPED", 0, None)
    kept = ("kind", "equity", "balance", "day_pnl", "open_pnl", "drawdown_pct", "max_drawdown_pct", "positions", "closed")
    assert {name: getattr(after, name) for name in kept} == {name: getattr(before, name) for name in kept}
    assert before.day_pnl != 0


async def test_starting_empty_leaves_the_registered_ones_at_rest(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
    async with Engine(tmp_path / "state", market(source), restore=False) as engine:
        assert not engine.hosted
        assert engine.snapshot().tables.strategies["cross"].state == "STOPPED"


async def test_a_session_that_cannot_be_brought_back_says_why_and_the_others_run(
    source: list[Tick], expected: list[TradeRow], tmp_path: Path
) -> None:
    async with Engine(tmp_path / "state", market(source)) as engine:
        for name in ("a", "b"):
            await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)), name=name)
        await ended(engine, "a")
        await ended(engine, "b")
    [tape] = (tmp_path / "state" / "sessions" / "1" / "tape").iterdir()
    data = bytearray(tape.read_bytes())
    data[80] ^= 255
    tape.write_bytes(data)
    async with Engine(tmp_path / "state", market(source)) as engine:
        assert await ended(engine, "b") == expected
        row = engine.snapshot().tables.strategies["a"]
        assert row.state == "DOWN"
        assert "damaged" in (row.reason or "")


@pytest.mark.parametrize("part", ["journal", "tape"])
async def test_a_disk_that_refuses_blocks_entries_keeps_exits_alerts_once_and_clears(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("qkt.runtime.recorder.RETRY", 0.0)
    first, second = anyio.Event(), anyio.Event()
    async with Engine(tmp_path / "state", market(source, pauses={TRAILED: first, NEXT_ENTRY + 50: second})) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        live = await reached(engine, TRAILED)
        trades = live.machine.session.books.trades
        assert not live.machine.flat
        broken: tuple[object, str] = (engine.journal, "commit") if part == "journal" else (live.recorder._tape, "write")
        works = getattr(*broken)

        def fails(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(*broken, fails)
        await live.gap(live.machine.last_ts, None, "something to record")
        assert live.recorder.refused == "[Errno 28] No space left on device"
        first.set()
        await reached(engine, NEXT_ENTRY + 50)
        assert live.machine.flat, "the exit of the open position was kept"
        entries = [row for row in trades if row.purpose == "ENTRY"]
        assert {r.reason for r in live.machine.session.risk.rejections} == {"blocked: nothing can be recorded"}
        assert [a.text[:24] for a in engine.alerts] == ["nothing can be recorded "]
        assert engine.snapshot().tables.system["engine"].disk != "ok"
        monkeypatch.setattr(*broken, works)
        with anyio.fail_after(30):
            while live.recorder.refused is not None:
                await anyio.sleep(0.005)
        second.set()
        await ended(engine, "cross")
        assert [a.level for a in engine.alerts] == ["ERROR", "INFO"]
        assert len([row for row in trades if row.purpose == "ENTRY"]) > len(entries)
        final = list(trades)
    async with Engine(tmp_path / "state", market(source)) as engine:
        assert list(engine.hosted["cross"].live.machine.session.books.trades) == final


async def test_a_live_feed_goes_on_after_an_outage_and_equals_a_run_on_its_own_tape(source: list[Tick], tmp_path: Path) -> None:
    state, clock = tmp_path / "state", EventClock(source[0].ts)
    async with Engine(state, market(source[:TRAILED], live=True), wall=clock) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        before = await ended(engine, "cross")
    clock.time = source[1600].ts
    async with Engine(state, market(source[1600:], live=True), wall=clock) as engine:
        trades = await ended(engine, "cross")
        run = engine.hosted["cross"].live.registration.run
        [(_, gap)] = engine.journal.of_kind(run, ["gap"], 10)
    assert trades[: len(before)] == before
    assert len(trades) > len(before) + 2
    assert trades[len(before)].timestamp == source[1600].ts, "the stop is gone through on the first tick after the outage"
    assert (gap.value["since"], gap.value["until"]) == (source[TRAILED - 1].ts, source[1600].ts)
    again = replay(state, "cross")
    assert (again.divergence, again.fills, again.way) == (None, len(trades), "inputs")


async def test_a_live_feed_is_judged_before_the_session_sees_it(source: list[Tick], tmp_path: Path) -> None:
    wild = replace(source[600], price=9.0, bid=8.9, ask=9.1)
    clock = EventClock(source[0].ts)
    async with Engine(tmp_path / "state", market([*source[:601], wild, *source[601:]], live=True), wall=clock) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        await ended(engine, "cross")
        row = engine.snapshot().tables.market[SYMBOL]
        assert (row.refused, row.ticks) == (1, len(source))
        assert any("outlier" in line.text for line in engine.lines(0, session="cross"))


async def test_a_tick_that_is_refused_counts_for_its_symbol_alone(source: list[Tick], tmp_path: Path) -> None:
    wild = replace(source[600], price=9.0, bid=8.9, ask=9.1)
    both = [one for tick in source[:700] for one in (tick, replace(tick, symbol=OTHER))]
    file = strategy_file(tmp_path, CROSS.replace("EVERY 1m", f"EVERY 1m,\n    gu = {OTHER} EVERY 1m", 1))
    clock = EventClock(source[0].ts)
    async with Engine(tmp_path / "state", market([*both[:1202], wild, *both[1202:]], live=True), wall=clock) as engine:
        assert isinstance(await do(engine, ask.Deploy, path=str(file)), Done)
        await ended(engine, "cross")
        rows = engine.snapshot().tables.market
        assert (rows[SYMBOL].refused, rows[OTHER].refused) == (1, 0)


async def test_a_halted_session_comes_back_halted(source: list[Tick], tmp_path: Path) -> None:
    state, held = tmp_path / "state", {NEXT_ENTRY: anyio.Event()}
    async with Engine(state, market(source, pauses=held)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        await reached(engine, NEXT_ENTRY)
        assert [row.purpose for row in engine.snapshot().tables.orders.values()] == ["ENTRY"]
        await do(engine, ask.Halt, name="cross", reason="news")
        assert not engine.snapshot().tables.orders, "the working entry was cancelled"
        halts = engine.snapshot().tables.halts
    async with Engine(state, market(source, pauses=held)) as engine:
        assert engine.snapshot().tables.halts == halts
        assert next(iter(halts.values())).author == "me"
        held[NEXT_ENTRY].set()
        count = len(await ended(engine, "cross"))
        assert (await do(engine, ask.Resume, name="cross")).text == "cleared cross: news"
    async with Engine(state, market(source)) as engine:
        assert not engine.snapshot().tables.halts
        assert len(await ended(engine, "cross")) == count


async def test_history_comes_before_the_market_and_is_read_anew_when_it_was_cut_short(
    source: list[Tick], tmp_path: Path
) -> None:
    class CutError(Exception):
        pass

    async def cut_short(*_: object) -> Iterator[Tick]:
        def some() -> Iterator[Tick]:
            yield from source[:400]
            raise CutError

        return some()

    async def whole(*_: object) -> list[Tick]:
        return source[:1000]

    async def none(*_: object) -> list[Tick]:
        raise DataError("the source does not answer")

    state, file = tmp_path / "state", strategy_file(tmp_path)
    rest = OwnFeeds(lambda: ListFeed(source[1000:]))
    async with Engine(state, rest, history=whole) as engine:
        await do(engine, ask.Deploy, path=str(file))
        warm = await ended(engine, "cross")
    async with Engine(tmp_path / "other", rest, history=cut_short) as engine:
        registration = await engine.register(file, "cross", {})
        with pytest.raises(CutError):
            await engine.begin(registration)
        assert not engine.hosted
    async with Engine(tmp_path / "other", rest, history=whole) as engine:
        assert await ended(engine, "cross") == warm
    async with Engine(tmp_path / "cold", rest, history=none) as engine:
        await do(engine, ask.Deploy, path=str(file))
        assert ["begins without a warm-up" in alert.text for alert in engine.alerts] == [True]
        assert await ended(engine, "cross") != warm
    assert warm[0].timestamp >= source[1000].ts


async def test_names_cannot_lead_out_of_the_state(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source[:50])) as engine:
        file = strategy_file(tmp_path, name="a b.qkt")
        refused = await do(engine, ask.Deploy, path=str(file))
        assert "'a b' cannot name a session" in refused.found
        with pytest.raises(SessionError, match="cannot name a session"):
            await engine.deploy(file, "../../out", {})
        assert engine.known() == []
    assert not list((tmp_path / "state").rglob("*.tape"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a b.qkt", "state"]
