"""What an engine shows of itself beyond its books: markets, bars, exposure, files; rows are kept while nothing changes."""

import json
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from qkt.core.events import Tick
from qkt.core.latest import first_of
from qkt.runtime.control import commands as ask
from qkt.runtime.control.details import CheckRequest
from qkt.runtime.control.errors import ControlError
from qkt.runtime.engine import Engine
from qkt.runtime.setup import Terms
from tests.runtime.samples import BOOK, CROSS, SYMBOL, strategy_file, ticks
from tests.runtime.test_engine import do, market, reached
from tests.runtime.test_operations import BARE, HELD

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def source() -> list[Tick]:
    return list(ticks(400))


async def test_a_snapshot_has_what_a_dashboard_needs(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={200: anyio.Event()})) as engine:
        engine.strategies_dir = tmp_path
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, BARE, "bare.qkt")))
        await reached(engine, 200, "bare")
        tables = engine.snapshot().tables
        last = source[199]
        symbol = tables.market[SYMBOL]
        assert (symbol.bid, symbol.ask, symbol.ts, symbol.clock, symbol.digits) == (
            Decimal(str(last.bid)),
            Decimal(str(last.ask)),
            last.ts,
            last.ts,
            5,
        )
        assert symbol.ticks == 200
        assert symbol.day_pct is not None
        (stream,) = tables.streams.values()
        assert (stream.timeframe, stream.closed, stream.overdue) == ("1m", last.ts - last.ts % 60_000, False)
        (leg,) = tables.positions.values()
        (stake,) = tables.exposure.values()
        assert (stake.net, stake.gross) == (leg.quantity, leg.quantity)
        assert stake.notional == Decimal("0.2") * 100_000 * (leg.mark or 0)
        (account,) = tables.accounts.values()
        assert (account.gross, account.net, account.positions, account.orders) == (stake.notional, stake.notional, 1, 1)
        row = tables.strategies["bare"]
        assert (row.clock, row.trend[-1] if row.trend else None) == (last.ts, engine.equity("bare")[-1].equity)
        assert tables.system["engine"].journal_writes > 0
        again = engine.snapshot().tables
        for name in ("positions", "orders", "fills", "streams"):
            assert all(one is again.of(name)[key] for key, one in tables.of(name).items()), f"{name} is made anew"


async def test_a_chart_has_the_bars_the_fills_and_the_working_levels(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={200: anyio.Event()})) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, BARE, "bare.qkt")))
        await reached(engine, 200, "bare")
        chart = engine.chart("bare", limit=4)
        assert [bar.closed for bar in chart.candles] == [True, True, True, False]
        inside = [tick.price for tick in source[:200] if chart.candles[1].start <= tick.ts < chart.candles[1].end]
        bar = chart.candles[1]
        assert (bar.open, bar.high, bar.low, bar.close) == (inside[0], max(inside), min(inside), inside[-1])
        assert [order.kind for order in chart.orders] == ["Limit"]
        assert len(engine.chart("bare").fills) == 1
        with pytest.raises(ControlError, match="no stream 'gold'"):
            engine.chart("bare", "gold")


async def test_files_are_listed_with_who_runs_them_and_checked_as_they_are_typed(source: list[Tick], tmp_path: Path) -> None:
    folder = tmp_path / "strategies"
    (folder / "deep").mkdir(parents=True)
    file = strategy_file(folder, BARE, "bare.qkt")
    strategy_file(folder / "deep", "import qkt\n", "other.py")
    strategy_file(tmp_path, BARE, "outside.qkt")
    (folder / "link.qkt").symlink_to(tmp_path / "outside.qkt")
    async with Engine(tmp_path / "state", market(source)) as engine:
        assert not await engine.files()
        engine.strategies_dir = folder
        await do(engine, ask.Deploy, path=str(file))
        assert [(row.name, row.kind, row.deployed) for row in await engine.files()] == [
            ("bare", "qkt", ("bare",)),
            ("other", "python", ()),
        ]
        good = await engine.check(CheckRequest(path=str(file)))
        assert (good.ok, good.name, good.symbols, good.kind) == (True, "bare", (SYMBOL,), "strategy")
        bad = await engine.check(CheckRequest(path=str(file), text=BARE.replace("eu.close > 0", "us.close > 0")))
        assert [(one.line, one.severity) for one in bad.problems] == [(5, "error")]
        broken = await engine.check(CheckRequest(path="x.py", text="def broken(:"))
        assert [(one.line, one.code) for one in broken.problems] == [(1, "PYTHON")]
        assert (await engine.check(CheckRequest(path=str(tmp_path / "none.qkt")))).error is not None


