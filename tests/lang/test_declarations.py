"""Streams that are made of others or belong together, and what the checker says of declarations that do not fit."""

from __future__ import annotations

import math

import pytest

from qkt.lang.loader import check_text
from tests.lang.fake_context import MINUTE, PREAMBLE, TWO, Run

BASKET = TWO.rstrip() + ", g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m\n"
RULE = "RULES WHEN k.close > 0 THEN CLOSE k\n"


def errors(source: str) -> list[tuple[str, int, int]]:
    found = check_text(source).problems
    return [(p.code, p.span.line, p.span.column) for p in found if p.severity == "error"]


def closes(run: Run, *pairs: tuple[str, float]) -> Run:
    for alias, close in pairs:
        run.close(close, alias=alias)
    return run


# ---------------------------------------------------------------- baskets


def test_36_a_basket_moves_with_the_mean_log_return_of_its_members() -> None:
    run = Run(BASKET + 'RULES WHEN ON g g.close > 0 THEN LOG "{o} {c} {h} {l}" o=g.open c=g.close h=g.high l=g.low')
    closes(run, ("k", 10), ("m", 30))
    assert run.context.lines == []  # the first window is the base
    closes(run, ("k", 20), ("m", 30))
    moved = 100 * math.sqrt(2)
    assert run.context.lines == [("INFO", f"100 {moved:.8f} {moved:.8f} 100")]


def test_a_basket_waits_for_candles_of_one_end() -> None:
    run = Run(BASKET + 'RULES WHEN ON g g.close > 0 THEN LOG "{t}" t=NOW')
    closes(run, ("k", 10), ("m", 10), ("k", 11), ("k", 12))
    run.close(13, alias="m", start=2 * MINUTE)
    # The second window never completes; the third does.
    assert [text for _, text in run.context.lines] == [str(3 * MINUTE)]


def test_rules_of_a_basket_run_after_those_of_the_member_that_completes_it() -> None:
    run = Run(
        BASKET + 'RULES WHEN ON g g.close > 0 THEN LOG "g {m}" m=m.close WHEN ON m m.close = 7 THEN LOG "m {g}" g=g.close'
    )
    closes(run, ("k", 1), ("m", 1), ("k", 1), ("m", 7))
    assert [text for _, text in run.context.lines] == ["m undefined", "g 7"]


def test_the_position_of_a_basket_is_the_side_that_all_members_have() -> None:
    run = Run(BASKET + 'RULES WHEN k.close > 0 THEN LOG "{p}" p=POSITION.g')
    told = []
    for quantities in ((1, 2), (-1, -2), (1, -1), (1, 0), (0, 0)):
        for symbol, quantity in zip(("SIM:KLM", "SIM:MNO"), quantities, strict=True):
            run.context.position(symbol).quantity = float(quantity)
        run.close(1)
        run.strategy.rearm(0)
        told.append(run.context.lines[-1][1])
    assert told == ["1", "-1", "0", "0", "0"]


@pytest.mark.parametrize(
    ("declarations", "code", "column"),
    [
        ("g = BASKET EQUAL_WEIGHT [k, k] EVERY 1m", "QKT0120", 86),
        ("g = BASKET EQUAL_WEIGHT [k, x] EVERY 1m", "QKT0203", 86),
        ("g = BASKET EQUAL_WEIGHT [k, m] EVERY 5m", "QKT0217", 83),
        ("e = SERIES ACCOUNT.EQUITY EVERY 1m, g = BASKET EQUAL_WEIGHT [k, e] EVERY 1m", "QKT0217", 122),
        ("g = BASKET EQUAL_WEIGHT [k, m] EVERY 1m, h = BASKET EQUAL_WEIGHT [k, g] EVERY 1m", "QKT0217", 127),
        ("g = BASKET EQUAL_WEIGHT [k] EVERY 1m", "QKT0141", 83),
    ],
)
def test_baskets_that_do_not_fit_together(declarations: str, code: str, column: int) -> None:
    found = errors(TWO.rstrip() + ", " + declarations + "\n" + RULE)
    assert (found[0][0], found[0][1]) == (code, 2)
    assert abs(found[0][2] - column) <= 60


