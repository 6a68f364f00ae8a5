"""Commands that meet one another, and sessions that end while somebody asks them: everybody is answered, nobody is skipped."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.core.events import Tick
from qkt.observe.status import wellness
from qkt.risk import Cause
from qkt.runtime import leaving, operations
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done, Failed
from qkt.runtime.effects import Effect
from qkt.runtime.engine import Engine
from qkt.runtime.errors import SessionError
from qkt.runtime.operations import UNWRITTEN
from qkt.runtime.session import LiveSession
from qkt.runtime.views.positions import position_rows
from tests.runtime.samples import CROSS, STRADDLE, strategy_file, ticks
from tests.runtime.test_engine import TRAILED, do, market, reached

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def source() -> list[Tick]:
    return list(ticks(1200))


def held(source: list[Tick], at: int = TRAILED) -> Any:
    """A market that stands still, so that what a command did is all that happened."""
    return market(source, pauses={at: anyio.Event()})


@pytest.mark.parametrize("kind", [ask.Kill, ask.Flatten])
async def test_one_session_that_refuses_keeps_nobody_from_being_made_flat(
    source: list[Tick], tmp_path: Path, kind: type
) -> None:
    async with Engine(tmp_path / "state", held(source)) as engine:
        for name in ("one", "two"):
            await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)), name=name)
            await reached(engine, TRAILED, name)
        two = engine.hosted["two"].live
        assert list(position_rows(two))
        engine.hosted["one"].live.phase = two.phase.STOPPING
        answer = await do(engine, kind, **({"flatten": True} if kind is ask.Kill else {}))
        engine.hosted["one"].live.phase = two.phase.RUNNING
        assert isinstance(answer, Failed)
        assert "is stopping" in answer.found
        assert {row.session for row in answer.remaining} == {"one"}
        assert not list(position_rows(two))


async def test_whoever_asks_a_session_that_breaks_is_answered(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Engine(tmp_path / "state", held(source)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        live = await reached(engine, TRAILED)

        def handle(_: object) -> list[Effect]:
            raise ValueError("a defect")

        monkeypatch.setattr(live.recorder, "handle", handle)
        answers: list[Any] = []

        async def halt() -> None:
            answers.append(await do(engine, ask.Halt, reason="test"))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(halt)
            await live.gone.wait()
        assert all(isinstance(one, Failed) for one in answers)
        row = engine.snapshot().tables.strategies["cross"]
        assert (row.state, row.reason) == ("DOWN", "ended by a defect of the engine; its log has the details")
        assert not wellness(engine.health()).ready


async def test_two_who_replace_a_session_at_once_leave_the_one_that_runs_registered(source: list[Tick], tmp_path: Path) -> None:
    file = strategy_file(tmp_path)
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        await do(engine, ask.Deploy, path=str(file))
        await reached(engine, 50)
        answers: list[Any] = []

        async def resync() -> None:
            answers.append(await do(engine, ask.Resync, path=str(file), name="cross"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(resync)
            tasks.start_soon(resync)
        assert sorted(type(one).__name__ for one in answers) == ["Done", "Failed"]
        (refused,) = (one for one in answers if isinstance(one, Failed))
        assert "by another command" in refused.found
        (registered,) = engine.journal.registered()
        assert registered.run == engine.hosted["cross"].live.registration.run


async def test_a_session_that_is_replaced_takes_back_what_it_has_working(source: list[Tick], tmp_path: Path) -> None:
    file = strategy_file(tmp_path, STRADDLE, "straddle.qkt")
    async with Engine(tmp_path / "state", held(source, 32)) as engine:
        await do(engine, ask.Deploy, path=str(file))
        live = await reached(engine, 32, "straddle")
        working = [order.id for order in live.machine.session.orders.live_orders() if not order.reduce_only]
        assert working
        assert isinstance(await do(engine, ask.Resync, path=str(file), name="straddle"), Done)
        gone = [effect.value["order_id"] for _, effect in engine.journal.of_kind(live.registration.run, ["cancelled"], 100)]
        assert set(working) <= set(gone)
        assert engine.hosted["straddle"].live.halted is None


async def test_a_session_that_cannot_be_replaced_trades_on(source: list[Tick], tmp_path: Path) -> None:
    file = strategy_file(tmp_path)
    async with Engine(tmp_path / "state", held(source)) as engine:
        await do(engine, ask.Deploy, path=str(file))
        live = await reached(engine, TRAILED)
        refused = await do(engine, ask.Resync, path=str(file), name="cross")
        assert "holds positions" in refused.found
        assert live.machine.blocked is None
        assert live.halted is None


async def test_a_session_whose_entries_do_not_go_is_not_replaced_and_trades_on(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue withholds its answer to the cancels."""
    file = strategy_file(tmp_path, STRADDLE, "straddle.qkt")
    taken_back = leaving.taken_back

    async def withheld(live: LiveSession, author: str) -> int:
        return await taken_back(live, author) + 1

    monkeypatch.setattr(operations, "taken_back", withheld)
    async with Engine(tmp_path / "state", held(source, 32)) as engine:
        await do(engine, ask.Deploy, path=str(file))
        live = await reached(engine, 32, "straddle")
        await live.command("halt", "me", reason="stopping", cause=Cause.STOPPING)
        refused = await do(engine, ask.Resync, path=str(file), name="straddle")
        assert "1 entries still work at the venue" in refused.found
        assert [halt.cause for halt in live.machine.halts] == [Cause.STOPPING], "the halt of another stays"


