"""An engine in sentences says each thing once."""

from __future__ import annotations

from qkt.cli.spoken import EVERY, Teller, happening, heard
from qkt.runtime.control.frames import Snapshot, Tables, table
from qkt.runtime.control.rows import Line
from tests.runtime.control.fake import NOW, fill, rested, strategy


def state(*rows, after=0):
    return Snapshot(version=1, ts=NOW + after, tables=Tables(strategies=table(rows)))


def test_states_are_said_when_they_change_and_money_once_a_minute():
    calm = strategy("gold", equity="10020.50", day_pnl="20.50", open_pnl="-3", positions=1, orders=2)
    halted = strategy("gold", halt="daily", reason="max_daily_loss")
    teller = Teller(state(calm), None)
    assert list(teller.news()) == ["gold runs. Equity 10,020.50, today +20.50, 1 position at -3.00, 2 orders."]
    teller.state = state(calm, after=1000)
    assert list(teller.news()) == []
    teller.state = state(halted, strategy("coin"), after=2000)
    assert list(teller.news()) == ["gold is halted for the day: max_daily_loss.", "coin runs."]
    teller.state = state(halted, after=3000)
    assert list(teller.news()) == ["coin is gone."]
    teller.state = state(halted, after=EVERY)
    assert len(list(teller.news())) == 1


def test_what_is_not_known_of_a_session_that_rests_is_said_in_a_word():
    assert list(Teller(state(rested("gold"), rested("coin", positions=0)), None).news()) == [
        "gold is stopped. Equity unknown, today unknown, 1 position, no orders.",
        "coin is stopped. Equity 10,000.00, today unknown, no positions, no orders.",
    ]


def test_a_fill_is_a_sentence_and_what_is_not_asked_for_is_silent():
    line = Line(number=1, ts=NOW, level="INFO", kind="fill", scope="gold", text="FILL", fill=fill("gold", 1))
    assert happening(line) == "gold bought 0.1 XAUUSD at 2411.35."
    assert heard(line, None)
    assert heard(line, "gold")
    assert not heard(line, "gol")
    assert not heard(line.model_copy(update={"kind": "log"}), None)
    assert heard(line.model_copy(update={"kind": "log", "level": "WARN"}), None)
