"""RESIZE, CLOSE and CANCEL, and sizes that are a share of a book."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.terms import LegRole, OrderKind
from qkt.lang.loader import check_text
from qkt.strategy import CancelSignal, CloseSignal, EnterSignal, LegSize, Signal
from tests.lang.fake_context import ALWAYS, PREAMBLE, TWO, Run, errors, long, short

D = Decimal


def resized(action: str, *legs: LegSize, close: float = 40) -> Run:
    run = Run(PREAMBLE + ALWAYS + action)
    run.context.open_legs["SIM:KLM"] = legs
    return run.close(close)


def changes(run: Run) -> list[tuple[str, Decimal]]:
    return [(_what(signal), _size(signal)) for signal in run.signals]


def _what(signal: Signal) -> str:
    return str(signal.side) if isinstance(signal, EnterSignal) else "CLOSE"


def _size(signal: Signal) -> Decimal:
    if isinstance(signal, EnterSignal):
        return signal.quantity
    assert isinstance(signal, CloseSignal)
    return sum((leg.quantity for leg in signal.legs), D(0))


# ---------------------------------------------------------------- RESIZE


@pytest.mark.parametrize(
    ("target", "leg", "expected"),
    [
        ("3", long("1"), [("BUY", D(2))]),
        ("3", short("1"), [("SELL", D(2))]),
        ("1", long("3"), [("CLOSE", D(2))]),
        ("0", long("3"), [("CLOSE", D(3))]),
        ("0 - 2", short("3"), [("CLOSE", D(3))]),
        ("3", long("3"), []),
        ("1.04", long("1"), []),
        ("1.06", long("1"), [("BUY", D("0.06"))]),
        ("1.06 MIN_STEP 0.07", long("1"), []),
        ("1.06 MIN_STEP 0.06", long("1"), [("BUY", D("0.06"))]),
        ("1.06 MIN_STEP k.ask", long("1"), [("BUY", D("0.06"))]),
        ("1.3379", long("1"), [("BUY", D("0.33"))]),
        ("2.6621", long("3"), [("CLOSE", D("0.33"))]),
        ("0.005 MIN_STEP 0", long("0.01"), []),
        ("4000 USD", long("3"), [("CLOSE", D(2))]),
        ("50 PCT OF BALANCE", long("1"), [("BUY", D("0.12"))]),
    ],
)
def test_the_primary_leg_is_brought_to_its_size(target: str, leg: LegSize, expected: list[tuple[str, Decimal]]) -> None:
    assert changes(resized(f"RESIZE k TO {target}", leg)) == expected


def test_growing_is_a_plain_market_entry_and_shrinking_closes_a_part_of_the_leg() -> None:
    (grown,) = resized("RESIZE k TO 3", long("1", leg=7)).entries
    assert (grown.kind, grown.plain, grown.bracket, grown.reference) == (OrderKind.MARKET, True, None, D(40))
    assert resized("RESIZE k TO 1", long("3", leg=7)).signals == [CloseSignal("t", "SIM:KLM", 0, (long("2", leg=7),), D(40))]


def test_only_the_primary_leg_counts() -> None:
    legs = (short("9", 1, LegRole.INDEPENDENT), long("5", 2, LegRole.STACK), long("1", 3))
    assert changes(resized("RESIZE k TO 2", *legs)) == [("BUY", D(1))]
    assert changes(resized("RESIZE k TO 2", *legs[:2])) == []
    assert changes(resized("RESIZE k TO 2")) == []


def test_nothing_to_do_consumes_the_edge_and_an_untradeable_change_keeps_it() -> None:
    assert resized("RESIZE k TO 3", long("3")).strategy.memory.fired == [True]
    assert resized("RESIZE k TO k.ask", long("3")).strategy.memory.fired == [False]
    assert resized("RESIZE k TO k.ask", long("3")).context.fired[0].suppressed == 1


def test_44_resize_wakes_on_its_own_stream() -> None:
    run = Run(TWO + "RULES WHEN k.close > 0 THEN RESIZE m TO 3")
    run.context.open_legs["SIM:MNO"] = (long("1"),)
    assert changes(run.close(40)) == []
    assert changes(run.close(7, alias="m")) == [("BUY", D(2))]


@pytest.mark.parametrize("size", ["RISK 0.1", "RISK $ 50", "1 PCT RISK"])
def test_resize_takes_no_risk(size: str) -> None:
    assert errors(ALWAYS + f"RESIZE k TO {size}") == [("QKT0402", size)]


@pytest.mark.parametrize(
    "entry",
    [
        "BUY k SIZING 1 BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }",
        "BUY k SIZING 1 STOP_LOSS BY 1",
        "BUY k SIZING 1 TRAILING_STOP BY 1",
        "BUY k SIZING 1 OCO { STOP AT 1, LIMIT AT 60 }",
        "OCO_ENTRY { BUY k SIZING 1 STOP AT 50, SELL k SIZING 1 STOP AT 30 TAKE PROFIT BY 2 }",
        "BUY k SIZING 1 ON_CLOSE { BUY k SIZING 1 STOP_LOSS BY 2 }",
        "LATCH k OFFSET 1 { ENTER MARKET BRACKET { STOP LOSS AGAINST 1, TAKE PROFIT WITH 2 } }",
        "LATCH m OFFSET 1 { ENTER ON k MARKET BRACKET { STOP LOSS AGAINST 1, TAKE PROFIT WITH 2 } }",
    ],
)
def test_resize_beside_an_entry_with_exits_is_refused(entry: str) -> None:
    found = errors(f"RULES WHEN k.close > 0 THEN RESIZE k TO 3\nWHEN k.close > 5 THEN {entry}", TWO)
    assert found == [("QKT0416", "RESIZE k TO 3")]


def test_exits_from_defaults_and_of_the_same_market_count() -> None:
    head = "STRATEGY t VERSION 1 DEFAULTS { STOP_LOSS = BY 1 }\nSYMBOLS k = SIM:KLM EVERY 1m, slow = SIM:KLM EVERY 1h\n"
    assert errors("RULES WHEN k.close > 0 THEN RESIZE slow TO 3 WHEN k.close > 1 THEN BUY k SIZING 1", head) == [
        ("QKT0416", "RESIZE slow TO 3")
    ]


def test_exits_on_another_market_do_not_matter() -> None:
    assert errors("RULES WHEN k.close > 0 THEN RESIZE k TO 3 WHEN m.close > 1 THEN BUY m SIZING 1 STOP_LOSS BY 1", TWO) == []


# ---------------------------------------------------------------- CLOSE and CANCEL


def test_close_takes_every_leg() -> None:
    legs = (short("9", 1, LegRole.INDEPENDENT), long("5", 2, LegRole.STACK), long("1", 3))
    run = Run(PREAMBLE + ALWAYS + "CLOSE k")
    run.context.open_legs["SIM:KLM"] = legs
    assert run.close(40).signals == [CancelSignal("t", "SIM:KLM", 0), CloseSignal("t", "SIM:KLM", 0, legs, D(40))]


@pytest.mark.parametrize("action", ["CLOSE_ALL k", "FLATTEN k"])
def test_closing_all_of_one_stream_is_closing_it(action: str) -> None:
    run = Run(TWO + ALWAYS + action)
    run.context.open_legs = {"SIM:KLM": (long("1"),), "SIM:MNO": (long("2"),)}
    assert [signal.symbol for signal in run.close(40).signals] == ["SIM:KLM", "SIM:KLM"]


def test_close_all_cancels_declared_streams_and_closes_whatever_is_open() -> None:
    run = Run(TWO + ALWAYS + "FLATTEN")
    run.context.open_legs = {"SIM:ELSE": (long("2"),)}
    assert [(type(signal), signal.symbol) for signal in run.close(40).signals] == [
        (CancelSignal, "SIM:KLM"),
        (CancelSignal, "SIM:MNO"),
        (CloseSignal, "SIM:ELSE"),
    ]


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        ("0.5", [(1, "0.5")]),
        ("POSITION.k * 0.5", [(1, "1"), (2, "0.5")]),
        ("100", [(1, "1"), (2, "2")]),
        ("4000 USD", [(1, "1")]),
    ],
)
def test_closing_a_part_takes_the_oldest_legs(size: str, parts: list[tuple[int, str]]) -> None:
    run = Run(PREAMBLE + ALWAYS + f"CLOSE k SIZING {size}")
    run.context.open_legs["SIM:KLM"] = (long("1", 1), long("2", 2))
    run.context.position("SIM:KLM").quantity = 3.0
    (signal,) = run.close(40).closes
    assert [(leg.leg_id, leg.quantity) for leg in signal.legs] == [(leg, D(quantity)) for leg, quantity in parts]


def test_closing_a_part_takes_no_risk_and_keeps_the_edge_without_a_size() -> None:
    assert errors(ALWAYS + "CLOSE k SIZING RISK 0.1") == [("QKT0402", "RISK 0.1")]
    assert resized("CLOSE k SIZING k.ask", long("1")).strategy.memory.fired == [False]
    assert resized("CLOSE k SIZING 1").strategy.memory.fired == [True]


@pytest.mark.parametrize(
    ("action", "signals"),
    [
        ("CANCEL k", [CancelSignal("t", "SIM:KLM", 0)]),
        ("CANCEL k INCLUDING PROTECTION", [CancelSignal("t", "SIM:KLM", 0, including_protection=True)]),
        ("CANCEL_ALL", [CancelSignal("t", "SIM:KLM", 0), CancelSignal("t", "SIM:MNO", 0)]),
        (
            "CANCEL_ALL INCLUDING PROTECTION",
            [CancelSignal("t", symbol, 0, including_protection=True) for symbol in ("SIM:KLM", "SIM:MNO")],
        ),
    ],
)
def test_cancel(action: str, signals: list[Signal]) -> None:
    assert Run(TWO + ALWAYS + action).close(40).signals == signals


# ---------------------------------------------------------------- shares of a book

BOOKED = PREAMBLE + ALWAYS + "BUY k SIZING {} STOP_LOSS BY 4"


@pytest.mark.parametrize(("size", "lots"), [("RISK 0.02 OF BOOK", "2.5"), ("2 PCT RISK OF BOOK", "2.5")])
def test_a_risk_of_the_book_needs_a_book(size: str, lots: str) -> None:
    source = BOOKED.format(size)
    assert [p.code for p in check_text(source).problems if p.severity == "error"] == ["QKT0403"]
    run = Run(source, book=50_000.0)
    assert [signal.quantity for signal in run.close(40).entries] == [D(lots)]
    run.context.book = None
    run.strategy.rearm(0)
    run.close(40)
    assert (run.context.fired[-1].signals, run.context.fired[-1].suppressed) == ([], 1)
