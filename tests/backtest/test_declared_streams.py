"""What strategies in the language declare runs the same at both speeds of replay: baskets, groups, schedules, sequences,
snapshots, statistics, the account's equity."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.backtest.record import RunRecord, Timing
from qkt.backtest.runner import run
from qkt.core.errors import StrategyError
from qkt.core.instruments import InstrumentRegistry
from qkt.data import TickTable
from qkt.engine import SessionSettings
from qkt.lang.loader import load_text
from tests.backtest.random_run import START, Memory, tape
from tests.market import instrument

HEAD = "STRATEGY t VERSION 1\nSYMBOLS a = SIM:S0 EVERY 1m, b = SIM:S1 EVERY 1m, c = SIM:S0 EVERY 5m"

PROGRAMS = {
    "group": """ SYNCHRONIZE a b WITHIN 5s
LET gap = a.close - b.close
RULES WHEN gap > sma(gap, 2) AND POSITION.a = 0 THEN BUY a SIZING 0.1 ; SELL b SIZING 0.1
WHEN gap < sma(gap, 2) AND POSITION.a > 0 THEN CLOSE a ; CLOSE b
WHEN ON b b.close > 0 THEN LOG "{t} {g}" t=NOW g=gap""",
    "endless group": """ SYNCHRONIZE b a
RULES WHEN a.close > b.close THEN BUY a SIZING 0.1 WHEN ON b a.close < b.close THEN CLOSE a""",
    "basket": """, g = BASKET EQUAL_WEIGHT [a, b] EVERY 1m
RULES WHEN ON g g.close > ema(g.close, 4) AND POSITION.a = 0 THEN BUY a SIZING 0.1
WHEN ON g g.close < ema(g.close, 4) AND POSITION.a > 0 THEN CLOSE a
WHEN ON g g.close > g.open THEN LOG "{g} {p}" g=g.close p=POSITION.g""",
    "schedule": """
SCHEDULE EVERY HOUR AT :07 THEN BUY a SIZING 0.1 STOP_LOSS BY 0.4
EVERY WEEKDAY AT 11:31 LONDON THEN SELL b SIZING 0.1
AT 10:02:30, 10:45 UTC THEN LOG "{t} {a} {c} {e}" t=NOW a=a.close c=c.close e=ACCOUNT.trades_today
EVERY DAY AT 12:00 TOKYO THEN CLOSE_ALL""",
    "sequence": """
SEQUENCE s ON a { STAGE down: a.close < a.open STAGE up WITHIN 9m: a.close > a.open STAGE high: a.close > a.high[1] }
RULES WHEN SEQUENCE.s.complete AND POSITION.a = 0 THEN BUY a SIZING 0.1
WHEN SEQUENCE.s.stage = 1 AND a.close < SEQUENCE.s.down.price THEN CLOSE a
WHEN ON c SEQUENCE.s.stage >= 1 THEN LOG "{t} {n}" t=SEQUENCE.s.down.time n=SEQUENCE.s.stage""",
    "snapshots": """
LET px = a.close, r = a.high - a.low
RULES WHEN px > MEAN(a.close) SINCE T-4 AND POSITION.a = 0 THEN BUY a SIZING 0.1
WHEN POSITION.a > 0 AND px < MAX(a.high) SINCE OPEN - 0.1 - r@buy THEN CLOSE a
WHEN POSITION.a > 0 AND (px < px@open - 0.05 OR px > px@T-3 + 0.5) THEN SELL a SIZING 0.2
WHEN POSITION.a < 0 AND px > px@sell THEN CLOSE a""",
    "equity": """, e = SERIES ACCOUNT.EQUITY EVERY 2m
RULES WHEN a.close > sma(a.close, 3) AND POSITION.a = 0 THEN BUY a SIZING 1
WHEN POSITION.a > 0 AND e.close < e.high THEN CLOSE a
WHEN ON e e.high > e.low THEN LOG "{t} {o} {h} {l} {c}" t=NOW o=e.open h=e.high l=e.low c=e.close""",
    "statistic": """, r = MACRO:RATE EVERY 1h
