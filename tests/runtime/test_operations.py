"""What operators do to a session by hand: exits moved, parts closed, orders moved, back-tests asked for."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.core.events import Tick
from qkt.core.terms import Purpose
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done, Failed
from qkt.runtime.control.hub import open_hub
from qkt.runtime.control.rows import PositionRow
from qkt.runtime.engine import Engine
from qkt.runtime.inspection import verified
from qkt.runtime.session import LiveSession
from qkt.runtime.views.positions import position_rows
from tests.runtime.samples import SYMBOL, strategy_file, ticks
from tests.runtime.test_engine import do, market, reached

pytestmark = pytest.mark.anyio

BARE = """STRATEGY bare VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN eu.close > 0 AND POSITION.eu = 0 AND OPEN_ORDERS.eu = 0
    THEN BUY eu SIZING 0.2
    WHEN POSITION.eu > 0 AND OPEN_ORDERS.eu = 0
    THEN BUY eu SIZING 0.1 ORDER_TYPE = LIMIT AT eu.close - 0.02
"""
HELD = """STRATEGY held VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN eu.close > 0 AND POSITION.eu = 0
    THEN BUY eu SIZING 0.2 BRACKET { STOP LOSS TRAILING 0.02 AFTER MFE >= 0.0004, TAKE PROFIT BY 0.05 }
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def source() -> list[Tick]:
    return list(ticks(400))


async def opened(engine: Engine, folder: Path, text: str, name: str, at: int) -> LiveSession:
    assert isinstance(await do(engine, ask.Deploy, path=str(strategy_file(folder, text, f"{name}.qkt"))), Done)
    return await reached(engine, at, name)


def only(live: LiveSession) -> PositionRow:
    (row,) = position_rows(live)
    return row


async def modify(engine: Engine, name: str, **values: Any) -> Any:
    return await do(engine, ask.Modify, name=name, **values)


async def test_a_missing_stop_is_attached_moved_and_the_tape_does_it_again(source: list[Tick], tmp_path: Path) -> None:
    pause = anyio.Event()
    async with Engine(tmp_path / "state", market(source, pauses={100: pause})) as engine:
        live = await opened(engine, tmp_path, BARE, "bare", 100)
        leg = only(live)
        assert (leg.stop, leg.protected) == (None, "none")
        below, above = leg.entry - Decimal("0.015"), leg.entry + Decimal("0.015")
        done = await modify(engine, "bare", leg=leg.leg, stop=below, target=above)
        assert isinstance(done, Done)
        assert done.text == f"leg {leg.leg}: stop {below.normalize()}, target {above.normalize()}"
        leg = only(live)
        assert (leg.stop, leg.target, leg.protected) == (below, above, "venue")
        assert isinstance(await modify(engine, "bare", leg=leg.leg, stop=below + Decimal("0.001")), Done)
        exits = [o for o in live.machine.session.orders.live_orders() if o.purpose is Purpose.STOP_LOSS]
        assert [o.stop for o in exits] == [below + Decimal("0.001")], "the old one has gone"
        assert isinstance(await modify(engine, "bare", leg=leg.leg, close=Decimal("0.05")), Done)
        assert only(live).quantity == Decimal("0.15")
        assert [o.quantity for o in live.machine.session.orders.live_orders() if o.leg_id] == [Decimal("0.15")] * 2
        line = next(line for line in engine.lines(0) if line.event == "modify")
        assert (line.kind, line.text) == ("operator", f"modified by me, {done.text}")
        before = only(live), list(live.machine.session.books.trades)
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        live = engine.hosted["bare"].live
        assert (only(live), list(live.machine.session.books.trades)) == before
    assert verified(tmp_path / "state") == []


