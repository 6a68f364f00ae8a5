"""The shared cases of the indicator specification: which calls compile, what they wait for, what streams they read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qkt.lang.loader import check_text, load_text
from tests.lang.fake_context import Run

CASES = Path(__file__).parents[3] / "shared" / "spec" / "indicators_cases.json"
DATA: dict[str, Any] = json.loads(CASES.read_text()) if CASES.exists() else {}
STREAMS = "STRATEGY t VERSION 1\nSYMBOLS a = SIM:AAA EVERY 1m, b = SIM:BBB EVERY 1m, h = SIM:HHH EVERY 1h\n"

pytestmark = pytest.mark.skipif(not DATA, reason=f"{CASES} is not there")


def cases(section: str) -> list[Any]:
    return DATA.get(section, [])


def errors(expression: str) -> list[str]:
    source = f'{STREAMS}LET v = {expression}\nRULES WHEN v IS NOT NULL THEN LOG "seen"'
    return [p.code for p in check_text(source).problems if p.severity == "error"]


@pytest.mark.parametrize("expression", [*cases("accepted"), *cases("extensions_accepted")])
def test_accepted(expression: str) -> None:
    assert errors(expression) == []


@pytest.mark.parametrize("case", cases("rejected"), ids=lambda c: c["expression"])
def test_rejected(case: dict[str, str]) -> None:
    assert errors(case["expression"])


@pytest.mark.parametrize("case", cases("warmup_inference"), ids=lambda c: c["expression"])
def test_warm_up(case: dict[str, Any]) -> None:
    source = f'{STREAMS}LET v = {case["expression"]}\nRULES WHEN v IS NOT NULL THEN LOG "seen"'
    streams = load_text(source).strategy.streams
    assert {s.alias: s.warmup for s in streams if s.warmup} == case["bars"]


@pytest.mark.parametrize("case", cases("stream_scenarios"), ids=lambda c: c["id"])
def test_streams(case: dict[str, Any]) -> None:
    group = f"SYNCHRONIZE {' '.join(case['synchronize'])}\n" if case["synchronize"] else ""
    rules = "\n".join(f'WHEN ON {alias} TRUE THEN LOG "{{v}}" v=v' for alias in "ab")
    run = Run(f"{STREAMS}{group}LET v = {case['expression']}\nRULES {rules}")
    got = []
    for alias, bar, close in case["events"]:
        run.close(close, alias=alias, start=bar * 60_000)
        for rule in range(2):
            run.strategy.rearm(rule)
        got.append(run.context.lines[-1][1] if run.context.lines else "undefined")
    tolerance = 1e-9 + case["abs_q8"]
    for text, expected in zip(got, case["expected"], strict=True):
        if expected is None:
            assert text == "undefined"
        else:
            assert float(text) == pytest.approx(expected, rel=1e-9, abs=tolerance)


@pytest.mark.parametrize("call", ["obv(k)", "vwap_session(k, 0)", "vwap(k.tick, 5)", "obv(e)"])
def test_what_has_no_volume_feeds_no_volume_indicator(call: str) -> None:
    streams = STREAMS + "k = BASKET EQUAL_WEIGHT [a, b] EVERY 1m\ne = SERIES ACCOUNT.EQUITY EVERY 1m\n"
    source = f'{streams}RULES WHEN {call} > 0 THEN LOG "seen"'
    assert [p.code for p in check_text(source).problems if p.severity == "error"] == ["QKT0304"]
    allowed = source.replace(call, "ema(k.close, 5)")
    assert check_text(allowed).ok
