"""SEQUENCE: stages that become true one after the other."""

from __future__ import annotations

import pytest

from qkt.lang.loader import check_text
from qkt.lang.sequence_machine import SequenceMachine
from tests.lang.fake_context import MINUTE, PREAMBLE, TWO, Run

SWEEP = "SEQUENCE z ON k { STAGE hi: k.close > 10 STAGE lo WITHIN 2m: k.close < 5 }\n"


def codes(source: str) -> list[str]:
    return [p.code for p in check_text(source).problems if p.severity == "error"]


def test_33_stages_in_time_complete_and_those_too_late_start_anew() -> None:
    run = Run(PREAMBLE + SWEEP + "RULES WHEN SEQUENCE.z.complete THEN BUY k SIZING SEQUENCE.z.hi.price")
    assert run.close(12, 4, 4, 12, 6, 6, 6, 4, 12, 3).story == ["BUY 12 @2", "BUY 12 @10"]


def test_accessors_tell_how_far_it_has_come() -> None:
    log = "LOG '{s} {c} {p} {t}' s=SEQUENCE.z.stage p=SEQUENCE.z.hi.price t=SEQUENCE.z.hi.time c=SEQUENCE.z.complete"
    run = Run(PREAMBLE + SWEEP + f"RULES WHEN k.close > 0 THEN {log}")
    for close in (3, 12, 4, 6):
        run.close(close)
        run.strategy.rearm(0)
    told = [text for _, text in run.context.lines]
    assert told == ["0 false 0 0", f"1 false 12 {2 * MINUTE}", f"2 true 12 {2 * MINUTE}", "0 false 0 0"]


def test_a_stage_that_is_true_too_early_must_become_true_again() -> None:
    sequence = "SEQUENCE z ON k { STAGE hi: k.high > 10 STAGE lo: k.low < 5 }\n"
    run = Run(PREAMBLE + sequence + "RULES WHEN SEQUENCE.z.complete THEN BUY k SIZING 1")
    run.close(7, low=1, high=8).close(7, low=1, high=12).close(7, low=1, high=8)
    assert run.story == []
    run.close(7, low=6, high=8).close(7, low=1, high=8)
    assert run.story == ["BUY 1 @5"]


def test_a_pulse_stays_while_everything_that_answered_it_was_suppressed() -> None:
    run = Run(PREAMBLE + SWEEP + "RULES WHEN SEQUENCE.z.complete THEN BUY k SIZING k.close")
    run.context.accepts = False
    run.close(12, 4)
    run.context.accepts = True
    run.close(6, 6)
    assert run.story == ["BUY 4 @2", "BUY 6 @3"]


def test_a_refusal_by_the_venue_does_not_hold_the_pulse() -> None:
    run = Run(PREAMBLE + SWEEP + "RULES WHEN SEQUENCE.z.complete THEN BUY k SIZING k.close")
    sent = run.context.fire

    def refuse(rule: int | None, signals: object, suppressed: int = 0) -> bool:
        sent(rule, signals, suppressed)  # type: ignore[arg-type]
        run.strategy.rearm(0)
        return False

    run.context.fire = refuse  # type: ignore[method-assign, assignment]
    assert run.close(12, 4, 6, 6).story == ["BUY 4 @2"]


def test_a_pulse_is_over_after_the_rules_of_any_stream() -> None:
    run = Run(TWO + SWEEP + "RULES WHEN ON m SEQUENCE.z.complete THEN BUY m SIZING 1")
    run.close(12, 4).close(1, alias="m")
    assert run.story == []


def test_a_held_pulse_lasts_for_one_more_pass_of_any_stream() -> None:
    rules = "RULES WHEN SEQUENCE.z.complete THEN BUY k SIZING k.close WHEN ON m SEQUENCE.z.complete THEN BUY m SIZING 7"
    run = Run(TWO + SWEEP + rules)
    run.context.accepts = False
    run.close(12, 4)
    run.context.accepts = True
    run.close(1, alias="m").close(6)
    assert [signal.symbol for signal in run.entries] == ["SIM:KLM", "SIM:MNO"]


def test_conditions_rest_until_their_streams_are_warm() -> None:
    sequence = "SEQUENCE z ON k { STAGE a: k.close > 0 STAGE b: sma(k.close, 3) > 0 }\n"
    run = Run(PREAMBLE + sequence + "RULES WHEN SEQUENCE.z.stage = 1 THEN BUY k SIZING k.close")
    assert run.close(1, 2, 3).story == ["BUY 3 @3"]


def test_in_a_group_sequences_move_after_all_updates_and_before_any_rule() -> None:
    sequence = "SEQUENCE z ON m { STAGE a: k.close > 0 STAGE b: k.close < 0 }\n"
    run = Run(TWO + "SYNCHRONIZE k m\n" + sequence + "RULES WHEN ON k SEQUENCE.z.stage = 1 THEN BUY k SIZING 1")
    run.close(1).close(1, alias="m")
    assert run.story == ["BUY 1 @1"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SEQUENCE z ON x { STAGE a: k.close > 1 STAGE b: k.close > 2 }", "QKT0203"),
        ("SEQUENCE z ON k { STAGE a: k.close > 1 STAGE a: k.close > 2 }", "QKT0219"),
        (SWEEP + SWEEP, "QKT0219"),
        ("SEQUENCE z ON k { STAGE a: k.close > 1 }", "QKT0145"),
        (SWEEP + "RULES WHEN SEQUENCE.y.complete THEN CLOSE k", "QKT0220"),
        (SWEEP + "RULES WHEN SEQUENCE.z.mid.price > 1 THEN CLOSE k", "QKT0220"),
        (SWEEP + "RULES WHEN SEQUENCE.z.hi.volume > 1 THEN CLOSE k", "QKT0206"),
        (SWEEP + "RULES WHEN SEQUENCE.z.Complete THEN CLOSE k", "QKT0206"),
        (SWEEP + "RULES WHEN SEQUENCE.z.hi > 1 THEN CLOSE k", "QKT0206"),
        (SWEEP + "RULES WHEN sma(k.close + SEQUENCE.z.stage, 3) > 1 THEN CLOSE k", "QKT0311"),
    ],
)
def test_sequences_that_do_not_fit_together(text: str, code: str) -> None:
    assert code in codes(PREAMBLE + text)


def test_the_machine_moves_one_stage_at_a_close() -> None:
    machine = SequenceMachine([None, None, 5])
    machine.advance((True, True, True), 1.0, 10)
    assert (machine.stage, machine.prices, machine.times) == (1, [1.0, 0.0, 0.0], [10, 0, 0])
    machine.advance((True, False, True), 2.0, 20)
    machine.advance((True, True, False), 3.0, 30)
    assert (machine.stage, machine.complete) == (2, False)
    machine.advance((True, True, True), 4.0, 35)
    assert machine.complete
    machine.settle()
    assert (machine.stage, machine.complete, machine.prices) == (0, False, [0.0, 0.0, 0.0])
