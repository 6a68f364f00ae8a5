"""The bus contract: order, depth, isolation, scopes."""

import logging

import pytest

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Candle, LogLine, Tick


def line(text: str) -> LogLine:
    return LogLine("s", "INFO", text)


def tick(symbol: str = "SIM:A", ts: int = 1) -> Tick:
    return Tick(symbol, ts, 1.0)


@pytest.fixture
def clock() -> EventClock:
    return EventClock(1_000)


@pytest.fixture
def bus(clock: EventClock) -> EventBus:
    return EventBus(clock)


def test_subscribers_run_in_the_order_of_subscription_and_taps_after_them(bus: EventBus) -> None:
    scope, heard = bus.scope("s"), []
    scope.tap(lambda e: heard.append("tap"))
    scope.subscribe(LogLine, lambda e: heard.append("first"))
    scope.subscribe(LogLine, lambda e: heard.append("second"))
    scope.publish(line("x"))
    assert heard == ["first", "second", "tap"]


def test_subscribe_first_goes_ahead_of_the_others(bus: EventBus) -> None:
    scope, heard = bus.scope("s"), []
    scope.subscribe(LogLine, lambda e: heard.append("later"))
    scope.subscribe_first(LogLine, lambda e: heard.append("books"))
    scope.publish(line("x"))
    assert heard == ["books", "later"]


def test_only_the_exact_class_is_delivered(bus: EventBus) -> None:
    scope, heard = bus.scope("s"), []
    scope.subscribe(Tick, heard.append)
    scope.publish(line("x"))
    assert heard == []


def test_a_nested_publish_is_finished_before_the_next_subscriber_of_the_outer_event(bus: EventBus) -> None:
    scope, heard = bus.scope("s"), []

    def nests(event: LogLine) -> None:
        if event.text == "outer":
            scope.publish(line("inner"))
        heard.append(("first", event.text))

    scope.subscribe(LogLine, nests)
    # A nested publish of the same class is fine; only subscribing during dispatch is not.
    scope.subscribe(LogLine, lambda e: heard.append(("second", e.text)))
    scope.publish(line("outer"))
    assert heard == [("first", "inner"), ("second", "inner"), ("first", "outer"), ("second", "outer")]


def test_sequence_numbers_follow_publish_order_so_a_nested_event_has_the_larger_one(bus: EventBus, clock: EventClock) -> None:
    scope, seen = bus.scope("s"), []
    candle = Candle("a", "SIM:A", 0, 60_000, 1, 1, 1, 1, 0)

    def nests(event: LogLine) -> None:
        clock.time = 2_000
        scope.publish(candle)

    scope.subscribe(LogLine, nests)
    scope.tap(lambda e: seen.append((type(e).__name__, e.seq, e.at, e.scope)))
    scope.publish(line("x"))
    assert seen == [("Candle", 1, 2_000, "s"), ("LogLine", 0, 1_000, "s")]


def test_a_failing_subscriber_does_not_stop_the_others_and_the_first_failure_is_raised(bus: EventBus) -> None:
    scope, heard = bus.scope("s"), []

    def fails(text: str) -> None:
        raise ValueError(text)

    scope.subscribe(LogLine, lambda e: fails("first"))
    scope.subscribe(LogLine, lambda e: fails("second"))
    scope.subscribe(LogLine, heard.append)
    scope.tap(heard.append)
    event = line("x")
    with pytest.raises(ValueError, match="first"):
        scope.publish(event)
    assert heard == [event, event]


def test_a_failing_tap_is_logged_and_swallowed(bus: EventBus, caplog: pytest.LogCaptureFixture) -> None:
    scope, heard = bus.scope("s"), []

    def fails(event: object) -> None:
        raise ValueError("tap")

    scope.tap(fails)
    scope.tap(heard.append)
    with caplog.at_level(logging.ERROR):
        scope.publish(line("x"))
    assert len(heard) == 1
    assert "an observer failed" in caplog.text


def test_subscribing_to_a_class_while_one_is_dispatched_is_refused(bus: EventBus) -> None:
    scope = bus.scope("s")
    scope.subscribe(LogLine, lambda e: scope.subscribe(LogLine, print))
    with pytest.raises(RuntimeError, match="while one is being dispatched"):
        scope.publish(line("x"))
    scope.subscribe(LogLine, print)  # afterwards it is fine


def test_ticks_reach_the_scopes_that_follow_the_symbol_in_the_order_they_were_opened(bus: EventBus) -> None:
    heard: list[str] = []
    for name, symbols in (("one", ["SIM:A"]), ("two", ["SIM:B"]), ("three", ["SIM:A", "SIM:B"])):
        scope = bus.scope(name)
        scope.subscribe(Tick, lambda e, name=name: heard.append(name))
        for symbol in symbols:
            scope.follow(symbol)
    bus.publish_tick(tick("SIM:A"))
    assert heard == ["one", "three"]


def test_a_failure_stays_in_its_scope(bus: EventBus) -> None:
    faults: list[Exception] = []
    heard: list[Tick] = []
    bad, good = bus.scope("bad", faults.append), bus.scope("good")
    problem = ValueError("strategy")

    def fails(event: Tick) -> None:
        raise problem

    for scope, handler in ((bad, fails), (good, heard.append)):
        scope.follow("SIM:A")
        scope.subscribe(Tick, handler)
    bus.publish_tick(tick())
    assert faults == [problem]
    assert len(heard) == 1


def test_nothing_of_a_scope_survives_its_close(bus: EventBus) -> None:
    heard: list[object] = []
    scope = bus.scope("s")
    scope.follow("SIM:A")
    scope.subscribe(Tick, heard.append)
    scope.tap(heard.append)
    scope.close()
    bus.publish_tick(tick())
    scope.publish(line("x"))
    assert heard == []
    bus.scope("s")  # the name is free again


def test_a_scope_may_close_itself_while_it_handles_a_tick(bus: EventBus) -> None:
    heard: list[str] = []
    first, second = bus.scope("first"), bus.scope("second")
    for scope in (first, second):
        scope.follow("SIM:A")
        scope.subscribe(Tick, lambda e, scope=scope: (heard.append(scope.name), scope.close()))
    bus.publish_tick(tick())
    assert heard == ["first", "second"]


def test_two_scopes_cannot_share_a_name(bus: EventBus) -> None:
    bus.scope("s")
    with pytest.raises(ValueError, match="name of its own"):
        bus.scope("s")


def test_an_observer_at_the_root_sees_every_scope_and_cannot_break_it(bus: EventBus) -> None:
    seen: list[str] = []

    def watches(event: LogLine | Tick) -> None:
        seen.append(event.scope)
        raise ValueError("observer")

    bus.observe(watches)
    bus.scope("one").publish(line("x"))
    bus.scope("two").publish(line("y"))
    bus.publish_tick(tick())
    assert seen == ["one", "two", ""]


def test_a_handler_is_spared_the_events_it_need_not_hear(bus: EventBus) -> None:
    scope = bus.scope("one")
    scope.follow("SIM:A")
    heard: list[str] = []
    asked: list[bool] = [False, True, False]
    spared = lambda _: asked.pop(0)  # noqa: E731
    scope.subscribe(Tick, lambda e: heard.append("first"), unless=spared)
    scope.subscribe(Tick, lambda e: heard.append("second"))
    scope.subscribe(Tick, lambda e: heard.append("third"), unless=spared)
    for _ in range(3):
        bus.publish_tick(tick())
    assert heard == ["first", "second", "third", "second", "first", "second", "third"]
    assert not asked