async def test_a_session_that_rests_is_read_from_the_journal_with_its_swaps_and_what_it_holds(tmp_path: Path) -> None:
    instrument = {"symbol": "EURUSD", "contract_size": 100_000, "digits": 5, "point_size": "0.00001", "volume_min": "0.01"}
    instrument |= {"volume_step": "0.01", "commission_per_lot": 3, "swap_long_points": "-6.5", "quote_currency": "USD"}
    terms = Terms(instruments=(json.dumps({"instruments": [instrument]}), ".json"))
    source = list(ticks(1_700, step=60_000))  # beyond a rollover
    states = tmp_path / "state"
    async with Engine(states, market(source, pauses={1_650: anyio.Event()}), terms=terms) as engine:
        for text, name in ((HELD, "held"), (CROSS, "cross"), (BOOK, "book")):
            await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, text, f"{name}.qkt")))
            await reached(engine, 1_650, name)
            await do(engine, ask.Stop, name=name, leave_unprotected=True)
        ended = engine.snapshot().tables.strategies
    async with Engine(states, market(source), terms=terms, restore=False) as engine:
        resting = engine.snapshot().tables.strategies
        nights = engine.journal.of_kind(engine.resting["held"][0].run, ["financing"], 10)
    assert sum(Decimal(effect.value["amount"]) for _, effect in nights) < 0
    for name in ("held", "cross", "book"):
        for field in ("balance", "realised", "positions", "orders", "trades", "last_fill", "closed", "wins"):
            assert getattr(resting[name], field) == getattr(ended[name], field), f"{field} of {name}"
    assert resting["held"].positions == 1
    assert resting["cross"].wins > 0


async def test_what_needs_prices_is_not_known_of_a_session_that_is_read_from_the_journal(
    source: list[Tick], tmp_path: Path
) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={5: anyio.Event()})) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, CROSS, "flat.qkt")))
        await reached(engine, 5, "flat")
        await do(engine, ask.Stop, name="flat")
    async with Engine(tmp_path / "state", market(source, pauses={200: anyio.Event()}), restore=False) as engine:
        await do(engine, ask.Deploy, path=str(strategy_file(tmp_path, HELD, "held.qkt")))
        await reached(engine, 200, "held")
        await do(engine, ask.Stop, name="held", leave_unprotected=True)
        ended = engine.snapshot().tables.strategies["held"]
    async with Engine(tmp_path / "state", market(source), restore=False) as engine:
        rows = engine.snapshot().tables.strategies
    flat, held = rows["flat"], rows["held"]
    for row in (flat, held):
        assert (row.day_pnl, row.drawdown_pct, row.max_drawdown_pct) == (None, None, None)
    assert (flat.positions, flat.open_pnl, flat.equity) == (0, 0, flat.balance)
    assert (held.positions, held.open_pnl, held.equity) == (1, None, None)
    assert json.loads(held.model_dump_json())["equity"] is None
    assert ended.open_pnl not in (None, 0)
    assert ended.equity == held.balance + ended.open_pnl


@pytest.mark.parametrize("kept", [2, 2_000])
async def test_what_books_let_go_of_is_shown_out_of_the_journal(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qkt.engine.assembly.KEPT", kept)
    async with Engine(tmp_path / "state", market(list(ticks(1500)), pauses={1500: anyio.Event()})) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "one", {})
        await reached(engine, 1500, "one")
        await live.recorder.saved()
        books, row = live.machine.session.books, engine.snapshot().tables.strategies["one"]
        journaled = [effect.value for _, effect in engine.journal.of_kind(live.registration.run, ["fill"], 1000)]
        trips = [effect.value for _, effect in engine.journal.of_kind(live.registration.run, ["round_trip"], 1000)]
        assert len(journaled) > 8
        assert (first_of(books.trades) > 4) == (kept == 2)
        for limit in (1000, len(journaled) - 1, 3, 0):
            shown = engine.fills("one", limit=limit)
            assert [(one.number, one.order, f"{one.price:f}") for one in shown] == [
                (number, value["order_id"], value["price"]) for number, value in enumerate(journaled, 1)
            ][len(journaled) - min(limit, len(journaled)) :]
        won = sum(Decimal(trip["net"]) > 0 for trip in trips)
        assert (row.trades, row.closed, row.wins, row.last_fill) == (
            len(journaled),
            len(trips),
            won,
            journaled[-1]["timestamp"],
        )