async def test_a_session_that_was_to_be_replaced_when_its_engine_died_trades_on(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        live = await reached(engine, 50)
        await live.command("halt", "me", reason="operator resync", cause=Cause.RESYNC)
        assert live.halted is not None
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        assert engine.hosted["cross"].live.halted is None


async def test_a_command_to_a_session_that_is_being_closed_is_answered(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        live = await reached(engine, 50)
        finish, slow = engine.committer.finish, anyio.Event()

        async def finished(recorder: Any) -> None:
            await slow.wait()
            await finish(recorder)

        monkeypatch.setattr(engine.committer, "finish", finished)
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(live.close, engine.committer)
                await anyio.sleep(0.05)
                with pytest.raises(SessionError):
                    await live.command("halt", "me", reason="test")
                slow.set()
        monkeypatch.undo()


async def test_a_replacement_that_cannot_begin_is_told_and_the_old_one_can_be_started(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = strategy_file(tmp_path)
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        await do(engine, ask.Deploy, path=str(file))
        first = (await reached(engine, 50)).registration

        async def begin(_: object) -> None:
            raise SessionError("no market", where="cross")

        with monkeypatch.context() as patched:
            patched.setattr(engine, "begin", begin)
            (tmp_path / "cross.qkt").write_text(CROSS.replace("0.2", "0.3"))
            refused = await do(engine, ask.Resync, path=str(file), name="cross")
        assert "the old one is stopped" in refused.found
        assert any("what should replace it cannot begin" in alert.text for alert in engine.alerts)
        (registered,) = engine.journal.registered()
        assert (registered.run, registered.wanted) == (first.run, "stopped")
        assert isinstance(await do(engine, ask.Start, name="cross"), Done)
        assert engine.hosted["cross"].live.registration.run == first.run
        assert engine.hosted["cross"].live.halted is None, "the halt of the resync does not survive it"


async def test_what_is_done_while_the_disk_refuses_is_told_so(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        live = await reached(engine, 50)
        works = live.recorder._tape.write

        def fails(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(live.recorder._tape, "write", fails)
        await live.gap(live.machine.last_ts, None, "something to record")
        assert (await do(engine, ask.Halt, name="cross")).text == f"halt of 1 session, {UNWRITTEN}"
        monkeypatch.setattr(live.recorder._tape, "write", works)
        with anyio.fail_after(10):
            while live.recorder.refused is not None:
                await anyio.sleep(0.02)
        assert (await do(engine, ask.Halt, name="cross")).text == "halt of 1 session"


async def test_a_cancel_tells_what_the_venue_has_not_acknowledged(
    source: list[Tick], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Engine(tmp_path / "state", held(source, 50)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path)))
        live = await reached(engine, 50)

        async def command(*_: object, **__: object) -> list[Effect]:
            told = [("cancel", "a"), ("cancel", "b"), ("cancelled", "a")]
            return [Effect("cancel", "{}"), *(Effect(kind, f'{{"order_id":"{order}"}}') for kind, order in told)]

        monkeypatch.setattr(live, "command", command)
        answer = await do(engine, ask.Cancel, name="cross")
        assert answer.text == "1 orders cancelled, 1 more asked of the venue, which has not acknowledged it yet"
        monkeypatch.undo()


async def test_a_cancel_on_paper_counts_what_has_gone(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", held(source, 32)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, STRADDLE, "straddle.qkt")))
        await reached(engine, 32, "straddle")
        assert (await do(engine, ask.Cancel, name="straddle")).text == "2 orders cancelled"


async def test_a_record_of_a_cancel_is_what_it_was_before_refusals_were_told_apart(source: list[Tick], tmp_path: Path) -> None:
    """A recording that an older engine made must come out again, record by record."""
    async with Engine(tmp_path / "state", held(source, 32)) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, STRADDLE, "straddle.qkt")))
        live = await reached(engine, 32, "straddle")
        await do(engine, ask.Cancel, name="straddle")
        effects = [effect for _, effect in engine.journal.of_kind(live.registration.run, ["cancelled"], 10)]
        assert effects
        assert all(set(effect.value) == {"at", "order_id", "strategy", "symbol", "reason"} for effect in effects)
