"""What actions mean differently in the published engine, and what only we read."""

from __future__ import annotations

import pytest

from qkt.lang.loader import check_text
from tests.lang.fake_context import ALWAYS, PREAMBLE, TWO

OCO_LEGS = "BUY k SIZING 1 STOP AT 50 ON_STOP { LOG 'x' }, SELL k SIZING 1 STOP AT 30"


def codes(source: str, *, published: bool, severity: str = "error") -> list[str]:
    return [p.code for p in check_text(source, published=published).problems if p.severity == severity]


@pytest.mark.parametrize(
    "rule",
    [
        "RULES WHEN k.close > 0 THEN RESIZE m TO 3",
        "RULES WHEN k.close > 0 THEN LATCH m OFFSET 1 ARM 5m { ENTER MARKET }",
        ALWAYS + "BUY k STACK [ 1, 1 AT entry - 5 ]",
    ],
)
def test_differences_are_warnings_that_published_makes_errors(rule: str) -> None:
    assert "QKT0601" in codes(TWO + rule, published=False, severity="warning")
    assert codes(TWO + rule, published=True) == ["QKT0601"]


@pytest.mark.parametrize(
    "rule",
    [
        "RULES WHEN m.close > 0 THEN RESIZE k TO 3",
        "RULES WHEN m.close > 0 THEN LATCH k OFFSET 1 ARM 5m { ENTER MARKET }",
        ALWAYS + "BUY k STACK [ 1, 1 AT entry + 5 ]",
        "RULES WHEN k.close > 0 THEN CLOSE k ; RESIZE m TO 3",
    ],
)
def test_what_means_the_same_is_not_told(rule: str) -> None:
    assert "QKT0601" not in codes(TWO + rule, published=False, severity="warning")
    assert codes(TWO + rule, published=True) == []


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("BUY k SIZING 1 LIMIT AT 9 TIF IOC", "QKT0601"),
        ("BUY k SIZING 1 LIMIT AT 9 TIF DAY", "QKT0601"),
        (f"OCO_ENTRY {{ {OCO_LEGS} }}", "QKT0601"),
        ("BUY k SIZING 1 OCO { STOP AT 1, LIMIT AT 60 }", "QKT0601"),
        ("CANCEL k", "QKT0601"),
        ("LATCH k OFFSET 1 { ENTER MARKET }", "QKT0602"),
        ("BUY k SIZING 1 TRAILING_STOP BY 2", "QKT0602"),
        ("BUY k SIZING 1 TIME_EXIT AFTER 2h", "QKT0602"),
        ("BUY k SIZING 1 STOP LOSS BY 1 TAKE PROFIT { 0.5 BY 2 }", "QKT0602"),
        ("CLOSE k SIZING 1", "QKT0602"),
        ("CANCEL k INCLUDING PROTECTION", "QKT0602"),
    ],
)
def test_published_reports_what_it_would_do_otherwise(action: str, code: str) -> None:
    assert codes(PREAMBLE + ALWAYS + action, published=False) == []
    assert code in codes(PREAMBLE + ALWAYS + action, published=True)
