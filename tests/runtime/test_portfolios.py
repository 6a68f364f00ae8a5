"""A portfolio that lives: one session, whose children are shown, stopped and started one by one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.errors import StrategyError
from qkt.core.events import Candle, Tick
from qkt.portfolio import BookSettings, ExposureCaps, Method, Portfolio, Rung
from qkt.runtime.bundle import bundled, unbundled
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done, Failed
from qkt.runtime.control.rows import StrategyRow
from qkt.runtime.engine import Engine
from qkt.runtime.inputs import CommandInput
from qkt.runtime.inspection import verified
from qkt.runtime.machine import SessionMachine
from qkt.runtime.setup import Terms, load_strategy, read_strategy
from qkt.runtime.views.positions import position_rows
from tests.runtime.samples import BOOK, CROSS, strategy_file, ticks
from tests.runtime.test_engine import do, ended, market, reached

pytestmark = pytest.mark.anyio

OPEN = """STRATEGY cross VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN eu.close > 0 AND POSITION.eu = 0
    THEN BUY eu SIZING 0.2 BRACKET { STOP LOSS BY 0.02, TAKE PROFIT BY 0.05 }
"""
PLAIN = """PORTFOLIO book VERSION 1 CAPITAL 20000
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
IMPORT 'cross.qkt' AS swing
IMPORT 'cross.qkt' AS keep HOLD
IMPORT 'cross.qkt' AS off
RULES
    RUN swing WEIGHT 0.5
    RUN keep WEIGHT 0.3
    WHEN eu.close < 0 RUN off WEIGHT 0.2
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def source() -> list[Tick]:
    return list(ticks(400))


def book_file(folder: Path, book: str = PLAIN, child: str = OPEN) -> Path:
    strategy_file(folder, child, "cross.qkt")
    return strategy_file(folder, book, "book.qkt")


def row(engine: Engine, name: str) -> StrategyRow:
    found = engine.snapshot().tables.strategies[name]
    assert isinstance(found, StrategyRow)
    return found


def held(engine: Engine) -> list[tuple[str | None, Decimal]]:
    return [(leg.child, leg.quantity) for leg in position_rows(engine.hosted["book"].live)]


