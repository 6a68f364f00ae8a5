"""What the reference says of every call is what the call does."""

from __future__ import annotations

import re

import numpy as np
import pytest

from qkt.indicators import FUNCTION_REFERENCE, FUNCTIONS, INDICATOR_REFERENCE, REGISTRY, Feed
from tests.indicators.feeding import Bar, feed_one_by_one

MINUTE = 60_000
# Constants that a window of data can warm up, by how many there are; the exceptions by name.
CONSTANTS: dict[str, list[float]] = {"VARIANCE_RATIO": [3, 8], "STOCH_K": [5, 3], "STOCH_D": [5, 3]}
BY_COUNT: dict[int, list[float]] = {0: [], 1: [7], 2: [6, 2], 3: [4, 9, 3]}
COUNTED = [name for name, entry in INDICATOR_REFERENCE.items() if not entry.warmup.startswith("the ")]


def evaluated(text: str, name: str, constants: list[float]) -> int:
    """The value of `2n - 1` or `slow + signal - 1` for these constants."""
    names: dict[str, float] = {c.name: v for c, v in zip(REGISTRY[name].constants, constants, strict=True)}
    names["r"] = round(names.get("n", 0) ** 0.5)
    return int(eval(re.sub(r"(\d)([a-z])", r"\1 * \2", text), {}, names))


def inputs(feed: Feed, count: int) -> list[object]:
    random = np.random.default_rng(3)
    rows = (100 + np.cumsum(random.normal(size=(count, 3)), axis=0)).tolist()
    match feed:
        case Feed.NUMBER:
            return [row[0] for row in rows]
        case Feed.CONDITION:
            return [row[0] > 100 for row in rows]
        case Feed.PAIR | Feed.TICK:
            return [(row[0], abs(row[1])) for row in rows]
        case Feed.MULTI:
            return [tuple(row) for row in rows]
        case Feed.CANDLE:
            spans = [(i * MINUTE, (i + 1) * MINUTE) for i in range(count)]
            return [Bar(r[0], max(r), min(r), r[1], 5.0, *span) for r, span in zip(rows, spans, strict=True)]


def test_every_call_has_a_reference() -> None:
    assert set(INDICATOR_REFERENCE) == set(REGISTRY)
    assert set(FUNCTION_REFERENCE) == set(FUNCTIONS)
    assert all(e.meaning and e.formula and e.ready and e.series for e in INDICATOR_REFERENCE.values())
    assert all(e.meaning for e in FUNCTION_REFERENCE.values())


@pytest.mark.parametrize("name", COUNTED)
def test_the_bars_that_rules_wait_for_are_those_of_the_registry(name: str) -> None:
    constants = CONSTANTS.get(name, BY_COUNT[len(REGISTRY[name].constants)])
    assert REGISTRY[name].warmup(constants, MINUTE, 3) == evaluated(INDICATOR_REFERENCE[name].warmup, name, constants)


@pytest.mark.parametrize("name", [n for n in COUNTED if not INDICATOR_REFERENCE[n].ready.startswith("the ")])
def test_the_first_value_comes_when_the_reference_says(name: str) -> None:
    spec = REGISTRY[name]
    constants = CONSTANTS.get(name, BY_COUNT[len(spec.constants)])
    ready = evaluated(INDICATOR_REFERENCE[name].ready, name, constants)
    values = feed_one_by_one(spec.make(constants, 3), spec.feed, inputs(spec.feed, ready + 3))
    assert [v is None for v in values] == [True] * (ready - 1) + [False] * 4


def test_what_waits_for_a_day_waits_for_its_bars_and_one() -> None:
    waiting = [name for name, entry in INDICATOR_REFERENCE.items() if entry.warmup == "the bars of a day, and one"]
    constants = {"SESSION_RANGE_HIGH": [8, 0, 9, 0], "SESSION_RANGE_LOW": [8, 0, 9, 0]}
    for name in waiting:
        given = constants.get(name, [1.0] * len(REGISTRY[name].constants))
        assert REGISTRY[name].warmup(given, 60 * MINUTE) == 25


def test_a_hover_is_a_few_lines() -> None:
    assert INDICATOR_REFERENCE["RSI"].hover.splitlines() == [
        "rsi(number, n)",
        "relative strength index, 0 to 100",
        "100 - 100/(1 + G/L), G and L Wilder averages of gains and losses, seeded with the mean of the first n",
        "first value: input n + 1; warm-up: n + 1 bars",
    ]
    assert INDICATOR_REFERENCE["PIVOT_P"].hover.splitlines()[-1] == (
        "first value: the first candle after a complete day; warm-up: the bars of a day, and one"
    )
    assert INDICATOR_REFERENCE["MAX_OVER"].signature == "max(number) OVER n BARS"
    assert FUNCTION_REFERENCE["CLAMP"].hover == "clamp(x, lo, hi)\nx kept between lo and hi; Undefined for lo > hi"
