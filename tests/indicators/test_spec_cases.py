"""The vectors of the indicator specification."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from qkt.indicators import FUNCTIONS, REGISTRY, Feed
from tests.indicators.feeding import CANDLE_FIELDS, Bar, feed_column, feed_one_by_one

FILE = Path(__file__).resolve().parents[2].parent / "shared" / "spec" / "indicators_cases.json"
CASES: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
TIMEFRAMES = {"a": 60_000, "b": 60_000, "h": 3_600_000}
AGGREGATES = {"MIN": "MIN_OVER", "MAX": "MAX_OVER", "SUM": "SUM", "MEAN": "AVG"}
CALL = re.compile(r"(?P<name>\w+)\((?P<args>[^()]*)\)$")
NUMBER = re.compile(r"[\d.]+(e\d+)?$")

pytestmark = pytest.mark.skipif(not CASES, reason=f"the vectors of the specification are not at {FILE}")


def entries(section: str) -> list[Any]:
    found = CASES.get(section, [])
    return [pytest.param(e, id=e.get("id") or f"{e['name']}-{i}") for i, e in enumerate(found)]


def tolerance() -> tuple[float, float]:
    stated = CASES["about"]["tolerance"]
    return stated["relative"], stated["absolute"]


def number(value: float | None) -> float | None:
    return None if value is None else float(value)


def inputs_of(entry: dict[str, Any]) -> list[Any]:
    columns = entry["inputs"]
    match REGISTRY[entry["name"]].feed:
        case Feed.NUMBER:
            return [float(v) for v in columns["close"]]
        case Feed.CONDITION:
            return list(columns["cond"])
        case Feed.TICK:
            return [(float(p), number(v)) for p, v in zip(columns["price"], columns["volume"], strict=True)]
        case Feed.CANDLE:
            count = len(entry["expected"])
            filled = [columns.get(f, [0] * count) for f in CANDLE_FIELDS]
            prices = [[number(v) for v in column] for column in filled[:5]]
            return [Bar(*row) for row in zip(*prices, *filled[5:], strict=True)]
        case _:
            legs = [columns[name] for name in ("close", "close_b", "close_c") if name in columns]
            return [tuple(float(v) for v in row) for row in zip(*legs, strict=True)]


def assert_equal(got: list[float | None], expected: list[float | None]) -> None:
    relative, absolute = tolerance()
    assert [v is None for v in got] == [v is None for v in expected]
    for bar, (g, e) in enumerate(zip(got, expected, strict=True)):
        if g is not None and e is not None:
            assert abs(g - e) <= relative * abs(e) + absolute, f"bar {bar}: {g!r}, expected {e!r}"


@pytest.mark.parametrize("form", [feed_one_by_one, feed_column])
@pytest.mark.parametrize("entry", entries("indicator_cases") + entries("worked_examples"))
def test_an_indicator_gives_the_values_of_the_specification(entry: dict[str, Any], form: Any) -> None:
    spec = REGISTRY[entry["name"]]
    inputs = inputs_of(entry)
    series = len(inputs[0]) if spec.feed in (Feed.PAIR, Feed.MULTI) else 1
    assert spec.series_fits(series)
    assert spec.check(entry["args"], series) is None
    assert_equal(form(spec.make(entry["args"], series), spec.feed, inputs), entry["expected"])


# Aggregates since the position opened belong to the language.
ROLLING = [p for p in entries("aggregate_cases") if p.values[0]["window"].startswith("T-")]


@pytest.mark.parametrize("entry", ROLLING)
def test_a_rolling_aggregate_is_the_windowed_indicator(entry: dict[str, Any]) -> None:
    indicator = REGISTRY[AGGREGATES[entry["fn"]]].make([float(entry["window"][2:])])
    got = [indicator.value if x is None else indicator.update(float(x)) for x in entry["inputs"]["close"]]
    assert_equal(got, entry["expected"])


@pytest.mark.parametrize("entry", entries("function_cases"))
def test_a_function_gives_the_value_of_the_specification(entry: dict[str, Any]) -> None:
    spec = FUNCTIONS[entry["name"]]
    assert spec.min_args <= len(entry["args"]) <= (spec.max_args or math.inf)
    assert_equal([spec.call(*map(float, entry["args"]))], [entry["expected"]])


def call_of(expression: str) -> tuple[str, list[str], list[float]] | None:
    """Name, series and constants of a single call over plain series."""
    match = CALL.match(expression)
    if match is None or match["name"].upper() not in REGISTRY:
        return None
    arguments = [a.strip() for a in match["args"].split(",")]
    count = len(REGISTRY[match["name"].upper()].constants)
    cut = len(arguments) - count
    series, constants = arguments[:cut], arguments[cut:]
    if not all(NUMBER.match(c) for c in constants) or any(NUMBER.match(s) for s in series[:1]):
        return None
    return match["name"].upper(), series, [float(c) for c in constants]


def expressions(section: str, why: str = "") -> list[Any]:
    """The entries that are single calls, refused for a reason that matches."""
    found = [e if isinstance(e, dict) else {"expression": e, "why": ""} for e in CASES.get(section, [])]
    wanted = [e for e in found if call_of(e["expression"]) and re.search(why, e.get("why", ""))]
    return [pytest.param(e, id=e["expression"]) for e in wanted]


@pytest.mark.parametrize("entry", expressions("warmup_inference"))
def test_a_call_charges_the_warm_up_of_the_specification(entry: dict[str, Any]) -> None:
    call = call_of(entry["expression"])
    assert call is not None
    name, series, constants = call
    alias = series[0].partition(".")[0]
    assert REGISTRY[name].warmup(constants, TIMEFRAMES[alias], len(series)) == entry["bars"][alias]


@pytest.mark.parametrize("entry", expressions("accepted") + expressions("extensions_accepted"))
def test_an_accepted_call_has_acceptable_constants(entry: dict[str, Any]) -> None:
    call = call_of(entry["expression"])
    assert call is not None
    name, series, constants = call
    assert REGISTRY[name].series_fits(len(series))
    assert REGISTRY[name].check(constants, len(series)) is None


# The other reasons are about the kind of a series, which the language checks.
ABOUT_CONSTANTS = "minimum|not an integer|out of range|empty window|wrap midnight|exceed|arity|no regressor|no peer"


@pytest.mark.parametrize("entry", expressions("rejected", ABOUT_CONSTANTS))
def test_a_call_with_bad_constants_is_refused_with_a_sentence(entry: dict[str, Any]) -> None:
    call = call_of(entry["expression"])
    assert call is not None
    name, series, constants = call
    spec = REGISTRY[name]
    refused = not spec.series_fits(len(series)) or spec.check(constants, len(series)) is not None
    assert refused, entry["why"]
