"""Pyramids: STACK with its layers, STACK_AT with its tiers, and what both refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.formula import Formula
from qkt.core.terms import OrderKind
from qkt.lang.loader import check_text
from qkt.strategy import BracketSpec, EnterSignal, ExitForm, ExitPrice, StackLayer, Tier
from tests.lang.fake_context import ALWAYS, PREAMBLE, Run, errors

D = Decimal
BRACKET = "BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }"
HOUR = 3_600_000


def entry(action: str, close: float = 40, head: str = "") -> EnterSignal:
    (signal,) = Run(PREAMBLE + head + "\n" + ALWAYS + action).close(close).entries
    return signal


def layers(action: str, head: str = "") -> list[tuple[str, str, str | None]]:
    """Quantity, kind and price of every layer, for a seed that was filled at 100."""
    plan = entry(action, 100, head).stack
    assert plan is not None
    return [(f"{one.quantity:f}", one.kind.name, _at(one.price)) for one in plan.layers]


def _at(formula: Formula | None) -> str | None:
    return None if formula is None else f"{formula.at(D(100)):f}"


# ---------------------------------------------------------------- STACK


def test_27_layers_against_the_trade_are_limits() -> None:
    action = "SELL k SIZING 1 STACK 3 SPACING 4 ABOVE WITHIN 2h"
    assert layers(action) == [("1", "LIMIT", "104"), ("1", "LIMIT", "108")]
    signal = entry(action)
    assert (signal.side, signal.quantity, signal.kind) == ("SELL", D(1), OrderKind.MARKET)
    assert signal.stack is not None
    assert signal.stack.within_ms == 2 * HOUR


@pytest.mark.parametrize(
    ("action", "kind", "prices"),
    [
        ("BUY k SIZING 1 STACK 3 SPACING 0.5", "STOP", ["100.5", "101.0"]),
        ("BUY k SIZING 1 STACK 3 SPACING 0.5 ABOVE", "STOP", ["100.5", "101.0"]),
        ("BUY k SIZING 1 STACK 3 SPACING 0.5 BELOW", "LIMIT", ["99.5", "99.0"]),
        ("SELL k SIZING 1 STACK 3 SPACING 0.5", "STOP", ["99.5", "99.0"]),
        ("SELL k SIZING 1 STACK 3 SPACING 0.5 BELOW", "STOP", ["99.5", "99.0"]),
        ("BUY k SIZING 1 STACK 3 SPACING (p + 1) / 4", "STOP", ["100.5", "101.0"]),
        ("BUY k SIZING 1 STACK 3 SPACING entry * 0.005", "STOP", ["100.500", "101.000"]),
    ],
)
def test_the_compact_form(action: str, kind: str, prices: list[str]) -> None:
    assert [(k, D(price or 0)) for _, k, price in layers(action, "PARAM p = 1")] == [(kind, D(price)) for price in prices]


def test_one_layer_is_the_seed_alone_and_a_day_is_the_default() -> None:
    assert entry("BUY k SIZING 1 STACK 1 SPACING 4").stack is None
    plan = entry("BUY k SIZING 1 STACK 2 SPACING 4").stack
    assert plan is not None
    assert plan.within_ms == 24 * HOUR


def test_the_list_form_with_sizes_of_its_own() -> None:
    rest = "0.05 AT entry + 1.2, 0.1 LIMIT AT entry - 1.5, 2 STOP AT entry * 1.1 LIMIT AT entry * 1.2,"
    action = f"BUY k STACK [ 0.05, {rest} ] WITHIN 2h"
    signal = entry(action)
    assert signal.quantity == D("0.05")
    assert layers(action) == [
        ("0.05", "STOP", "101.2"),
        ("0.1", "LIMIT", "98.5"),
        ("2", "STOP_LIMIT", "110.0"),
    ]
    assert signal.stack is not None
    assert _at(signal.stack.layers[2].limit) == "120.0"


@pytest.mark.parametrize(
    ("side", "price", "kind"),
    [
        ("BUY", "entry + 5", OrderKind.STOP),
        ("BUY", "entry - 5", OrderKind.IF_TOUCHED),
        ("SELL", "entry - 5", OrderKind.STOP),
        ("SELL", "entry + 5", OrderKind.IF_TOUCHED),
        ("BUY", "entry * 1.05 + 1", OrderKind.STOP),
        ("BUY", "(entry - 1) * 1.05", OrderKind.IF_TOUCHED),
        ("SELL", "-(5 - entry) / 1.05", OrderKind.STOP),
        ("BUY", "entry * entry / 2", OrderKind.IF_TOUCHED),
        ("BUY", "45", OrderKind.IF_TOUCHED),
        ("BUY", "entry", OrderKind.IF_TOUCHED),
    ],
)
def test_a_layer_at_a_price_is_a_stop_only_where_it_surely_lies_ahead(side: str, price: str, kind: OrderKind) -> None:
    plan = entry(f"{side} k STACK [ 1, 1 AT {price} ]").stack
    assert plan is not None
    assert [layer.kind for layer in plan.layers] == [kind]


@pytest.mark.parametrize(
    ("layer", "kind", "level"),
    [
        ("1 LIMIT AT 38", OrderKind.LIMIT, "38"),
        ("1 STOP AT 42 + 1", OrderKind.STOP, "43"),
        ("1 AT 43", OrderKind.STOP, "43"),
        ("1 MARKET AT 38", OrderKind.IF_TOUCHED, "38"),
        ("1 MARKET", OrderKind.MARKET, None),
    ],
)
def test_the_first_layer_may_wait_for_a_price(layer: str, kind: OrderKind, level: str | None) -> None:
    signal = entry(f"BUY k STACK [ {layer}, 2 AT entry + 1 ]")
    assert (signal.kind, signal.limit or signal.stop) == (kind, None if level is None else D(level))


def test_every_layer_is_sized_when_the_signal_fires() -> None:
    rest = "2000 USD LIMIT AT entry / 2, RISK $ 40 AT entry + 10, POSITION.k AT entry + 20"
    run = Run(PREAMBLE + ALWAYS + f"BUY k STACK [ 2000 USD, {rest} ] STOP LOSS BY 4")
    run.context.position("SIM:KLM").quantity = -3.0
    (signal,) = run.close(40).entries
    assert signal.stack is not None
    assert [signal.quantity, *(layer.quantity for layer in signal.stack.layers)] == [D("0.5"), D(1), D("0.1"), D(3)]


def test_one_layer_without_a_size_suppresses_the_whole() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k STACK [ 1, 0 AT entry + 1 ]").close(40)
    assert [(fired.signals, fired.suppressed) for fired in run.context.fired] == [([], 1)]


def test_the_bracket_is_for_every_layer_and_does_not_move() -> None:
    signal = entry("BUY k SIZING 1 STACK 2 SPACING 1 BRACKET { STOP LOSS TRAILING 3 AFTER MFE >= 1, TAKE PROFIT RR 2 }")
    assert signal.bracket == BracketSpec(ExitPrice(ExitForm.BY, D(3)), ExitPrice(ExitForm.RR, D(2)))
    problems = check_text(PREAMBLE + ALWAYS + "BUY k SIZING 1 STACK 2 SPACING 1 TRAILING_STOP PCT 2").problems
    assert "QKT0509" in [p.code for p in problems]


@pytest.mark.parametrize("clause", ["LIMIT AT 30", "OCO { STOP AT 30, LIMIT AT 60 }"])
def test_clauses_without_effect_beside_a_stack_are_told(clause: str) -> None:
    source = PREAMBLE + ALWAYS + f"BUY k SIZING 1 STACK 2 SPACING 1 {clause}"
    assert "QKT0509" in [p.code for p in check_text(source).problems]
    (signal,) = Run(source).close(40).entries
    assert (signal.kind, signal.bracket) == (OrderKind.MARKET, None)


@pytest.mark.parametrize(
    ("action", "code", "place"),
    [
        ("BUY k STACK [ 1, 2 ]", "QKT0156", "]"),
        ("BUY k STACK [ 1, 1 AT Entry + 4 ]", "QKT0201", "Entry"),
        ("BUY k STACK [ 1, 1 AT k.close + 4 ]", "QKT0414", "k.close"),
        ("BUY k STACK [ 1, 1 AT entry + atr(k, 3) ]", "QKT0414", "atr(k, 3)"),
        ("BUY k STACK [ 1, 1 AT entry % 4 ]", "QKT0414", "entry % 4"),
        ("BUY k STACK [ 1, 1 AT entry / (2 - 2) ]", "QKT0414", "entry / (2 - 2)"),
        ("BUY k STACK [ 1, 1 AT 0 - 4 ]", "QKT0412", "0 - 4"),
        ("BUY k STACK [ 1, 1 AT inside ]", "QKT0414", "inside"),
        ("BUY k STACK [ 1 AT entry + 1, 1 AT entry + 4 ]", "QKT0414", "entry + 1"),
        ("BUY k STACK [ 1 AT k.close, 1 AT entry + 4 ]", "QKT0414", "k.close"),
        ("BUY k SIZING 1 STACK 3 SPACING k.close", "QKT0414", "k.close"),
        ("BUY k SIZING 1 STACK 3 SPACING 0", "QKT0412", "0"),
        ("BUY k STACK 3 SPACING 1", "QKT0401", "k"),
        ("BUY k SIZING 1 STACK [ 1, 2 AT entry + 1 ]", "QKT0150", "SIZING 1"),
        ("BUY k STACK [ 1, RISK 0.1 AT entry + 1 ]", "QKT0402", "RISK 0.1"),
        ("BUY k SIZING 1 STACK 2 SPACING 1 TIF GTD NOW + 1h", "QKT0404", "GTD NOW + 1h"),
        (f"BUY k SIZING 1 STACK 2 SPACING 1 STACK_AT MFE >= 1 WITHIN 9m SIZING 1 {BRACKET}", "QKT0407", "2 SPACING 1"),
    ],
)
def test_a_stack_that_is_refused(action: str, code: str, place: str) -> None:
    assert errors("LET inside = k.close\n" + ALWAYS + action) == [(code, place)]


# ---------------------------------------------------------------- STACK_AT


def tiers(*clauses: str, head: str = "") -> tuple[Tier, ...]:
    return entry(f"BUY k SIZING 1 BRACKET {{ STOP LOSS BY 9, TAKE PROFIT BY 9 }} {' '.join(clauses)}", head=head).tiers


def test_tiers_with_their_constants() -> None:
    assert tiers(
        f"STACK_AT MFE >= 90 WITHIN 2h SIZING 0.02 {BRACKET}",
        f"STACK_AT MFE >= 60 * 3 WITHIN 3h SIZING ENTRY_QTY / 4 {BRACKET}",
        "STACK_AT MAE >= 110 RECOVER p WITHIN 4h SIZING ENTRY_QTY * 0.5 BRACKET { TAKE PROFIT BY -(-7), STOP LOSS BY p / 3 }",
        head="PARAM p = 70",
    ) == (
        Tier(D(90), None, 2 * HOUR, Formula((D("0.02"),)), D(1), D(2)),
        Tier(D(180), None, 3 * HOUR, Formula(("x", D(4), "/")), D(1), D(2)),
        Tier(D(110), D(70), 4 * HOUR, Formula(("x", D("0.5"), "*")), D("23.33333333"), D(7)),
    )


def test_a_stop_of_a_tier_does_not_move() -> None:
    leg = "STOP LOSS BY 5 STEP TO BREAKEVEN AFTER MFE >= 3"
    (tier,) = tiers(f"STACK_AT MFE >= 1 WITHIN 1h SIZING 1 BRACKET {{ {leg}, TAKE PROFIT BY 2 }}")
    assert (tier.stop_distance, tier.target_distance) == (D(5), D(2))


def tier(excursion: str = "MFE >= 1", size: str = "1", bracket: str = "STOP LOSS BY 1, TAKE PROFIT BY 2") -> str:
    return f"BUY k SIZING 1 STACK_AT {excursion} WITHIN 9m SIZING {size} BRACKET {{ {bracket} }}"


@pytest.mark.parametrize(
    ("action", "code", "place"),
    [
        (tier("MFE >= k.close"), "QKT0414", "k.close"),
        (tier("MFE >= 0 - 1"), "QKT0412", "0 - 1"),
        (tier("MFE >= 1 / 0"), "QKT0414", "1 / 0"),
        (tier("MAE >= 1 RECOVER ENTRY_QTY"), "QKT0209", "ENTRY_QTY"),
        (tier(size="k.close"), "QKT0414", "k.close"),
        (tier(size="ENTRY_QTY * POSITION.k"), "QKT0414", "POSITION.k"),
        (tier(size="500 USD"), "QKT0414", "500 USD"),
        (tier(size="RISK 0.1"), "QKT0414", "RISK 0.1"),
        (tier(size="0"), "QKT0412", "0"),
        (tier(bracket="STOP LOSS BY 1"), "QKT0415", "STOP LOSS BY 1"),
        (tier(bracket="TAKE PROFIT BY 1"), "QKT0415", "TAKE PROFIT BY 1"),
        (tier(bracket="STOP LOSS BY 1, TAKE PROFIT RR 2"), "QKT0410", "RR 2"),
        (tier(bracket="STOP LOSS AT 30, TAKE PROFIT BY 2"), "QKT0410", "AT 30"),
        (tier(bracket="STOP LOSS BY k.close, TAKE PROFIT BY 2"), "QKT0414", "k.close"),
        (tier(bracket="STOP LOSS BY 0, TAKE PROFIT BY 2"), "QKT0412", "0"),
        (tier() + " OCO { STOP AT 30, LIMIT AT 60 }", "QKT0407", "{ STOP AT 30, LIMIT AT 60 }"),
        ("BUY k SIZING ENTRY_QTY", "QKT0209", "ENTRY_QTY"),
    ],
)
def test_a_tier_that_is_refused(action: str, code: str, place: str) -> None:
    assert errors(ALWAYS + action) == [(code, place)]


def test_layers_are_data_that_can_be_compared() -> None:
    plan = entry("BUY k SIZING 1 STACK 2 SPACING 1").stack
    assert plan is not None
    assert plan.layers == (StackLayer(D(1), OrderKind.STOP, Formula(("x", D(1), "+"))),)
