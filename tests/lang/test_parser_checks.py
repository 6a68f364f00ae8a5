"""What the parser checks on single nodes: where it says so, and that the rest of the file is still there."""

from __future__ import annotations

import pytest

from qkt.lang import tree
from qkt.lang.parser import parse

HEADER = "STRATEGY t VERSION 1 SYMBOLS k = SIM:K EVERY 1m m = SIM:M EVERY 1m\n"
WHEN = "RULES WHEN k.close > 0 THEN "


def found(source: str) -> list[tuple[str, str]]:
    lines = source.splitlines()
    return [(p.code, lines[p.span.line - 1][p.span.column - 1 : p.span.end_column - 1]) for p in parse(source).problems]


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (WHEN + 'LOG "a {x} {y}" x=1', "QKT0151", '"a {x} {y}"'),
        (WHEN + 'LOG "a" x=1 x=2', "QKT0151", "x"),
        (WHEN + "BUY k SIZING 0 PCT RISK STOP LOSS BY 1", "QKT0153", "0"),
        (WHEN + "BUY k SIZING -1 PCT RISK STOP LOSS BY 1", "QKT0153", "-1"),
        (WHEN + "BUY k SIZING 1 OCO { STOP AT 3 }", "QKT0155", "}"),
        (WHEN + "BUY k SIZING 1 STACK 0 SPACING 3", "QKT0110", "0"),
        (WHEN + "BUY k SIZING 1 STACK 1.5 SPACING 3", "QKT0110", "1.5"),
        (WHEN + "BUY k SIZING 1 STACK [ 1, 1 AT 3 ]", "QKT0150", "SIZING 1"),
        (WHEN + "BUY k STACK [ 1, 2 MARKET, 1 AT 3 ]", "QKT0156", ","),
        (WHEN + "BUY k SIZING 1 ON_TP { CLOSE k } ON_TP { CLOSE m }", "QKT0121", "ON_TP { CLOSE m }"),
        (WHEN + "BUY k SIZING 1 TAKE PROFIT { 0.7 BY 1, 0.4 BY 2, 0.1 BY 3 }", "QKT0154", "0.4 BY 2"),
        (WHEN + "OCO_ENTRY { CLOSE k, BUY k SIZING 1 }", "QKT0152", ","),
        (WHEN + "BUY k SIZING 1 ON_CLOSE { SELL k SIZING EXIT.quality }", "QKT0133", "quality"),
        ("LET a = NOW.hour", "QKT0133", "hour"),
        ("LET a = POSITION.k.Count", "QKT0133", "POSITION.k.Count"),
        ("LET a = b@T-0", "QKT0110", "0"),
        ("LET a = SUM(k.close) SINCE T-1.5", "QKT0110", "1.5"),
        ("LET a = CALENDAR_WINDOW(1, 1, 13, 1)", "QKT0132", "CALENDAR_WINDOW"),
        ("LET a = calendar_window(1, 1, 12)", "QKT0132", "calendar_window"),
        ("LET a = SESSION_WINDOW(0, 0, 24, 0)", "QKT0132", "SESSION_WINDOW"),
        ("LET a = SESSION_WINDOW(-1, 0, 23, 0)", "QKT0132", "SESSION_WINDOW"),
        ("LET a = SESSION_WINDOW(h, 0, 23, 0)", "QKT0132", "SESSION_WINDOW"),
        ("LET a = LAST_TRADING_DAY_OF_MONTH(1)", "QKT0132", "LAST_TRADING_DAY_OF_MONTH"),
        ("SCHEDULE AT 24:00 UTC THEN CLOSE k", "QKT0144", "24"),
        ("SCHEDULE AT 07:60 UTC THEN CLOSE k", "QKT0144", "60"),
        ("SCHEDULE AT 07:00:60 UTC THEN CLOSE k", "QKT0144", "60"),
        ("SCHEDULE EVERY HOUR AT :75 THEN CLOSE k", "QKT0144", "75"),
        (
            "SEQUENCE s ON k { " + "".join(f"STAGE s{n}: k.close > {n} " for n in range(9)) + "}",
            "QKT0145",
            "STAGE s8: k.close > 8",
        ),
        ("RULES FOR EACH s IN [k] DO { }", "QKT0157", "}"),
    ],
)
def test_the_check_reports_its_place_and_keeps_the_file(body, code, text):
    assert found(HEADER + body) == [(code, text)]
    assert parse(HEADER + body).file is not None


@pytest.mark.parametrize(
    ("declaration", "code", "text"),
    [
        ("k = SIM:K EVERY 1m WARMUP 0 BARS", "QKT0110", "0"),
        ("k = SIM:K EVERY 1m WARMUP 1.5 BARS", "QKT0110", "1.5"),
        ("k = SIM:' ' EVERY 1m", "QKT0140", "' '"),
        ("k = SIM:K EVERY 1m b = BASKET EQUAL_WEIGHT [k] EVERY 1m", "QKT0141", "k"),
        ("k = SIM:K EVERY 1m b = BASKET EQUAL_WEIGHT [k, k] EVERY 1m", "QKT0120", "k"),
        ("s = SERIES ACCOUNT.BALANCE EVERY 1m", "QKT0142", "BALANCE"),
        ("s = SERIES ACCOUNT.EQUITY EVERY 30s", "QKT0143", "30s"),
        ("k = SIM:K EVERY 1m SYNCHRONIZE k k", "QKT0120", "k"),
        ("k = SIM:K EVERY 1m m = SIM:M EVERY 1m SYNCHRONIZE k m WITHIN 0s", "QKT0111", "0s"),
    ],
)
def test_checks_on_declarations(declaration, code, text):
    assert found("STRATEGY t VERSION 1 SYMBOLS " + declaration) == [(code, text)]


def test_the_last_of_a_repeated_clause_counts():
    result = parse(
        HEADER + WHEN + "BUY k SIZING 1 TIF DAY SIZING 2 STOP LOSS BY 1 BRACKET { STOP LOSS BY 2, TAKE PROFIT BY 3 } TIF IOC"
    )
    assert result.problems == ()
    assert isinstance(result.file, tree.Strategy)
    rule = result.file.rules[0]
    assert isinstance(rule, tree.Rule)
    (entry,) = rule.actions
    assert isinstance(entry, tree.Entry)
    assert entry.duplicates == ("SIZING", "STOP LOSS", "TIF")
    assert entry.tif is not None
    assert entry.tif.kind == "IOC"


def test_a_repeated_default_is_a_warning():
    (problem,) = parse(HEADER + "DEFAULTS { SIZING = 1 SIZING = 2 }").problems
    assert (problem.code, problem.severity) == ("QKT0121", "warning")


@pytest.mark.parametrize(
    ("source", "code", "text"),
    [
        ("RUN a OVERRIDE { x = 1, x = 2 }", "QKT0120", "x"),
        ("RUN a REGIMES NAME r STATE x DEFAULT REGIMES NAME q STATE x DEFAULT", "QKT0102", "REGIMES"),
        ("RUN a SYMBOLS k = SIM:K EVERY 1m", "QKT0103", "SYMBOLS"),
    ],
)
def test_checks_on_portfolios(source, code, text):
    assert found("PORTFOLIO p VERSION 1 CAPITAL 1000 IMPORT 'a.qkt' AS a RULES " + source) == [(code, text)]
