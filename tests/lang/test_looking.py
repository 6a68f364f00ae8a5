"""What a rule's terms are worth: exactly what the rule itself saw, and nothing is changed by looking."""

from __future__ import annotations

import copy
from pathlib import Path

from qkt.lang.compiled import CompiledStrategy
from tests.runtime.samples import machine, ticks

EVERYTHING = """STRATEGY looked VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
    slow = SIM:EURUSD EVERY 5m
PARAM edge = 1.0995
LET quick = ema(eu.close, 3),
    calm = ema(eu.close, 8),
    span = highest(eu.high, 5) - lowest(eu.low, 5)
RULES
    WHEN quick CROSSES ABOVE calm THEN LOG "up"
    WHEN quick > calm AND eu.close > edge THEN LOG "above"
    WHEN NOT (rsi(eu.close, 5) BETWEEN 30 AND 70) OR span IS NULL THEN LOG "far"
    WHEN eu.close[3] < eu.close AND abs(eu.open - eu.close) / span > 0.1 THEN LOG "moved"
    WHEN slow.close > sma(slow.close, 3) AND NOW.minute_utc % 2 = 0 THEN LOG "slow"
    WHEN CASE WHEN quick > calm THEN eu.high ELSE eu.low END > edge THEN LOG "case"
    WHEN POSITION.eu = 0 AND OPEN_ORDERS.eu = 0 AND ACCOUNT.equity > 1 THEN LOG "flat"
    WHEN calm CROSSES BELOW edge OR eu.close IN [1, 2, 3] THEN LOG "cross"
"""
WARM, ON_SLOW = 40, 4


def test_a_condition_is_worth_what_the_rule_itself_saw(tmp_path: Path) -> None:
    one = machine(tmp_path, EVERYTHING)
    strategy = one.strategy
    assert isinstance(strategy, CompiledStrategy)
    closed, met, bars = 0, [0] * len(strategy.rules), one.candles
    for tick in ticks(4500):
        before = bars.last.get("eu")
        one.tick(tick)
        now = bars.last.get("eu")
        if now is before or now is None:
            continue
        closed += 1
        if closed < WARM:
            continue
        memory = copy.deepcopy(strategy.memory)
        for index, fired in enumerate(memory.fired):
            if index == ON_SLOW and bars.last["slow"].end == now.end:
                continue  # the longer bar closed after the rule had looked
            terms = strategy.look(index, bars.last, now.end)
            assert terms[0].value == str(fired).upper(), (index, terms)
            met[index] += fired
        assert strategy.memory == memory
    assert closed > 50
    assert all(count > 0 for count in met[:7]), met


def test_terms_stand_below_what_they_are_part_of(tmp_path: Path) -> None:
    one = machine(tmp_path, EVERYTHING)
    for tick in ticks(1500):
        one.tick(tick)
    strategy = one.strategy
    assert isinstance(strategy, CompiledStrategy)
    terms = strategy.look(1, one.candles.last, one.last_ts)
    assert [(term.depth, term.text) for term in terms][:4] == [
        (0, "ema(eu.close, 3) > ema(eu.close, 8) AND eu.close > 1.0995"),
        (1, "ema(eu.close, 3) > ema(eu.close, 8)"),
        (2, "ema(eu.close, 3)"),
        (3, "eu.close"),
    ]
    close = one.candles.last["eu"].close
    assert {term.value for term in terms if term.text == "eu.close"} == {f"{close:.12g}"}


def test_a_strategy_that_has_not_started_has_no_values(tmp_path: Path) -> None:
    strategy = machine(tmp_path, EVERYTHING).strategy
    assert isinstance(strategy, CompiledStrategy)
    assert strategy.look(0, {}, 0) == ()
