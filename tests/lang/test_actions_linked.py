"""Entries that belong together: OCO_ENTRY, ON_FILL, and the hooks that answer an exit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.events import PositionExited
from qkt.core.terms import OrderKind, Purpose, Side, TimeInForce
from qkt.strategy import BracketSpec, EnterSignal, ExitForm, ExitPrice, OcoEntrySignal
from tests.lang.fake_context import ALWAYS, PREAMBLE, TWO, Run, errors

D = Decimal
BRACKET = "BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }"


# ---------------------------------------------------------------- OCO_ENTRY


def test_two_entries_of_which_one_stays() -> None:
    legs = (
        f"BUY k SIZING 0.2 STOP AT k.close + 3 {BRACKET} TIF GTD NOW + 30m, SELL k SIZING RISK $ 40 STOP AT 35 STOP_LOSS BY 2"
    )
    (oco,) = Run(PREAMBLE + ALWAYS + f"OCO_ENTRY {{ {legs} }}").close(40).signals
    assert isinstance(oco, OcoEntrySignal)
    assert (oco.symbol, oco.rule) == ("SIM:KLM", 0)
    first, second = oco.first, oco.second
    assert (first.side, first.kind, first.stop, first.expires_at) == (Side.BUY, OrderKind.STOP, D(43), 1_860_000)
    assert first.bracket == BracketSpec(ExitPrice(ExitForm.BY, D(1)), ExitPrice(ExitForm.BY, D(2)))
    assert (second.side, second.quantity, second.stop) == (Side.SELL, D("0.2"), D(35))


def test_defaults_complete_the_legs() -> None:
    source = "STRATEGY t VERSION 1 DEFAULTS { SIZING = 2 STOP_LOSS = BY 4 }\nSYMBOLS k = SIM:KLM EVERY 1m\n"
    (oco,) = Run(source + ALWAYS + "OCO_ENTRY { BUY k LIMIT AT 30, SELL k LIMIT AT 50 SIZING 1 }").close(40).signals
    assert isinstance(oco, OcoEntrySignal)
    assert [leg.quantity for leg in (oco.first, oco.second)] == [D(2), D(1)]
    assert all(leg.bracket == BracketSpec(ExitPrice(ExitForm.BY, D(4)), None) for leg in (oco.first, oco.second))


def test_an_undefined_price_in_one_leg_sends_nothing_and_consumes_the_edge() -> None:
    run = Run(PREAMBLE + ALWAYS + "OCO_ENTRY { BUY k SIZING 1 STOP AT 50, SELL k SIZING 1 STOP AT k.bid }").close(40, 41)
    assert run.context.fired == []
    assert run.strategy.memory.fired == [True]
    assert [level for level, _ in run.context.lines] == ["WARN"]


def test_a_size_of_zero_in_one_leg_suppresses_both() -> None:
    run = Run(PREAMBLE + ALWAYS + "OCO_ENTRY { BUY k SIZING 1 STOP AT 50, SELL k SIZING 0 STOP AT 30 }").close(40)
    assert [(fired.signals, fired.suppressed) for fired in run.context.fired] == [([], 1)]
    assert run.strategy.memory.fired == [False]


def test_hooks_on_a_leg_work() -> None:
    legs = f"BUY k SIZING 1 STOP AT 50 {BRACKET} ON_STOP {{ LOG 'x' }}, SELL k SIZING 1 STOP AT 30"
    (oco,) = Run(PREAMBLE + ALWAYS + f"OCO_ENTRY {{ {legs} }}").close(40).signals
    assert isinstance(oco, OcoEntrySignal)
    assert oco.first.hooks is not None
    assert oco.first.hooks.reasons == {Purpose.STOP_LOSS}


@pytest.mark.parametrize(
    ("legs", "code", "place"),
    [
        ("BUY k SIZING 1, SELL k SIZING 1 STOP AT 30", "QKT0413", "BUY k SIZING 1"),
        ("BUY k SIZING 1 STOP AT 50, SELL k SIZING 1 TIF IOC", "QKT0413", "SELL k SIZING 1 TIF IOC"),
        ("BUY k SIZING 1 STACK 2 SPACING 1, SELL k SIZING 1 STOP AT 30", "QKT0413", "2 SPACING 1"),
        ("BUY z SIZING 1 STOP AT 50, SELL k SIZING 1 STOP AT 30", "QKT0203", "z"),
        ("BUY k STOP AT 50, SELL k SIZING 1 STOP AT 30", "QKT0401", "k"),
        ("BUY k SIZING RISK 0.01 STOP AT 50, SELL k SIZING 1 STOP AT 30", "QKT0402", "RISK 0.01"),
    ],
)
def test_a_leg_that_is_refused(legs: str, code: str, place: str) -> None:
    assert errors(ALWAYS + f"OCO_ENTRY {{ {legs} }}")[0] == (code, place)


def test_25_a_leg_that_is_no_entry_is_refused_by_the_grammar() -> None:
    ((code, _),) = errors(ALWAYS + "OCO_ENTRY { BUY k SIZING 1 ORDER_TYPE = STOP AT 9, CLOSE k }")
    assert code == "QKT0152"


# ---------------------------------------------------------------- ON_FILL


def test_41_children_know_the_price_of_their_parent() -> None:
    child = "SELL k SIZING 1 ORDER_TYPE = LIMIT AT entry + 3"
    (parent,) = Run(PREAMBLE + ALWAYS + f"BUY k SIZING 1 ORDER_TYPE = LIMIT AT 38 ON_FILL {{ {child} }}").close(40).entries
    assert (parent.kind, parent.limit) == (OrderKind.LIMIT, D(38))
    (sell,) = parent.on_fill
    assert (sell.side, sell.kind, sell.limit, sell.tif) == (Side.SELL, OrderKind.LIMIT, D(41), TimeInForce.GTC)


@pytest.mark.parametrize(
    ("parent", "limit"),
    [("", "38"), ("STOP AT 45", "43"), ("STOP AT 45 LIMIT AT 46", "43"), ("TRAILING BY 1", "38"), ("LIMIT AT k.low", "37")],
)
def test_the_parents_price_is_its_level_or_the_close(parent: str, limit: str) -> None:
    source = ALWAYS + f"BUY k SIZING 1 {parent} ON_FILL {{ BUY k SIZING entry / 100 LIMIT AT entry - 2 ; }}"
    (signal,) = Run(PREAMBLE + source).close(40, low=39).entries
    assert [child.limit for child in signal.on_fill] == [D(limit)]


def test_children_on_another_stream_and_at_market() -> None:
    source = ALWAYS + "BUY k SIZING 1 STOP AT 44 ON_FILL { SELL m SIZING 500 USD ; BUY k SIZING 2 LIMIT AT 30 }"
    (signal,) = Run(TWO + source).close(50, alias="m").close(40).entries
    assert [(c.symbol, c.quantity, c.kind) for c in signal.on_fill] == [
        ("SIM:MNO", D("0.1"), OrderKind.MARKET),
        ("SIM:KLM", D(2), OrderKind.LIMIT),
    ]


def test_a_child_that_cannot_be_priced_holds_back_its_parent() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 ON_FILL { SELL k SIZING 1 LIMIT AT k.ask }").close(40)
    assert run.signals == []
    assert run.strategy.memory.fired == [True]


def test_entry_is_an_ordinary_name_elsewhere() -> None:
    assert Run(PREAMBLE + "LET entry = 5\n" + ALWAYS + "BUY k SIZING entry").close(40).story == ["BUY 5 @1"]
    assert errors(ALWAYS + "BUY k SIZING 1 LIMIT AT entry") == [("QKT0209", "entry")]


ON_FILL = "ON_FILL { SELL k SIZING 1 LIMIT AT 50 }"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (f"BUY k SIZING 1 {BRACKET} {ON_FILL}", "QKT0407", "SELL k SIZING 1 LIMIT AT 50"),
        (f"BUY k SIZING 1 OCO {{ STOP AT 1, LIMIT AT 60 }} {ON_FILL}", "QKT0407", "SELL k SIZING 1 LIMIT AT 50"),
        (f"BUY k SIZING 1 STACK 2 SPACING 1 {ON_FILL}", "QKT0407", "SELL k SIZING 1 LIMIT AT 50"),
        (f"BUY k SIZING 1 LIMIT AT 9 TIF GTD NOW + 1h {ON_FILL}", "QKT0407", "SELL k SIZING 1 LIMIT AT 50"),
        (f"BUY k SIZING 1 {ON_FILL} ON_STOP {{ LOG 'x' }}", "QKT0407", "LOG 'x'"),
        ("BUY k SIZING 1 ON_FILL { CLOSE k }", "QKT0413", "CLOSE k"),
        ("BUY k SIZING 1 ON_FILL { LOG 'x' }", "QKT0413", "LOG 'x'"),
        ("BUY k SIZING 1 ON_FILL { SELL k LIMIT AT 50 }", "QKT0401", "k"),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING 1 STOP_LOSS BY 2 }", "QKT0413", "STOP_LOSS BY 2"),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING 1 TIF DAY }", "QKT0413", "DAY"),
        (
            "BUY k SIZING 1 ON_FILL { SELL k SIZING 1 OCO { STOP AT 50, LIMIT AT 20 } }",
            "QKT0413",
            "{ STOP AT 50, LIMIT AT 20 }",
        ),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING 1 STACK 2 SPACING 1 }", "QKT0413", "2 SPACING 1"),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING 1 ON_FILL { BUY k SIZING 1 } }", "QKT0413", "BUY k SIZING 1"),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING RISK 0.1 }", "QKT0402", "RISK 0.1"),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING 1 LIMIT WITH 2 }", "QKT0409", "WITH 2"),
        ("BUY k SIZING 1 ON_FILL { SELL k SIZING EXIT.qty }", "QKT0209", "EXIT.qty"),
        ("BUY k SIZING 1 ON_FILL { }", "QKT0100", "}"),
    ],
)
def test_on_fill_that_is_refused(text: str, code: str, place: str) -> None:
    assert errors(ALWAYS + text)[0] == (code, place)


def test_protection_or_a_deadline_from_defaults_excludes_on_fill() -> None:
    for clause in ("STOP_LOSS = BY 2", "TIF = GTD NOW + 1h"):
        head = f"STRATEGY t VERSION 1 DEFAULTS {{ {clause} }}\nSYMBOLS k = SIM:KLM EVERY 1m\n"
        assert [code for code, _ in errors(ALWAYS + f"BUY k SIZING 1 LIMIT AT 9 {ON_FILL}", head)] == ["QKT0407"]


def test_children_take_nothing_from_defaults() -> None:
    head = "STRATEGY t VERSION 1 DEFAULTS { SIZING = 2 ORDER_TYPE = LIMIT AT 30 TIF = DAY }\nSYMBOLS k = SIM:KLM EVERY 1m\n"
    assert [code for code, _ in errors(ALWAYS + "BUY k ON_FILL { SELL k }", head)] == ["QKT0401"]
    (parent,) = Run(head + ALWAYS + "BUY k ON_FILL { SELL k SIZING 1 }").close(40).entries
    assert [(c.kind, c.tif) for c in parent.on_fill] == [(OrderKind.MARKET, TimeInForce.GTC)]


# ---------------------------------------------------------------- hooks

HOOKED = f"BUY k SIZING 0.1 {BRACKET} "


def exited(run: Run, reason: Purpose, side: Side = Side.SELL, hooks: int = 0, rule: int = 0) -> list[EnterSignal]:
    """What follows an exit at 41.5 after ten minutes."""
    before = len(run.entries)
    run.context.time = 600_000
    run.strategy.on_exit(PositionExited("t", "SIM:KLM", hooks, rule, reason, side, D("41.5"), D("0.1"), D("-12.5"), 600_000))
    return run.entries[before:]


def test_each_reason_runs_its_own_children_and_goes_through_the_gate() -> None:
    children = "ON_STOP { SELL k SIZING EXIT.qty } ON_TP { BUY k SIZING EXIT.quantity * 0.5 ; BUY k SIZING 3 }"
    run = Run(PREAMBLE + ALWAYS + HOOKED + children).close(40)
    hooks = run.entries[0].hooks
    assert hooks is not None
    assert (hooks.hooks, hooks.reasons) == (0, {Purpose.STOP_LOSS, Purpose.TAKE_PROFIT})
    assert [(s.side, s.quantity) for s in exited(run, Purpose.STOP_LOSS)] == [(Side.SELL, D("0.1"))]
    assert [(s.side, s.quantity) for s in exited(run, Purpose.TAKE_PROFIT)] == [(Side.BUY, D("0.05")), (Side.BUY, D(3))]
    assert exited(run, Purpose.CLOSE) == []
    assert [fired.rule for fired in run.context.fired] == [0, 0, 0]
    assert all(signal.rule == 0 for signal in run.entries)


@pytest.mark.parametrize(
    ("order", "side", "kind", "price"),
    [
        ("LIMIT WITH 1.5", Side.SELL, OrderKind.LIMIT, "40"),
        ("LIMIT AGAINST 1.5", Side.SELL, OrderKind.LIMIT, "43"),
        ("STOP RETRACE 1.5", Side.SELL, OrderKind.STOP, "43"),
        ("STOP WITH k.close / 80", Side.BUY, OrderKind.STOP, "42"),
        ("LIMIT AGAINST 0.5", Side.BUY, OrderKind.LIMIT, "41"),
        ("LIMIT AT EXIT.PRICE - 1", Side.BUY, OrderKind.LIMIT, "40.5"),
    ],
)
def test_prices_start_from_the_exit_in_the_direction_of_its_fill(order: str, side: Side, kind: OrderKind, price: str) -> None:
    run = Run(PREAMBLE + ALWAYS + HOOKED + f"ON_CLOSE {{ BUY k SIZING 1 ORDER_TYPE = {order} }}").close(40)
    (signal,) = exited(run, Purpose.CLOSE, side)
    assert (signal.kind, signal.stop or signal.limit) == (kind, D(price))


def test_children_have_exits_and_lifetimes_of_their_own_and_now_is_the_fill() -> None:
    child = "BUY k SIZING RISK $ 100 LIMIT WITH 1.5 STOP LOSS BY 2 TAKE PROFIT RR 2 TIF GTD UNTIL NOW + 2h TIME_EXIT AFTER 1h"
    run = Run(PREAMBLE + ALWAYS + HOOKED + f"ON_TP {{ {child} }}").close(40)
    (signal,) = exited(run, Purpose.TAKE_PROFIT)
    assert (signal.quantity, signal.limit, signal.expires_at, signal.time_exit_ms) == (D("0.5"), D(40), 7_800_000, 3_600_000)
    assert signal.bracket == BracketSpec(ExitPrice(ExitForm.BY, D(2)), ExitPrice(ExitForm.RR, D(2)))


def test_a_log_tells_everything_of_the_exit() -> None:
    log = 'LOG WARN "{side} {reason}" side=EXIT.side reason=EXIT.Reason pnl=EXIT.pnl price=EXIT.price'
    run = Run(PREAMBLE + ALWAYS + HOOKED + f"ON_STOP {{ {log} }} ON_TP {{ {log} }}").close(40)
    exited(run, Purpose.STOP_LOSS)
    exited(run, Purpose.TAKE_PROFIT, Side.BUY)
    assert run.context.lines == [
        ("WARN", "SELL STOP pnl=-12.5 price=41.5"),
        ("WARN", "BUY TP pnl=-12.5 price=41.5"),
    ]


def test_hooks_read_the_latest_candles_and_indicators() -> None:
    child = "ON_CLOSE { SELL k SIZING m.close + sma(k.close, 2) + k.close[1] }"
    run = Run(TWO + ALWAYS + "BUY k SIZING 1 " + child).close(7, alias="m").close(40, 44)
    assert [s.quantity for s in exited(run, Purpose.CLOSE)] == [D(89)]


def test_the_fingerprint_follows_what_hooks_do_and_nothing_else() -> None:
    def fingerprint(child: str, before: str = "", let: str = "9") -> str:
        rules = f"{before} WHEN k.close > 0 THEN BUY k SIZING 1 ON_STOP {{ {child} }}"
        run = Run(f"{PREAMBLE}LET base = sma(k.close, {let})\nRULES {rules}").close(*[40] * 12)
        hooks = run.entries[0].hooks
        assert hooks is not None
        return hooks.fingerprint

    child = "SELL k SIZING 1 LIMIT AT base + 3"
    assert fingerprint(child) == fingerprint(child, before="WHEN ema(k.close, 3) > 99 THEN CLOSE k")
    assert fingerprint(child) != fingerprint("SELL k SIZING 1 LIMIT AT base + 4")
    assert fingerprint(child) != fingerprint(child, let="8")


def test_hooks_of_two_entries_are_told_apart() -> None:
    first = ALWAYS + "BUY k SIZING 1 ON_CLOSE { BUY k SIZING 5 } "
    run = Run(PREAMBLE + first + "WHEN k.close > 1 THEN SELL k SIZING 1 ON_CLOSE { BUY k SIZING 6 }").close(40)
    assert [s.quantity for s in exited(run, Purpose.CLOSE, hooks=1, rule=1)] == [D(6)]
    assert run.context.fired[-1].rule == 1


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (HOOKED + "ON_STOP { }", "QKT0100", "}"),
        (HOOKED + "ON_TP { CANCEL k }", "QKT0413", "CANCEL k"),
        (HOOKED + "ON_TP { CLOSE k }", "QKT0413", "CLOSE k"),
        (HOOKED + "ON_TP { LOG 'x' } ON_TP { LOG 'y' }", "QKT0121", "ON_TP { LOG 'y' }"),
        (HOOKED + "ON_CLOSE { BUY k }", "QKT0401", "k"),
        (HOOKED + "ON_CLOSE { BUY k SIZING 1 ON_STOP { LOG 'x' } }", "QKT0413", "LOG 'x'"),
        (HOOKED + "ON_CLOSE { BUY k SIZING 1 ON_FILL { SELL k SIZING 1 } }", "QKT0413", "SELL k SIZING 1"),
        (HOOKED + "ON_CLOSE { BUY k SIZING 1 OCO { STOP AT 1, LIMIT AT 60 } }", "QKT0413", "{ STOP AT 1, LIMIT AT 60 }"),
        (HOOKED + "ON_CLOSE { BUY k SIZING 1 STACK 2 SPACING 1 }", "QKT0413", "2 SPACING 1"),
        (HOOKED + "ON_CLOSE { BUY k SIZING RISK 0.1 }", "QKT0402", "RISK 0.1"),
        (HOOKED + "ON_CLOSE { BUY z SIZING 1 }", "QKT0203", "z"),
        ("BUY k SIZING 1 OCO { STOP AT 1, LIMIT AT 60 } ON_STOP { LOG 'x' }", "QKT0407", "LOG 'x'"),
        (f"BUY k SIZING 1 STACK_AT MFE >= 1 WITHIN 9m SIZING 1 {BRACKET} ON_STOP {{ LOG 'x' }}", "QKT0407", "LOG 'x'"),
        ("BUY k SIZING EXIT.qty", "QKT0209", "EXIT.qty"),
        ("BUY k SIZING 1 LIMIT WITH 2", "QKT0409", "WITH 2"),
    ],
)
def test_hooks_that_are_refused(text: str, code: str, place: str) -> None:
    assert errors(ALWAYS + text)[0] == (code, place)


def test_43_a_list_is_evaluated_before_anything_is_sent() -> None:
    assert Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 ; SELL k SIZING 1 + POSITION.k").close(40).story == ["BUY 1 @1", "SELL 1 @1"]