def test_a_basket_may_stand_before_its_members_and_in_other_words_for_its_length() -> None:
    source = (
        "STRATEGY t VERSION 1\nSYMBOLS g = BASKET EQUAL_WEIGHT [k, m] EVERY 1h, k = SIM:KLM EVERY 60m, m = SIM:MNO EVERY 1h\n"
    )
    assert errors(source + RULE) == []


def test_a_basket_has_no_other_fields_of_position() -> None:
    assert errors(BASKET + "RULES WHEN POSITION.g.entry_price > 0 THEN CLOSE k")[0][0] == "QKT0206"


def test_volume_indicators_of_a_basket_are_refused() -> None:
    found = check_text(BASKET + 'RULES WHEN obv(g) IS NULL THEN LOG "x"').problems
    assert "QKT0304" in {p.code for p in found}


def test_warm_up_of_a_basket_counts_its_own_candles() -> None:
    run = Run(BASKET + 'RULES WHEN ON g g.close > 0 AND (ema(g.close, 2) IS NULL OR TRUE) THEN LOG "warm"')
    closes(run, ("k", 1), ("m", 1), ("k", 2), ("m", 1))
    assert run.context.lines == []
    closes(run, ("k", 3), ("m", 1))
    assert run.context.lines == [("INFO", "warm")]


# ---------------------------------------------------------------- groups


def test_34_synchronize_takes_no_commas() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m SYNCHRONIZE k, m\n"
    assert errors(source + RULE)[0][1:] == (2, 65)


def test_35_a_group_waits_for_all_of_its_members() -> None:
    run = Run(TWO + "SYNCHRONIZE k m\nRULES WHEN k.close > m.close THEN BUY k SIZING m.close")
    run.close(3)
    assert run.story == []
    run.close(2, alias="m")
    assert run.story == ["BUY 2 @1"]


def test_members_update_in_the_order_of_the_clause_before_any_rule() -> None:
    first = 'RULES WHEN ON k k.close > 0 THEN LOG "k {s}" s=sma(m.close, 1)\n'
    second = 'WHEN ON m m.close > 0 THEN LOG "m {s}" s=sma(k.close, 1)'
    run = Run(TWO + "SYNCHRONIZE m k\n" + first + second)
    run.close(3).close(2, alias="m")
    # Rules member by member, m first; both see what the other's update made.
    assert [text for _, text in run.context.lines] == ["m 3", "k 2"]


def test_a_rule_reads_the_latest_candle_of_a_member_that_is_ahead() -> None:
    run = Run(TWO + 'SYNCHRONIZE k m\nRULES WHEN ON k k.close > 0 THEN LOG "{k} {m}" k=k.close m=m.close')
    run.close(1, 2, alias="m").close(10)
    assert run.context.lines == [("INFO", "10 2")]


def test_windows_without_a_limit_wait_and_those_overtaken_are_given_up() -> None:
    run = Run(TWO + 'SYNCHRONIZE k m\nRULES WHEN ON k k.close > 0 THEN LOG "{t}" t=NOW')
    run.close(1, 2, 3).close(9, alias="m", start=2 * MINUTE)
    assert run.context.lines == [("INFO", str(3 * MINUTE))]


def test_an_incomplete_window_is_given_up_after_its_limit() -> None:
    run = Run(TWO + 'SYNCHRONIZE k m WITHIN 10s\nRULES WHEN ON k k.close > 0 THEN LOG "{t}" t=NOW')
    run.close(1)
    assert run.strategy.due == MINUTE + 10_001
    run.strategy.on_time(MINUTE + 10_001)
    run.close(1, alias="m")
    assert run.context.lines == []
    run.close(2).close(2, alias="m")
    assert run.context.lines == [("INFO", str(2 * MINUTE))]