async def test_children_are_shown_under_their_portfolio(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        assert isinstance(await do(engine, ask.Deploy, path=str(book_file(tmp_path))), Done)
        await reached(engine, 100, "book")
        book = row(engine, "book")
        assert (book.kind, book.capital, book.balance, book.positions) == ("portfolio", 20000, 20000, 2)
        swing, keep, off = (row(engine, f"book/{child}") for child in ("swing", "keep", "off"))
        assert {one.parent for one in (swing, keep, off)} == {"book"}
        assert [one.capital for one in (swing, keep, off)] == [10000, 6000, 4000]
        assert (swing.gate, swing.weight, swing.factor, swing.hold, swing.positions) == (True, Decimal("0.5"), 1, False, 1)
        assert (off.gate, off.gate_reason, off.positions) == (False, "its gate is closed", 0)
        assert swing.equity + keep.equity + off.equity == book.equity
        assert sorted(held(engine)) == [("keep", Decimal("0.20")), ("swing", Decimal("0.20"))]
        assert [rule.session for rule in engine.rules("book/swing")] == ["book/swing"]
        assert engine.rules("book/swing")[0].count >= 1
        (fill,) = engine.fills("book/swing")
        assert (fill.session, fill.child) == ("book", "swing")
        assert [life.order for life in engine.orders("book/keep") if life.purpose == "ENTRY"] == ["dsl-book:keep--0"]
        assert engine.equity("book/off")[-1].equity == 4000
        drawn = engine.chart("book/swing")
        assert (drawn.session, drawn.stream, drawn.streams, drawn.fills) == ("book/swing", "eu", ("eu",), (fill,))
        assert len(drawn.candles) >= 2
        assert engine.chart("book").stream == "eu"
        assert {line.event for line in engine.lines(0)} >= {"gated", "sized", "suppressed"}


async def test_one_child_is_stopped_and_started_and_the_tape_does_it_again(source: list[Tick], tmp_path: Path) -> None:
    pauses = {at: anyio.Event() for at in (100, 200, 300)}
    async with Engine(tmp_path / "state", market(source, pauses=pauses)) as engine:
        await do(engine, ask.Deploy, path=str(book_file(tmp_path)))
        await reached(engine, 100, "book")
        answer = await do(engine, ask.Stop, name="book/swing")
        assert (answer.text, answer.flat) == ("book/swing is stopped by me, 1 position closed", True)
        answer = await do(engine, ask.Stop, name="book/keep")
        assert (answer.text, answer.flat) == ("book/keep is stopped by me and holds 1 position", None)
        pauses[100].set()
        await reached(engine, 200, "book")
        assert held(engine) == [("keep", Decimal("0.20"))]
        assert (row(engine, "book/swing").operator_stopped, row(engine, "book").state) == (True, "RUN")
    pauses = {300: anyio.Event()}
    async with Engine(tmp_path / "state", market(source, pauses=pauses)) as engine:
        assert row(engine, "book/swing").operator_stopped
        answer = await do(engine, ask.Start, name="book/swing")
        assert answer.text == "book/swing trades"
        await reached(engine, 300, "book")
        assert sorted(held(engine)) == [("keep", Decimal("0.20")), ("swing", Decimal("0.20"))]
        answer = await do(engine, ask.Stop, name="book/keep", flatten=True)
        assert (answer.text, answer.flat) == ("book/keep is stopped by me, 1 position closed", True)
        pauses[300].set()
        await ended(engine, "book")
    assert verified(tmp_path / "state") == []


async def test_a_portfolio_that_stops_gets_out_but_for_what_is_held_and_says_so(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        await do(engine, ask.Deploy, path=str(book_file(tmp_path)))
        await reached(engine, 100, "book")
        answer = await do(engine, ask.Stop, name="book")
        assert answer.text == "book stopped: swing closed 1 position, keep holds 1 position"
        assert (await do(engine, ask.Start, name="book")).text == "book is running"
        assert held(engine) == [("keep", Decimal("0.20"))]
        assert all(row(engine, f"book/{child}").gate for child in ("swing", "keep"))
        answer = await do(engine, ask.Stop, name="book", flatten=True)
        assert answer.flat is True
    assert verified(tmp_path / "state") == []


async def test_what_is_held_by_an_engine_held_stop_is_not_left_unasked(source: list[Tick], tmp_path: Path) -> None:
    trailing = OPEN.replace("STOP LOSS BY 0.02", "STOP LOSS TRAILING 0.02 AFTER MFE >= 0.0004")
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        await do(engine, ask.Deploy, path=str(book_file(tmp_path, child=trailing)))
        await reached(engine, 100, "book")
        answer = await do(engine, ask.Stop, name="book")
        assert isinstance(answer, Failed)
        assert answer.kind == "unprotected"
        assert len(held(engine)) == 2, "nothing was closed before the answer"
        assert isinstance(await do(engine, ask.Stop, name="book", leave_unprotected=True), Done)


async def test_one_child_is_flattened(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        await do(engine, ask.Deploy, path=str(book_file(tmp_path)))
        await reached(engine, 100, "book")
        assert (await do(engine, ask.Flatten, name="book/keep")).flat is True
        assert held(engine) == [("swing", Decimal("0.20"))]


@pytest.mark.parametrize("kind", [ask.Stop, ask.Start, ask.Flatten])
async def test_a_child_that_does_not_exist_is_named_with_those_that_do(kind: type, source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source)) as engine:
        await do(engine, ask.Deploy, path=str(book_file(tmp_path)))
        answer = await do(engine, kind, name="book/swing2")
        assert isinstance(answer, Failed)
        assert answer.kind == "unknown"
        assert "book/swing" in str(answer)


async def test_a_halt_names_the_portfolio_not_a_child(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source)) as engine:
        await do(engine, ask.Deploy, path=str(book_file(tmp_path)))
        answer = await do(engine, ask.Halt, name="book/swing")
        assert isinstance(answer, Failed)
        assert "child of book" in str(answer)


async def test_a_session_keeps_the_children_it_was_deployed_with(source: list[Tick], tmp_path: Path) -> None:
    async with Engine(tmp_path / "state", market(source, pauses={100: anyio.Event()})) as engine:
        path = book_file(tmp_path, BOOK, CROSS)
        await do(engine, ask.Deploy, path=str(path))
        await reached(engine, 100, "book")
        strategy_file(tmp_path, CROSS.replace("0.2 BR", "0.3 BR"), "cross.qkt")
        answer = await do(engine, ask.Resync, path=str(path), dry_run=True)
        assert answer.text == "compiles; the source changed"
        (tmp_path / "cross.qkt").unlink()
    async with Engine(tmp_path / "state", market(source)) as engine:
        assert len(await ended(engine, "book")) > 0
        assert isinstance(await do(engine, ask.Resync, path=str(path)), Failed)
    assert verified(tmp_path / "state") == []


def machine(folder: Path) -> SessionMachine:
    clock = EventClock()
    path = book_file(folder)
    terms = Terms().of(read_strategy(path))
    book = load_strategy(str(path), read_strategy(path), {}, folder)
    return SessionMachine("book", book, terms.settings(folder), EventBus(clock), clock)


def test_a_child_that_fails_is_told_and_resume_gives_it_another_chance(source: list[Tick], tmp_path: Path) -> None:
    one = machine(tmp_path)
    strategy: Any = one.session.traders[0].strategy
    works = strategy.on_candle

    def fails(candle: Candle) -> None:
        raise ValueError("no idea")

    for tick in source[:100]:
        one.tick(tick)
    strategy.on_candle = fails
    for tick in source[100:200]:
        one.tick(tick)
    faults = [effect.value for effect in one.effects.take() if effect.kind == "fault"]
    assert faults == [{"child": "book:swing", "text": "ValueError: no idea"}]
    assert (one.failed, one.halted) == (None, None)
    supervisor = one.session.supervisor
    assert supervisor is not None
    swing, keep, _ = supervisor.children.values()
    assert (swing.active, swing.obstacle, supervisor.legs(swing)) == (False, "it failed: ValueError: no idea", 0)
    assert (keep.active, supervisor.legs(keep)) == (True, 1)
    strategy.on_candle = works
    one.command(CommandInput(one.last_ts, "resume", "me", {}))
    for tick in source[200:300]:
        one.tick(tick)
    assert (swing.active, supervisor.legs(swing)) == (True, 1)


def test_a_bundle_gives_back_what_went_into_it() -> None:
    imports = {"a.qkt": "STRATEGY a\n", "x/b 'c'.qkt": "STRATEGY b", "d.qkt": "no newline\n\n"}
    assert unbundled(bundled("PORTFOLIO p\nRULES", imports, "p.qkt")) == ("PORTFOLIO p\nRULES", imports)
    assert unbundled("STRATEGY s\n") == ("STRATEGY s\n", {})
    with pytest.raises(StrategyError, match="line 2 divides"):
        bundled('x\n-- qkt: imports "a"\n', {}, "p.qkt")


def test_what_is_configured_for_a_book_goes_with_its_session(tmp_path: Path) -> None:
    caps = ExposureCaps(gross=Decimal("2.5"))
    ladder = (Rung(Decimal("0.1"), Decimal("0.5"), 3),)
    book = BookSettings(Decimal(500), Method.ERC, 4, 0.15, 2.0, ladder, caps)
    assert Terms.from_json(Terms(book=book).as_json()).book == book
    assert Terms.from_json(Terms().as_json()).book == BookSettings()
    path = book_file(tmp_path)
    loaded = load_strategy(str(path), read_strategy(path), {}, tmp_path, book)
    assert isinstance(loaded, Portfolio)
    assert (loaded.book, loaded.capital) == (book, 500)
    assert Terms(book=book).of(read_strategy(path)).balance == 500
