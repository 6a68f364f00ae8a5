"""A registered session comes to life: it is done again up to where its recording ends, or warmed up when it is new, and is
given its recorder, its feed and its place at a venue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

import anyio.lowlevel
import anyio.to_thread

from qkt.brokers.factory import BrokerKind
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.core.errors import QktError
from qkt.core.events import Tick
from qkt.risk import Cause
from qkt.runtime.control.rows import Level
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import CommandInput, GapInput
from qkt.runtime.journal import Registration
from qkt.runtime.machine import SessionMachine
from qkt.runtime.markets import OpenMarket
from qkt.runtime.pump import Pump
from qkt.runtime.recorder import Led, Recorder, session_folder, tape_folder
from qkt.runtime.recovery import Recovered, Recovery
from qkt.runtime.roster import Hosted
from qkt.runtime.session import LiveSession
from qkt.runtime.setup import Terms, load_strategy
from qkt.runtime.tally import Tally
from qkt.runtime.tape import TapeWriter, segments
from qkt.runtime.telling import Teller
from qkt.runtime.traces import TELLING
from qkt.runtime.venues import Seat
from qkt.runtime.views.sessions import account_of
from qkt.strategy import StreamSpec

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine

History = Callable[[Sequence[StreamSpec], Sequence[str]], Awaitable[Iterable[Tick]]]
"""Ticks before now, oldest first, for these streams and for markets beyond them. Raises a QktError when none can be had."""
RECOVER_AT_ONCE = 2_000_000
"""Nanoseconds of a recovery before others get their turn."""
RECALLED = 4096
"""Effects of before a restart that a session's traces are learnt from."""


async def launch(engine: Engine, registration: Registration) -> tuple[Hosted, Recovered]:
    """The session, ready to run, and what of it was done again. Raises a QktError and leaves nothing when it cannot be."""
    machine, recovered = await _rebuilt(engine, registration)
    try:
        return await _animated(engine, registration, machine, recovered), recovered
    except BaseException:
        machine.close()
        raise


async def _rebuilt(engine: Engine, registration: Registration) -> tuple[SessionMachine, Recovered]:
    tape = tape_folder(engine.state, registration.run)
    machine = await _machine(engine, registration)
    try:
        with _on_disk(tape):
            recovery = Recovery(machine, tape, engine.journal, registration.run)
            end = monotonic_ns() + RECOVER_AT_ONCE
            for _ in recovery:
                if monotonic_ns() > end:
                    await anyio.lowlevel.checkpoint()
                    end = monotonic_ns() + RECOVER_AT_ONCE
    except BaseException:
        machine.close()
        raise
    done = recovery.done
    if not done.warmed or done.ticks or done.commands:
        return machine, done
    # The process ended while history was being read: what it had of that is not continued.
    machine.close()
    with _on_disk(tape):
        for file in segments(tape):
            file.unlink()
    return await _machine(engine, registration), Recovered()


