"""The conformance cases of the language (appendix C of its specification) that run, as our extensions overturn them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.terms import OrderKind, Side
from qkt.lang.loader import check_text
from qkt.strategy import BracketSpec, CloseSignal, EnterSignal, ExitForm, ExitPrice
from tests.lang.fake_context import MINUTE, PREAMBLE, TWO, Run, long

ALWAYS = "RULES WHEN k.close > 0 THEN "


def problems(source: str) -> list[tuple[str, int, int]]:
    found = check_text(source).problems
    return [(p.code, p.span.line, p.span.column) for p in found if p.severity == "error"]


def places(source: str) -> list[tuple[int, int]]:
    return [place[1:] for place in problems(source)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("rules when k.close > 1 then close k;", id="1"),
        pytest.param("LET a = 1\nLET b = 2", id="2"),
        pytest.param("LET a = 1\nPARAM p = 2", id="3"),
        pytest.param('RULES WHEN k.close > 1 THEN LOG INFO "hi"', id="4"),
        pytest.param("RULES WHEN floor(k.close) > 1 THEN CLOSE k", id="5"),
        pytest.param("RULES WHEN max(k.close, 2) > 1 THEN CLOSE k", id="6"),
        pytest.param("RULES WHEN k.close % 2 > 0 THEN CLOSE k", id="7"),
        pytest.param("RULES WHEN k.close > sma(k.close, 4)[1] THEN CLOSE k", id="15"),
        pytest.param("RULES WHEN k.close > 0 THEN BUY k SIZING 1 BRACKET { TAKE PROFIT BY 3 }", id="23"),
    ],
)
def test_accepted(text: str) -> None:
    assert problems(PREAMBLE + text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("LET up = k.close > k.open\nRULES WHEN up = TRUE THEN CLOSE k", "QKT0306", id="8"),
        pytest.param(ALWAYS + "BUY k SIZING 1 BRACKET { STOP LOSS PCT 0.004, TAKE PROFIT RR 2 }", "QKT0406", id="23"),
        pytest.param(ALWAYS + "BUY k STACK [ 1, 1 AT Entry + 4 ]", "QKT0201", id="26"),
        pytest.param(ALWAYS + "BUY k SIZING 1 TIF GTD UNTIL NOW + 2h", "QKT0404", id="29"),
        pytest.param(ALWAYS + "BUY k SIZING EXIT.qty", "QKT0209", id="30"),
        pytest.param(ALWAYS + "BUY k SIZING 1 ORDER_TYPE = LIMIT AT entry", "QKT0209", id="41"),
    ],
)
def test_rejected(text: str, code: str) -> None:
    assert [place[0] for place in problems(PREAMBLE + text)] == [code]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("RULES WHEN k.close > k.close[0.5] THEN CLOSE k", (3, 29), id="15"),
        pytest.param("RULES WHEN SUM(k.close) > 10 THEN CLOSE k", None, id="20"),
        pytest.param("SCHEDULE\n  AT 07:30 THEN CLOSE k", (4, 12), id="32"),
    ],
)
def test_rejected_by_the_grammar(text: str, place: tuple[int, int] | None) -> None:
    found = places(PREAMBLE + text)
    assert found
    assert place is None or found[0] == place


def test_8_a_comparison_without_equals_true_runs() -> None:
    assert Run(PREAMBLE + "LET up = k.close > k.open\nRULES WHEN up THEN BUY k SIZING 1").close(2, open=1).story == ["BUY 1 @1"]


def test_9_not_binds_tighter_than_and_and_or() -> None:
    run = Run(PREAMBLE + "RULES WHEN NOT k.close > 5 AND k.close > 1 OR k.close = 9 THEN BUY k SIZING k.close")
    assert run.close(9, 4, 1, 3).story == ["BUY 9 @1", "BUY 3 @4"]


def test_10_rules_fire_on_the_edge() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.close > 20 THEN BUY k SIZING k.close")
    assert run.close(21, 22, 19, 25, 26).story == ["BUY 21 @1", "BUY 25 @4"]


def test_11_undefined_re_arms() -> None:
    run = Run(PREAMBLE + "RULES WHEN 6 / (k.close - 2) > 0 THEN BUY k SIZING k.close")
    assert run.close(3, 4, 2, 5).story == ["BUY 3 @1", "BUY 5 @4"]


def test_12_crosses() -> None:
    run = Run(
        PREAMBLE + "RULES WHEN k.close CROSSES BELOW 50 THEN SELL k SIZING k.close\n"
        "WHEN k.close CROSSES ABOVE 50 THEN BUY k SIZING k.close"
    )
    assert run.close(40, 60, 50, 50, 51).story == ["BUY 60 @2", "SELL 50 @3", "BUY 51 @5"]


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("k.close > 0 OR k.ask > 0", True),
        ("k.ask > 0 OR k.close > 0", True),
        ("k.close < 0 AND k.ask > 0", False),
        ("NOT (k.close < 0 AND k.ask > 0)", True),
        ("NOT (k.ask > 0)", False),
        ("k.ask <> k.ask", False),
        ("NOT (k.close IN [])", True),
        ("k.close IN [k.ask, 7.0]", True),
        ("NOT (k.ask IN [1])", False),
        ("k.ask IS NULL", True),
        ("(k.ask > 1) IS NULL", True),
        ("(k.ask > 1 AND k.close > 0) IS NULL", True),
        ("(k.ask > 1 AND k.close < 0) IS NULL", False),
        ("NOT k.close IS NULL", True),
        ("k.close NOT IN [7]", False),
        ("k.ask NOT IN [7]", False),
        ("k.close NOT BETWEEN 8 AND 9", True),
        ("k.close BETWEEN 9 AND 8", False),
        ("NOT k.close BETWEEN 9 AND 8", True),
        ("NOT k.close BETWEEN k.ask AND 8", False),
    ],
)
def test_13_and_14_three_valued_logic(condition: str, fires: bool) -> None:
    run = Run(PREAMBLE + f"RULES WHEN {condition} THEN BUY k SIZING 1").close(7)
    assert run.story == (["BUY 1 @1"] if fires else [])


def test_16_look_back() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.close[0] > k.close[2] THEN BUY k SIZING k.close")
    assert run.close(5, 6, 7).story == ["BUY 7 @3"]


def test_17_one_long_indicator_holds_back_every_rule_of_its_stream() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.close > 0 THEN BUY k SIZING k.close\nWHEN sma(k.close, 3) > 1000 THEN SELL k SIZING 1")
    assert run.close(1, 2, 3).story == ["BUY 3 @3"]


def test_18_an_unused_let_counts_for_warm_up() -> None:
    run = Run(PREAMBLE + "LET base = k.close[3]\nRULES WHEN k.close > 0 THEN BUY k SIZING k.close")
    assert run.close(1, 2, 3, 4).story == ["BUY 4 @4"]


def test_21_risk_sizing_and_relative_exits() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 2 PCT RISK BRACKET { STOP LOSS BY 5 PCT, TAKE PROFIT RR 3 }").close(40)
    (entry,) = run.entries
    assert (entry.quantity, entry.kind, entry.plain) == (Decimal(1), OrderKind.MARKET, False)
    assert entry.bracket == BracketSpec(ExitPrice(ExitForm.PCT, Decimal(5)), ExitPrice(ExitForm.RR, Decimal(3)))


@pytest.mark.parametrize(
    ("sizing", "quantity"),
    [
        ("2500 USD", "0.625"),
        ("5 % OF BALANCE ORDER_TYPE = LIMIT AT 30", "0.15"),
        ("5 PCT OF EQUITY", "0.125"),
        ("1 / 3", "0.333333333333"),
        ("mod(-7,3) + round(2.5) + round(3.5)*10", "44"),
        ("RISK $ 80 BRACKET { STOP LOSS BY 4, TAKE PROFIT RR 2 }", "0.2"),
        ("RISK 0.02 BRACKET { STOP LOSS AT 35 }", "0.4"),
        ("RISK 0.02 ORDER_TYPE = STOP AT 45 BRACKET { STOP LOSS AT 35 }", "0.2"),
        ("2 PCT RISK STOP_LOSS PCT 5", "1"),
    ],
)
def test_22_sizes(sizing: str, quantity: str) -> None:
    (entry,) = Run(PREAMBLE + ALWAYS + f"BUY k SIZING {sizing}").close(40).entries
    assert entry.quantity == Decimal(quantity)


def test_22_money_is_converted_to_the_quote_currency() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 2500 USD")
    run.context.rate = 0.5
    assert run.close(40).story == ["BUY 1.25 @1"]


def test_29_stop_order_good_till() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 ORDER_TYPE = STOP AT k.high + 2 TIF GTD NOW + 2h").close(40)
    (entry,) = run.entries
    assert (entry.kind, entry.stop, entry.limit) == (OrderKind.STOP, Decimal(42), None)
    assert entry.expires_at == MINUTE + 7_200_000


def test_31_for_each_makes_a_rule_of_each_alias() -> None:
    body = "WHEN z.close > 0 AND POSITION.z = 0 THEN BUY z SIZING z.close"
    for names in ("[k, m]", "k, m"):
        run = Run(TWO + f"RULES FOR EACH z IN {names} DO {body}")
        run.close(3).close(4, alias="m")
        assert [(e.symbol, e.rule, e.quantity) for e in run.entries] == [("SIM:KLM", 0, 3), ("SIM:MNO", 1, 4)]


def test_37_macro_streams_are_read_only() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS q = MACRO:RATE EVERY 1d\nRULES WHEN q.value > 1 THEN SELL q SIZING 1"
    assert problems(source) == [("QKT0408", 3, 34)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("RULES RUN a", None),
        ("IMPORT 'a.qkt' AS a\nLET z = 1\nRULES RUN a", "accepted"),
        ("IMPORT 'a.qkt' AS a\nRULES RUN b", ("QKT0212", 3, 11)),
    ],
)
def test_38_portfolios(text: str, place: object) -> None:
    found = problems("PORTFOLIO p VERSION 1\n" + text)
    if place == "accepted":
        assert found == []
    else:
        assert found
        assert place is None or found == [place]


def test_38_weights_beyond_one() -> None:
    source = (
        "PORTFOLIO p VERSION 1 CAPITAL 1000\nIMPORT 'a.qkt' AS a\nIMPORT 'b.qkt' AS b\nRULES RUN a WEIGHT 0.7\nRUN b WEIGHT 0.4"
    )
    assert problems(source) == [("QKT0213", 5, 1)]


def test_39_commas_in_defaults_are_accepted() -> None:
    defaults = "DEFAULTS { SIZING = 1, TIF = GTC }"
    source = PREAMBLE.replace("SYMBOLS", f"{defaults}\nSYMBOLS") + "RULES WHEN k.close > 1 THEN BUY k"
    assert Run(source).close(2).story == ["BUY 1 @1"]


def test_40_all_mistakes_at_once() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nRULES\nWHEN k.close > THEN CLOSE k\n"
        "WHEN k.close > 1 THEN HOP k\nWHEN k.close > 1 THEN CLOSE k\nRULE"
    )
    assert places(source) == [(4, 16), (5, 23), (7, 1)]


def test_42_oco_protects_the_entry() -> None:
    (entry,) = Run(PREAMBLE + ALWAYS + "BUY k SIZING 3 OCO { STOP AT 30, LIMIT AT 60 }").close(40).entries
    assert (entry.side, entry.quantity) == (Side.BUY, Decimal(3))
    assert entry.bracket == BracketSpec(ExitPrice(ExitForm.AT, Decimal(30)), ExitPrice(ExitForm.AT, Decimal(60)))


def test_43_actions_of_a_rule_see_the_same_state() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 ; SELL k SIZING 1 + POSITION.k").close(7)
    assert run.story == ["BUY 1 @1", "SELL 1 @1"]
    assert len(run.context.fired) == 1


def test_45_words_as_names() -> None:
    for declaration in ("day = SIM:KLM EVERY 1m", "x = NYSE:NOW EVERY 1m"):
        assert problems(f"STRATEGY t VERSION 1\nSYMBOLS {declaration}\nRULES WHEN TRUE THEN CLOSE_ALL") == []


def test_close_sends_a_cancel_and_the_legs_that_are_open() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.close > 5 THEN CLOSE k").close(6)
    assert [type(signal).__name__ for signal in run.signals] == ["CancelSignal"]
    run.context.open_legs["SIM:KLM"] = (long("0.5"), long("0.25", leg=2))
    run.close(1, 6)
    assert run.signals[-1] == CloseSignal("t", "SIM:KLM", 0, (long("0.5"), long("0.25", leg=2)), Decimal(6))


def test_prices_and_quantities_leave_as_twelve_digit_decimals() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 0.3 - 0.1 ORDER_TYPE = LIMIT AT k.close - 0.1").close(0.3)
    (entry,) = run.entries
    assert isinstance(entry, EnterSignal)
    assert (entry.quantity, entry.limit, entry.reference) == (Decimal("0.2"), Decimal("0.20000000"), Decimal("0.2"))
