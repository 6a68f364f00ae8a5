"""How rules are woken, held back, fired and re-armed, and what keeps a memory."""

from __future__ import annotations

import traceback
from decimal import Decimal

import pytest

from qkt.core.terms import OrderKind, Side
from qkt.strategy import BracketSpec, CancelSignal, CloseSignal, ExitForm, ExitPrice
from tests.lang.fake_context import PREAMBLE, TWO, Run, long, short

ALWAYS = "RULES WHEN k.close > 0 THEN "


# ---------------------------------------------------------------- waking and warmth


def test_a_rule_wakes_on_its_targets_stream_and_reads_the_latest_bar_of_others() -> None:
    run = Run(TWO + "RULES WHEN k.close > m.close THEN BUY k SIZING m.close")
    run.close(9).close(5, alias="m")
    assert run.story == []
    run.close(9)
    assert run.story == ["BUY 5 @2"]


@pytest.mark.parametrize(
    ("rule", "anchor"),
    [
        ("WHEN m.close > 0 THEN CLOSE m", "m"),
        ("WHEN m.close > 0 THEN CANCEL m", "m"),
        ("WHEN m.close > 0 THEN LOG 'x' ; SELL m SIZING 1 ; BUY k SIZING 1", "m"),
        ("WHEN m.close > 0 THEN LOG 'x'", "k"),
        ("WHEN m.close > 0 THEN CLOSE_ALL", "k"),
        ("WHEN m.close > 0 THEN CANCEL_ALL ; BUY m SIZING 1", "k"),
        ("WHEN ON m k.close > 0 THEN BUY k SIZING 1", "m"),
    ],
)
def test_the_primary_action_chooses_the_stream_that_wakes_a_rule(rule: str, anchor: str) -> None:
    run = Run(TWO + "RULES " + rule)
    other = "k" if anchor == "m" else "m"
    run.close(1, alias=other)
    assert (run.context.fired, run.context.lines) == ([], [])
    run.close(1, alias=anchor)
    assert run.context.fired or run.context.lines


def test_two_aliases_of_one_market_keep_their_own_candles() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS fast = SIM:KLM EVERY 1m, slow = SIM:KLM EVERY 5m\n"
    run = Run(source + "RULES WHEN fast.close > slow.close AND POSITION.slow = 0 THEN BUY fast SIZING slow.close")
    run.close(3, alias="slow").close(4, alias="fast")
    assert run.story == ["BUY 3 @1"]


def test_a_rule_waits_for_the_bars_of_every_stream_it_names() -> None:
    run = Run(
        TWO + "RULES WHEN k.close > 0 AND POSITION.m = 0 THEN BUY k SIZING k.close\nWHEN ema(m.close, 2) > 9 THEN CLOSE m"
    )
    run.close(1, 2).close(1, alias="m").close(3).close(1, alias="m").close(4)
    assert run.story == ["BUY 4 @4"]


def test_names_behind_lets_do_not_hold_a_rule_back() -> None:
    run = Run(TWO + "LET slow = ema(m.close, 5)\nRULES WHEN slow IS NULL AND OPEN_ORDERS.m = 0 THEN BUY k SIZING k.close")
    assert run.close(1).story == ["BUY 1 @1"]


def test_declared_warm_up_holds_rules_back() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m WARMUP 3 BARS\nRULES WHEN k.close > 0 THEN BUY k SIZING k.close"
    )
    run = Run(source)
    assert run.close(1, 2, 3).story == ["BUY 3 @3"]
    assert [s.warmup for s in run.strategy.streams] == [3]


def test_constants_named_by_a_let_do_not_count_for_warm_up_but_params_do() -> None:
    for declaration, bars in (("LET n = 7", 0), ("PARAM n = 7", 7)):
        run = Run(f"{PREAMBLE}{declaration}\nRULES WHEN ema(k.close, n) > 0 THEN CLOSE k")
        assert [s.warmup for s in run.strategy.streams] == [bars]


# ---------------------------------------------------------------- edges


def test_a_dropped_firing_leaves_the_rule_armed() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING k.close - 5")
    run.close(3, 4, 7)
    assert [(f.bar, len(f.signals), f.suppressed) for f in run.context.fired] == [(1, 0, 1), (2, 0, 1), (3, 1, 0)]
    assert run.context.lines == [("WARN", "rule 1: BUY SIM:KLM is not sent: its size is not positive")]


