"""Indicators that every tick feeds, in the engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qkt.backtest.record import RunRecord, Timing
from qkt.backtest.runner import run
from qkt.core.errors import DataError
from qkt.core.instruments import InstrumentRegistry
from qkt.data import TickTable
from qkt.engine import SessionSettings
from qkt.lang.loader import load_text
from tests.backtest.random_run import START, Memory, tape
from tests.market import instrument

MINUTE = 60_000
SOURCE = """STRATEGY ticks VERSION 1
SYMBOLS a = SIM:S0 EVERY 1m, b = SIM:S1 EVERY 5m
LET near = vwap(a.tick, 5)
RULES
    WHEN ON a TRUE THEN LOG "{v} {e}" v=near e=ema(near, 3)
    WHEN ON b vwap(b.tick, 7) > 0 THEN LOG "b {w} {v}" w=vwap(b.tick, 7) v=vwap(a.tick, 40)
    WHEN a.close > near AND POSITION.a <= 0 THEN BUY a SIZING 0.1
    WHEN a.close < near AND POSITION.a >= 0 THEN SELL a SIZING 0.1
"""


def replayed(source: str, tables: dict[str, TickTable], every_tick: bool = False) -> RunRecord:
    terms = {symbol: instrument(symbol) for symbol in tables}
    settings = SessionSettings(instruments=InstrumentRegistry.standard().with_layer(terms))
    sources = {f"SIM:{symbol}": Memory(symbol, table, 333) for symbol, table in tables.items()}
    strategy = load_text(source).strategy
    assert strategy.wants_ticks
    return run(strategy, sources, settings, every_tick=every_tick)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_both_speeds_feed_the_same_ticks(seed: int) -> None:
    tables = {"S0": tape(seed, 3_000, True), "S1": tape(seed + 50, 2_000, False)}
    records = [replayed(SOURCE, tables, every_tick) for every_tick in (False, True)]
    assert len(records[0].trades) > 10
    fast, slow = (replace(record, replay="every-tick", timing=Timing(0, 0)) for record in records)
    assert fast == slow


def test_a_rule_sees_the_tick_that_closed_its_bar() -> None:
    ts = START + np.array([0, 20_000, 40_000, 61_000, 62_000, 125_000])
    price = np.array([10.0, 11.0, 12.0, 13.0, 14.0, 15.0])
    volume = np.array([2.0, np.nan, 1.0, 3.0, 0.0, 4.0])
    source = (
        'STRATEGY t VERSION 1\nSYMBOLS a = SIM:S0 EVERY 1m\nRULES WHEN vwap(a.tick, 2) > 0 THEN LOG "{v}" v=vwap(a.tick, 2)'
    )
    record = replayed(source, {"S0": TickTable(ts, price, None, None, volume)})
    # The rule waits for two bars. The tick at 125 s ends the second, the one before it has a volume of zero.
    assert [line.text for line in record.logs] == ["15"]


def test_only_the_ticks_of_its_symbol_feed_it() -> None:
    ts = START + np.arange(0, 200_000, 10_000)
    one, other = np.full(20, 10.0), np.full(20, 99.0)
    size = np.ones(20)
    tables = {"S0": TickTable(ts, one, None, None, size), "S1": TickTable(ts + 1, other, None, None, size)}
    source = "STRATEGY t VERSION 1\nSYMBOLS a = SIM:S0 EVERY 1m, b = SIM:S1 EVERY 1m\nRULES WHEN vwap(a.tick, 1) > 0 THEN LOG "
    record = replayed(source + '"{v} {w}" v=vwap(a.tick, 1) w=vwap(b.tick, 1)', tables)
    assert [line.text for line in record.logs] == ["10 99"]


@pytest.mark.parametrize("call", ["vwap(a.tick, 3)", "obv(a)", "vwap_session(a, 0)"])
def test_data_without_volumes_is_refused(call: str) -> None:
    ts = START + np.arange(0, 200_000, 10_000)
    source = f"STRATEGY t VERSION 1\nSYMBOLS a = SIM:S0 EVERY 1m\nRULES WHEN {call} > 0 THEN BUY a SIZING 1"
    registry = InstrumentRegistry.standard().with_layer({"S0": instrument("S0")})
    sources = {"SIM:S0": Memory("S0", TickTable(ts, np.full(20, 10.0), None, None, None), 333)}
    with pytest.raises(DataError, match="the data has no volumes"):
        run(load_text(source).strategy, sources, SessionSettings(instruments=registry))  # type: ignore[arg-type]
