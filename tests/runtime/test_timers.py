"""What is due by the clock happens at its time also when no tick comes, and is on the tape like a tick."""

from pathlib import Path

from qkt.core.events import Tick
from qkt.core.watch import NEVER
from qkt.runtime.inputs import CommandInput, TickInput, TimerInput
from tests.runtime.samples import START, SYMBOL, machine

MINUTE = 60_000
TIMED = """STRATEGY timed VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN eu.close > 1 AND POSITION.eu = 0 THEN BUY eu SIZING 0.1 TIME_EXIT AFTER 5m
"""


def quote(at: int, price: float = 1.1) -> TickInput:
    return TickInput(Tick(SYMBOL, at, price, price - 0.00005, price + 0.00005))


def test_a_time_exit_closes_at_its_time_in_a_silent_market(tmp_path: Path) -> None:
    one = machine(tmp_path, TIMED)
    assert one.session.next_timer == NEVER
    one.handle(quote(START))
    day_ends = one.session.next_timer
    one.handle(quote(START + MINUTE))
    assert not one.flat
    due = START + 6 * MINUTE
    assert one.session.next_timer == due
    one.handle(TimerInput(due - 1))
    assert not one.flat
    one.handle(TimerInput(due + 400))
    assert one.flat
    assert one.session.books.trades[-1].timestamp == due + 400
    assert one.session.next_timer == day_ends


def test_a_timer_before_the_first_tick_or_the_last_does_nothing(tmp_path: Path) -> None:
    one = machine(tmp_path, TIMED)
    one.handle(TimerInput(START))
    one.handle(quote(START + MINUTE))
    one.handle(TimerInput(START))
    assert one.session.last_ts == START + MINUTE
    assert not one.effects.pending


def test_a_block_keeps_entries_out_until_it_goes_and_is_no_halt(tmp_path: Path) -> None:
    one = machine(tmp_path, TIMED)
    one.handle(quote(START))
    one.handle(CommandInput(START, "block", "engine", {"cause": "feed", "reason": "lost"}))
    one.handle(CommandInput(START, "halt", "me", {"reason": "lunch"}))
    one.handle(CommandInput(START, "resume", "me"))
    assert one.halted is None
    one.handle(quote(START + MINUTE))
    assert [row.reason for row in one.session.risk.rejections] == ["blocked: lost"]
    assert one.flat
    one.handle(CommandInput(START + MINUTE, "unblock", "engine", {"cause": "feed"}))
    one.handle(quote(START + 3 * MINUTE))
    assert not one.flat
