"""What the language has and this version does not run is refused at its place, and only that."""

from __future__ import annotations

import pytest

from qkt.lang import LanguageError
from qkt.lang.loader import check_text, load_text
from tests.lang.fake_context import PREAMBLE, TWO

ENTRY = "RULES WHEN k.close > 0 THEN BUY k SIZING 1 "
BRACKET = "BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }"

LATER = {
    "STACK": (ENTRY + "STACK 3 SPACING 4", "STACK 3"),
    "STACK list": ("RULES WHEN k.close > 0 THEN BUY k STACK [ 1, 2 AT entry + 1 ]", "STACK ["),
    "STACK_AT": (ENTRY + f"STACK_AT MFE >= 1 WITHIN 9m SIZING ENTRY_QTY {BRACKET}", "STACK_AT"),
    "ON_FILL": (ENTRY + "ON_FILL { SELL k SIZING 1 ORDER_TYPE = LIMIT AT entry + 3 }", "SELL k"),
    "ON_STOP": (ENTRY + BRACKET + " ON_STOP { SELL k SIZING EXIT.qty }", "SELL k"),
    "ON_TP": (ENTRY + BRACKET + " ON_TP { SELL k SIZING EXIT.qty ORDER_TYPE = LIMIT WITH 2 }", "SELL k"),
    "ON_CLOSE": (ENTRY + BRACKET + " ON_CLOSE { LOG 'x' p=EXIT.pnl }", "LOG"),
    "armed trail": (ENTRY + "BRACKET { STOP LOSS TRAILING 1 AFTER MFE >= 2, TAKE PROFIT BY 2 }", "STOP LOSS"),
    "trailing stop": (ENTRY + "TRAILING_STOP BY 2", "TRAILING_STOP"),
    "stepped stop": (ENTRY + "BRACKET { STOP LOSS BY 1 STEP TO BREAKEVEN AFTER MFE >= 2, TAKE PROFIT BY 2 }", "STOP LOSS"),
    "tightening": (ENTRY + "BRACKET { STOP LOSS BY 2 TIGHTEN BY 1 EVERY 5m FLOOR 1, TAKE PROFIT BY 2 }", "STOP LOSS"),
    "scale-out": (ENTRY + "TAKE PROFIT { 0.5 BY 10, 0.3 BY 20 }", "TAKE PROFIT"),
    "TIME_EXIT": (ENTRY + "TIME_EXIT AFTER 2h", "BUY"),
    "trailing entry": (ENTRY + "ORDER_TYPE = TRAILING BY 2", "TRAILING"),
    "IOC": (ENTRY + "TIF IOC", "IOC"),
    "FOK": (ENTRY + "TIF FOK", "FOK"),
    "DAY": (ENTRY + "TIF DAY", "DAY"),
    "RESIZE": ("RULES WHEN k.close > 0 THEN RESIZE k TO 3", "RESIZE"),
    "OCO_ENTRY": (
        "RULES WHEN k.close > 0 THEN OCO_ENTRY { BUY k SIZING 1 STOP AT 9, SELL k SIZING 1 STOP AT 5 }",
        "OCO_ENTRY",
    ),
    "LATCH": ("RULES WHEN k.close > 0 THEN LATCH k OFFSET 1 ARM 5m { ENTER MARKET }", "LATCH"),
    "SCHEDULE": ("SCHEDULE EVERY HOUR AT :01 THEN CLOSE k", "EVERY"),
    "SEQUENCE": ("SEQUENCE z ON k { STAGE a: k.close > 10 STAGE b: k.close < 5 }", "SEQUENCE"),
    "snapshot": ("LET px = k.close RULES WHEN px > px@buy THEN CLOSE k", "px@buy"),
    "past snapshot": ("LET px = k.close RULES WHEN px > px@T-2 THEN CLOSE k", "px@T-2"),
    "SINCE": ("RULES WHEN MAX(k.close) SINCE OPEN > 3 THEN CLOSE k", "MAX("),
    "SINCE T": ("RULES WHEN SUM(k.close) SINCE T-2 > 10 THEN CLOSE k", "SUM("),
}


@pytest.mark.parametrize("feature", LATER)
def test_a_later_feature_is_refused_at_its_place(feature: str) -> None:
    text, place = LATER[feature]
    problems = [p for p in check_text(PREAMBLE + text).problems if p.severity == "error"]
    assert [p.code for p in problems] == ["QKT0900"]
    (problem,) = problems
    assert problem.span.line == 3
    assert "not supported yet" in problem.message
    # A bracket's or a clause's own words may stand before the node that says how it works.
    assert 0 <= problem.span.column - 1 - text.index(place) <= len("STOP LOSS BY 1 ")
    with pytest.raises(LanguageError):
        load_text(PREAMBLE + text)


@pytest.mark.parametrize(
    ("source", "feature"),
    [
        (TWO + "SYNCHRONIZE k m\nRULES WHEN k.close > 0 THEN CLOSE k", "SYNCHRONIZE"),
        (TWO.rstrip() + ", g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m\nRULES WHEN g.close > 0 THEN CLOSE k", "BASKET"),
        (TWO.rstrip() + ", e = SERIES ACCOUNT.EQUITY EVERY 5m\nRULES WHEN e.close > 0 THEN CLOSE k", "SERIES"),
    ],
)
def test_later_declarations_are_refused_once(source: str, feature: str) -> None:
    problems = [p for p in check_text(source).problems if p.severity == "error"]
    assert [p.code for p in problems] == ["QKT0900"]
    assert feature in problems[0].message


def test_a_portfolio_can_be_checked_but_not_loaded() -> None:
    source = "PORTFOLIO p VERSION 1\nIMPORT 'a.qkt' AS a\nRULES RUN a"
    assert check_text(source).ok
    with pytest.raises(LanguageError, match="running a PORTFOLIO is not supported yet"):
        load_text(source)