async def test_what_a_stop_of_the_engine_guards_can_stand_at_the_venue_instead(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={140: anyio.Event()})) as engine:
        live = await opened(engine, tmp_path, HELD, "held", 140)
        leg = only(live)
        assert leg.protected == "engine"
        assert isinstance(await do(engine, ask.Stop, name="held"), Failed)
        quote = live.machine.board.quote(SYMBOL)
        assert quote is not None
        in_profit = Decimal(str(quote.bid)) > leg.entry
        answer = await modify(engine, "held", leg=leg.leg, break_even=True)
        if in_profit:
            assert (only(live).stop, only(live).protected) == (leg.entry, "venue")
        else:
            assert isinstance(answer, Failed)
            assert "not behind the price" in answer.found
            assert only(live) == leg
            assert isinstance(await modify(engine, "held", leg=leg.leg, stop=leg.entry - Decimal("0.01")), Done)
        assert isinstance(await do(engine, ask.Stop, name="held"), Done)


async def test_a_working_order_moves_and_fills_where_it_stands_then(source: list[Tick], tmp_path: Path) -> None:
    pause = anyio.Event()
    async with Engine(tmp_path / "state", market(source, pauses={130: pause})) as engine:
        live = await opened(engine, tmp_path, BARE, "bare", 130)
        (order,) = live.machine.session.orders.live_orders()
        quote = live.machine.board.quote(SYMBOL)
        assert quote is not None
        near = Decimal(str(quote.ask)) - Decimal("0.00005")
        assert isinstance(await modify(engine, "bare", order=order.id, level=near + 1), Failed)
        assert isinstance(await modify(engine, "bare", order="nothing", level=near), Failed)
        assert isinstance(await modify(engine, "bare", order=order.id, level=near), Done)
        assert order.limit == near
        pause.set()
        live = await reached(engine, 330, "bare")
        fill = next(row for row in live.machine.session.books.trades if row.order_id == order.id)
        assert fill.price <= near
        (life,) = engine.orders("bare", order=order.id)
        assert [step.what for step in life.steps] == ["approved", "submitted", "accepted", "moved", "filled"]
        assert isinstance(await do(engine, ask.Cancel, name="bare", order="nothing"), Failed)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"leg": "1", "order": "x", "stop": Decimal(1)}, "either a leg or an order"),
        ({"leg": "77", "stop": Decimal(1)}, "no open leg 77"),
        ({"leg": "1"}, "nothing to change"),
        ({"leg": "1", "stop": Decimal(2)}, "not behind the price"),
        ({"leg": "1", "target": Decimal(1)}, "not ahead of the price"),
        ({"leg": "1", "close": Decimal(5)}, "are to be closed"),
        ({"leg": "1", "level": Decimal(1)}, "no level of its own"),
    ],
)
async def test_what_makes_no_sense_changes_nothing(
    source: list[Tick], tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        live = await opened(engine, tmp_path, BARE, "bare", 100)
        before = only(live)
        answer = await modify(engine, "bare", **values)
        assert isinstance(answer, Failed)
        assert said in answer.found
        assert only(live) == before


async def test_a_command_is_performed_once_across_a_restart(source: list[Tick], tmp_path: Path) -> None:
    state, file = tmp_path / "state", strategy_file(tmp_path)
    halt = ask.Halt(id="halt-0001", author="me", reason="lunch")
    async with Engine(state, market(source)) as engine, open_hub(engine) as hub:
        await (await hub.desk.submit(ask.Deploy(id="deploy-01", author="me", path=str(file)))).wait(10)
        first = await (await hub.desk.submit(halt)).wait(10)
        lost = ask.Resume(id="resume-01", author="me")
        await engine.begin_command(lost)  # and the process ends under it
        seen = engine.version
    async with Engine(state, market(source)) as engine, open_hub(engine) as hub:
        assert engine.version > seen, "nothing that was seen before is taken for news"
        await do(engine, ask.Resume)
        assert await (await hub.desk.submit(halt)).wait(10) == first
        assert engine.hosted["cross"].live.halted is None, "it was not done again"
        answer = await (await hub.desk.submit(lost)).wait(10)
        assert isinstance(answer, Failed)
        assert "unknown" in answer.found
        assert len(engine.digest(0).starts) == 2


async def test_a_halt_that_was_done_before_it_was_written_down_is_remembered_with_its_answer(tmp_path: Path) -> None:
    halt, answer = ask.Halt(id="halt-0001", author="me", reason="lunch"), Done(id="halt-0001", text="all is halted")
    async with Engine(tmp_path / "state", market([])) as engine:
        await engine.settle_command(halt, answer)
        await engine.begin_command(halt)
        assert engine.recall(halt.id) == (halt, answer)


async def test_a_disk_that_hangs_holds_up_no_halt(source: list[Tick], tmp_path: Path) -> None:
    halt = ask.Halt(id="halt-0001", author="me", reason="lunch")
    async with Engine(tmp_path / "state", market(source)) as engine, open_hub(engine) as hub:
        live = await engine.deploy(strategy_file(tmp_path), "cross", {})
        hanging = engine.journal.another()
        hanging.execute("begin immediate")
        with anyio.fail_after(2):
            ticket = await hub.desk.submit(halt)
            while live.halted is None:
                await anyio.sleep(0.002)
        assert not ticket.settled, "a halt that nobody could write down is not told as done"
        hanging.execute("rollback")
        hanging.close()
        answer = await ticket.wait(10)
        assert isinstance(answer, Done)
    async with Engine(tmp_path / "state", market(source)) as engine:
        assert engine.recall(halt.id) == (halt, answer)


async def test_a_back_test_runs_beside_the_trading_and_can_be_taken_back(tmp_path: Path) -> None:
    tape = tmp_path / "EURUSD.csv"
    rows = (f"{t.ts},{t.bid},{t.ask},{t.volume}" for t in ticks(4000))
    tape.write_text("timestamp,bid,ask,volume\n" + "\n".join(rows) + "\n")
    file = strategy_file(tmp_path)
    async with Engine(tmp_path / "state", market([])) as engine:
        engine.runs.nice = 0
        one, two = [await do(engine, ask.Backtest, path=str(file), data=(f"EURUSD={tape}",), params={}) for _ in range(2)]
        assert (one.run, two.run) == ("1", "2")
        assert isinstance(await do(engine, ask.CancelRun, run="2"), Done)
        wrong = await do(engine, ask.Backtest, path=str(file), data=(str(tmp_path / "none.csv"),))
        with anyio.fail_after(60):
            while any(row.state in ("queued", "running") for row in engine.runs):
                await anyio.sleep(0.02)
        states = {row.run: row.state for row in engine.snapshot().tables.runs.values()}
        assert states == {"1": "done", "2": "cancelled", wrong.run: "failed"}
        result = await engine.run("1")
        assert result.row.trades == len(result.trades) > 5
        assert result.curve[-1].equity - 10_000 == pytest.approx(float(result.row.net or 0), abs=1e-6)
        assert min(point.drawdown_pct for point in result.curve) == pytest.approx(
            float(result.row.max_drawdown_pct or 0), abs=1e-3
        )
        assert "none.csv" in ((await engine.run(wrong.run)).row.error or "")


@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks for the child in /proc")
async def test_a_running_back_test_ends_with_its_cancel(tmp_path: Path) -> None:
    tape = tmp_path / "EURUSD.csv"
    tape.write_text("timestamp,bid,ask,volume\n" + "\n".join(f"{t.ts},{t.bid},{t.ask},1" for t in ticks(60_000)) + "\n")
    async with Engine(tmp_path / "state", market([])) as engine:
        engine.runs.nice = 0
        await do(engine, ask.Backtest, path=str(strategy_file(tmp_path)), data=(f"EURUSD={tape}",))
        with anyio.fail_after(30):
            while next(iter(engine.runs)).state != "running":
                await anyio.sleep(0.01)
            await anyio.sleep(0.2)
            await do(engine, ask.CancelRun, run="1")
            while next(iter(engine.runs)).state == "running":
                await anyio.sleep(0.01)
        assert next(iter(engine.runs)).state == "cancelled"
