"""Actions in plain words."""

from __future__ import annotations

import pytest

from qkt.cli.deed_wording import deed_words
from qkt.lang.checker import check_strategy
from qkt.lang.codes import Problems
from qkt.lang.parser import parse
from qkt.lang.tree import Strategy

TWO = "STRATEGY t VERSION 1 SYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m "


def told(action: str) -> list[str]:
    source = f"{TWO} RULES WHEN k.close > 0 THEN {action}"
    file = parse(source).file
    assert isinstance(file, Strategy)
    program = check_strategy(file, source, Problems(), book=True)
    assert program is not None
    return [line for deed in program.rules[0].deeds for line in deed_words(deed)]


@pytest.mark.parametrize(
    ("clause", "line"),
    [
        ("TRAILING BY 3", "buy k: 1 lots, when the price turns 3 from its best since then"),
        ("TRAILING PCT 3", "buy k: 1 lots, when the price turns 3 % from its best since then"),
        ("LIMIT AT 30 TIF IOC", "fill at once what is possible, cancel the rest"),
        ("LIMIT AT 30 TIF FOK", "fill whole at once or cancel"),
        ("LIMIT AT 30 TIF DAY", "good for the session"),
        ("LIMIT AT 30 TIF GTD NOW + 30m", "good for 30 min"),
        ("TRAILING_STOP BY atr(k, 3)", "stop loss atr(k, 3) behind the best price since the fill"),
        ("TRAILING_STOP PCT 2", "stop loss 2 % behind the best price since the fill"),
        ("STOP LOSS TRAILING 4 AFTER MFE >= 6", "stop loss 4 behind the best price once it has moved 6 in favour"),
        (
            "STOP LOSS BY 5 STEP TO BREAKEVEN AFTER MFE >= 3 STEP TO ENTRY + 0.5 AFTER MFE >= 7",
            "stop loss 5 away from the fill, moved to the fill + 0 after a gain of 3, to the fill + 0.5 after a gain of 7",
        ),
        (
            "STOP LOSS BY 8 TIGHTEN BY 1 EVERY 15m FLOOR 3",
            "stop loss 8 away from the fill, 1 nearer every 15 min down to 3",
        ),
        ("TAKE PROFIT { 0.5 BY 10, 0.2 AT 90 }", "take profit 50 % 10 away from the fill, 20 % at 90"),
        ("TIME_EXIT AFTER 2h", "close it 2 h after its fill"),
    ],
)
def test_what_an_entry_carries(clause: str, line: str) -> None:
    assert line in told(f"BUY k SIZING 1 {clause}")


@pytest.mark.parametrize(
    ("size", "words"),
    [("RISK 0.02 OF BOOK", "risking 2 % of the book"), ("2 PCT RISK OF BOOK", "risking 2 % of the book")],
)
def test_shares_of_a_book(size: str, words: str) -> None:
    assert told(f"BUY k SIZING {size} STOP_LOSS BY 1")[0] == f"buy k: {words}, at market"


def test_entries_that_belong_together() -> None:
    assert told("OCO_ENTRY { BUY k SIZING 1 STOP AT 50, SELL k SIZING 2 STOP AT 30 STOP_LOSS BY 1 }") == [
        "enter one of two, the first fill cancels the other:",
        "  buy k: 1 lots, stop at 50",
        "  sell k: 2 lots, stop at 30",
        "  stop loss 1 away from the fill",
    ]
    assert told("BUY k SIZING 1 LIMIT AT 38 ON_FILL { SELL k SIZING 1 LIMIT AT entry + 3 }")[1:] == [
        "when it is filled:",
        "  sell k: 1 lots, limit at 41",
    ]


def test_hooks() -> None:
    hooks = "ON_STOP { SELL k SIZING EXIT.qty } ON_TP { BUY k SIZING 1 LIMIT AGAINST 2 } ON_CLOSE { LOG 'x' p=EXIT.pnl }"
    assert told(f"BUY k SIZING 1 {hooks}")[1:] == [
        "when it is closed by its stop:",
        "  sell k: EXIT.quantity lots, at market",
        "when it is closed by its target:",
        "  buy k: 1 lots, limit at 2 from EXIT.price against the exit's fill",
        "when it is closed by anything else:",
        "  log 'x', p = EXIT.pnl (INFO)",
    ]


def test_pyramids() -> None:
    layers = "0.5 AT entry + 1.2, 2 LIMIT AT (entry - 4) * 0.9, 3 AT entry - 1, 1 STOP AT entry * 2 LIMIT AT entry * 3"
    assert told(f"BUY k STACK [ 1, {layers} ] WITHIN 2h")[1:] == [
        "add to it within 2 h of the fill:",
        "  0.5 lots, stop at the fill + 1.2",
        "  2 lots, limit at (the fill - 4) * 0.9",
        "  3 lots, when the fill - 1 is touched",
        "  1 lots, stop at the fill * 2 with a limit at the fill * 3",
    ]
    assert told("SELL k SIZING 1 STACK 2 SPACING 4 ABOVE")[2:] == ["  the same size, limit at the fill + 4"]
    exits = "BRACKET { STOP LOSS BY 1, TAKE PROFIT BY 2 }"
    assert told(f"BUY k SIZING 1 STACK 2 SPACING 4 {exits}")[-2] == (
        "add to it within 1 d of the fill, each layer with exits of its own:"
    )


def test_conditional_positions() -> None:
    exits = "BRACKET { STOP LOSS BY 5, TAKE PROFIT BY 7 }"
    assert told(
        f"BUY k SIZING 1 STACK_AT MFE >= 90 WITHIN 2h SIZING ENTRY_QTY / 4 {exits}"
        f" STACK_AT MAE >= 60 RECOVER 20 WITHIN 1h SIZING 0.5 {exits}"
    )[1:] == [
        "after a gain of 90 within 2 h add the filled quantity / 4 lots, stop loss 5, take profit 7 away",
        "after a loss of 60 and a recovery of 20 within 1 h add 0.5 lots, stop loss 5, take profit 7 away",
    ]


@pytest.mark.parametrize(
    ("confirm", "words"),
    [
        ("", ""),
        ("CONFIRM CLOSE_BEYOND", " and a bar closes beyond"),
        ("CONFIRM TIME_IN_BREACH 90s", " and stays beyond for 1 min 30 s"),
        ("CONFIRM RETEST_HOLD 2 WITHIN 20m", " and within 20 min holds a retest 2 wide"),
    ],
)
def test_latches(confirm: str, words: str) -> None:
    exits = "BRACKET { STOP LOSS AGAINST 2, TAKE PROFIT WITH 3 }"
    enter = f"ENTER LIMIT AGAINST 0.5 {exits} EXPIRE 40m ; ENTER ON m MARKET SIZING 2"
    assert told(f"LATCH k OFFSET 1.5 FROM k.open ARM 50m {confirm} {{ {enter} }}") == [
        f"watch k for 50 min: 1.5 above and below k.open; when it breaks{words}:",
        "  enter k with the break: 1 lot, limit 0.5 behind the wire, stop loss 2 behind the wire, "
        "take profit 3 beyond the wire, good for 40 min",
        "  enter m with the break: 2 lots, at market",
    ]


def test_resizing() -> None:
    assert told("RESIZE k TO 3") == ["resize k to 3 lots when it differs by 5 % of that or more"]
    assert told("RESIZE k TO 9 USD MIN_STEP 0.1") == ["resize k to worth 9 USD when it differs by 0.1 lots or more"]
