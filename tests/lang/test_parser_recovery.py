"""Files with errors: everything wrong is said in one run, in words that help, and what can be read is still read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.lang import tree
from qkt.lang.diagnostics import Diagnostic
from qkt.lang.keywords import CONTEXTUAL, RESERVED
from qkt.lang.parser import parse
from tests.lang.tree_shape import assert_nested

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
HEADER = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\n"


def places(source: str) -> list[str]:
    return [f"{p.span.line}:{p.span.column}" for p in parse(source).problems]


def only(source: str) -> Diagnostic:
    (problem,) = parse(source).problems
    return problem


def test_every_block_and_rule_with_an_error_is_reported_once():
    source = """STRATEGY t VERSION 1
DEFAULTS { SIZING = , }
SYMBOLS k = SIM:KLM EVERY
LET a = 1 +
PARAM p = q
SCHEDULE AT 07:00 THEN CLOSE k
SEQUENCE s ON k { STAGE a k.close > 1 }
RULES
WHEN k.close > 1 THEN BUY
WHEN k.close 1 THEN CLOSE k
WHEN CASE WHEN k.close > THEN 1 WHEN a > 1 THEN 2 END > 1 THEN CLOSE k
FOR EACH s [k] DO WHEN s.close > 1 THEN CLOSE s
WHEN k.close > 1 THEN CLOSE k
"""
    assert places(source) == ["2:21", "4:1", "5:1", "5:11", "6:19", "7:27", "10:1", "10:14", "11:26", "12:12"]


def test_the_file_is_there_when_only_rules_are_lost():
    result = parse(HEADER + "LET a = 1 RULES WHEN a > THEN CLOSE k WHEN a > 2 THEN CLOSE k SCHEDULE AT THEN CLOSE k")
    assert len(result.problems) == 2
    assert isinstance(result.file, tree.Strategy)
    assert len(result.file.rules) == 1


@pytest.mark.parametrize("block", ["LET a = 1 +", "PARAM p =", "DEFAULTS { SIZING }", "SYNCHRONIZE k", "SEQUENCE s ON k { }"])
def test_the_file_is_not_there_when_names_are_lost(block):
    assert parse(HEADER + block + " RULES WHEN k.close > 2 THEN CLOSE k").file is None


def test_an_error_in_a_loop_leaves_the_loop():
    braced = parse(HEADER + "RULES FOR EACH s IN k DO { WHEN s.close > THEN CLOSE s WHEN s.close > 1 THEN CLOSE s }")
    open_ = parse(HEADER + "RULES FOR EACH s IN k DO WHEN s.close > THEN CLOSE s WHEN s.close > 1 THEN CLOSE s")
    for result in (braced, open_):
        assert len(result.problems) == 1
        assert isinstance(result.file, tree.Strategy)
        (loop,) = result.file.rules
        assert isinstance(loop, tree.ForEach)
        assert len(loop.rules) == 1


@pytest.mark.parametrize(
    ("body", "place", "hint"),
    [
        ("RULES WEHN k.close > 1 THEN CLOSE k", "3:7", "Did you mean WHEN?"),
        ("RULES WHEN k.close > 1 THEN BYU k SIZING 1", "3:29", "Did you mean BUY?"),
        ("RULES WHEN k.close > 1 THEN BUY k SIZING 1 BRACKT { STOP LOSS BY 1 }", "3:44", "Did you mean BRACKET?"),
        ("RULES WHEN k.close CROSES ABOVE 1 THEN CLOSE k", "3:20", "Did you mean CROSSES?"),
        ("RULES WHEN k.close > 1 TEHN CLOSE k", "3:24", "Did you mean THEN?"),
        ("RULE WHEN k.close > 1 THEN CLOSE k", "3:1", "Did you mean RULES?"),
        ('RULES WHEN k.close > 1 THEN LOG "x" a=1 WHNE k.close > 2 THEN CLOSE k', "3:41", "Did you mean WHEN?"),
        ("SCHEDUL AT 07:00 UTC THEN CLOSE k", "3:1", "Did you mean SCHEDULE?"),
    ],
)
def test_a_misspelt_word_is_guessed_and_reading_goes_on(body, place, hint):
    problem = only(HEADER + body)
    assert f"{problem.span.line}:{problem.span.column}" == place
    assert hint in (problem.hint or "")
    assert parse(HEADER + body).file is not None


@pytest.mark.parametrize(
    ("body", "place", "hint"),
    [
        ("RULES WHEN k.close > 1 BUY k SIZING 1", "3:24", "expected THEN"),
        ("RULES WHEN k.close > 1 CLOSE k", "3:24", "expected THEN"),
        ("RULES FOR EACH s IN k WHEN s.close > 1 THEN CLOSE s", "3:23", "expected DO"),
        ("WHEN k.close > 1 THEN CLOSE k WHEN k.close > 2 THEN CLOSE k", "3:1", "write RULES before it"),
    ],
)
def test_a_missing_word_is_named_once(body, place, hint):
    problem = only(HEADER + body)
    assert f"{problem.span.line}:{problem.span.column}" == place
    assert hint in (problem.hint or "")


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("", "unexpected end of the file", "a file begins with STRATEGY name VERSION 1, or with PORTFOLIO"),
        ("PORTFOLI p VERSION 1 IMPORT 'a' AS a", "unexpected 'PORTFOLI'", "did you mean PORTFOLIO?"),
        (HEADER + "LET stop = 1", "unexpected 'stop'", "expected a name; STOP is a word of the language and cannot be a name"),
        (HEADER + "LET a = ", "unexpected end of the file", "expected an expression"),
        (HEADER + "RULES WHEN k.close > 1 THEN", "unexpected end of the file", "expected an action (BUY, SELL, CLOSE, …)"),
        (HEADER + "RULES WHEN k.close > 1 )", "unexpected ')'", "expected THEN or an operator"),
        (HEADER + "IMPORT 'a' AS a", "unexpected 'IMPORT'", "a strategy has no IMPORT"),
        ("PORTFOLIO p VERSION 1 DEFAULTS { }", "unexpected 'DEFAULTS'", "a portfolio has no DEFAULTS"),
        (
            HEADER + "SCHEDULE AT 07:30 THEN CLOSE k",
            "unexpected 'THEN'",
            "expected ',', ':' or a time zone (UTC, NY, LONDON, TOKYO, SYDNEY, CHICAGO, BROKER)",
        ),
        (
            HEADER + "RULES WHEN k.close > 1 THEN BUY k SIZING 1 BRACKET { STOP LOSS BY 1, }",
            "unexpected '}'",
            "expected STOP LOSS, TAKE PROFIT",
        ),
    ],
)
def test_errors_speak_the_language(source, message, hint):
    problem = only(source)
    assert (problem.message, problem.hint) == (message, hint)


def test_a_file_without_a_readable_header_is_read_nevertheless():
    result = parse("STRATEGY VERSION 1 SYMBOLS k = SIM:K EVERY 1m RULES WHEN k.close > THEN CLOSE k")
    assert len(result.problems) == 2
    assert result.file is not None
    assert parse("PORTFOLIO VERSION 1 IMPORT 'a' AS a RULES RUN 5").problems[1].span.column == 47


@pytest.mark.parametrize("behind", ["\nRULES", ", m = SIM:MNO EVERY 1m"])
def test_a_timeframe_without_its_unit_is_asked_for_it(behind):
    problem = only("STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 15" + behind)
    assert problem.hint == "expected the unit of 15: s, m, h, d or w"


def test_problems_stand_in_the_order_of_the_text():
    problems = parse(HEADER + "RULES WHEN NOW.x > THEN CLOSE k WHEN k.close ~ 1 THEN CLOSE k WHEN NOW.y THEN").problems
    assert [p.span.column for p in problems] == sorted(p.span.column for p in problems)
    assert [p.code for p in problems] == ["QKT0133", "QKT0100", "QKT0001", "QKT0133", "QKT0100"]


# ----------------------------------------------------------------------------------------------------- whatever is written

_WORDS = sorted(RESERVED | CONTEXTUAL)
_PIECES = [
    *_WORDS,
    *("(", ")", "[", "]", "{", "}", ",", ".", ";", ":", "=", "==", "<", ">=", "->", "+", "-", "*", "/", "%", "@", "$", "% OF"),
    "k",
    "k.close",
    "1",
    "0.5",
    "15m",
    "'x'",
    '"',
    "~",
]
_SOUP = st.lists(st.sampled_from(_PIECES), max_size=40).map(" ".join)
_GOLDEN = [path.read_text() for path in sorted(GOLDEN.glob("*/*.qkt"))] or [HEADER + "RULES WHEN k.close > 1 THEN CLOSE k"]


def assert_sound(source: str) -> None:
    result = parse(source)
    lines = source.split("\n")
    for problem in result.problems:
        span = problem.span
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert span.end_column <= len(lines[span.end_line - 1]) + 1
    if result.file is None:
        assert any(p.severity == "error" for p in result.problems)
    else:
        assert_nested(result.file, source)


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_text_raises(source):
    assert_sound(source)
    assert_sound(HEADER + source)


@given(_SOUP)
@settings(max_examples=250, deadline=None)
def test_no_heap_of_words_raises(soup):
    assert_sound(HEADER + soup)
    assert_sound("PORTFOLIO p VERSION 1 " + soup)


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_no_damage_to_a_real_file_raises(data):
    source = data.draw(st.sampled_from(_GOLDEN))
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 30)))
    assert_sound(source[:start] + data.draw(st.sampled_from(["", " ", *_PIECES])) + source[end:])