def test_a_refused_firing_leaves_the_rule_armed() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING k.close")
    run.context.accepts = False
    run.close(1, 2)
    run.context.accepts = True
    assert run.close(3, 4).story == ["BUY 1 @1", "BUY 2 @2", "BUY 3 @3"]


def test_rearm_clears_the_flag() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING k.close").close(1, 2)
    run.strategy.rearm(0)
    assert run.close(3, 4).story == ["BUY 1 @1", "BUY 3 @3"]


def test_an_undefined_price_sends_nothing_and_uses_up_the_edge() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 ORDER_TYPE = LIMIT AT k.ask")
    run.close(1, 2).close(3, ask=9)
    assert run.context.fired == []
    assert run.context.lines == [("WARN", "rule 1: BUY SIM:KLM is not sent: its price is not defined")]


@pytest.mark.parametrize(
    ("modifiers", "reason"),
    [
        ("SIZING k.ask", "its size is not defined"),
        ("SIZING 0 - 1", "its size is not positive"),
        ("SIZING 1e-13 * 0", "its size is not positive"),
        ("SIZING 1 LIMIT AT k.close - 40", "its price is not positive"),
        ("SIZING 1 LIMIT AT 39 TIF GTD k.ask", "its GTD time is not defined"),
        ("SIZING 1 STOP_LOSS BY 50", "its stop is not positive"),
        ("SIZING 1 STOP_LOSS PCT k.close + 10", "out of range"),
        ("SIZING RISK 0.01 STOP_LOSS AT k.close", "no distance from the entry"),
        ("SIZING RISK 0.01 STOP_LOSS BY k.close - k.open", "no distance from the entry"),
    ],
)
def test_orders_that_make_no_sense_are_suppressed(modifiers: str, reason: str) -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k " + modifiers).close(40)
    assert [(f.signals, f.suppressed) for f in run.context.fired] == [([], 1)]
    assert reason in run.context.lines[0][1]


def test_a_reason_is_logged_once_whatever_number_was_found() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 STOP_LOSS PCT k.close + 100").close(40, 41, 42)
    assert run.context.lines == [("WARN", "rule 1: BUY SIM:KLM is not sent: a protective price of 140 percent is out of range")]


def test_one_bad_action_does_not_keep_the_others() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 0 ; SELL k SIZING 2").close(4)
    assert run.story == ["SELL 2 @1"]
    assert run.context.fired[0].suppressed == 1


# ---------------------------------------------------------------- memories


def test_a_crossing_advances_behind_a_false_operand() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.open > 5 AND k.close CROSSES ABOVE 10 THEN BUY k SIZING k.close")
    run.close(5, 15, open=1).close(20, open=9).close(5, open=9).close(12, open=9)
    assert run.story == ["BUY 12 @5"]


def test_a_crossing_in_a_chosen_case_body_advances_only_when_chosen() -> None:
    run = Run(
        PREAMBLE + "RULES WHEN CASE WHEN k.open > 5 THEN k.close CROSSES ABOVE 10 ELSE FALSE END THEN BUY k SIZING k.close"
    )
    run.close(5, open=9).close(15, open=1).close(16, open=9)
    assert run.story == ["BUY 16 @3"]


def test_a_crossing_in_a_let_has_a_memory_in_each_rule() -> None:
    run = Run(
        PREAMBLE + "LET up = k.close CROSSES ABOVE 10\nRULES WHEN up THEN BUY k SIZING 1\n"
        "WHEN up AND sma(k.close, 1) > 0 THEN SELL k SIZING 2"
    )
    assert run.close(5, 15, 5, 15).story == ["BUY 1 @2", "SELL 2 @2", "BUY 1 @4", "SELL 2 @4"]


def test_an_undefined_bar_does_not_touch_a_crossing() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.close CROSSES ABOVE k.bid THEN BUY k SIZING k.close")
    run.close(5, bid=10).close(50).close(15, bid=10)
    assert run.story == ["BUY 15 @3"]


def test_look_back_on_calls_lets_and_conditions() -> None:
    run = Run(
        PREAMBLE + "LET body = k.close - k.open, up = body > 0\n"
        'RULES WHEN TRUE THEN LOG "{a} {b} {c} {d}" a=sma(k.close, 2)[1] b=body[2] c=up[1] d=k.hl2[1]'
    )
    shown = []
    for close in (3, 5, 9, 4):
        run.strategy.rearm(0)
        run.close(close, open=4)
        shown.append(run.context.lines[-1][1])
    assert shown == [
        "undefined undefined undefined undefined",
        "undefined undefined false 3",
        "4 -1 true 5",
        "7 1 true 9",
    ]


