"""The parse-time cases of the language specification, Appendix C, with the results that the extensions give them."""

from __future__ import annotations

import pytest

from qkt.lang.parser import parse

PREAMBLE = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\n"
TWO = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m m = SIM:MNO EVERY 1m\n"
WHEN = "RULES WHEN k.close > 0 THEN "


def places(source: str) -> list[str]:
    return [f"{p.span.line}:{p.span.column}" for p in parse(source).problems if p.severity == "error"]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(PREAMBLE + "rules when k.close > 1 then close k;", id="1"),
        pytest.param(PREAMBLE + "LET a = 1\nLET b = 2", id="2"),
        pytest.param(PREAMBLE + "LET a = 1\nPARAM p = 2", id="3"),
        pytest.param(PREAMBLE + 'RULES WHEN k.close > 1 THEN LOG INFO "hi"', id="4"),
        pytest.param(PREAMBLE + "RULES WHEN floor(k.close) > 1 THEN CLOSE k", id="5"),
        pytest.param(PREAMBLE + "RULES WHEN max(k.close, 2) > 1 THEN CLOSE k", id="6"),
        pytest.param(PREAMBLE + "RULES WHEN k.close % 2 > 0 THEN CLOSE k", id="7"),
        pytest.param(PREAMBLE + "LET up = k.close > k.open\nRULES WHEN up = TRUE THEN CLOSE k", id="8"),
        pytest.param(PREAMBLE + "RULES WHEN k.close > sma(k.close, 4)[1] THEN CLOSE k", id="15a"),
        pytest.param(PREAMBLE + WHEN + "BUY k SIZING 1 BRACKET { TAKE PROFIT BY 3 }", id="23a"),
        pytest.param(TWO + "RULES FOR EACH z IN k, m DO WHEN z.close > 0 THEN CLOSE z", id="31a"),
        pytest.param(
            TWO + "RULES FOR EACH z IN [k, m] DO WHEN z.close > 0 AND POSITION.z = 0 THEN BUY z SIZING z.close", id="31b"
        ),
        pytest.param(PREAMBLE + "SCHEDULE EVERY HOUR AT :01 THEN BUY k SIZING k.close", id="32b"),
        pytest.param("PORTFOLIO p VERSION 1\nIMPORT 'a.qkt' AS a\nLET z = 1", id="38b"),
        pytest.param("STRATEGY t VERSION 1\nDEFAULTS { SIZING = 1, TIF = DAY }", id="39"),
        pytest.param("STRATEGY t VERSION 1\nSYMBOLS day = SIM:KLM EVERY 1m", id="45a"),
        pytest.param("STRATEGY t VERSION 1\nSYMBOLS x = NYSE:NOW EVERY 1m", id="45b"),
    ],
)
def test_accepted(source):
    assert places(source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(PREAMBLE + "RULES WHEN k.close > k.close[0.5] THEN CLOSE k", ["3:29"], id="15b"),
        pytest.param(PREAMBLE + "RULES WHEN SUM(k.close) > 10 THEN BUY k SIZING 1", ["3:25"], id="20"),
        pytest.param(PREAMBLE + "PARAM r = 2 " + WHEN + "BUY k SIZING r PCT RISK STOP LOSS BY 5 PCT", ["3:54"], id="21"),
        pytest.param(PREAMBLE + WHEN + "BUY k SIZING 1 BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2, }", ["3:88"], id="23b"),
        pytest.param(PREAMBLE + WHEN + "OCO_ENTRY { BUY k SIZING 1 ORDER_TYPE = STOP AT 9, CLOSE k }", ["3:88"], id="25"),
        pytest.param(PREAMBLE + WHEN + "BUY k STACK [ 1, 2 ]", ["3:48"], id="26"),
        pytest.param(PREAMBLE + WHEN + "BUY k SIZING 1 ON_STOP { }", ["3:54"], id="30"),
        pytest.param(PREAMBLE + "SCHEDULE\n  AT 07:30 THEN CLOSE k", ["4:12"], id="32a"),
        pytest.param(PREAMBLE + "SEQUENCE z ON k { STAGE hi: k.close > 10 }", ["3:42"], id="33"),
        pytest.param(
            "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m SYNCHRONIZE k, m", ["2:65"], id="34"
        ),
        pytest.param(
            PREAMBLE + "RULES\nWHEN k.close > THEN CLOSE k\nWHEN k.close > 1 THEN HOP k\nWHEN k.close > 2 THEN CLOSE k\nRULE",
            ["4:16", "5:23", "7:1"],
            id="40",
        ),
    ],
)
def test_refused(source, expected):
    assert places(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ["1:1"]),
        ("SYMBOLS k = SIM:KLM EVERY 1m", ["1:1"]),
        ("STRATEGY t VERSION 1.5", ["1:20"]),
        (PREAMBLE + "RULES WHEN k.close > 1 THEN CLOSE_ALL 5", ["3:39"]),
        (PREAMBLE + "RULES WHEN - NOT k.close > 1 THEN CLOSE k", ["3:14"]),
        (PREAMBLE + "PARAM p = 2 + 1", ["3:13"]),
        (PREAMBLE + "PARAM p = 5m", ["3:11"]),
        (PREAMBLE + "LET a = 1 b = 2", ["3:11"]),
        (PREAMBLE + WHEN + "CLOSE k ;;", ["3:38"]),
        (PREAMBLE + WHEN + "CLOSE k\nCLOSE k", ["4:1"]),
        (PREAMBLE + WHEN + 'LOG "a" x=k.close\nCLOSE k', ["4:1"]),
        (PREAMBLE + WHEN + "BUY k SIZING 5 PCT", ["3:47"]),
        (PREAMBLE + WHEN + "BUY k SIZING 1 LIMIT 5", ["3:50"]),
        (
            PREAMBLE + "LET a = 1 " + WHEN.replace(" THEN ", " THEN CLOSE k ") + "RULES WHEN k.close[-1] > 0 THEN CLOSE k",
            ["3:66"],
        ),
        (PREAMBLE + "SYMBOLS j = SIM:J EVERY 1m", ["3:1"]),
        (PREAMBLE + "WHEN k.close > 1 THEN CLOSE k", ["3:1"]),
        ("STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m,\nRULES", ["3:1"]),
        ("STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m WARMUP 0 BARS", ["2:37"]),
        ("STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nSYNCHRONIZE k", ["3:14"]),
    ],
)
def test_errors_stand_at_the_token_that_does_not_fit(source, expected):
    assert places(source) == expected
