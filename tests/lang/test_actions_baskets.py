"""Actions on a basket: its members are traded for equal parts of an amount of money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.cli.deed_wording import deed_words
from qkt.core.terms import OrderKind
from qkt.lang.checker import check_strategy
from qkt.lang.codes import Problems
from qkt.lang.loader import check_text
from qkt.lang.parser import parse
from qkt.lang.tree import Strategy
from qkt.strategy import CancelSignal, CloseSignal
from tests.lang.fake_context import Run, errors, long

D = Decimal
STREAMS = "SYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m, g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m\n"
HEAD = "STRATEGY t VERSION 1\n" + STREAMS
RULE = "RULES WHEN g.close > 0 THEN "


def two_windows(action: str, head: str = HEAD) -> Run:
    run = Run(head + RULE + action)
    run.context.open_legs = {"SIM:KLM": (long("1"),)}
    for k, m in ((10, 30), (20, 30)):
        run.close(k).close(m, alias="m")
    return run


def test_36_the_money_is_parted_equally_among_the_members() -> None:
    run = two_windows("BUY g SIZING 600 USD")
    assert [(s.symbol, s.side, s.quantity, s.kind, s.bracket) for s in run.entries] == [
        ("SIM:KLM", "BUY", D("0.15"), OrderKind.MARKET, None),
        ("SIM:MNO", "BUY", D("0.1"), OrderKind.MARKET, None),
    ]
    assert len(run.context.fired) == 1


def test_the_money_is_in_the_quote_currency_of_the_members() -> None:
    run = Run(HEAD + RULE + "SELL g SIZING 600 USD")
    run.context.rate = 0.5
    for k, m in ((10, 30), (20, 30)):
        run.close(k).close(m, alias="m")
    assert [(s.side, s.quantity) for s in run.entries] == [("SELL", D("0.15")), ("SELL", D("0.1"))]


def test_defaults_may_size_a_basket() -> None:
    head = "STRATEGY t VERSION 1 DEFAULTS { SIZING = 600 USD }\n" + STREAMS
    assert [s.quantity for s in two_windows("BUY g", head).entries] == [D("0.15"), D("0.1")]


def test_an_undefined_or_empty_amount_suppresses_all_members() -> None:
    for amount in ("k.ask", "0"):
        run = two_windows(f"BUY g SIZING {amount} USD")
        assert [(fired.signals, fired.suppressed) for fired in run.context.fired] == [([], 1)]


def test_close_and_cancel_take_the_members_one_by_one() -> None:
    assert [(type(s), s.symbol) for s in two_windows("CLOSE g").signals] == [
        (CancelSignal, "SIM:KLM"),
        (CloseSignal, "SIM:KLM"),
        (CancelSignal, "SIM:MNO"),
    ]
    assert two_windows("CANCEL g INCLUDING PROTECTION").signals == [
        CancelSignal("t", symbol, 0, including_protection=True) for symbol in ("SIM:KLM", "SIM:MNO")
    ]


@pytest.mark.parametrize(
    ("action", "code", "place"),
    [
        ("BUY g SIZING 2", "QKT0417", "2"),
        ("BUY g SIZING 2 PCT OF EQUITY", "QKT0417", "2 PCT OF EQUITY"),
        ("BUY g", "QKT0401", "g"),
        ("BUY g SIZING 6 USD STOP_LOSS BY 2", "QKT0417", "STOP_LOSS BY 2"),
        ("BUY g SIZING 6 USD OCO { STOP AT 1, LIMIT AT 60 }", "QKT0417", "{ STOP AT 1, LIMIT AT 60 }"),
        ("BUY g SIZING 6 USD STACK 2 SPACING 1", "QKT0417", "2 SPACING 1"),
        ("BUY g SIZING 6 USD TIF DAY", "QKT0417", "DAY"),
        ("BUY g SIZING 6 USD LIMIT AT 9", "QKT0417", "LIMIT AT 9"),
        ("BUY g SIZING 6 USD TRAILING BY 9", "QKT0417", "TRAILING BY 9"),
        ("BUY g SIZING 6 USD ON_STOP { LOG 'x' }", "QKT0417", "LOG 'x'"),
        ("CLOSE g SIZING 2", "QKT0417", "g"),
        ("RESIZE g TO 2", "QKT0417", "g"),
        ("LATCH g OFFSET 1 { ENTER MARKET }", "QKT0417", "g"),
        ("LATCH k OFFSET 1 { ENTER ON g MARKET }", "QKT0417", "g"),
        ("OCO_ENTRY { BUY g SIZING 6 USD, SELL k SIZING 1 STOP AT 30 }", "QKT0417", "g"),
        ("BUY k SIZING 1 ON_FILL { BUY g SIZING 6 USD }", "QKT0417", "g"),
        ("BUY k SIZING 1 ON_CLOSE { BUY g SIZING 6 USD }", "QKT0417", "g"),
    ],
)
def test_what_a_basket_does_not_take(action: str, code: str, place: str) -> None:
    assert errors(RULE + action, HEAD) == [(code, place)]


@pytest.mark.parametrize(
    "clause", ["SIZING = 1", "STOP_LOSS = BY 2", "TAKE_PROFIT = BY 2", "TIF = DAY", "ORDER_TYPE = LIMIT AT 9"]
)
def test_what_a_basket_does_not_take_from_defaults(clause: str) -> None:
    head = f"STRATEGY t VERSION 1 DEFAULTS {{ {clause} }}\n{STREAMS}"
    size = "" if clause.startswith("SIZING") else "SIZING 6 USD"
    assert errors(RULE + f"BUY g {size}", head) == [("QKT0417", "g")]


def test_on_fill_has_no_effect_on_a_basket() -> None:
    problems = check_text(HEAD + RULE + "BUY g SIZING 6 USD ON_FILL { SELL k SIZING 1 }").problems
    assert "QKT0509" in [p.code for p in problems]


def test_a_basket_in_words() -> None:
    source = HEAD + RULE + "BUY g SIZING 600 USD"
    file = parse(source).file
    assert isinstance(file, Strategy)
    program = check_strategy(file, source, Problems())
    assert program is not None
    assert deed_words(program.rules[0].deeds[0]) == ["buy the basket g (k, m): 600 USD in equal parts, at market"]


def test_a_close_that_has_no_logarithm_leaves_its_window_out() -> None:
    run = Run(HEAD + 'RULES WHEN ON g g.close > 0 THEN LOG "index" level=g.close')
    for k, m in ((10, 30), (0, 30), (-5, 30), (20, 30)):
        run.close(k).close(m, alias="m")
    assert run.context.lines == [
        ("WARN", "basket g: left out a candle of SIM:KLM that closed at 0.0"),
        ("WARN", "basket g: left out a candle of SIM:KLM that closed at -5.0"),
        ("INFO", "index level=141.42135624"),
    ]
