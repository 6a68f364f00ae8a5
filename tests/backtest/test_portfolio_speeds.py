"""Portfolios of random traders behind random gates: both speeds of replay are one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.backtest.phrases import minute
from qkt.backtest.record import RunRecord, Timing
from qkt.brokers.paper import ExecutionSettings
from qkt.lang import load_portfolio
from qkt.portfolio import BookSettings, ExposureCaps, Method, Portfolio, Rung
from tests.backtest.random_limits import LIMITS, UNHURRIED
from tests.backtest.random_run import Gambler, Plan, run_with

HEAD = """PORTFOLIO p VERSION 1 CAPITAL 20000
SYMBOLS g = SIM:S0 EVERY {frame}, h = SIM:S0 EVERY 3m
IMPORT 'c.qkt' AS a
IMPORT 'c.qkt' AS b{hold}
"""
REGIMES = """REGIMES NAME mood STATE up WHEN g.close > g.open STATE down WHEN h.close < h.open STATE still DEFAULT
ALLOCATE METHOD regime_weighted up -> a 0.7, b 0.3 down -> b 0.55 still -> a 0.5, b 0.5
"""
RULES = "RULES WHEN g.close > {level} RUN a {a} WHEN h.close < h.open OR NOW.hour_utc > 12 RUN b {b}\n"
CHILD = "STRATEGY c VERSION 1\nSYMBOLS k = SIM:S0 EVERY 1m\nRULES WHEN k.close < 0 THEN BUY k SIZING 1\n"
LADDER = (Rung(Decimal("0.002"), Decimal("0.5")), Rung(Decimal("0.02"), Decimal(0), 3))
CAPS = ExposureCaps(Decimal("0.2"), Decimal("0.15"), Decimal("0.1"))


@dataclass(frozen=True)
class Book:
    """How a random portfolio is put together."""

    frame: str
    hold: bool
    level: int
    regimes: bool
    book: BookSettings


BOOKS = st.builds(
    Book,
    frame=st.sampled_from(["1m", "5m"]),
    hold=st.booleans(),
    level=st.sampled_from([0, 100, 101]),
    regimes=st.booleans(),
    book=st.sampled_from(
        [
            BookSettings(),
            BookSettings(ladder=LADDER, caps=CAPS),
            BookSettings(method=Method.INVERSE_VOL, rebalance_every_bars=3),
            BookSettings(method=Method.ERC, ladder=LADDER, target_vol=0.3),
        ]
    ),
)
PLANS = st.builds(
    Plan,
    seed=st.integers(0, 10_000),
    symbols=st.integers(1, 3),
    ticks=st.integers(2, 400),
    rows_per_table=st.sampled_from([7, 333]),
    quoted=st.booleans(),
    execution=st.sampled_from(
        [ExecutionSettings(), ExecutionSettings(fills="mid"), ExecutionSettings(latency=250, partial="0.5")]
    ),
    costs=st.booleans(),
    timeframes=st.sampled_from([("1m",), ("1m", "5m"), ("10s", "1h")]),
    currency=st.sampled_from(["USD", "EUR"]),
    limits=st.one_of(st.just(UNHURRIED), LIMITS),
)


class Fragile(Gambler):
    """Raises when it has seen so much."""

    def __init__(self, plan: Plan, name: str, most: int) -> None:
        super().__init__(plan, name)
        self.due = 0  # it wants to be called all the time, and is not when it is out
        self._most = most

    def _look(self) -> None:
        super()._look()
        if len(self.seen) > self._most:
            raise ValueError("no idea")


def run_book(
    folder: Path, plan: Plan, how: Book, *, every_tick: bool, fails: int | None = None
) -> tuple[RunRecord, list[list[object]]]:
    regimes = how.regimes and how.book.method is Method.FIXED
    weights = {"a": "", "b": ""} if regimes else {"a": "WEIGHT 0.5", "b": "WEIGHT 0.4"}
    (folder / "c.qkt").write_text(CHILD)
    path = folder / "book.qkt"
    text = HEAD.format(frame=how.frame, hold=" HOLD" if how.hold else "") + (REGIMES if regimes else "")
    path.write_text(text + RULES.format(level=how.level, **weights))
    loaded = load_portfolio(path)
    gamblers = [Gambler(plan, child.id) for child in loaded.children]
    if fails is not None:
        gamblers[1] = Fragile(plan, gamblers[1].name, fails)
    children: Any = tuple(replace(child, strategy=one) for child, one in zip(loaded.children, gamblers, strict=True))  # type: ignore[arg-type]
    record = run_with(plan, Portfolio(replace(loaded, children=children), how.book), every_tick=every_tick)
    return record, [gambler.seen for gambler in gamblers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS, BOOKS)
def test_both_speeds_of_a_portfolio_see_and_do_the_same(folder: Path, plan: Plan, how: Book) -> None:
    fast, fast_saw = run_book(folder, plan, how, every_tick=False)
    slow, slow_saw = run_book(folder, plan, how, every_tick=True)
    assert (fast.replay, slow.replay) == ("fast", "every-tick")
    assert fast_saw == slow_saw
    same = {"replay": "", "timing": Timing(0, 0)}
    assert replace(fast, **same) == replace(slow, **same)


def test_the_random_portfolios_do_trade_and_are_held_back(folder: Path) -> None:
    plan = Plan(4, 2, 3_000, 333, True, ExecutionSettings(), True, ("1m", "5m"))
    record, _ = run_book(folder, plan, Book("1m", False, 100, True, BookSettings(ladder=LADDER, caps=CAPS)), every_tick=False)
    assert {row.strategy for row in record.trades} == {"p:a", "p:b"}
    assert any(row.order_id.startswith("gate") for row in record.trades)
    reasons = " ".join(rejected.reason for rejected in record.rejections)
    assert all(part in reasons for part in ("exposure in SIM:S", "gross exposure", "book de-risk"))


@pytest.mark.parametrize("fails", [0, 60, 300])
def test_a_child_that_raises_is_out_and_the_other_goes_on_alike_at_both_speeds(folder: Path, fails: int) -> None:
    plan = Plan(4, 1, 1_500, 333, True, ExecutionSettings(), True, ("1m",))
    how = Book("1m", False, 0, False, BookSettings())
    fast, fast_saw = run_book(folder, plan, how, every_tick=False, fails=fails)
    slow, slow_saw = run_book(folder, plan, how, every_tick=True, fails=fails)
    assert fast_saw == slow_saw
    assert replace(fast, replay="", timing=Timing(0, 0)) == replace(slow, replay="", timing=Timing(0, 0))
    assert fast.book is not None
    (failure,) = fast.book.failures
    assert (failure.strategy, failure.text) == ("p:b", "ValueError: no idea")
    assert fast.warnings == [f"p:b failed on {minute(failure.ts)} and was out from then on: ValueError: no idea"]
    assert len(fast_saw[1]) < fails + 10
    assert max(row.timestamp for row in fast.trades if row.strategy == "p:a") > failure.ts
    assert all(leg.strategy == "p:a" for leg in fast.open_positions)
    assert all(row.purpose == "CLOSE" for row in fast.trades if row.strategy == "p:b" and row.timestamp > failure.ts)
