"""A session done again gives what its journal holds, and any difference refuses to start."""

import sqlite3
from pathlib import Path

import pytest

from qkt.data.feeds import FeedTick
from qkt.runtime.errors import DivergenceError, StateError
from qkt.runtime.inputs import CommandInput, TickInput
from qkt.runtime.journal import Journal, Portion
from qkt.runtime.recorder import Recorder
from qkt.runtime.recovery import Recovery
from qkt.runtime.tape import TapeWriter
from tests.runtime.samples import FAILING, machine, ticks

HALT = CommandInput(0, "halt", "me", {"reason": "lunch"})


def lived(folder: Path, *, count: int = 2000, text: str | None = None, file: str = "cross.qkt") -> Recorder:
    """A session that took some ticks, and a halt and its end among them."""
    one = machine(folder, text, file) if text is not None else machine(folder)
    alerts: list[tuple[str, str]] = []
    recorder = Recorder(
        one, TapeWriter(folder / "tape"), Journal(folder), 1, lambda *alert: alerts.append(alert), lambda *_: None
    )
    for n, tick in enumerate(ticks(count), 1):
        recorder.tick(FeedTick(tick, n))
        if n == 700:
            recorder.handle(CommandInput(tick.ts, "halt", "me", {"reason": "lunch"}))
        if n == 900:
            recorder.handle(CommandInput(tick.ts, "resume", "me"))
        if n % 50 == 0:
            recorder.flush()
    recorder.close()
    assert not alerts
    return recorder


def again(folder: Path, text: str | None = None, file: str = "cross.qkt") -> tuple[Recovery, Journal]:
    one = machine(folder, text, file) if text is not None else machine(folder)
    journal = Journal(folder)
    return Recovery(one, folder / "tape", journal, 1), journal


def test_doing_it_again_gives_the_same_session(tmp_path: Path) -> None:
    before = lived(tmp_path).machine
    assert len(before.session.books.trades) > 10
    recovery, _ = again(tmp_path)
    done = recovery.run()
    after = recovery._machine
    assert (done.ticks, done.feed_number, done.commands, done.unsaved) == (2000, 2000, 2, [])
    assert after.session.books.trades == before.session.books.trades
    assert after.session.books.round_trips == before.session.books.round_trips
    assert after.equity() == before.equity()
    assert list(after.history.samples.since(0)) == list(before.history.samples.since(0))
    mine, theirs = after.session.orders.live_orders(), before.session.orders.live_orders()
    assert [(o.id, o.stop, o.limit, o.quantity, o.state) for o in mine] == [
        (o.id, o.stop, o.limit, o.quantity, o.state) for o in theirs
    ]


def test_a_difference_refuses_to_start_and_names_the_first(tmp_path: Path) -> None:
    lived(tmp_path)
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        rows = db.execute("select input, place, data from effects where kind = 'fill' order by input").fetchall()
        number, place, data = rows[3]
        db.execute(
            "update effects set data = ? where input = ? and place = ?",
            (data.replace('"price":"1.', '"price":"2.'), number, place),
        )
    recovery, _ = again(tmp_path)
    with pytest.raises(DivergenceError, match=rf"input {number} .*fill of .*: price was '2\..*', now '1\."):
        recovery.run()


def test_an_effect_that_the_journal_lacks_is_a_difference(tmp_path: Path) -> None:
    lived(tmp_path)
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        number = db.execute("select min(input) from effects").fetchone()[0]
        db.execute("delete from effects where input = ?", (number,))
    recovery, _ = again(tmp_path)
    with pytest.raises(DivergenceError, match=f"input {number} .*journaled nothing"):
        recovery.run()


def test_inputs_that_were_recorded_and_not_committed_are_done_again(tmp_path: Path) -> None:
    lived(tmp_path)
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        last = db.execute("select max(input) from commits").fetchone()[0]
        db.execute("delete from commits where input = ?", (last,))
        gone = db.execute("delete from effects where input = ?", (last,)).rowcount
    recovery, journal = again(tmp_path)
    [(number, effects)] = recovery.run().unsaved
    assert (number, len(effects)) == (last, gone)
    journal.commit([Portion(1, [(number, effects)])])
    recovery, _ = again(tmp_path)
    assert recovery.run().unsaved == []


def test_a_journal_ahead_of_its_recording_is_refused(tmp_path: Path) -> None:
    lived(tmp_path)
    for file in (tmp_path / "tape").iterdir():
        file.write_bytes(file.read_bytes()[:3000])
    recovery, _ = again(tmp_path)
    with pytest.raises(StateError, match="the recording ends with"):
        recovery.run()


def test_a_strategy_that_fails_halts_keeps_its_stop_and_fails_the_same_way_again(tmp_path: Path) -> None:
    before = lived(tmp_path, text=FAILING, file="fails.py").machine
    assert isinstance(before.failed, ValueError)
    assert len(before.session.books.trades) == 1
    assert [order.purpose for order in before.session.orders.live_orders()] == ["STOP"]
    recovery, _ = again(tmp_path, FAILING, "fails.py")
    recovery.run()
    assert recovery._machine.halted == before.halted is not None


def test_halted_sessions_make_no_entry_and_go_on_with_their_exits(tmp_path: Path) -> None:
    one = machine(tmp_path)
    entries = []
    for tick in ticks(2000):
        one.handle(TickInput(tick))
        if one.session.books.trades and one.halted is None:
            assert not one.flat
            one.handle(CommandInput(tick.ts, "halt", "me", {"reason": "lunch"}))
            entries = list(one.session.books.trades)
    assert one.flat
    assert [row.purpose for row in one.session.books.trades] == ["ENTRY", "STOP"] or len(entries) == 1
    assert {e.reason for e in one.session.risk.rejections} == {"halted: lunch"}


def test_flatten_closes_everything_past_a_halt(tmp_path: Path) -> None:
    one = machine(tmp_path)
    for tick in ticks(2000):
        one.handle(TickInput(tick))
        if not one.flat:
            break
    one.handle(CommandInput(one.last_ts, "halt", "me", {"reason": "kill"}))
    one.handle(CommandInput(one.last_ts, "flatten", "me"))
    assert one.flat
    assert one.session.orders.live_orders() == []
    assert one.session.books.trades[-1].order_id.startswith("flat1-")


def test_warming_up_makes_no_order_and_readies_the_indicators(tmp_path: Path) -> None:
    cold, warm = machine(tmp_path), machine(tmp_path)
    for n, tick in enumerate(ticks(3000)):
        warm.handle(TickInput(tick, history=n < 1500))
        if n < 1500:
            assert not warm.effects.pending
        else:
            cold.handle(TickInput(tick))
    assert warm.session.books.trades[0].timestamp < cold.session.books.trades[0].timestamp
    assert warm.session.equity.times[0] >= ticks(1501).__next__().ts + 1500 * 2000


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"not a database at all, but long enough to be looked at" * 100), "cannot be used"),
        (lambda path: _pragma(path, "user_version = 99"), "version 99"),
        (lambda path: _pragma(path, "application_id = 5"), "no journal"),
    ],
)
def test_a_journal_that_cannot_be_understood_is_refused_with_what_to_do(tmp_path: Path, damage, message: str) -> None:
    Journal(tmp_path).close()
    damage(tmp_path / "journal.sqlite")
    with pytest.raises(StateError, match=message) as refused:
        Journal(tmp_path)
    assert refused.value.remedy


def _pragma(path: Path, text: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"pragma {text}")
