"""Who is told what: the right events, slowly, in few words, again when nobody answers, and never at the cost of trading."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from types import SimpleNamespace

import anyio
import pytest

from qkt.config import Channel as Settings
from qkt.config import Config, ConfigError, Observe
from qkt.observe.alerts import EVENTS, KINDS, Alert, alert_of, message, summary
from qkt.observe.channel import MINUTE, WAITING, Channel, attempt, sender
from qkt.observe.heartbeat import Heartbeat
from qkt.observe.observer import DAY, Observer, next_time, observing
from qkt.observe.status import Wellness
from qkt.runtime.control.frames import Snapshot, Tables, table
from qkt.runtime.lines import LineBook
from tests.runtime.control.fake import NOW, rested

pytestmark = pytest.mark.anyio
ALL = {"url": "json://localhost", "events": KINDS}


def alert(event="halted", level="ERROR", text="too much", scope="one"):
    return Alert(event, level, scope, text, 1_704_844_800_000)


def until(so, seconds=10.0):
    """Wait for another thread."""
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end
        time.sleep(0.01)


class Desk:
    """A channel on a clock of its own, and what it has sent."""

    def __init__(self, taken=lambda: True, **settings):
        self.now = 0.0
        self.messages = []
        self.pauses = []

        def send(title, body):
            self.messages.append((self.now, title, body))
            return taken()

        def pause(seconds):
            self.pauses.append(seconds)
            self.now += seconds
            return False

        self.channel = Channel("ops", Settings(**ALL | settings), send, clock=lambda: self.now, pause=pause)


@pytest.mark.parametrize(
    ("event", "level", "kind", "told"),
    [
        ("halt", "WARN", "operator", "halted"),
        ("fault", "ERROR", "halt", "fault"),
        ("rejected", "WARN", "order", "rejected"),
        ("feed", "WARN", "feed", "feed"),
        ("feed", "INFO", "feed", None),
        ("fill", "INFO", "fill", None),
        ("never heard of", "ERROR", "engine", "error"),
        ("log", "ERROR", "log", None),
    ],
)
def test_lines_become_alerts_by_what_they_are_about(event, level, kind, told):
    found = alert_of(LineBook().add(0, level, kind, "one", "x", event=event))
    assert (None if found is None else found.event) == told


def test_every_event_can_be_chosen():
    assert set(EVENTS.values()) <= set(KINDS)


def test_a_channel_takes_what_it_was_set_up_for():
    desk = Desk(events=("halted", "feed"), level="warn")
    for one in (alert(), alert("feed", "INFO"), alert("feed", "WARN"), alert("rejected")):
        desk.channel.offer(one)
    desk.channel.work()
    ((_, title, body),) = desk.messages
    assert title == "[ERROR] qkt: 2 alerts (1 halted, 1 feed)"
    assert body.count("too much") == 2


def test_a_flood_is_a_few_messages_and_nothing_is_told_twice():
    desk = Desk(per_minute=3)
    for number in range(50):
        desk.channel.offer(alert(text=f"number {number // 10}"))
        desk.channel.work()
        if number < 10:
            desk.now += 1
    assert len(desk.messages) <= 50
    times = [at for at, _, _ in desk.messages]
    assert all(later - early >= MINUTE - 1e-9 for early, later in zip(times, times[3:], strict=False))


def test_what_waits_goes_as_one_with_counts_and_what_was_too_much_is_said():
    desk = Desk()
    for _ in range(WAITING + 20):
        desk.channel.offer(alert())
    desk.channel.work()
    ((_, title, body),) = desk.messages
    assert "100 alerts" in title
    assert "too much (100 times)" in body
    assert "20 older ones were dropped" in body
    assert desk.channel.dropped == 20
    assert len(message([alert(text=str(n)) for n in range(100)])[1].splitlines()) < 30


def test_who_does_not_answer_is_asked_again_and_then_given_up():
    answers = iter([False, False, True, False, False, False, False])
    desk = Desk(taken=lambda: next(answers))
    for _ in range(2):
        desk.channel.offer(alert())
        desk.channel.work()
    assert (desk.channel.sent, desk.channel.failed) == (1, 1)
    assert desk.pauses == [1, 5, 1, 5, 30]


def test_a_service_that_raises_is_one_that_does_not_answer():
    def refuse():
        raise OSError("no route")

    desk = Desk(taken=refuse)
    desk.channel.offer(alert())
    desk.channel.work()
    assert desk.channel.failed == 1


def test_alerts_that_are_dropped_while_they_are_taken_keep_none_from_being_sent():
    class Shrinking(deque):
        """Has one less than it said."""

        def __len__(self):
            return super().__len__() + 1

    desk = Desk()
    desk.channel._alerts = Shrinking()
    desk.channel.offer(alert(text="first"))
    desk.channel.offer(alert(text="second"))
    desk.channel.work()
    assert "first" in desk.messages[0][2]
    assert "second" in desk.messages[0][2]


def test_alerts_that_are_taken_while_one_is_offered_are_no_failure():
    class Taken(deque):
        def popleft(self):
            raise IndexError

    desk = Desk()
    desk.channel._alerts = Taken()
    for _ in range(WAITING + 1):
        desk.channel.offer(alert())
    assert desk.channel.dropped == 0


def test_a_message_that_cannot_be_made_is_counted_and_the_next_one_is_sent(monkeypatch):
    desk = Desk()
    made = iter([ZeroDivisionError, None])

    def fails_first(alerts, dropped):
        if (problem := next(made)) is not None:
            raise problem
        return message(alerts, dropped)

    monkeypatch.setattr("qkt.observe.channel.message", fails_first)
    desk.channel.start()
    desk.channel.offer(alert(text="lost"))
    until(lambda: desk.channel.failed)
    desk.channel.offer(alert(text="sent"))
    until(lambda: desk.messages)
    desk.channel.end()
    desk.channel.join()
    assert (desk.channel.failed, desk.channel.sent) == (1, 1)
    assert "sent" in desk.messages[0][2]


def test_what_no_service_can_read_is_refused():
    with pytest.raises(ConfigError, match="no URL that Apprise knows"):
        sender("ops", "carrier-pigeon://roof")


async def test_a_dead_channel_holds_up_neither_the_engine_nor_its_end(engine, monkeypatch):
    monkeypatch.setattr("qkt.observe.channel.ENDING", 0.1)
    stuck = threading.Event()
    channel = Channel("dead", Settings(**ALL), lambda title, body: stuck.wait(30), pause=lambda seconds: False)
    config = Config(observe=Observe(serve=False))
    with anyio.fail_after(10):
        async with observing(engine, config, channels=[channel]):
            await engine.find("one").command("halt", "eva", reason="dead channel")
            await engine.find("one").command("resume", "eva")
    stuck.set()
    assert engine.find("one").halted is None


async def test_the_day_is_summed_up(engine):
    title, body = summary(engine.snapshot())
    assert "2 sessions" in title
    assert "two [PAPER] halted (lunch): equity " in body
    desk = Desk(events=(), summary=True)
    desk.channel.summarise(title, body)
    desk.channel.work()
    assert desk.messages[0][1] == title


def test_the_day_of_a_session_that_rests_is_unknown_and_not_nothing():
    rows = table([rested("gold"), rested("coin", positions=0)])
    _, body = summary(Snapshot(version=1, ts=NOW, tables=Tables(strategies=rows)))
    gold, coin, _ = body.splitlines()
    assert gold.endswith("stopped: equity unknown, day unknown, realised +0.00, open unknown, 0 trades, 1 positions")
    assert coin.endswith("stopped: equity 10,000.00, day unknown, realised +0.00, open +0.00, 0 trades, 0 positions")


def test_the_next_time_of_day_is_today_or_tomorrow():
    noon = 19_000 * DAY + DAY // 2
    assert next_time(noon, 21, 30) - noon == 9.5 * 3_600_000
    assert next_time(noon, 12, 0) - noon == DAY


def test_whoever_tries_a_channel_that_is_dead_hears_why():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and nobody listens
        found = attempt("ops", f"json://127.0.0.1:{bound.getsockname()[1]}", "a test", "of it")
    assert found is not None
    assert "onnection error" in found


async def test_lines_of_the_engine_reach_the_channels(engine):
    desk = Desk()
    observer = Observer(engine, Config(), channels=[desk.channel])
    observer.tail.drain()
    desk.channel.work()
    assert any("lunch" in body for _, _, body in desk.messages)


def test_the_heart_beats_while_all_is_well(tmp_path):
    well = SimpleNamespace(now=Wellness(live=True, ready=True))
    heart = Heartbeat(Observe(heartbeat_file=tmp_path / "beat"), lambda: well.now)
    heart.beat()
    heart.deliver()
    assert int((tmp_path / "beat").read_text()) > 0
    assert (heart.sent, heart.failed) == (1, 0)
    heart.beat()
    assert heart.failed == 1, "the one before has not been delivered yet"
    well.now = Wellness(live=True, ready=False)
    heart.beat()
    assert heart.failed == 1, "an engine that is not well is silent"


def test_a_heartbeat_that_cannot_be_left_is_counted(tmp_path):
    heart = Heartbeat(Observe(heartbeat_file=tmp_path / "missing" / "beat"), lambda: Wellness(live=True, ready=True))
    heart.deliver()
    assert (heart.sent, heart.failed) == (0, 1)
