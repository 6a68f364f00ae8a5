"""Mistakes are found all at once, each at its exact place, with a code and a way out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qkt import lang
from qkt.core.errors import StrategyError
from qkt.lang import LanguageError, check, load
from qkt.lang.codes import CODES
from qkt.lang.diagnostics import Diagnostic
from qkt.lang.loader import check_text, load_text
from tests.lang.fake_context import PREAMBLE, TWO, Run

ALWAYS = "RULES WHEN k.close > 0 THEN "


def errors(text: str, preamble: str = PREAMBLE) -> list[Diagnostic]:
    return [p for p in check_text(preamble + text).problems if p.severity == "error"]


def warnings(text: str, preamble: str = PREAMBLE) -> list[Diagnostic]:
    return [p for p in check_text(preamble + text).problems if p.severity == "warning"]


def covered(source: str, problem: Diagnostic) -> str:
    line = source.split("\n")[problem.span.line - 1]
    return line[problem.span.column - 1 : problem.span.end_column - 1]


MISTAKES = [
    # names
    ("RULES WHEN kk.close > 1 THEN CLOSE k", "QKT0203", "kk", "did you mean 'k'?"),
    ("RULES WHEN gold > 1 THEN CLOSE k", "QKT0201", "gold", None),
    ("LET slow = 1\nRULES WHEN k.close > slwo THEN CLOSE k", "QKT0201", "slwo", "did you mean 'slow'?"),
    ("RULES WHEN k.clsoe > 1 THEN CLOSE k", "QKT0204", "clsoe", "did you mean 'close'?"),
    ("RULES WHEN emma(k.close, 3) > 1 THEN CLOSE k", "QKT0205", "emma", "did you mean 'ema'?"),
    ("RULES WHEN ACCOUNT.equty > 1 THEN CLOSE k", "QKT0206", "equty", "did you mean 'equity'?"),
    ("RULES WHEN STREAK.losing > 1 THEN CLOSE k", "QKT0206", "losing", "fields of STREAK"),
    ("RULES WHEN ACCOUNT.Equity > 1 THEN CLOSE k", "QKT0206", "Equity", "did you mean 'equity'?"),
    ("RULES WHEN OPEN_ORDERS.z > 1 THEN CLOSE k", "QKT0203", "z", "streams declared in SYMBOLS: k"),
    ("RULES WHEN k.close > 1 THEN CLOSE z", "QKT0203", "z", "streams declared in SYMBOLS: k"),
    ('RULES WHEN k.close > 1 THEN LOG "x" y=z.close', "QKT0203", "z", None),
    ("LET k.x = 1", None, None, None),
    ("LET a = 1, a = 2\nRULES WHEN k.close > a THEN CLOSE k", "QKT0202", "a", None),
    ("PARAM a = 1 LET a = 2\nRULES WHEN k.close > a THEN CLOSE k", "QKT0202", "a", None),
    ("LET unused = nothing", "QKT0201", "nothing", None),
    ("RULES FOR EACH s IN [k, q] DO WHEN s.close > 1 THEN CLOSE s", "QKT0203", "q", None),
    ("RULES WHEN SYMBOL.close > 1 THEN CLOSE k", "QKT0208", "SYMBOL.close", None),
    (ALWAYS + "BUY k SIZING ENTRY_QTY", "QKT0209", "ENTRY_QTY", None),
    # calls
    ("RULES WHEN sqrt(k.close, 2) > 1 THEN CLOSE k", "QKT0301", "sqrt(k.close, 2)", "it takes 1"),
    ("RULES WHEN ema(k.close, 5, 6) > 1 THEN CLOSE k", "QKT0301", "ema", "ema(number, n)"),
    ("RULES WHEN ema(k.close, 2+1) > 1 THEN CLOSE k", "QKT0302", "2+1", None),
    ("LET n = 3*1\nRULES WHEN ema(k.close, n) > 1 THEN CLOSE k", "QKT0302", "n", None),
    ("RULES WHEN ema(k.close, 5m) > 1 THEN CLOSE k", "QKT0302", "5m", None),
    ("RULES WHEN ema(k.close, 2.5) > 1 THEN CLOSE k", "QKT0303", "2.5", "whole number"),
    ("RULES WHEN ema(k.close, 3000000000) > 1 THEN CLOSE k", "QKT0303", "3000000000", None),
    ("RULES WHEN atr(k.close, 5) > 1 THEN CLOSE k", "QKT0304", "k.close", "atr(k.candle"),
    ("RULES WHEN ema(k.close > 1, 5) > 1 THEN CLOSE k", "QKT0304", "k.close > 1", None),
    ("RULES WHEN count(k.close, 5) > 1 THEN CLOSE k", "QKT0304", "k.close", None),
    ("RULES WHEN ema(k.bid, 5) > 1 THEN CLOSE k", "QKT0304", "k.bid", "bid + 0"),
    ("RULES WHEN ema(ACCOUNT.equity, 5) > 1 THEN CLOSE k", "QKT0305", "ACCOUNT.equity", None),
    ("RULES WHEN k.close < 5 < 6 THEN CLOSE k", "QKT0306", None, None),
    ("RULES WHEN (k.close > 1) != (k.close > 2) THEN CLOSE k", "QKT0306", None, None),
    ("RULES WHEN k.bid[1] > 1 THEN CLOSE k", "QKT0307", "k.bid[1]", None),
    ("RULES WHEN abs(k.close)[1] > 1 THEN CLOSE k", "QKT0307", "abs(k.close)[1]", None),
    ("PARAM p = 1\nRULES WHEN p[1] > 1 THEN CLOSE k", "QKT0307", "p[1]", None),
    ("RULES WHEN k > 1 THEN CLOSE k", "QKT0308", "k", "its close"),
    ("RULES WHEN k.candle > 1 THEN CLOSE k", "QKT0308", "k.candle", None),
    ("LET px = k.close\nRULES WHEN ema(px@buy + k.close, 3) > 1 THEN CLOSE k", "QKT0311", "px@buy", None),
    ("RULES WHEN k.close > 1e999 THEN CLOSE k", "QKT0312", "1e999", None),
    # actions
    (ALWAYS + "BUY k", "QKT0401", "k", "DEFAULTS"),
    (ALWAYS + "BUY k SIZING 1 PCT RISK BRACKET { TAKE PROFIT BY 3 }", "QKT0402", None, None),
    (ALWAYS + "BUY k SIZING RISK 0.01 OF BOOK STOP_LOSS BY 1", "QKT0403", None, None),
    (ALWAYS + "BUY k SIZING 1 TIF GTD NOW + 1h", "QKT0404", None, None),
    (ALWAYS + "BUY k SIZING 1 BRACKET { TAKE PROFIT RR 2 }", "QKT0405", None, "add a STOP LOSS"),
    (ALWAYS + "BUY k SIZING 1 BRACKET { STOP LOSS PCT 50, TAKE PROFIT BY 2 }", "QKT0406", None, "less than 50"),
    (
        ALWAYS + "BUY k SIZING 1 BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 } OCO { STOP AT 1, LIMIT AT 2 }",
        "QKT0407",
        None,
        None,
    ),
    (ALWAYS + "BUY k SIZING 1 BRACKET { STOP LOSS RR 1, TAKE PROFIT BY 2 }", None, None, None),
    (ALWAYS + "CLOSE k SIZING 1 PCT RISK", "QKT0402", None, None),
]


@pytest.mark.parametrize(("text", "code", "place", "hint"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_found_at_its_place(text: str, code: str | None, place: str | None, hint: str | None) -> None:
    found = errors(text)
    assert len(found) == 1
    if code is not None:
        assert found[0].code == code
    if place is not None:
        assert covered(PREAMBLE + text, found[0]) == place
    if hint is not None:
        assert hint.lower() in (found[0].hint or "").lower()


@pytest.mark.parametrize(
    "expression", ["SESSION_WINDOW(25, 0, 1, 0)", "CALENDAR_WINDOW(1, 2)", "NOW.houru > 1", "POSITION.k.foo > 1"]
)
def test_what_the_parser_reported_is_not_said_again(expression: str) -> None:
    assert len(errors(f"RULES WHEN {expression} THEN CLOSE k")) == 1


def test_rules_need_a_stream() -> None:
    assert [p.code for p in errors('RULES WHEN TRUE THEN LOG "x"', "STRATEGY t VERSION 1\n")] == ["QKT0210"]


@pytest.mark.parametrize("timeframe", ["0m", "1H", "1x"])
def test_a_bad_timeframe_is_reported(timeframe: str) -> None:
    source = f"STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY {timeframe}\nRULES WHEN k.close > 1 THEN CLOSE k"
    found = [p for p in check_text(source).problems if p.severity == "error"]
    assert len(found) == 1
    assert found[0].span.line == 2


def test_circles_of_lets_are_refused() -> None:
    found = errors("LET a = b + 1, b = c, c = a, d = a, e = e\nRULES WHEN k.close > d THEN CLOSE k")
    assert [(p.code, covered(PREAMBLE + "LET a = b + 1, b = c, c = a, d = a, e = e", p)) for p in found] == [
        ("QKT0207", name) for name in "abce"
    ]
    assert "a -> b -> c -> a" in found[0].message


def test_five_different_mistakes_are_reported_together() -> None:
    text = (
        "DEFAULTS { STOP_LOSS = PCT 0.001 }\nSYMBOLS k = SIM:KLM EVERY 1m, z = SIM:ZZZ EVERY 7q\nLET fast = ema(k.clos, 9)\n"
        "RULES\nWHEN k.close > THEN CLOSE k\nWHEN fast CROSSES ABOVE slow THEN BUY k SIZING 1\n"
        "WHEN ema(k.close, 0) > 1 THEN SELL j SIZING 2 PCT RISK\nWHEN 1 < k.close < 2 THEN CLOSE k"
    )
    found = [(p.code, p.span.line) for p in errors(text, "STRATEGY t VERSION 1\n")]
    assert {("QKT0406", 2), ("QKT0204", 4), ("QKT0201", 7), ("QKT0303", 8), ("QKT0203", 8), ("QKT0306", 9)} <= set(found)
    assert any(line == 6 for _, line in found)
    assert any(line == 3 for _, line in found)


def test_a_mistake_in_a_loop_is_reported_once() -> None:
    assert len(errors("RULES FOR EACH s IN [k, m] DO WHEN s.clos > 1 THEN CLOSE s", TWO)) == 1


def test_a_mistake_in_defaults_is_reported_without_any_entry() -> None:
    found = errors("DEFAULTS { SIZING = k.clos }\nRULES WHEN k.close > 1 THEN CLOSE k")
    assert [p.code for p in found] == ["QKT0204"]


def test_nesting_beyond_reason_is_an_error_not_a_crash() -> None:
    deep = "(" * 3000 + "k.close" + ")" * 3000
    negated = "NOT " * 3000 + "k.close > 1"
    for text in (deep + " > 1", negated):
        assert isinstance(check_text(PREAMBLE + f"RULES WHEN {text} THEN CLOSE k").ok, bool)


def test_long_chains_compile() -> None:
    total = " + ".join(f"k.close * {i}" for i in range(300))
    tests = " AND ".join(f"k.close > {i}" for i in range(300))
    either = " OR ".join(f"k.close < {i}" for i in range(300))
    run = Run(PREAMBLE + f"RULES WHEN {total} > 0 AND ({tests}) AND NOT ({either}) THEN BUY k SIZING {total}")
    assert run.close(400).story == [f"BUY {400 * sum(range(300))} @1"]


def test_lets_that_double_each_other_stay_small() -> None:
    lets = ", ".join(f"a{i} = a{i + 1} + a{i + 1}" for i in range(40))
    run = Run(PREAMBLE + f"LET {lets}, a40 = k.close\nRULES WHEN a0 > 0 THEN BUY k SIZING a0 / a0")
    assert len(run.loaded.source_code) < 20_000
    assert run.close(3).story == ["BUY 1 @1"]


@pytest.mark.parametrize("word", ["AND", "OR"])
def test_conditions_that_double_each_other_are_judged_once(word: str) -> None:
    lets = ", ".join(f"a{i} = a{i + 1} {word} a{i + 1}" for i in range(40))
    for last, codes in (("k.close > 1", []), ("FALSE", ["QKT0504"])):
        text = f"LET {lets}, a40 = {last}\nRULES WHEN a0 THEN CLOSE k"
        assert [p.code for p in warnings(text)] == codes


WARNINGS = [
    ("LET a = 1\nRULES WHEN k.close > 1 THEN CLOSE k", "QKT0501", "a"),
    ("PARAM p = 1\nRULES WHEN k.close > 1 THEN CLOSE k", "QKT0502", "p"),
    ("RULES WHEN k.close > TRUE THEN CLOSE k", "QKT0508", "TRUE"),
    ("RULES WHEN k.close > 1 AND 1 / 0 > 3 THEN CLOSE k", "QKT0508", "1 / 0"),
    ("RULES WHEN k.close > 1 AND FALSE THEN CLOSE k", "QKT0504", "k.close > 1 AND FALSE"),
    ("RULES WHEN k.close > 1 AND NOT TRUE THEN CLOSE k", "QKT0504", "k.close > 1 AND NOT TRUE"),
    ("RULES WHEN k.close > 1 THEN BUY k SIZING 1", "QKT0506", "k"),
    (ALWAYS + "BUY k SIZING POSITION.k BRACKET { STOP LOSS AT k.close + 5, TAKE PROFIT BY 2 }", "QKT0505", None),
    (ALWAYS + "SELL k SIZING POSITION.k BRACKET { STOP LOSS AT k.close * 0.99, TAKE PROFIT BY 2 }", "QKT0505", None),
    (ALWAYS + "BUY k SIZING POSITION.k LIMIT AT 50 BRACKET { STOP LOSS AT 60, TAKE PROFIT BY 2 }", "QKT0505", None),
    (ALWAYS + "BUY k SIZING POSITION.k BRACKET { STOP LOSS BY 1, TAKE PROFIT BY -2 }", "QKT0505", None),
    (ALWAYS + "BUY k SIZING POSITION.k OCO { STOP AT 1, LIMIT AT 2 }", "QKT0601", "{ STOP AT 1, LIMIT AT 2 }"),
]


@pytest.mark.parametrize(("text", "code", "place"), WARNINGS, ids=[w[0] for w in WARNINGS])
def test_doubtful_things_are_warned_about(text: str, code: str, place: str | None) -> None:
    assert errors(text) == []
    found = [p for p in warnings(text) if p.code == code]
    assert len(found) == 1
    if place is not None:
        assert covered(PREAMBLE + text, found[0]) == place


def test_a_good_file_has_no_warnings() -> None:
    text = (
        "PARAM n = 9\nLET fast = ema(k.close, n)\nRULES\n"
        "WHEN k.close CROSSES ABOVE fast AND POSITION.k = 0\n"
        "THEN BUY k SIZING 1 BRACKET { STOP LOSS AT k.close - 5, TAKE PROFIT RR 2 }\nWHEN k.close < fast THEN CLOSE k"
    )
    assert check_text(PREAMBLE + text).problems == ()


def test_an_unused_stream_is_warned_about() -> None:
    found = warnings("RULES WHEN k.close > 1 THEN CLOSE k", TWO)
    assert [(p.code, p.span.line, p.span.column) for p in found] == [("QKT0503", 2, 31)]


def test_published_makes_differences_errors() -> None:
    text = "RULES WHEN k.close NOT IN [1] THEN BUY k SIZING POSITION.k OCO { STOP AT 1, LIMIT AT 2 }"
    assert check_text(PREAMBLE + text).ok
    strict = check_text(PREAMBLE + text, published=True).problems
    assert [p.code for p in strict if p.severity == "error"] == ["QKT0602", "QKT0601"]


def test_a_published_file_passes_as_published() -> None:
    text = ALWAYS + "BUY k SIZING 1 BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }"
    assert check_text(PREAMBLE + text, published=True).ok


def test_the_table_of_codes_is_that_of_the_source() -> None:
    sources = {path: path.read_text() for path in Path(lang.__file__).parent.rglob("*.py") if path.name != "codes.py"}
    used = {code for text in sources.values() for code in re.findall(r'"(QKT\d{4})"', text)}
    assert used == CODES.keys()


def test_names_cannot_get_in_each_others_way() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS a_close_1_ago = SIM:AAA EVERY 1m, latest_a = SIM:BBB EVERY 1m\n"
        "RULES WHEN latest_a.close[1] > a_close_1_ago.close THEN BUY latest_a SIZING latest_a.close[1] - a_close_1_ago.close"
    )
    run = Run(source)
    run.close(1, 2, alias="a_close_1_ago").close(5, 9, alias="latest_a")
    assert run.story == ["BUY 3 @2"]


# ---------------------------------------------------------------- files and values from outside


def test_values_from_outside_replace_params_and_lets(tmp_path: Path) -> None:
    path = tmp_path / "s.qkt"
    path.write_text(PREAMBLE + "PARAM n = 1\nLET size = k.close\nRULES WHEN k.close > n THEN BUY k SIZING size")
    assert load(path).params == {"n": 1}
    loaded = load(path, {"n": "2.5", "size": "-3"})
    assert {name: str(value) for name, value in loaded.params.items()} == {"n": "2.5", "size": "-3"}
    run = Run(path.read_text(), n="5", size="7")
    assert run.close(4, 6).story == ["BUY 7 @2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"m": "1"}, r"no PARAM or LET named 'm', expected one of n, size"),
        ({"n": "abc"}, "'abc' given for 'n' is no number"),
        ({"n": "nan"}, "is no number"),
    ],
)
def test_bad_values_from_outside_are_refused(given: dict[str, str], message: str) -> None:
    source = PREAMBLE + "PARAM n = 1\nLET size = 2\nRULES WHEN k.close > n THEN BUY k SIZING size"
    with pytest.raises(StrategyError, match=message):
        load_text(source, params=given)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty.qkt", tmp_path / "binary.qkt"
    empty.write_text(" \n")
    binary.write_bytes(b"STRATEGY \xff\xfe")
    for path, message in ((tmp_path / "none.qkt", "cannot be read"), (empty, "is empty"), (binary, "not UTF-8")):
        for use in (load, check):
            with pytest.raises(StrategyError, match=message):
                use(path)  # type: ignore[operator]


def test_a_language_error_shows_line_and_caret(tmp_path: Path) -> None:
    path = tmp_path / "s.qkt"
    path.write_text(PREAMBLE + "RULES WHEN kk.close > 1 THEN CLOSE k")
    with pytest.raises(LanguageError) as caught:
        load(path)
    text = str(caught.value)
    assert "s.qkt:3:12: error QKT0203: no stream named 'kk'" in text
    assert "           ^^\n" in text