async def _machine(engine: Engine, registration: Registration) -> SessionMachine:
    folder = session_folder(engine.state, registration.run)
    with _on_disk(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    terms = Terms.from_json(registration.settings)
    strategy = await anyio.to_thread.run_sync(
        load_strategy, registration.file, registration.source, registration.params, folder, terms.book
    )
    return SessionMachine(registration.name, strategy, terms.settings(folder), engine.bus, engine.clock)


async def _animated(engine: Engine, registration: Registration, machine: SessionMachine, recovered: Recovered) -> Hosted:
    """Recorder, feed and task of a machine that stands where its recording ends."""
    name, run = registration.name, registration.run
    symbols = list(dict.fromkeys((*(s.symbol for s in machine.strategy.streams if s.fed), *machine.settings.markets)))
    # The last tick's place is read once more: of several market ids behind one name, some may not have got theirs.
    market = await engine.market.open(symbols, recovered.feed_number - 1 if recovered.feed_number > 0 else None)
    tally = Tally()
    teller = Teller(machine, run, account_of(registration), tally, engine.line)
    if recovered.inputs:
        teller.recall(engine.journal.of_kind(run, TELLING, RECALLED))
    async with AsyncExitStack() as undo:
        undo.push_async_callback(market.reader.aclose)
        seat = await _seat(engine, machine, symbols)
        if seat is not None:
            undo.push_async_callback(seat.aclose)
        recorder = Recorder(
            machine,
            _tape(engine, run),
            engine.journal,
            run,
            lambda level, text: _disk_said(engine, name, level, text),
            lambda led: _told(engine, name, teller, led),
            None if seat is None else seat.send,
            writing=engine.committer,
        )
        undo.push_async_callback(engine.committer.finish, recorder)
        live = LiveSession(registration, machine, recorder, engine.moved, engine.turns, tally)
        live.started_at = engine.wall.now()
        live.feed_number = live.resumed_at = recovered.feed_number
        live.resumed_with = {tick.symbol: tick for tick in recovered.at_number}
        recorder.take_over(recovered.unsaved)
        _note_source(recorder, market)
        if recovered.inputs:
            _after_outage(engine, recorder, market.replayable)
        elif engine.history is not None:
            await _warm(engine, live, engine.history)
        if machine.settings.real:  # its first hours are measured
            recorder.handle(CommandInput(max(machine.last_ts, engine.wall.now()), "started", "engine"))
        if seat is not None:
            differs = seat.other_day(machine.settings.limits.day)
            if differs is not None:
                engine.alert("WARN", live.name, differs, source="risk")
            await seat.settle(lambda report: live.hear([report]))
            seat.begin(lambda reports: live.inbox.call(lambda: live.hear(reports)))
        undo.pop_all()
    return Hosted(live, Pump(live, market, lambda level, text: _feed_said(engine, name, level, text), engine.wall), seat)


def _tape(engine: Engine, run: int) -> TapeWriter:
    """The recording, to be gone on with behind what the journal kept of it."""
    folder = tape_folder(engine.state, run)
    with _on_disk(folder):
        return TapeWriter(folder, lost=engine.journal.kept(run))


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """A disk that is full or does not let us in is a refusal. Nothing is lost: the next start takes up the same."""
    try:
        yield
    except OSError as problem:
        raise StateError(
            f"its recording cannot be used ({problem.strerror or problem})",
            where=str(folder),
            remedy="mend that, then try again",
        ) from problem


async def _seat(engine: Engine, machine: SessionMachine, symbols: Sequence[str]) -> Seat | None:
    """The session's place at its venue, None on paper."""
    venue, broker = machine.settings.venue, machine.session.broker
    if venue.kind is not BrokerKind.MT5 or not isinstance(broker, Mt5Broker):
        return None
    supervisor = machine.session.supervisor
    strategies = [machine.strategy] if supervisor is None else [one.child.strategy for one in supervisor.children.values()]
    traded = [symbol for one in strategies for symbol in dict.fromkeys(s.symbol for s in one.streams if s.traded)]
    return await engine.venues.sit(machine.name, venue.owner, broker, symbols, traded, adopts=supervisor is None)


async def _warm(engine: Engine, live: LiveSession, history: History) -> None:
    """Let history through; where it cannot be had the session begins without, and says so."""
    machine = live.machine
    try:
        ticks = await history([*machine.strategy.streams], machine.settings.markets)
    except QktError as problem:
        engine.alert("WARN", live.name, f"begins without a warm-up: {problem}", source="feed")
        return
    count = await live.warm(ticks)
    engine.line("INFO", "engine", live.name, f"warmed up with {count:,} ticks", event="warmed")


def _after_outage(engine: Engine, recorder: Recorder, replayable: bool) -> None:
    machine = recorder.machine
    if machine.session.risk.halts.get(Cause.STORAGE) is not None:
        recorder.handle(CommandInput(machine.last_ts, "unblock", "engine", {"cause": Cause.STORAGE}))
    if machine.ended:
        recorder.handle(CommandInput(machine.last_ts, "started", "engine"))
    if not replayable:
        recorder.handle(GapInput(machine.last_ts, engine.wall.now(), "the engine was down"))


def _note_source(recorder: Recorder, market: OpenMarket) -> None:
    """Have it on the tape what the market is read from, and when that has become another."""
    machine, identity = recorder.machine, market.identity
    if identity is not None and machine.source != identity:
        recorder.handle(CommandInput(machine.last_ts, "source", "engine", {"identity": identity}))


def _told(engine: Engine, name: str, teller: Teller, led: Led) -> None:
    teller.tell(led)
    for effect in led.effects:
        engine.alerts.hear(engine.wall.now(), name, effect)
    engine.touch(name)


def _feed_said(engine: Engine, name: str, level: Level, text: str) -> None:
    engine.line(level, "feed", name, text, event="feed")


def _disk_said(engine: Engine, name: str, level: Level, text: str) -> None:
    if level == "ERROR":
        engine.alert(level, name, text, source="disk", cause="disk")
    else:
        engine.alerts.mend(engine.wall.now(), name, "disk")
        engine.alert(level, name, text, source="disk")