def test_look_back_is_positional_while_lag_skips_undefined_bars() -> None:
    run = Run(PREAMBLE + 'LET q = k.bid + 0\nRULES WHEN TRUE THEN LOG "{a} {b}" a=q[1] b=lag(k.bid + 0, 1)')
    run.close(1, bid=1).close(1)
    run.strategy.rearm(0)
    run.close(1, bid=3)
    assert run.context.lines[-1][1] == "undefined 1"


def test_an_indicator_on_several_streams_takes_the_first_ones_bars() -> None:
    run = Run(TWO + 'LET r = sma(m.close / k.close, 2)\nRULES WHEN ON m r IS NOT NULL THEN LOG "{r}" r=r')
    run.close(2).close(4, alias="m").close(4).close(4, alias="m")
    assert run.context.lines == [("INFO", "1.5")]


def test_rolling_windows() -> None:
    run = Run(
        PREAMBLE + "LET s = sum(k.close, 3), c = count(k.close > 11, 3), h = max(k.close) OVER 3 BARS\n"
        'RULES WHEN s IS NOT NULL THEN LOG "{s} {c} {h} {a}" s=s c=c h=h a=avg(k.close, 3)'
    )
    run.close(10, 12, 11)
    run.strategy.rearm(0)
    run.close(13)
    assert [text for _, text in run.context.lines] == ["33 1 12 11", "36 2 13 12"]


def test_equal_indicators_are_made_once() -> None:
    source = Run(
        PREAMBLE + "LET e = ema(k.close, 3)\nRULES WHEN e > EMA(k.price, 3.0) AND e > 1 THEN CLOSE k"
    ).loaded.source_code
    assert source.count("indicator('EMA'") == 1


# ---------------------------------------------------------------- actions


def test_defaults_fill_what_an_action_leaves_out() -> None:
    source = (
        "STRATEGY t VERSION 1\nDEFAULTS { SIZING = SYMBOL.close ORDER_TYPE = LIMIT AT SYMBOL.close - 1 STOP_LOSS = BY 2 "
        "TAKE_PROFIT = RR 3 TIF = GTD NOW + 1m }\nSYMBOLS k = SIM:KLM EVERY 1m\n"
        "RULES WHEN k.close > 0 THEN BUY k ; SELL k SIZING 1 STOP AT 5 BRACKET { STOP LOSS BY 1 } TIF GTC"
    )
    first, second = Run(source).close(9).entries
    assert (first.quantity, first.kind, first.limit, first.expires_at) == (9, OrderKind.LIMIT, Decimal(8), 120_000)
    assert first.bracket == BracketSpec(ExitPrice(ExitForm.BY, Decimal(2)), ExitPrice(ExitForm.RR, Decimal(3)))
    assert (second.quantity, second.kind, second.stop, second.expires_at) == (1, OrderKind.STOP, Decimal(5), None)
    assert second.bracket == BracketSpec(ExitPrice(ExitForm.BY, Decimal(1)), ExitPrice(ExitForm.RR, Decimal(3)))


def test_trailing_in_defaults_yields_to_order_type() -> None:
    source = (
        "STRATEGY t VERSION 1\nDEFAULTS { TRAILING = STOP AT 3 ORDER_TYPE = LIMIT AT 2 SIZING = 1 }\n"
        "SYMBOLS k = SIM:KLM EVERY 1m\nRULES WHEN k.close > 0 THEN BUY k"
    )
    assert [e.kind for e in Run(source).close(9).entries] == [OrderKind.LIMIT]


def test_stop_limit() -> None:
    (entry,) = Run(PREAMBLE + ALWAYS + "SELL k SIZING 1 ORDER_TYPE = STOP AT k.low LIMIT AT k.low - 1").close(9).entries
    assert (entry.side, entry.kind, entry.stop, entry.limit) == (Side.SELL, OrderKind.STOP_LIMIT, 9, 8)
    assert entry.reference == 9


@pytest.mark.parametrize(
    ("action", "plain"),
    [
        ("BUY k SIZING 1", True),
        ("BUY k SIZING 4 + POSITION.k", True),
        ("BUY k SIZING POSITION.k", False),
        ("BUY k SIZING 100 USD", False),
        ("BUY k SIZING 1 STOP_LOSS BY 1", False),
        ("BUY k SIZING 1 LIMIT AT 3", False),
    ],
)
def test_plain_orders_are_market_orders_of_a_plain_quantity(action: str, plain: bool) -> None:
    run = Run(PREAMBLE + ALWAYS + action)
    run.context.position("SIM:KLM").quantity = -3.0
    (entry,) = run.close(5).entries
    assert entry.plain is plain


