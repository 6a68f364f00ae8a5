"""Protection, order types and lifetimes of entries: what they compile to, and what is refused where."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.terms import OrderKind, TimeInForce
from qkt.strategy import (
    BracketSpec,
    EnterSignal,
    ExitForm,
    ExitPrice,
    ScaleOut,
    ScaleOutPart,
    SteppedExit,
    StopStep,
    TighteningExit,
    Trail,
    TrailingExit,
)
from tests.lang.fake_context import ALWAYS, PREAMBLE, Run, errors

D = Decimal
BY, PCT, AT, RR = ExitForm.BY, ExitForm.PCT, ExitForm.AT, ExitForm.RR


def entry(clauses: str, close: float = 40, head: str = "", action: str = "BUY k SIZING 1 ") -> EnterSignal:
    (signal,) = Run(PREAMBLE + head + "\n" + ALWAYS + action + clauses).close(close).entries
    return signal


# ---------------------------------------------------------------- stops that move


@pytest.mark.parametrize(
    ("clause", "stop"),
    [
        ("STOP LOSS TRAILING 4 AFTER MFE >= 6", TrailingExit(Trail(BY, D(4)), D(6))),
        ("STOP LOSS TRAILING 0.0004 AFTER MFE >= 0", TrailingExit(Trail(BY, D("0.0004")), D(0))),
        ("STOP LOSS TRAILING p AFTER MFE >= far", TrailingExit(Trail(BY, D("1.5")), D(9))),
        ("TRAILING_STOP BY 2", TrailingExit(Trail(BY, D(2)), D(0))),
        ("TRAILING_STOP PCT 2.5", TrailingExit(Trail(PCT, D("2.5")), D(0))),
        ("TRAILING_STOP BY (k.high - k.low) * 2", TrailingExit(Trail(BY, D(6)), D(0))),
        (
            "STOP LOSS BY 5 STEP TO BREAKEVEN AFTER MFE >= 3 STEP TO ENTRY + 0.5 AFTER MFE >= 7",
            SteppedExit(D(5), (StopStep(D(3), D(0)), StopStep(D(7), D("0.5")))),
        ),
        ("STOP LOSS BY 8 TIGHTEN BY 1 EVERY 15m FLOOR 3", TighteningExit(D(8), D(1), 900_000, D(3))),
        ("STOP LOSS BY far TIGHTEN BY p EVERY 1h FLOOR far", TighteningExit(D(9), D("1.5"), 3_600_000, D(9))),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_stop_that_moves(clause: str, stop: object, *, wrapped: bool) -> None:
    source = PREAMBLE + "PARAM p = 1.5 LET far = 9\n" + ALWAYS + "BUY k SIZING 1 "
    run = Run(source + (f"BRACKET {{ {clause} }}" if wrapped else clause)).close(40, high=41.5, low=38.5)
    assert run.entries[0].bracket == BracketSpec(stop, None)  # type: ignore[arg-type]


def test_defaults_give_a_stop_that_moves() -> None:
    head = "STRATEGY t VERSION 1 DEFAULTS { stopLoss = TRAILING 2 AFTER MFE >= 1, takeProfit = RR 3 }\n"
    source = head + "SYMBOLS k = SIM:KLM EVERY 1m\n" + ALWAYS + "BUY k SIZING 1 TAKE PROFIT BY 5"
    (signal,) = Run(source).close(40).entries
    assert signal.bracket == BracketSpec(TrailingExit(Trail(BY, D(2)), D(1)), ExitPrice(BY, D(5)))


@pytest.mark.parametrize(
    ("stop", "lots"),
    [
        ("STOP LOSS AT 36", "0.2"),
        ("STOP LOSS BY 4", "0.2"),
        ("STOP LOSS PCT 10", "0.2"),
        ("STOP LOSS TRAILING 4 AFTER MFE >= 6", "0.2"),
        ("STOP LOSS BY 4 STEP TO BREAKEVEN AFTER MFE >= 3", "0.2"),
        ("STOP LOSS BY 4 TIGHTEN BY 1 EVERY 1m FLOOR 2", "0.2"),
        ("TRAILING_STOP BY 2", "0.4"),
        ("TRAILING_STOP PCT 5", "0.4"),
    ],
)
def test_risk_is_measured_to_where_the_stop_starts(stop: str, lots: str) -> None:
    assert entry(stop, action="BUY k SIZING RISK $ 80 ").quantity == D(lots)


def test_24_an_armed_trail_sizes_the_risk_and_the_target() -> None:
    head = "LET d = 4"
    sell = entry(
        "BRACKET { STOP LOSS TRAILING d AFTER MFE >= 6, TAKE PROFIT RR 2 }", head=head, action="SELL k SIZING RISK $ 80 "
    )
    assert (sell.side, sell.quantity) == ("SELL", D("0.2"))
    assert sell.bracket == BracketSpec(TrailingExit(Trail(BY, D(4)), D(6)), ExitPrice(RR, D(2)))


def test_a_target_in_parts() -> None:
    signal = entry("STOP LOSS BY 2 TAKE PROFIT { 0.5 BY 10, 0.3 AT k.close * 1.02, 0.2 RR 3 }", close=50)
    parts = (
        ScaleOutPart(D("0.5"), ExitPrice(BY, D(10))),
        ScaleOutPart(D("0.3"), ExitPrice(AT, D(51))),
        ScaleOutPart(D("0.2"), ExitPrice(RR, D(3))),
    )
    assert signal.bracket == BracketSpec(ExitPrice(BY, D(2)), ScaleOut(parts))


def test_dynamic_distances_are_taken_when_the_order_is_built() -> None:
    signal = entry("STOP LOSS BY k.close / 10 TAKE PROFIT PCT k.close / 20")
    assert signal.bracket == BracketSpec(ExitPrice(BY, D(4)), ExitPrice(PCT, D(2)))


@pytest.mark.parametrize(
    ("clause", "code", "place"),
    [
        ("STOP LOSS TRAILING 2 * 2 AFTER MFE >= 1", "QKT0411", "2 * 2"),
        ("STOP LOSS TRAILING k.close AFTER MFE >= 1", "QKT0411", "k.close"),
        ("STOP LOSS TRAILING 2 AFTER MFE >= -1", "QKT0411", "-1"),
        ("STOP LOSS TRAILING 0 AFTER MFE >= 1", "QKT0412", "0"),
        ("STOP LOSS TRAILING x AFTER MFE >= 1", "QKT0201", "x"),
        ("STOP LOSS TRAILING neg AFTER MFE >= 1", "QKT0412", "neg"),
        ("TRAILING_STOP BY 0", "QKT0412", "0"),
        ("TRAILING_STOP PCT 100", "QKT0406", "100"),
        ("STOP LOSS BY 0 STEP TO BREAKEVEN AFTER MFE >= 3", "QKT0412", "0"),
        ("STOP LOSS BY 1 STEP TO BREAKEVEN + 1 / 2 AFTER MFE >= 3", "QKT0411", "1 / 2"),
        ("STOP LOSS BY 1 STEP TO BREAKEVEN AFTER MFE >= 3 STEP TO ENTRY AFTER MFE >= 3", "QKT0412", "3"),
        ("STOP LOSS BY k.close STEP TO BREAKEVEN AFTER MFE >= 3", "QKT0411", "k.close"),
        ("STOP LOSS BY 2 TIGHTEN BY 0 EVERY 5m FLOOR 1", "QKT0412", "0"),
        ("STOP LOSS BY 2 TIGHTEN BY 1 EVERY 5m FLOOR 0", "QKT0412", "0"),
        ("STOP LOSS BY 2 TIGHTEN BY 1 EVERY 5m FLOOR 3", "QKT0412", "3"),
        ("STOP LOSS RR 2", "QKT0410", "RR 2"),
        ("STOP LOSS PCT 50", "QKT0406", "PCT 50"),
        ("STOP LOSS BY 0.005 PCT", "QKT0406", "BY 0.005 PCT"),
        ("TAKE PROFIT RR 2", "QKT0405", "RR 2"),
        ("TAKE PROFIT { 0.5 RR 2 }", "QKT0405", "RR 2"),
        ("TAKE PROFIT { 0.5 PCT 0.001 }", "QKT0406", "PCT 0.001"),
        ("BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 } OCO { STOP AT 1, LIMIT AT 60 }", "QKT0407", "{ STOP AT"),
    ],
)
def test_protection_that_is_refused(clause: str, code: str, place: str) -> None:
    ((found, where),) = errors("PARAM neg = -3\n" + ALWAYS + "BUY k SIZING 1 " + clause)
    assert (found, where[: len(place)]) == (code, place)


@pytest.mark.parametrize("clause", ["TRAILING_STOP BY k.close - 40", "STOP LOSS BY 45 STEP TO ENTRY AFTER MFE >= 1"])
def test_a_stop_that_cannot_be_placed_suppresses_the_entry(clause: str) -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 " + clause).close(40)
    assert [(fired.signals, fired.suppressed) for fired in run.context.fired] == [([], 1)]


# ---------------------------------------------------------------- order types and lifetimes


@pytest.mark.parametrize("written", ["ORDER_TYPE = TRAILING BY 3", "TRAILING BY 3", "TRAILING BY k.close - 37"])
def test_a_trailing_entry_by_a_distance(written: str) -> None:
    signal = entry(written)
    assert (signal.kind, signal.trail, signal.stop, signal.limit) == (OrderKind.TRAILING_STOP, Trail(BY, D(3)), None, None)
    assert (signal.reference, signal.plain) == (D(40), False)


def test_a_trailing_entry_by_a_share_is_sized_at_the_close() -> None:
    signal = entry("TRAILING PCT 0.6", action="SELL k SIZING 2500 USD ")
    assert (signal.trail, signal.quantity) == (Trail(PCT, D("0.6")), D("0.625"))


@pytest.mark.parametrize(
    ("clause", "code"), [("TRAILING PCT 0", "QKT0406"), ("TRAILING PCT 100", "QKT0406"), ("TRAILING BY 0", "QKT0412")]
)
def test_a_trailing_entry_out_of_range_is_refused(clause: str, code: str) -> None:
    ((found, _),) = errors(ALWAYS + "BUY k SIZING 1 " + clause)
    assert found == code


@pytest.mark.parametrize("clause", ["TRAILING PCT k.close * 3", "TRAILING BY k.close - 50"])
def test_a_trailing_entry_out_of_range_while_running_is_suppressed(clause: str) -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 " + clause).close(40)
    assert [(fired.signals, fired.suppressed) for fired in run.context.fired] == [([], 1)]


@pytest.mark.parametrize(
    ("defaults", "clause", "kind"),
    [
        ("TRAILING = TRAILING BY 2", "", OrderKind.TRAILING_STOP),
        ("TRAILING = LIMIT AT 30", "", OrderKind.LIMIT),
        ("ORDER_TYPE = LIMIT AT 30 TRAILING = TRAILING BY 2", "", OrderKind.LIMIT),
        ("ORDER_TYPE = LIMIT AT 30", "STOP AT 50", OrderKind.STOP),
        ("TRAILING = TRAILING BY 2", "ORDER_TYPE = MARKET", OrderKind.MARKET),
    ],
)
def test_the_own_order_type_comes_before_defaults(defaults: str, clause: str, kind: OrderKind) -> None:
    source = f"STRATEGY t VERSION 1 DEFAULTS {{ {defaults} }}\nSYMBOLS k = SIM:KLM EVERY 1m\n{ALWAYS}BUY k SIZING 1 {clause}"
    assert Run(source).close(40).entries[0].kind is kind


@pytest.mark.parametrize("tif", ["GTC", "IOC", "FOK", "DAY"])
def test_time_in_force(tif: str) -> None:
    signal = entry(f"LIMIT AT 30 TIF {tif}")
    assert (signal.tif, signal.expires_at) == (TimeInForce(tif), None)
    assert entry(f"TIF {tif}").tif is TimeInForce(tif)


def test_29_good_till_a_time() -> None:
    signal = entry("ORDER_TYPE = STOP AT k.high + 2 TIF GTD NOW + 2h")
    assert (signal.tif, signal.stop, signal.expires_at) == (TimeInForce.GTD, D(42), 7_260_000)
    assert entry("TRAILING BY 1 TIF GTD UNTIL 99").expires_at == 99


def test_an_undefined_deadline_suppresses_the_entry() -> None:
    run = Run(PREAMBLE + ALWAYS + "BUY k SIZING 1 LIMIT AT 30 TIF GTD k.ask").close(40)
    assert [(fired.signals, fired.suppressed) for fired in run.context.fired] == [([], 1)]


@pytest.mark.parametrize(
    ("head", "clause", "place"),
    [
        ("", "BUY k SIZING 1 TIF GTD UNTIL NOW + 2h", "GTD"),
        ("", "BUY k SIZING 1 TRAILING_STOP BY 1 TIF GTD NOW + 1m", "GTD"),
        ("DEFAULTS { TIF = GTD NOW + 1h }", "BUY k SIZING 1", "k"),
    ],
)
def test_good_till_a_time_on_a_market_order_is_refused(head: str, clause: str, place: str) -> None:
    ((code, where),) = errors(head + "\n" + ALWAYS + clause)
    assert (code, where[: len(place)]) == ("QKT0404", place)


def test_a_time_exit() -> None:
    signal = entry("LIMIT AT 30 STOP LOSS BY 2 TIME_EXIT AFTER 2h")
    assert (signal.time_exit_ms, signal.plain) == (7_200_000, False)
    assert entry("TIME_EXIT AFTER 90s").time_exit_ms == 90_000
    assert entry("").time_exit_ms is None


def test_a_time_exit_stands_once() -> None:
    assert [code for code, _ in errors(ALWAYS + "BUY k SIZING 1 TIME_EXIT AFTER 1h TIME_EXIT AFTER 2h")] == ["QKT0121"]


def test_42_oco_sends_the_entry_and_guards_it() -> None:
    signal = entry("OCO { STOP AT 30, LIMIT AT 60 }", action="BUY k SIZING 3 ")
    assert (signal.quantity, signal.kind) == (D(3), OrderKind.MARKET)
    assert signal.bracket == BracketSpec(ExitPrice(AT, D(30)), ExitPrice(AT, D(60)))
