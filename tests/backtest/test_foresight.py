"""A strategy that is called only at closes where it can act does what it does when it is called at every close."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.backtest.market import LoadedMarket
from qkt.backtest.record import RunRecord, Timing
from qkt.backtest.runner import run
from qkt.brokers.paper import ExecutionSettings
from qkt.indicators import REGISTRY, Feed
from qkt.lang import foreseen
from qkt.lang.compiled import CompiledStrategy
from qkt.lang.foreseen import Candles, Foreseen
from qkt.lang.foresight import Foresight
from qkt.lang.loader import load_text
from tests.backtest.random_run import Plan, market_of

HEAD = "STRATEGY seer VERSION 1\nSYMBOLS k = SIM:S0 EVERY {frame}\nRULES\n"

INDICATORS = st.sampled_from(
    [
        "ema(k.close, 3)",
        "ema(k.close, 8)",
        "sma(k.hl2, 4)",
        "rsi(k.close, 4)",
        "rsi(ema(k.close, 3), 3)",
        "atr(k, 3)",
        "stddev(k.close, 5)",
        "highest(k.high, 6)",
        "lowest(k.low, 6)",
        "sma(k.volume, 2)",
        "ema(k.close - k.open, 2)",
    ]
)
ATOMS = st.one_of(
    INDICATORS,
    st.sampled_from(["k.close", "k.open", "k.high", "k.low", "k.hlc3", "k.ohlc4", "k.volume", "k.close[1]"]),
    st.sampled_from(
        ["0", "1", "99.5", "100", "100.4", "50", "POSITION.k", "POSITION_AVG_PRICE.k", "NOW.minute_utc", "ACCOUNT.equity"]
    ),
)
NUMBERS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        inner.map("(-{})".format),
        st.builds("(CASE WHEN {} > {} THEN {} ELSE {} END)".format, inner, inner, inner, inner),
    ),
    max_leaves=3,
)
# A cross of what is seen ahead, more often than chance would have it.
CROSSES = st.builds(
    "({} CROSSES {} {})".format,
    INDICATORS | st.just("k.close") | NUMBERS,
    st.sampled_from(["ABOVE", "BELOW"]),
    INDICATORS | st.sampled_from(["k.close", "100"]) | NUMBERS,
)
CONDITIONS = st.recursive(
    st.one_of(
        CROSSES,
        CROSSES,
        st.builds("({} {} {})".format, NUMBERS, st.sampled_from(["=", "!=", "<", ">", "<=", ">="]), NUMBERS),
        st.builds("({} BETWEEN {} AND {})".format, NUMBERS, NUMBERS, NUMBERS),
        st.builds("({} IS NULL)".format, INDICATORS),
        st.sampled_from(["(POSITION.k = 0)", "(POSITION.k > 0)", "(NOW.minute_utc IN [0, 7, 13, 20, 31])"]),
    ),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        inner.map("(NOT {})".format),
    ),
    max_leaves=4,
)
ENTRIES = st.sampled_from(
    ["BUY k SIZING 1 BRACKET { STOP LOSS BY 0.3, TAKE PROFIT BY 0.4 }", "BUY k SIZING 1", "SELL k SIZING 1"]
)
ACTIONS = st.one_of(
    ENTRIES,
    st.sampled_from(
        [
            "SELL k SIZING 1 BRACKET { STOP LOSS TRAILING 0.2 AFTER MFE >= 0.1, TAKE PROFIT BY 0.4 }",
            "BUY k SIZING 1 LIMIT AT k.close - 0.1 TIF GTD UNTIL NOW + 5m",
            "SELL k SIZING 1 STOP AT lowest(k.low, 6)",
            "CLOSE k",
            "CANCEL k",
        ]
    ),
    st.builds('LOG "seen" a={} b={}'.format, NUMBERS, NUMBERS),
)
MET = st.one_of(CROSSES, st.builds("{} AND {}".format, CROSSES, CONDITIONS), CONDITIONS)
RULE = "    WHEN {} THEN {}\n".format
RULES = st.builds(
    "{}{}".format,
    st.builds(RULE, CROSSES, ENTRIES),
    st.lists(st.builds(RULE, MET, ACTIONS), max_size=3).map("".join),
)
SOURCES = st.builds(lambda frame, rules: HEAD.format(frame=frame) + rules, st.sampled_from(["10s", "1m", "3m"]), RULES)

PLANS = st.builds(
    Plan,
    seed=st.integers(0, 10_000),
    symbols=st.just(1),
    ticks=st.sampled_from([30, 400, 1_500, 4_000]),
    rows_per_table=st.sampled_from([7, 50, 333, 100_000]),
    quoted=st.booleans(),
    execution=st.sampled_from(
        [ExecutionSettings(), ExecutionSettings(latency=250), ExecutionSettings(reject_every=3), ExecutionSettings(end="close")]
    ),
    costs=st.booleans(),
    timeframes=st.just(("1m",)),
)


def outcome(source: str, plan: Plan, *, every_tick: bool) -> RunRecord:
    sources, terms = market_of(plan)
    record = run(compiled(source), sources, terms, every_tick=every_tick)
    return replace(record, timing=Timing(0, 0), replay="")


def compiled(source: str) -> CompiledStrategy:
    return load_text(source, "seer.qkt").strategy


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SOURCES, PLANS)
def test_what_is_left_out_changes_nothing(source: str, plan: Plan) -> None:
    assert outcome(source, plan, every_tick=False) == outcome(source, plan, every_tick=True)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SOURCES, min_size=2, max_size=3), PLANS, st.sampled_from([1, 2, 32]))
def test_what_runs_find_out_about_one_market_changes_no_other_run(rules: list[str], plan: Plan, kept: int) -> None:
    sources, terms = market_of(plan)
    market = LoadedMarket(sources, None, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foreseen, "KEPT", kept)
        for source in rules:  # which leaves things found out about the beginning alone
            run(compiled(source), market, terms, tell=lambda _: False)
        for source in (*rules, *rules):
            record = replace(run(compiled(source), market, terms), timing=Timing(0, 0), replay="", data={})
            assert record == replace(outcome(source, plan, every_tick=False), data={})


def test_closes_are_left_out_where_a_cross_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    closed, called, load = [], [], Foresight.load

    def counting(foresight: Foresight, candles: Candles) -> list[int]:
        places = load(foresight, candles)
        closed.append(len(candles.close))
        called.append(len(places))
        return places

    monkeypatch.setattr(Foresight, "load", counting)
    plan = Plan(3, 1, 4_000, 333, True, ExecutionSettings(), True, ("1m",))
    rule = "    WHEN ema(k.close, 3) CROSSES ABOVE ema(k.close, 8) AND POSITION.k = 0 THEN BUY k SIZING 1\n"
    assert outcome(HEAD.format(frame="10s") + rule, plan, every_tick=False).trades
    assert 0 < 3 * sum(called) < sum(closed)


@dataclass
class Stretch:
    """The part of candles that an indicator over closes sees."""

    close: npt.NDArray[np.float64]
    known: dict[Hashable, Any] | None


@pytest.mark.parametrize("name", sorted(name for name, spec in REGISTRY.items() if spec.feed is Feed.NUMBER))
def test_a_column_begins_where_the_one_before_ended_whoever_made_that(name: str) -> None:
    closes = np.random.default_rng(5).normal(100.0, 1.0, 120)

    def columns(stretches: list[Stretch]) -> list[list[float]]:
        made = Foreseen(name, tuple(float(5 + 4 * n) for n in range(len(REGISTRY[name].constants))), 1)
        return [made.load(cast(Candles, one), lambda one=one: one.close).tolist() for one in stretches]  # type: ignore[misc]

    parts = np.split(closes, 3)
    alone = columns([Stretch(part, None) for part in parts])
    shared = [Stretch(part, {}) for part in parts]
    for forgotten in (0, 1, 2, 1, 1):
        np.testing.assert_equal(columns(shared), alone)
        shared[forgotten].known = {}
