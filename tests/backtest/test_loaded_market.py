"""Many runs over a market that was loaded once come to what each would have come to alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.backtest.api import backtest, prepare
from qkt.backtest.market import LoadedMarket
from qkt.backtest.record import RunRecord, Timing
from qkt.backtest.runner import run
from qkt.brokers.paper import ExecutionSettings
from qkt.core.errors import DataError, UsageError
from qkt.core.timeframe import MINUTE_MS
from tests.backtest.random_run import Gambler, Plan, market_of
from tests.backtest.test_two_speeds import PLANS

START = 1_700_000_040_000

CROSS = """STRATEGY cross VERSION 1
SYMBOLS eur = BACKTEST:EURUSD EVERY 1m
PARAM fast = 3
RULES
    WHEN ema(eur.close, fast) CROSSES ABOVE ema(eur.close, 12) AND POSITION.eur = 0
    THEN BUY eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
"""


def outcome(record: RunRecord) -> RunRecord:
    """What a run came to, without how it got there and what the reading said."""
    return replace(record, timing=Timing(0, 0), replay="fast", data={})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PLANS, st.integers(0, 100), st.integers(0, 100))
def test_runs_over_a_loaded_market_and_its_parts_are_those_over_its_sources(plan: Plan, one: int, other: int) -> None:
    sources, terms = market_of(plan)
    market = LoadedMarket.load(sources)
    alone = Gambler(plan)
    expected = outcome(run(alone, sources, terms))
    for every_tick in (False, False, True):
        gambler = Gambler(plan)
        assert outcome(run(gambler, market, terms, every_tick=every_tick)) == expected
        assert gambler.seen == alone.seen
    span = expected.last_ts - expected.first_ts
    start, end = (expected.first_ts + span * share // 100 for share in sorted((one, other)))
    cut = market.between(start, end + 1)
    apart = Gambler(plan)
    try:
        expected = outcome(run(apart, sources, terms, start=start, end=end + 1))
    except DataError:
        with pytest.raises(DataError, match="no tick in the range"):
            run(Gambler(plan), cut, terms, start=start, end=end + 1)
        return
    for _ in range(2):
        gambler = Gambler(plan)
        assert outcome(run(gambler, cut, terms, start=start, end=end + 1)) == expected
        assert gambler.seen == apart.seen


@pytest.fixture
def cross(tmp_path, monkeypatch):
    """A strategy, and the ticks of an hour for it."""
    (tmp_path / "cross.qkt").write_text(CROSS)
    rows = (f"{START + n * 700},{1.1 + (n * 7919 % 997 - 498) * 4e-6:.5f}" for n in range(9_000))
    rows = (f"{line},{float(line.split(',')[1]) + 0.00002:.5f}" for line in rows)
    (tmp_path / "ticks.csv").write_text("timestamp,bid,ask\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    return {"strategy": "cross.qkt", "data": "EURUSD=ticks.csv"}


def test_a_prepared_back_test_runs_with_one_set_of_parameters_after_the_other(cross):
    ready = prepare(**cross).loaded()
    entries = set()
    for fast in ("2", "9", "2"):
        params = {"fast": fast}
        told, alone = (one.as_dict() for one in (ready.run(params), backtest(**cross, params=params, charted=False)))
        assert told.pop("timing") != alone.pop("timing")
        assert json.dumps(told) == json.dumps(alone)
        entries.add(str(told["trades"][0]))
    assert len(entries) == 2


def test_a_part_of_a_prepared_back_test_is_one_of_that_range(cross):
    start, end = START + 20 * MINUTE_MS, START + 70 * MINUTE_MS
    part = prepare(**cross).loaded().between(start, end)
    alone = backtest(**cross, start=start, end=end)
    told = part.run()
    assert told.trades == alone.trades
    assert len(told.trades) > 2
    assert told.record.equity_values == alone.record.equity_values
    assert (told.record.data["BACKTEST:EURUSD"].good, told.record.data["BACKTEST:EURUSD"].first) == (
        alone.record.data["BACKTEST:EURUSD"].good,
        alone.record.data["BACKTEST:EURUSD"].first,
    )
    with pytest.raises(UsageError, match="not within"):
        part.between(start - 1, end)


def test_what_was_not_loaded_is_not_there(cross, tmp_path):
    ready = prepare(**cross).loaded()
    deep = replace(ready, settings=replace(ready.settings, execution=ExecutionSettings(partial="depth")))
    with pytest.raises(UsageError, match="without the volumes"):
        deep.run()
    (tmp_path / "cross.qkt").write_text(CROSS.replace("EURUSD", "GBPUSD"))
    with pytest.raises(UsageError, match="reads BACKTEST:GBPUSD"):
        ready.run()