def test_a_candle_of_the_very_tick_that_is_too_late_still_completes_its_window() -> None:
    run = Run(TWO + 'SYNCHRONIZE k m WITHIN 10s\nRULES WHEN ON k k.close > 0 THEN LOG "in time"')
    run.close(1).close(1, alias="m")
    run.strategy.on_time(5 * MINUTE)
    assert run.context.lines == [("INFO", "in time")]


def test_a_basket_in_a_group_is_waited_for_and_has_its_own_pass_once() -> None:
    head = BASKET + "SYNCHRONIZE k m g\n"
    run = Run(head + 'RULES WHEN ON g g.close > 0 THEN LOG "g" WHEN ON k k.close > 0 THEN LOG "k {g}" g=g.close')
    closes(run, ("k", 1), ("m", 1))
    assert run.context.lines == []  # the basket's first window is its base
    closes(run, ("k", 1), ("m", 1))
    assert [text for _, text in run.context.lines] == ["g", "k 100"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SYNCHRONIZE k x", "QKT0203"),
        ("SYNCHRONIZE k m SYNCHRONIZE m k", "QKT0218"),
        ("SYNCHRONIZE k k", "QKT0120"),
    ],
)
def test_groups_that_do_not_fit_together(text: str, code: str) -> None:
    assert errors(TWO + text + "\n" + RULE)[0][0] == code


def test_members_of_a_group_need_one_timeframe() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 5m SYNCHRONIZE k m\n"
    assert errors(source + RULE) == [("QKT0218", 2, 66)]


# ---------------------------------------------------------------- snapshots and aggregates


def test_19_a_snapshot_keeps_what_the_entry_saw() -> None:
    rules = "LET px = k.close\nRULES WHEN k.close > 30 THEN BUY k SIZING 1\nWHEN k.close < px@buy - 5 THEN SELL k SIZING px"
    assert Run(PREAMBLE + rules).close(20, 35, 33, 29).story == ["BUY 1 @2", "SELL 29 @4"]


def test_20_an_aggregate_of_the_last_closes() -> None:
    run = Run(PREAMBLE + "RULES WHEN SUM(k.close) SINCE T-2 > 10 THEN BUY k SIZING k.close")
    assert run.close(4, 5, 6).story == ["BUY 6 @3"]


def test_a_snapshot_is_taken_even_when_nothing_is_sent() -> None:
    rules = "LET px = k.close\nRULES WHEN k.close > 30 THEN BUY k SIZING 0\nWHEN px@buy IS NOT NULL THEN LOG '{p}' p=k.close"
    run = Run(PREAMBLE + rules).close(20, 35)
    assert [line for line in run.context.lines if line[0] == "INFO"] == [("INFO", "35")]


def test_past_values_of_a_let_are_those_of_its_anchor() -> None:
    run = Run(PREAMBLE + "LET px = k.close\nRULES WHEN px@T-2 = 5 THEN BUY k SIZING px")
    assert run.close(5, 6, 7, 8).story == ["BUY 7 @3"]


def test_open_snapshots_are_taken_while_flat_and_go_with_the_position() -> None:
    rules = (
        "LET px = k.close\nRULES WHEN k.close > 30 THEN BUY k SIZING 1\n"
        "WHEN ON k px@open IS NULL OR px@open = 35 OR px@open = 40 THEN LOG '{o}' o=k.close"
    )
    run = Run(PREAMBLE + rules)
    seen = run.strategy.memory.captured
    run.close(35)
    position = run.context.position("SIM:KLM")
    assert run.strategy.memory.captured == [35.0]
    position.quantity = 1.0
    run.close(20, 40)  # a second entry while long leaves it
    assert run.strategy.memory.captured == [35.0]
    position.quantity = -1.0
    run.close(20)  # turned: gone
    assert run.strategy.memory.captured == [None]
    assert seen is run.strategy.memory.captured