RULES WHEN r.value > sma(r.close, 2) AND POSITION.a = 0 THEN BUY a SIZING 0.1
WHEN ON r TRUE THEN LOG "{t} {v}" t=NOW v=r.value
WHEN r.value < 0 AND a.close > 0 THEN CLOSE a""",
}


def parted(table: TickTable, seed: int) -> list[TickTable]:
    """One tape given to two symbols at random: they live at the same time, and rows of one timestamp fall to both."""
    first = np.random.default_rng(seed).random(len(table)) < 0.5
    first[:2] = (True, False)
    columns = (table.ts, table.price, table.bid, table.ask, table.volume)
    return [TickTable(*(None if column is None else column[rows] for column in columns)) for rows in (first, ~first)]


def rates(seed: int, ticks: int) -> TickTable:
    """A statistic that is published now and then and may be negative."""
    rng = np.random.default_rng(seed)
    ts = START + np.sort(rng.integers(0, 200_000 * ticks, max(2, ticks // 20)))
    return TickTable(ts, rng.integers(-3, 4, len(ts)) / 4)


def trade(program: str, seed: int, ticks: int, rows: int, *, quoted: bool = True, every_tick: bool = False) -> RunRecord:
    source = HEAD + PROGRAMS[program]
    tables = {f"SIM:S{n}": table for n, table in enumerate(parted(tape(seed, 2 * ticks, quoted), seed))}
    if "MACRO" in source:
        tables["MACRO:RATE"] = rates(seed, ticks)
    sources = {name: Memory(name.partition(":")[2], table, rows) for name, table in tables.items()}
    terms = {f"S{n}": instrument(f"S{n}", contract_size=Decimal(100)) for n in range(2)}
    registry = InstrumentRegistry.standard().with_layer(terms)
    record = run(load_text(source).strategy, sources, SessionSettings(instruments=registry), every_tick=every_tick)
    return replace(record, timing=Timing(0, 0))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(PROGRAMS)),
    st.integers(0, 10_000),
    st.integers(2, 250),
    st.sampled_from([7, 50, 10_000]),
    st.booleans(),
)
def test_both_speeds_are_one_run(program: str, seed: int, ticks: int, rows: int, quoted: bool) -> None:
    fast = trade(program, seed, ticks, rows, quoted=quoted)
    slow = trade(program, seed, ticks, rows, quoted=quoted, every_tick=True)
    assert fast.replay == ("every-tick" if program == "equity" else "fast")
    assert replace(fast, replay="") == replace(slow, replay="")


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_of_them_does_something(program: str) -> None:
    """The property would be empty if nothing happened."""
    record = trade(program, 3, 2_500, 333)
    assert record.trades
    assert record.logs or "LOG" not in PROGRAMS[program]


def ticks_of(rows: list[tuple[int, float]], symbol: str = "KLM", rows_per_table: int = 100) -> Memory:
    ts, prices = zip(*rows, strict=True)
    return Memory(symbol, TickTable(np.array(ts), np.array(prices, float)), rows_per_table)


def small(source: str, *, every_tick: bool = False, **rows: list[tuple[int, float]]) -> RunRecord:
    """A run over ticks (ms, price) of `KLM` and others, from the epoch on."""
    terms = {name: instrument(name) for name in rows}
    registry = InstrumentRegistry.standard().with_layer(terms)
    sources = {("MACRO:" if name == "RATE" else "SIM:") + name: ticks_of(ticks, name) for name, ticks in rows.items()}
    return run(load_text(source).strategy, sources, SessionSettings(instruments=registry), every_tick=every_tick)


@pytest.mark.parametrize("every_tick", [False, True])
def test_32_missed_instants_of_a_schedule_are_made_up_for(every_tick: bool) -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nSCHEDULE EVERY HOUR AT :01 THEN BUY k SIZING k.close"
    record = small(source, every_tick=every_tick, KLM=[(0, 3), (59_000, 4), (61_000, 5), (7_300_000, 6)])
    assert [(row.timestamp, row.quantity) for row in record.trades] == [(61_000, 4), (7_300_000, 5), (7_300_000, 5)]


def test_a_schedule_without_a_candle_yet_is_left_out() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 2h\nSCHEDULE EVERY HOUR AT :01 THEN BUY k SIZING 1"
    record = small(source, KLM=[(0, 3), (5_000_000, 4), (7_300_000, 5), (11_000_000, 6)])
    assert [row.timestamp for row in record.trades] == [7_300_000, 11_000_000]


def test_each_instant_is_evaluated_as_of_its_own_time() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nSCHEDULE EVERY HOUR AT :01 THEN LOG '{t} {h}' t=NOW h=NOW.hour_utc"
    )
    record = small(source, KLM=[(0, 3), (59_000, 4), (61_000, 5), (7_300_000, 6)])
    assert [line.text for line in record.logs] == ["60000 0", "3660000 1", "7260000 2"]


def test_the_brokers_time_needs_a_broker() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nSCHEDULE EVERY DAY AT 10:00 BROKER THEN BUY k SIZING 1"
    with pytest.raises(StrategyError, match="time zone BROKER"):
        small(source, KLM=[(0, 3), (60_000, 4)])


def test_equity_is_sampled_before_the_tick_closes_candles() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, e = SERIES ACCOUNT.EQUITY EVERY 1m\n"
        "RULES WHEN k.close > 0 AND POSITION.k = 0 THEN BUY k SIZING 1\n"
        "WHEN ON e e.close > 0 THEN LOG '{o} {h} {l} {c}' o=e.open h=e.high l=e.low c=e.close\n"
        "WHEN k.close = 12 AND e.close > 0 THEN LOG 'k sees {c}' c=e.close"
    )
    # Bought at 10 on the second tick; the second window then sees 10005, 10002.
    record = small(source, KLM=[(0, 10), (60_000, 10), (90_000, 15), (110_000, 12), (120_000, 20)])
    texts = [line.text for line in record.logs]
    assert texts[0] == "10000 10000 10000 10000"
    assert texts[-1] == "k sees 10002"


def test_every_observation_of_a_statistic_is_a_candle_at_once_and_may_be_negative() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, r = MACRO:RATE EVERY 1d\n"
        "RULES WHEN ON r r.value <> 99 THEN LOG '{t} {o} {h} {l} {v}' t=NOW o=r.open h=r.high l=r.low v=r.value"
    )
    for every_tick in (False, True):
        record = small(source, every_tick=every_tick, KLM=[(0, 10), (90_000, 11)], RATE=[(5_000, -0.5)])
        assert [line.text for line in record.logs] == [f"{5_000 + 86_400_000} -0.5 -0.5 -0.5 -0.5"]
        assert record.symbols == ("SIM:KLM",)


def test_a_strategy_needs_a_market() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS r = MACRO:RATE EVERY 1d\nRULES WHEN r.value > 0 THEN LOG 'x'"
    with pytest.raises(StrategyError, match="no market"):
        small(source, RATE=[(0, 1.0)])
