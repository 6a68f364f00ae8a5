"""What the language has and this version does not run is refused at its place, and only that."""

from __future__ import annotations

import pytest

from qkt.lang import LanguageError
from qkt.lang.loader import check_text, load_text
from tests.lang.fake_context import PREAMBLE, TWO

LATER = {
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


def test_a_portfolio_is_checked_but_is_no_strategy() -> None:
    source = "PORTFOLIO p VERSION 1\nIMPORT 'a.qkt' AS a\nRULES RUN a"
    assert check_text(source).ok
    with pytest.raises(LanguageError, match="a strategy is needed here"):
        load_text(source)
