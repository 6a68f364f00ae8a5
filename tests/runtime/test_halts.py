"""Halts of a session that lives: on its tape, in its journal, and as in the back-test of the same ticks."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from qkt.backtest.runner import run
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.core.timeframe import DAY_MS
from qkt.data import DataReport, TickTable
from qkt.engine import SessionSettings
from qkt.lang.loader import load_text
from qkt.risk import LossLimits, RiskLimits, StrategyLimits
from qkt.runtime.inputs import CommandInput, TimerInput
from qkt.runtime.machine import SessionMachine
from qkt.runtime.views.kept import Kept
from qkt.runtime.views.limits import limit_rows
from tests.backtest.random_run import START, Memory, tape

SOURCE = """STRATEGY flips VERSION 1
SYMBOLS
    eur = SIM:EURUSD EVERY 1m
RULES
    WHEN eur.close > eur.open AND POSITION.eur = 0 THEN SELL eur SIZING 0.01 BRACKET { STOP LOSS BY 0.05, TAKE PROFIT BY 0.2 }
    WHEN eur.close < eur.open AND POSITION.eur = 0 THEN BUY eur SIZING 0.01 BRACKET { STOP LOSS BY 0.05, TAKE PROFIT BY 0.2 }
"""
LIMITS = RiskLimits(
    losses=LossLimits(Decimal(180), Decimal(30), Decimal("2.5")),
    drawdown_basis="trailing",
    daily_drawdown_basis="equity",
    every_strategy=StrategyLimits(cooldown_ms=120_000, loss_streak_halt=3, loss_streak_halt_scope="daily"),
)


def machine(limits: RiskLimits = LIMITS, balance: int = 10_000) -> SessionMachine:
    clock = EventClock()
    strategy = load_text(SOURCE, "flips.qkt", {}).strategy
    return SessionMachine("flips", strategy, SessionSettings(Decimal(balance), limits=limits), EventBus(clock), clock)


def ticks(table: TickTable) -> list[Tick]:
    assert table.bid is not None
    assert table.ask is not None
    columns = (table.ts.tolist(), table.price.tolist(), table.bid.tolist(), table.ask.tolist())
    return [Tick("SIM:EURUSD", *row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_session_is_halted_as_the_back_test_of_its_ticks_is(seed: int) -> None:
    table = tape(seed, 6_000, quoted=True)
    one = machine()
    for tick in ticks(table):
        one.tick(tick)
    source = Memory("EURUSD", table, 500)
    source.report = DataReport("EURUSD")
    strategy = load_text(SOURCE, "flips.qkt", {}).strategy
    settings = SessionSettings(Decimal(10_000), limits=LIMITS, begin=START)
    record = run(strategy, {"SIM:EURUSD": source}, settings)
    assert record.replay == "fast"
    assert record.trades == list(one.session.books.trades)
    assert record.halts == list(one.session.risk.halts.history)
    assert [event.reason for event in record.rejections] == [event.reason for event in one.session.risk.rejections]
    assert len({span.halt.cause for span in record.halts}) > 1
    assert any(span.lifted is not None for span in record.halts)


def lose(one: SessionMachine, ts: int, bid: float = 1.0) -> None:
    one.tick(Tick("SIM:EURUSD", ts, bid, bid, bid))


def halted(tmp_path: Path) -> SessionMachine:
    """A session that has lost more than a day may cost."""
    one = machine(RiskLimits(losses=LossLimits(Decimal(1))))
    at = START
    for price in (1.0, 1.1, 1.1, 1.0, 1.3, 1.3):
        lose(one, at, price)
        at += 30_000
        if one.halted is not None:
            break
    assert one.halted is not None
    return one


def kinds(one: SessionMachine, *wanted: str) -> list[dict[str, object]]:
    return [effect.value for effect in one.effects.pending if effect.kind in wanted]


def test_the_clock_lifts_a_daily_halt_and_both_are_effects(tmp_path: Path) -> None:
    one = halted(tmp_path)
    (put,) = kinds(one, "halted")
    assert (put["cause"], put["lasts"], put["author"]) == ("daily loss", "DAILY", "engine")
    midnight = (one.last_ts // DAY_MS + 1) * DAY_MS
    assert (put["until"], one.session.next_timer) == (midnight, midnight)
    one.effects.take()
    one.handle(TimerInput(midnight - 1))
    assert one.halted is not None
    one.handle(TimerInput(midnight + 300))
    assert one.halted is None
    (lifted,) = kinds(one, "lifted")
    assert (lifted["by"], lifted["why"]) == ("engine", "the day is over")


def test_the_fill_that_halts_is_told_before_its_halt(tmp_path: Path) -> None:
    one = halted(tmp_path)
    told = [effect.kind for effect in one.effects.pending]
    assert told.index("halted") > max(at for at, kind in enumerate(told) if kind == "fill")


def test_resume_says_who_cleared_what_and_why_and_what_still_holds(tmp_path: Path) -> None:
    one = halted(tmp_path)
    one.effects.take()
    one.handle(CommandInput(one.last_ts, "resume", "ann", {"reason": "looked at it"}))
    (lifted,), (standing,) = kinds(one, "lifted"), kinds(one, "standing")
    assert (lifted["by"], lifted["why"], lifted["cause"]) == ("ann", "looked at it", "daily loss")
    assert str(standing["reason"]).startswith("daily loss")
    lose(one, one.last_ts + 1)
    assert one.halted is not None


def test_an_operator_may_halt_one_strategy_of_a_session() -> None:
    one = machine()
    lose(one, START)
    one.handle(CommandInput(START, "halt", "ann", {"reason": "lunch", "strategy": "flips"}))
    assert one.halted is not None
    assert one.halted.strategy == "flips"
    one.handle(CommandInput(START, "resume", "ann", {"strategy": "nobody"}))
    assert one.halted is not None
    one.handle(CommandInput(START, "resume", "ann", {"strategy": "flips"}))
    assert one.halted is None


def test_how_much_of_each_limit_is_used_is_shown() -> None:
    one = machine(
        RiskLimits(
            losses=LossLimits(Decimal(400), Decimal(10)),
            every_strategy=StrategyLimits(
                loss_streak_halt=4, max_trades_per_day=4, max_open_positions=2, max_position=Decimal(1)
            ),
        )
    )
    for at, price in enumerate((1.0, 1.1, 1.1, 1.0, 1.0)):  # sells a hundredth lot at 1.1 and is stopped out at 1.3
        lose(one, START + at * 30_000, price)
    assert len(one.session.books.trades) == 1
    lose(one, START + 150_000, 1.3)
    live = SimpleNamespace(name="fx", machine=one)
    rows = {row.rule: (row.scope, row.now, row.used_pct) for row in limit_rows(live, Kept())}  # type: ignore[arg-type]
    lost = -one.session.books.trades[-1].realized
    assert rows["account daily loss"] == ("fx", lost, lost / 4)
    assert rows["account drawdown"] == ("fx", lost / 100, lost / 10)
    assert rows["flips loss streak"] == ("fx", 1, 25)
    assert rows["flips trades of the day"] == ("fx", 1, 25)
    assert rows["flips open positions"] == ("fx", 0, 0)