@pytest.mark.parametrize(
    ("aggregate", "story"),
    [("MAX", ["BUY 9 @3"]), ("MIN", ["BUY 4 @4"]), ("SUM", ["BUY 4 @4"]), ("MEAN", ["BUY 4 @4"])],
)
def test_aggregates_over_the_life_of_a_position(aggregate: str, story: list[str]) -> None:
    value = {"MAX": 9, "MIN": 4, "SUM": 18, "MEAN": 6}[aggregate]
    run = Run(PREAMBLE + f"RULES WHEN {aggregate}(k.close) SINCE OPEN = {value} THEN BUY k SIZING k.close")
    position = run.context.position("SIM:KLM")
    run.close(100)
    position.quantity = 1.0
    run.close(5, 9, 4)
    assert run.story == story
    position.quantity = 0.0
    run.close(value)  # flat: nothing is sampled
    assert run.story == story
    position.quantity = 2.0
    run.close(value)
    assert run.story == [*story, f"BUY {value} @6"]


def test_aggregates_begin_anew_when_the_position_turns() -> None:
    run = Run(PREAMBLE + "RULES WHEN MAX(k.close) SINCE OPEN = 3 THEN BUY k SIZING k.close")
    run.context.position("SIM:KLM").quantity = 1.0
    run.close(9)
    run.context.position("SIM:KLM").quantity = -1.0
    assert run.close(3).story == ["BUY 3 @2"]


@pytest.mark.parametrize(
    "text",
    [
        "LET px = k.close\nRULES WHEN k.close > 0 THEN BUY k SIZING px@buy",
        "RULES WHEN k.close > 0 THEN BUY k SIZING MAX(k.close) SINCE OPEN",
        "LET px = k.close\nRULES WHEN sma(k.close - px@buy, 3) > 0 THEN CLOSE k",
        "LET a = k.close, b = a@buy\nRULES WHEN b@sell > 0 THEN CLOSE k",
        "RULES WHEN sma(MAX(k.close) SINCE OPEN, 3) > 0 THEN CLOSE k",
        "LET px = k.close\nSCHEDULE EVERY HOUR AT :01 THEN BUY k SIZING px@buy",
    ],
)
def test_snapshots_and_aggregates_stand_in_conditions_only(text: str) -> None:
    assert [code for code, _, _ in errors(PREAMBLE + text)] == ["QKT0311"]


def test_snapshots_are_of_lets() -> None:
    assert errors(PREAMBLE + "RULES WHEN k@buy > 0 THEN CLOSE k")[0][0] == "QKT0201"
    assert errors(PREAMBLE + "PARAM p = 3\nRULES WHEN p@buy > 0 THEN CLOSE k") == []


def test_each_anchor_has_snapshots_of_its_own() -> None:
    rules = (
        "LET px = k.close\nRULES WHEN k.close > 30 THEN BUY k SIZING 1\n"
        "WHEN ON m px@buy IS NOT NULL THEN LOG 'm' WHEN ON k px@buy IS NOT NULL THEN LOG 'k'"
    )
    run = Run(TWO + rules)
    run.close(35).close(1, alias="m")
    assert [text for _, text in run.context.lines] == ["k"]


# ---------------------------------------------------------------- read-only streams


@pytest.mark.parametrize("target", ["e", "q"])
@pytest.mark.parametrize("clause", ["RULES WHEN k.close > 0 THEN CLOSE {}", "SCHEDULE EVERY HOUR AT :01 THEN CLOSE {}"])
def test_37_statistics_and_equity_cannot_be_traded(target: str, clause: str) -> None:
    head = PREAMBLE.rstrip() + ", e = SERIES ACCOUNT.EQUITY EVERY 1m, q = MACRO:RATE EVERY 1d\n"
    assert [code for code, _, _ in errors(head + clause.format(target))] == ["QKT0408"]


def test_the_first_stream_of_a_file_comes_before_baskets_and_series() -> None:
    source = "STRATEGY t VERSION 1\nSYMBOLS e = SERIES ACCOUNT.EQUITY EVERY 1m, k = SIM:KLM EVERY 1m\n"
    run = Run(source + 'RULES WHEN e.close IS NULL THEN LOG "k"')
    run.close(1)
    assert run.context.lines == [("INFO", "k")]