def test_a_bare_position_is_its_absolute_value_and_a_longer_expression_is_signed() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING POSITION.k ; BUY k SIZING POSITION.k * -0.5")
    run.context.position("SIM:KLM").quantity = -3.0
    assert run.close(5).story == ["BUY 3 @1", "BUY 1.5 @1"]


def test_a_position_in_parentheses_is_an_expression_with_its_sign() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING (POSITION.k)")
    run.context.position("SIM:KLM").quantity = -3.0
    assert [(fired.signals, fired.suppressed) for fired in run.close(5).context.fired] == [([], 1)]
    run.context.position("SIM:KLM").quantity = 2.0
    assert run.close(6).story == ["BUY 2 @2"]


def test_close_a_part_takes_the_oldest_legs_of_the_net_side() -> None:
    run = Run(PREAMBLE + ALWAYS + "CLOSE k SIZING 0.6")
    run.context.open_legs["SIM:KLM"] = (long("0.5"), short("0.2", leg=2), long("0.4", leg=3))
    run.close(5)
    assert run.signals == [CloseSignal("t", "SIM:KLM", 0, (long("0.5"), long("0.1", leg=3)), Decimal(5))]


def test_close_all_cancels_what_is_declared_and_closes_what_is_open() -> None:
    run = Run(TWO + "RULES WHEN k.close > 0 THEN CLOSE_ALL")
    run.context.open_legs = {"SIM:ZZZ": (long("1"),), "SIM:MNO": (short("2"),)}
    run.close(5)
    assert run.signals == [
        CancelSignal("t", "SIM:KLM", 0),
        CancelSignal("t", "SIM:MNO", 0),
        CloseSignal("t", "SIM:MNO", 0, (short("2"),)),
        CloseSignal("t", "SIM:ZZZ", 0, (long("1"),)),
    ]


def test_cancel() -> None:
    run = Run(TWO + "RULES WHEN k.close > 0 THEN CANCEL_ALL ; CANCEL m INCLUDING PROTECTION").close(5)
    assert run.signals == [
        CancelSignal("t", "SIM:KLM", 0),
        CancelSignal("t", "SIM:MNO", 0),
        CancelSignal("t", "SIM:MNO", 0, True),
    ]


def test_log() -> None:
    run = Run(PREAMBLE + ALWAYS + 'LOG WARN "at {p}, {q}" p=k.close q=k.ask up=k.close > 1 tiny=0.00000001')
    run.close(5, 6)
    assert run.context.lines == [("WARN", "at 5, undefined up=true tiny=0.00000001")]
    assert run.context.fired == []


def test_for_each_goes_alias_by_alias_and_reaches_log_fields() -> None:
    run = Run(
        TWO + "RULES FOR EACH s IN k, m DO { WHEN s.close > 1 THEN BUY s SIZING 1 WHEN s.close > 2 THEN LOG 'x' v=s.close }"
    )
    run.close(5, alias="m").close(9)
    assert [f.rule for f in run.context.fired] == [2, 0]
    assert [text for _, text in run.context.lines] == ["x v=9", "x v=5"]


def test_a_running_strategy_can_be_started_again() -> None:
    run = Run(PREAMBLE + "RULES WHEN k.close CROSSES ABOVE 5 THEN BUY k SIZING 1").close(4, 6)
    run.strategy.on_start(run.context)
    assert run.close(6, 7, 4, 6).story == ["BUY 1 @2", "BUY 1 @6"]


def test_volume_is_asked_for_only_when_it_is_read() -> None:
    for condition, wanted in (("k.volume > 1", True), ("obv(k) > 1", True), ("k.close > 1", False)):
        assert Run(f"{PREAMBLE}RULES WHEN {condition} THEN CLOSE k").strategy.wants_volume is wanted


def test_a_failure_shows_the_line_of_the_generated_source() -> None:
    run = Run(PREAMBLE + ALWAYS + "CLOSE k")
    del run.context.open_legs
    with pytest.raises(AttributeError) as caught:
        run.close(1)
    text = "".join(traceback.format_exception(caught.value))
    assert 'File "<qkt:t>"' in text
    assert "firing.close('SIM:KLM', close)" in text
