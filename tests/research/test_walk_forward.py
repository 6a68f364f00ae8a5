"""Walk-forward: what training knows, how windows lie, what the stitched curve is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.backtest.market import HeldTicks, LoadedMarket
from qkt.backtest.prepared import Prepared
from qkt.core.errors import UsageError
from qkt.core.timeframe import HOUR_MS, MINUTE_MS
from qkt.data import TickTable
from qkt.research.crew import OwnCrew
from qkt.research.job import Means, Work
from qkt.research.journal import NAME, Journal
from qkt.research.space import Space
from qkt.research.sweep import Asked
from qkt.research.task import Outcome
from qkt.research.walk_forward import Plan, Window, stitched, trained, walk_forward
from tests.research.market import START, STEP_MS, TICKS

END = START + TICKS * STEP_MS
ASKED = Asked(Space.parse(["fast=2,4", "slow=9"]), metric="total_pnl")
PLAN = Plan(train=100 * MINUTE_MS, test=60 * MINUTE_MS, purge=5 * MINUTE_MS)
ALONE = Means(workers=1)


def planned(test: int, longer: int | None, **lengths: Any) -> Plan:
    return Plan(test=test * MINUTE_MS, step=None if longer is None else (test + longer) * MINUTE_MS, **lengths)


PLANS = st.builds(
    planned,
    train=st.integers(60, 120).map(lambda n: n * MINUTE_MS),
    test=st.integers(30, 60),
    longer=st.none() | st.integers(0, 40),
    anchored=st.booleans(),
    purge=st.integers(0, 20 * MINUTE_MS),
    embargo=st.integers(0, 20 * MINUTE_MS),
)


def changed(ready: Prepared, change: Callable[[TickTable], TickTable]) -> Prepared:
    """The same back-test on other ticks."""
    (name, source), *_ = ready.sources.items()
    table = change(next(iter(source.tables())))  # type: ignore[arg-type]
    ticks = HeldTicks(source.symbol, table, source.report, volume=False, observed=False)
    return replace(ready, sources=LoadedMarket({name: ticks}, None, None))


def poisoned(ready: Prepared, window: Window, poison: float) -> Prepared:
    """Whatever does not lie in the training of the window is absurd, or a trap: NaN makes NaN of all it touches."""

    def spoil(table: TickTable) -> TickTable:
        outside = (table.ts < window.train[0]) | (table.ts >= window.train[1])
        prices = [np.where(outside, poison * (n + 1), column) for n, column in enumerate((table.price, table.bid, table.ask))]
        return TickTable(table.ts, *prices)

    return changed(ready, spoil)


def training(ready: Prepared, window: Window) -> list[Outcome]:
    with TemporaryDirectory() as folder, Journal.begin(Path(folder), {}) as journal:
        trials = trained(window, ASKED, Work(OwnCrew(ready), journal, ALONE, 2))
    assert trials is not None
    return [trial.outcome for trial in trials]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(plan=PLANS, which=st.floats(0, 1), poison=st.sampled_from([float("nan"), 1e9, 1e-9]))
def test_no_tick_outside_of_a_training_reaches_it(ready: Prepared, plan: Plan, which: float, poison: float) -> None:
    windows = plan.windows(START, END)
    window = windows[round(which * (len(windows) - 1))]
    assert window.train[1] + plan.purge <= window.test[0] - plan.embargo
    assert training(poisoned(ready, window, poison), window) == training(ready, window)


def test_the_poison_is_seen_by_a_training_that_reaches_into_the_test(ready: Prepared) -> None:
    window = PLAN.windows(START, END)[0]
    late = replace(window, train=(window.train[0], window.test[0] + 30 * MINUTE_MS))
    assert training(poisoned(ready, window, 1e9), late) != training(ready, late)


def test_a_walk_chooses_on_the_past_alone_whatever_comes_after(ready: Prepared, tmp_path: Path) -> None:
    windows = PLAN.windows(START, END)
    assert len(windows) == 3
    told = []
    for place, one in (("clean", ready), ("poisoned", poisoned(ready, windows[0], 1e9))):
        walk_forward(one, ASKED, PLAN, tmp_path / place, means=ALONE)
        lines = [json.loads(line) for line in (tmp_path / place / NAME).read_text().splitlines()[1:]]
        told.append({line["key"]: line for line in lines})
    clean, spoilt = told
    assert all(clean[key] == spoilt[key] for key in ("0/0", "0/1"))
    assert clean["0/test"]["params"] == spoilt["0/test"]["params"]
    assert clean["0/test"] != spoilt["0/test"]


def test_windows_roll_or_grow_and_their_tests_follow_each_other() -> None:
    hours = lambda *pairs: [tuple(n * HOUR_MS for n in pair) for pair in pairs]  # noqa: E731
    rolling = Plan(4 * HOUR_MS, 2 * HOUR_MS).windows(0, 10 * HOUR_MS)
    assert [window.train for window in rolling] == hours((0, 4), (2, 6), (4, 8))
    assert [window.test for window in rolling] == hours((4, 6), (6, 8), (8, 10))
    growing = Plan(4 * HOUR_MS, 2 * HOUR_MS, anchored=True, purge=HOUR_MS, embargo=HOUR_MS).windows(0, 10 * HOUR_MS)
    assert [window.train for window in growing] == hours((0, 3), (0, 5), (0, 7))
    assert [window.test for window in growing] == hours((5, 6), (7, 8), (9, 10))


def test_the_stitched_curve_goes_on_where_the_test_before_it_ended() -> None:
    def tested(*curve: tuple[int, float]) -> Outcome:
        return Outcome("", {}, "done", curve=curve)

    curve = stitched([tested((1, 500.0), (2, 510.0)), None, tested((5, 500.0), (6, 480.0))], 1000.0)
    assert curve.times.tolist() == [1, 2, 5, 6]
    assert curve.values.tolist() == [1000.0, 1010.0, 1010.0, 990.0]


def test_a_walk_is_summed_up_resumed_and_says_how_much_was_left(ready: Prepared, tmp_path: Path) -> None:
    whole = walk_forward(ready, ASKED, PLAN, tmp_path / "whole", means=ALONE)
    assert whole is not None
    seen: list[object] = []
    halted = walk_forward(ready, ASKED, PLAN, tmp_path / "parts", means=Means(1, stop=lambda: len(seen) > 5, tell=seen.append))
    assert halted is None
    again = walk_forward(ready, ASKED, PLAN, tmp_path / "parts", means=ALONE, resume=True)
    assert again is not None
    assert again.to_json() == whole.to_json()
    rows, told = whole.rows(), whole.summary()
    assert told["pnl_out"] == pytest.approx(whole.curve.values[-1] - whole.balance)
    assert told["pnl_out"] == pytest.approx(sum(row["pnl_out"] for row in rows))
    row = rows[0]
    shares = row["pnl_out"] / PLAN.test, row["pnl_in"] / (PLAN.train - PLAN.purge)
    assert row["efficiency"] == (pytest.approx(shares[0] / shares[1]) if row["pnl_in"] > 0 else None)
    assert sum(one["windows"] for one in told["winners"]) == 3


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Plan(HOUR_MS, HOUR_MS, purge=HOUR_MS), "the purge leaves nothing"),
        (lambda: Plan(HOUR_MS, HOUR_MS, embargo=HOUR_MS), "the embargo leaves nothing"),
        (lambda: Plan(24 * HOUR_MS, HOUR_MS).windows(0, 24 * HOUR_MS), "is 1.00 days long, expected 1.04 days or more"),
        (lambda: Plan(HOUR_MS, MINUTE_MS).windows(0, 24 * HOUR_MS), "windows, expected at most 1,000"),
        (lambda: Plan(HOUR_MS, 24 * HOUR_MS, step=12 * HOUR_MS), "--step: a step of 12 h is shorter than a test of 24 h"),
        (lambda: Plan(HOUR_MS, HOUR_MS, step=0), "expected the length of --test or more"),
    ],
)
def test_a_plan_that_cannot_be_walked_is_said(make: Callable[[], object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make()
