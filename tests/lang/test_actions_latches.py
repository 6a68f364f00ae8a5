"""LATCH: the wires a rule arms, and the entries that a break makes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.events import LatchBroken
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.lang.loader import check_text
from qkt.strategy import BracketSpec, Confirmation, EnterSignal, ExitForm, ExitPrice, LatchSignal
from tests.lang.fake_context import ALWAYS, PREAMBLE, TWO, Run, errors

D = Decimal
MINUTE = 60_000


def armed(latch: str, close: float = 40, head: str = "") -> LatchSignal:
    (signal,) = Run(PREAMBLE + head + "\n" + ALWAYS + latch).close(close).signals
    assert isinstance(signal, LatchSignal)
    return signal


def run_of(latch: str, head: str = PREAMBLE) -> Run:
    return Run(head + ALWAYS + latch).close(40)


def broken(run: Run, direction: int = 1, level: str = "41.5", latch: int = 0, time: int = 200_000) -> list[EnterSignal]:
    before = len(run.entries)
    run.context.time = time
    run.strategy.on_latch(LatchBroken("t", latch, 0, direction, D(level), time))
    return run.entries[before:]


# ---------------------------------------------------------------- arming


def test_wires_lie_around_the_close() -> None:
    assert armed("LATCH k OFFSET 1.5 ARM 50m { ENTER MARKET }") == LatchSignal(
        "t", "SIM:KLM", 0, 0, "k", D("41.5"), D("38.5"), 50 * MINUTE, None
    )


def test_wires_lie_around_a_reference_and_are_exact() -> None:
    signal = armed("LATCH k OFFSET k.close / 400 FROM k.close * 3 - 0.3 AS breakout { ENTER MARKET }", close=0.2)
    assert (signal.up, signal.down) == (D("0.30050000"), D("0.29950000"))
    assert signal.arm_ms == 5 * MINUTE


@pytest.mark.parametrize(
    ("confirm", "expected"),
    [
        ("CLOSE_BEYOND", Confirmation("CLOSE_BEYOND")),
        ("TIME_IN_BREACH 90s", Confirmation("TIME_IN_BREACH", 90_000)),
        ("RETEST_HOLD p / 4 WITHIN 20m", Confirmation("RETEST_HOLD", 20 * MINUTE, D("0.5"))),
    ],
)
def test_confirmations(confirm: str, expected: Confirmation) -> None:
    assert armed(f"LATCH k OFFSET 1 CONFIRM {confirm} {{ ENTER MARKET }}", head="PARAM p = 2").confirm == expected


@pytest.mark.parametrize("latch", ["LATCH k OFFSET k.ask", "LATCH k OFFSET 1 FROM k.ask"])
def test_without_a_price_nothing_is_armed_and_the_edge_is_consumed(latch: str) -> None:
    run = run_of(latch + " { ENTER MARKET }")
    assert run.context.fired == []
    assert run.strategy.memory.fired == [True]
    assert [level for level, _ in run.context.lines] == ["WARN"]


def test_a_latch_watches_the_stream_it_names_and_wakes_on_its_closes() -> None:
    run = Run(TWO + "RULES WHEN k.close > 0 THEN LATCH m OFFSET 1 { ENTER MARKET }").close(40)
    assert run.signals == []
    (signal,) = run.close(7, alias="m").signals
    assert isinstance(signal, LatchSignal)
    assert (signal.symbol, signal.stream, signal.up) == ("SIM:MNO", "m", D(8))


def test_latches_are_numbered() -> None:
    run = Run(PREAMBLE + ALWAYS + "LATCH k OFFSET 1 { ENTER MARKET } ; LATCH k OFFSET 2 { ENTER MARKET SIZING 3 }").close(40)
    assert [signal.latch for signal in run.signals if isinstance(signal, LatchSignal)] == [0, 1]
    assert [signal.quantity for signal in broken(run, latch=1)] == [D(3)]


# ---------------------------------------------------------------- the break


@pytest.mark.parametrize(
    ("direction", "level", "side", "stop", "target"),
    [(1, "41.5", Side.BUY, "38.5", "46.5"), (-1, "38.5", Side.SELL, "41.5", "33.5")],
)
def test_a_market_entry_goes_with_the_break_and_its_exits_start_from_the_wire(
    direction: int, level: str, side: Side, stop: str, target: str
) -> None:
    run = run_of("LATCH k OFFSET 1.5 { ENTER MARKET BRACKET { STOP LOSS AGAINST 3, TAKE PROFIT WITH 5 } SIZING 0.1 }")
    (signal,) = broken(run, direction, level)
    assert (signal.side, signal.kind, signal.quantity, signal.reference) == (side, OrderKind.MARKET, D("0.1"), D(level))
    assert signal.bracket == BracketSpec(ExitPrice(ExitForm.AT, D(stop)), ExitPrice(ExitForm.AT, D(target)))
    assert run.context.fired[-1].rule == 0


@pytest.mark.parametrize(
    ("order", "direction", "kind", "price"),
    [
        ("LIMIT AGAINST 0.5", 1, OrderKind.LIMIT, "41"),
        ("LIMIT AGAINST 0.5", -1, OrderKind.LIMIT, "42"),
        ("LIMIT RETRACE p / 2", 1, OrderKind.LIMIT, "40.5"),
        ("STOP WITH 0.25", 1, OrderKind.STOP, "41.75"),
        ("STOP WITH 0.25", -1, OrderKind.STOP, "41.25"),
    ],
)
def test_a_pending_entry_is_priced_from_the_wire(order: str, direction: int, kind: OrderKind, price: str) -> None:
    run = run_of(f"LATCH k OFFSET 1.5 {{ ENTER {order} EXPIRE 40m }}", PREAMBLE + "PARAM p = 2\n")
    (signal,) = broken(run, direction)
    assert (signal.kind, signal.limit or signal.stop, signal.quantity) == (kind, D(price), D(1))
    assert (signal.tif, signal.expires_at) == (TimeInForce.GTD, 200_000 + 40 * MINUTE)


def test_several_entries_go_out_together_and_sizes_are_evaluated_at_the_break() -> None:
    run = run_of("LATCH k OFFSET 1 { ENTER MARKET SIZING k.close / 10 ; ENTER LIMIT AGAINST 1 SIZING NOW / 100000 }")
    run.close(30)
    assert [signal.quantity for signal in broken(run)] == [D(3), D(2)]
    assert len(run.context.fired) == 2


@pytest.mark.parametrize(
    ("entry", "lots"),
    [
        ("MARKET BRACKET { STOP LOSS AGAINST 4, TAKE PROFIT WITH 5 } SIZING RISK $ 80", "0.2"),
        ("LIMIT AGAINST 2 BRACKET { STOP LOSS AGAINST 4, TAKE PROFIT WITH 5 } SIZING RISK $ 80", "0.4"),
        ("STOP WITH 1.5 SIZING 8600 USD", "2"),
        ("MARKET BRACKET { STOP LOSS AGAINST 2, TAKE PROFIT WITH 5 } SIZING 1 PCT RISK", "0.5"),
    ],
)
def test_risk_is_the_distance_from_entry_to_stop(entry: str, lots: str) -> None:
    assert [signal.quantity for signal in broken(run_of(f"LATCH k OFFSET 1 {{ ENTER {entry} }}"))] == [D(lots)]


def test_an_entry_on_another_market_starts_from_its_latest_price() -> None:
    exits = "BRACKET { STOP LOSS AGAINST 2, TAKE PROFIT WITH 3 }"
    run = run_of(f"LATCH k OFFSET 1 {{ ENTER ON m LIMIT AGAINST 0.5 {exits} ; ENTER MARKET }}", TWO)
    assert [signal.symbol for signal in broken(run)] == ["SIM:KLM"]
    assert run.context.lines[-1][0] == "WARN"
    run.context.prices["SIM:MNO"] = 7.25
    other, own = broken(run, -1)
    assert (other.symbol, other.side, other.limit) == ("SIM:MNO", Side.SELL, D("7.75"))
    assert other.bracket == BracketSpec(ExitPrice(ExitForm.AT, D("9.25")), ExitPrice(ExitForm.AT, D("4.25")))
    assert own.symbol == "SIM:KLM"


def test_a_stop_on_the_wrong_side_skips_its_entry() -> None:
    source = "LATCH k OFFSET 1 { ENTER LIMIT AGAINST 2 BRACKET { STOP LOSS AGAINST 1, TAKE PROFIT WITH 5 } ; ENTER MARKET }"
    assert "QKT0505" in [p.code for p in check_text(PREAMBLE + ALWAYS + source).problems]
    run = run_of(source)
    assert [signal.kind for signal in broken(run)] == [OrderKind.MARKET]
    assert run.context.lines[-1][0] == "WARN"


def test_defaults_do_not_reach_a_latch() -> None:
    head = "STRATEGY t VERSION 1 DEFAULTS { SIZING = 5 STOP_LOSS = BY 2 TIF = DAY }\nSYMBOLS k = SIM:KLM EVERY 1m\n"
    (signal,) = broken(run_of("LATCH k OFFSET 1 { ENTER MARKET }", head))
    assert (signal.quantity, signal.bracket, signal.tif) == (D(1), None, TimeInForce.GTC)


def test_an_entry_of_no_size_is_suppressed_alone() -> None:
    run = run_of("LATCH k OFFSET 1 { ENTER MARKET SIZING POSITION.k ; ENTER MARKET SIZING 2 }")
    assert [signal.quantity for signal in broken(run)] == [D(2)]
    assert run.context.fired[-1].suppressed == 1


@pytest.mark.parametrize(
    ("latch", "code", "place"),
    [
        ("LATCH z OFFSET 1 { ENTER MARKET }", "QKT0203", "z"),
        ("LATCH k OFFSET 1 { ENTER ON z MARKET }", "QKT0203", "z"),
        ("LATCH k OFFSET 1 CONFIRM RETEST_HOLD k.close WITHIN 1m { ENTER MARKET }", "QKT0414", "k.close"),
        ("LATCH k OFFSET 1 CONFIRM RETEST_HOLD 0 WITHIN 1m { ENTER MARKET }", "QKT0412", "0"),
        ("LATCH k OFFSET 1 { ENTER LIMIT AGAINST k.close }", "QKT0414", "k.close"),
        ("LATCH k OFFSET 1 { ENTER LIMIT AGAINST entry }", "QKT0209", "entry"),
        ("LATCH k OFFSET 1 { ENTER MARKET BRACKET { STOP LOSS AGAINST k.close, TAKE PROFIT WITH 1 } }", "QKT0414", "k.close"),
        ("LATCH k OFFSET 1 { ENTER MARKET BRACKET { STOP LOSS AGAINST 1 } }", "QKT0415", "ENTER MARKET"),
        ("LATCH k OFFSET 1 { ENTER MARKET BRACKET { TAKE PROFIT WITH 1 } }", "QKT0415", "ENTER MARKET"),
        ("LATCH k OFFSET 1 { ENTER MARKET SIZING RISK 0.1 }", "QKT0402", "RISK 0.1"),
        ("LATCH k OFFSET 1 { ENTER MARKET SIZING EXIT.qty }", "QKT0209", "EXIT.qty"),
    ],
)
def test_a_latch_that_is_refused(latch: str, code: str, place: str) -> None:
    ((found, where),) = errors(ALWAYS + latch)
    assert (found, where[: len(place)]) == (code, place)


def test_a_read_only_stream_cannot_be_latched_or_entered() -> None:
    head = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, q = MACRO:RATE EVERY 1d\n"
    assert errors(ALWAYS + "LATCH q OFFSET 1 { ENTER MARKET }", head) == [("QKT0408", "q")]
    assert errors(ALWAYS + "LATCH k OFFSET 1 { ENTER ON q MARKET }", head) == [("QKT0408", "q")]
