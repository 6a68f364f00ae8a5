"""Damaged files: a small part of what the nightly run tries."""

from __future__ import annotations

from random import Random

import pytest

from qkt.lang.loader import check_text
from qkt.lang.parser import parse
from tests.lang.damage import NESTS, NUMBERS, assert_survives, damaged

RULE = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nRULES WHEN k.close > 0 THEN "


@pytest.mark.parametrize("part", range(4))
def test_damaged_files_get_places_for_their_errors_in_no_time(part: int) -> None:
    for seed in range(part * 100, part * 100 + 100):
        assert_survives(damaged(Random(seed)))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_of_any_size_is_read_or_refused_wherever_it_stands(number: str) -> None:
    for place in (
        *("BUY k SIZING {}", "BUY k SIZING {} PCT RISK STOP LOSS BY {}", "BUY k SIZING 1 TAKE PROFIT {{ {} BY 1 }}"),
        *("BUY k SIZING 1 STACK {} SPACING 1", "BUY k SIZING ema(k.close, {})", "BUY k SIZING k.close[{}]"),
        *(
            "BUY k SIZING 1 TIME_EXIT AFTER {}",
            "LATCH k OFFSET 1 ARM {} {{ ENTER MARKET }}",
            "CLOSE k SCHEDULE AT {}:00 UTC THEN CLOSE k",
        ),
        *("CLOSE k PARAM p = -{}", "CLOSE k LET a = min(k.close) OVER {} BARS, b = a@T-{}"),
    ):
        assert_survives(RULE + place.replace("{}", number).replace("{{", "{").replace("}}", "}"))
    assert_survives(f"PORTFOLIO p VERSION {number} CAPITAL {number} IMPORT 'a' AS a RULES RUN a WEIGHT {number}")
    assert_survives(f"STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY {number} WARMUP {number} BARS")


@pytest.mark.parametrize(("before", "behind"), NESTS)
@pytest.mark.parametrize("depth", [50, 2_000])
def test_nesting_is_read_or_refused(before: str, behind: str, depth: int) -> None:
    for middle in ("1", "k.close", ""):
        assert_survives(f"{RULE}BUY k SIZING {before * depth}{middle}{behind * depth}")
    assert_survives(RULE + before * depth)


@pytest.mark.parametrize(
    "file",
    [
        "STRATEGY t VERSION 1 DEFAULTS {{ STOP_LOSS = {} TAKE_PROFIT = 1 }} SYMBOLS k = SIM:KLM EVERY 1m",
        "STRATEGY t VERSION 1 DEFAULTS {{ STOP_LOSS = 1 TAKE_PROFIT = {} }} SYMBOLS k = SIM:KLM EVERY 1m",
        "STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1m LET a = {}",
        "STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1m SEQUENCE s ON k {{ STAGE one: {} > 1 STAGE two: TRUE }}",
        "STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1m SCHEDULE AT 10:00 UTC THEN BUY k SIZING {}",
        "PORTFOLIO p VERSION 1 SYMBOLS k = SIM:KLM EVERY 1m LET a = {} RULES WHEN a > 1 RUN b",
    ],
)
def test_nesting_is_read_or_refused_in_every_block(file: str) -> None:
    for depth, deep in ((100, False), (300, True)):
        nested = "abs(" * depth + "k.close" + ")" * depth
        assert any(p.code == "QKT0310" for p in check_text(file.format(nested)).problems) is deep
        assert_survives(file.format(nested))


@pytest.mark.parametrize(
    ("written", "code"),
    [("1e309", "QKT0312"), ("1e-309", "QKT0312"), ("9" * 1_001, "QKT0312"), ("1e99999999999999999999", "QKT0312")],
)
def test_a_number_that_no_double_holds_is_refused_at_its_place(written: str, code: str) -> None:
    problem = parse(f"{RULE}BUY k SIZING {written}").problems[0]
    assert (problem.code, problem.span.line, problem.span.column) == (code, 3, 42)


@pytest.mark.parametrize("written", ["0.1", "123456789012345678901.123456789012345678901", "1e308", "1E-308", "9" * 300])
def test_a_number_of_many_digits_is_kept(written: str) -> None:
    assert check_text(f"{RULE}BUY k SIZING {written}").ok


@pytest.mark.parametrize("written", ["36526d", "99999999999s", "9" * 30 + "w"])
def test_a_duration_of_more_than_a_century_is_refused(written: str) -> None:
    problem = parse(f"{RULE}BUY k SIZING 1 TIME_EXIT AFTER {written}").problems[0]
    assert (problem.code, problem.span.column) == ("QKT0112", 60)
