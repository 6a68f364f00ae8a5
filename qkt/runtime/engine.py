"""The engine: one process, one bus, one clock, and the sessions that were deployed on it.

Everything happens on one loop. Each session has tasks of its own inside the engine's task group; when it goes, for whatever
reason, nothing of it stays, and no other session notices.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic_ns
from types import TracebackType
from typing import Literal

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread

from qkt.brokers.factory import BrokerKind
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.figures import LinkFigures
from qkt.core.bus import EventBus
from qkt.core.clock import Clock, EventClock, SystemClock
from qkt.core.errors import QktError
from qkt.core.events import Tick
from qkt.core.secrets import redacted
from qkt.portfolio import ChildState
from qkt.risk import Cause
from qkt.runtime.alerts import AlertBook, Source
from qkt.runtime.checking import check_file, strategy_files
from qkt.runtime.committer import Committer
from qkt.runtime.control.answers import Answer, Changed, Done, Failed, Step
from qkt.runtime.control.commands import Command
from qkt.runtime.control.details import (
    Chart,
    CheckReport,
    CheckRequest,
    Digest,
    FileRow,
    OrderLife,
    RunResult,
    ScenePage,
    Story,
    Way,
)
from qkt.runtime.control.engine import Health
from qkt.runtime.control.errors import UnknownSessionError
from qkt.runtime.control.frames import Hello, Snapshot
from qkt.runtime.control.rows import EquityPoint, FillRow, Level, Line, RuleRow, RuleTerms, StrategyRow
from qkt.runtime.errors import SessionError
from qkt.runtime.figures import EngineFigures
from qkt.runtime.guides import OF_RUN, Guides
from qkt.runtime.inputs import CommandInput, GapInput
from qkt.runtime.journal import Journal, Registration
from qkt.runtime.leaving import leave_levels
from qkt.runtime.lines import SESSION, LineBook, LineKind
from qkt.runtime.machine import SessionMachine
from qkt.runtime.market_watch import LOOK, MarketWatch
from qkt.runtime.markets import Market, OpenMarket
from qkt.runtime.operator_log import OperatorLog
from qkt.runtime.pump import Pump
from qkt.runtime.recorder import Led, Recorder, session_folder, tape_folder
from qkt.runtime.recovery import Recovered, Recovery
from qkt.runtime.runs import Runs
from qkt.runtime.session import LiveSession, State
from qkt.runtime.setup import Terms, load_strategy, read_strategy, source_hash
from qkt.runtime.state import StateLock
from qkt.runtime.tally import Tally
from qkt.runtime.tape import TapeWriter, segments
from qkt.runtime.telling import Teller
from qkt.runtime.traces import TELLING
from qkt.runtime.turns import Turns
from qkt.runtime.venues import Seat, Venues, new_owner
from qkt.runtime.views.charts import chart, equity_points
from qkt.runtime.views.fills import fill_rows
from qkt.runtime.views.histories import digest, order_lives
from qkt.runtime.views.rules import Ruled, rule_terms, ruled
from qkt.runtime.views.sessions import account_of, health, hello, mode_of
from qkt.runtime.views.snapshot import Shown, tables
from qkt.runtime.views.standing import Standing
from qkt.strategy import StreamSpec

log = logging.getLogger(__name__)

History = Callable[[Sequence[StreamSpec], Sequence[str]], Awaitable[Iterable[Tick]]]
"""Ticks before now, oldest first, for these streams and for markets beyond them. Raises a QktError when none can be had."""
RECOVER_AT_ONCE = 2_000_000
"""Nanoseconds of a recovery before others get their turn."""
COMPARED = 30.0
"""Seconds between two comparisons of a session with its venue."""
BEAT = 0.05
"""Seconds between two measurements of the loop."""
SOURCES: dict[str, Source] = {"down": "recovery", "defect": "fault"}
"""Where an alert of an event comes from."""
RECALLED = 4096
"""Effects of before a restart that a session's traces are learnt from."""


@dataclass(slots=True)
class Hosted:
    """A session of this process with what feeds it, and what is counted of it for show."""

    live: LiveSession
    pump: Pump
    seat: Seat | None = None
    standing: Standing = field(default_factory=Standing)
    # In how many things the session and its venue differ, seen twice.
    differing: int = 0


class Engine:
    """Hosts sessions in a state directory that it alone owns. Use it as an async context manager; implements `EngineControl`.

    `market` gives each session its ticks; `history`, where there is one, warms new sessions up. Leaving stops the
    sessions and keeps them registered, so that the next engine on the same state goes on with them.
    """

    def __init__(
        self,
        state: Path,
        market: Market,
        *,
        terms: Terms | None = None,
        history: History | None = None,
        restore: bool = True,
        restore_live: bool = True,
        wall: Clock | None = None,
        venues: Venues | None = None,
    ) -> None:
        self.state = state
        self.defaults = terms or Terms()
        self.wall = wall or SystemClock()
        self._venues = venues
        self.hosted: dict[str, Hosted] = {}
        # Registered sessions that do not run: stopped ones, and those that could not be brought back, with the reason.
        self.resting: dict[str, tuple[Registration, str | None]] = {}
        self.lines_book = LineBook()
        self.alerts = AlertBook()
        self.markets = MarketWatch()
        self.shown = Shown()
        self.runs = Runs(self.moved, self.wall)
        self.guides = Guides(state, self.runs.recipe, self.wall)
        self.operators: OperatorLog
        # How many read along; the control hub says so.
        self.subscribers: Callable[[], int] = lambda: 0
        self.strategies_dir: Path | None = None
        self.demo = False
        self.figures = EngineFigures()
        self.started_at = 0
        self.stopping = False
        self.shutdown_asked = anyio.Event()
        self.journal: Journal
        self.committer: Committer
        self._turns = Turns()
        self.market = market
        self.history = history
        self._restore = restore
        self._restore_live = restore_live
        self._clock = EventClock()
        self.bus = EventBus(self._clock)
        self._stack = AsyncExitStack()
        self._group: anyio.abc.TaskGroup
        self._ready = False
        self._version = 1
        self._touched: dict[str, int] = {}
        # What is shown of sessions that rest; it is read out of the journal once.
        self.rest_rows: dict[str, StrategyRow] = {}
        self._news = anyio.Event()
        self._deploying: set[str] = set()

    # --------------------------------------------------------------------- life

    async def __aenter__(self) -> Engine:
        """Take the state directory and bring back what was registered. Raises StateError when it cannot be used."""
        async with AsyncExitStack() as stack:
            stack.enter_context(StateLock(self.state))
            self.journal = Journal(self.state, self.figures)
            stack.callback(self.journal.close)
            self.committer = Committer(self.journal)
            self._group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(self._group.cancel_scope.cancel)  # sessions have gone by then
            self._group.start_soon(self._beat)
            self._group.start_soon(self.committer.run)
            self._group.start_soon(self._turns.run)
            self.started_at = self.wall.now()
            # Versions of another life of this engine are all smaller, so what was seen of one is known to be old.
            self._version = self.started_at * 1000
            self.operators = OperatorLog(self.journal.connection, self.started_at)
            self._group.start_soon(self._look)
            self._group.start_soon(self.runs.work)
            self._group.start_soon(self.guides.work)
            await self._bring_back()
            self._ready = True
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            self.stopping = True
            await self._end_all()
        await self._stack.aclose()

    async def _bring_back(self) -> None:
        for registration in self.journal.registered():
            if registration.wanted != "running" or not self._restore:
                self.resting[registration.name] = (registration, None)
                continue
            if not self._restore_live and mode_of(registration) == "LIVE":
                self.resting[registration.name] = (registration, None)
                self.alert("WARN", registration.name, "trades on a live account and waits for an operator to start it")
                continue
            try:
                await self.begin(registration)
            except QktError as problem:
                self.resting[registration.name] = (registration, str(problem))
                self.alert("ERROR", registration.name, f"could not be brought back: {problem}", "down")
            except Exception as problem:
                log.exception("session %s could not be brought back", registration.name)
                self.resting[registration.name] = (registration, f"{type(problem).__name__}: {problem}")
                self.alert("ERROR", registration.name, f"could not be brought back: {problem}", "down")

    async def _beat(self) -> None:
        """Measure how late the loop comes back to whoever sleeps."""
        while True:
            due = monotonic_ns() + round(BEAT * 1e9)
            await anyio.sleep(BEAT)
            self.figures.lag.add(max(0, monotonic_ns() - due))
            self.committer.look()

    async def _look(self) -> None:
        """Take down how the markets move, and count that as news where they do."""
        while True:
            await anyio.sleep(LOOK)
            for name, hosted in self.hosted.items():
                self.markets.look(name, hosted)
            if self.hosted:
                self.moved()

    async def _end_all(self) -> None:
        async with anyio.create_task_group() as leaving:
            for hosted in self.hosted.values():
                leaving.start_soon(self._leave, hosted)
        for hosted in list(self.hosted.values()):
            hosted.live.end()
        for hosted in list(self.hosted.values()):
            await hosted.live.gone.wait()

    async def _leave(self, hosted: Hosted) -> None:
        """Leave the levels of a real account's stops at the venue, and say which of them end with this process."""
        live = hosted.live
        try:
            await leave_levels(live, hosted.seat, "engine")
        except QktError as problem:
            self.alert("ERROR", live.name, f"its stops could not be left at the venue: {problem}")
        if hosted.seat is not None and live.machine.exposed():
            self.alert("ERROR", live.name, f"{len(live.machine.exposed())} stops end with this process", cause="exposed")

    # ----------------------------------------------------------------- sessions

    async def deploy(self, path: Path, name: str, params: dict[str, str]) -> LiveSession:
        """Register a strategy file under a name and let it run. Raises a QktError and leaves nothing when it cannot."""
        if name in self.hosted or name in self.resting or name in self._deploying:
            raise SessionError("is deployed already", where=name, remedy="choose another name with --as, or qkt resync")
        registration = await self.register(path, name, params)
        try:
            return await self.begin(registration)
        except BaseException:
            self.journal.forget(registration.run)
            raise

    async def register(self, path: Path, name: str, params: dict[str, str]) -> Registration:
        """Compile a file and write the session down."""
        self._deploying.add(name)
        try:
            source, terms = await self._source(path, params)
            return self._written(path, name, source, params, terms)
        finally:
            self._deploying.discard(name)

    async def compiled(self, path: Path, params: dict[str, str], old: Registration) -> tuple[str, str]:
        """The text of a file that compiles, and in words what differs from a registered session."""
        source, _ = await self._source(path, params)
        changes = ["the source" if source_hash(source) != old.source_hash else "", "parameters" if params != old.params else ""]
        different = " and ".join(filter(None, changes))
        return source, f"{different} changed" if different else ""

    async def replace(self, old: Registration, path: Path, source: str, params: dict[str, str]) -> LiveSession:
        """Let a new session take the name of one that has ended. When it cannot begin, the old one is registered again."""
        _, terms = await self._source(path, params)
        registration = self._written(path, old.name, source, params, terms)
        try:
            return await self.begin(registration)
        except BaseException:
            self.journal.make_current(old.run)
            raise

    async def _source(self, path: Path, params: dict[str, str]) -> tuple[str, Terms]:
        """The text of a strategy file, and the terms of a session of it. Raises for one that does not compile."""
        source = await anyio.to_thread.run_sync(read_strategy, path)
        scratch = self.state / "scratch"
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        strategy = await anyio.to_thread.run_sync(load_strategy, str(path), source, params, scratch, self.defaults.book)
        terms = self.defaults.of(source)
        if terms.broker is BrokerKind.MT5:
            symbols = list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.traded))
            instruments = await self.venues.instruments(symbols, terms.currency)
            terms = terms.at_venue(new_owner(), instruments)
        return source, terms

    @property
    def links(self) -> Mapping[str, LinkFigures]:
        """How the links to accounts at real venues keep up, by profile."""
        return {} if self._venues is None else self._venues.figures()

    @property
    def venues(self) -> Venues:
        """The real venues. Raises SessionError where there are none."""
        if self._venues is None:
            raise SessionError("this engine knows no venue", remedy="start it with --broker mt5, and a profile in qkt.toml")
        return self._venues

    def _written(self, path: Path, name: str, source: str, params: dict[str, str], terms: Terms) -> Registration:
        return self.journal.register(
            name,
            file=str(path),
            source=source,
            source_hash=source_hash(source),
            params=params,
            settings=terms.as_json(),
            created_at=self.wall.now(),
        )

    async def begin(self, registration: Registration) -> LiveSession:
        """Let a registered session live: done again up to where its recording ends, warmed up when it is new.

        Raises a QktError and leaves nothing when it cannot.
        """
        name, run = registration.name, registration.run
        self._deploying.add(name)
        try:
            machine, recovered = await self._rebuilt(registration)
            try:
                hosted = await self._animate(registration, machine, recovered)
            except BaseException:
                machine.close()
                raise
        finally:
            self._deploying.discard(name)
        self.hosted[name] = hosted
        hosted.live.phase = State.RUNNING
        self.resting.pop(name, None)
        self._group.start_soon(self._host, hosted, name=f"session {name}")
        again = f", {recovered.inputs} inputs done again" if recovered.inputs else ""
        self.line("INFO", "engine", name, f"run {run} started from {registration.file}{again}", event="started")
        self.touch(name)
        return hosted.live

    async def _rebuilt(self, registration: Registration) -> tuple[SessionMachine, Recovered]:
        tape = tape_folder(self.state, registration.run)
        machine = await self._machine(registration)
        try:
            recovery = Recovery(machine, tape, self.journal, registration.run)
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
        for file in segments(tape):
            file.unlink()
        return await self._machine(registration), Recovered()

    async def _machine(self, registration: Registration) -> SessionMachine:
        folder = session_folder(self.state, registration.run)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        terms = Terms.from_json(registration.settings)
        strategy = await anyio.to_thread.run_sync(
            load_strategy, registration.file, registration.source, registration.params, folder, terms.book
        )
        return SessionMachine(registration.name, strategy, terms.settings(folder), self.bus, self._clock)

    async def _animate(self, registration: Registration, machine: SessionMachine, recovered: Recovered) -> Hosted:
        """Recorder, feed and task of a machine that stands where its recording ends."""
        name, run = registration.name, registration.run
        symbols = list(dict.fromkeys((*(s.symbol for s in machine.strategy.streams if s.fed), *machine.settings.markets)))
        # The last tick's place is read once more: of several market ids behind one name, some may not have got theirs.
        market = await self.market.open(symbols, recovered.feed_number - 1 if recovered.feed_number > 0 else None)
        tally = Tally()
        teller = Teller(machine, run, account_of(registration), tally, self.line)
        if recovered.inputs:
            teller.recall(self.journal.of_kind(run, TELLING, RECALLED))
        async with AsyncExitStack() as undo:
            undo.push_async_callback(market.reader.aclose)
            seat = await self._seat(machine, symbols)
            if seat is not None:
                undo.push_async_callback(seat.aclose)
            recorder = Recorder(
                machine,
                TapeWriter(tape_folder(self.state, run), lost=self.journal.kept(run)),
                self.journal,
                run,
                lambda level, text: self._disk_said(name, level, text),
                lambda led: self._told(name, teller, led),
                None if seat is None else seat.send,
                writing=self.committer,
            )
            undo.push_async_callback(self.committer.finish, recorder)
            live = LiveSession(registration, machine, recorder, self.moved, self._turns, tally)
            live.started_at = self.wall.now()
            live.feed_number = live.resumed_at = recovered.feed_number
            live.resumed_with = {tick.symbol: tick for tick in recovered.at_number}
            recorder.take_over(recovered.unsaved)
            self._note_source(recorder, market)
            if recovered.inputs:
                self._after_outage(recorder, market.replayable)
            elif self.history is not None:
                await self._warm(live, self.history)
            if machine.settings.real:  # its first hours are measured
                recorder.handle(CommandInput(max(machine.last_ts, self.wall.now()), "started", "engine"))
            if seat is not None:
                differs = seat.other_day(machine.settings.limits.day)
                if differs is not None:
                    self.alert("WARN", live.name, differs, source="risk")
                await seat.settle(lambda report: live.hear([report]))
                seat.begin(lambda reports: live.inbox.call(lambda: live.hear(reports)))
            undo.pop_all()
        return Hosted(live, Pump(live, market, lambda level, text: self._feed_said(name, level, text), self.wall), seat)

    async def _seat(self, machine: SessionMachine, symbols: Sequence[str]) -> Seat | None:
        """The session's place at its venue, None on paper."""
        venue, broker = machine.settings.venue, machine.session.broker
        if venue.kind is not BrokerKind.MT5 or not isinstance(broker, Mt5Broker):
            return None
        supervisor = machine.session.supervisor
        strategies = [machine.strategy] if supervisor is None else [one.child.strategy for one in supervisor.children.values()]
        traded = [symbol for one in strategies for symbol in dict.fromkeys(s.symbol for s in one.streams if s.traded)]
        return await self.venues.sit(machine.name, venue.owner, broker, symbols, traded)

    async def _warm(self, live: LiveSession, history: History) -> None:
        """Let history through; where it cannot be had the session begins without, and says so."""
        machine = live.machine
        try:
            ticks = await history([*machine.strategy.streams], machine.settings.markets)
        except QktError as problem:
            self.alert("WARN", live.name, f"begins without a warm-up: {problem}", source="feed")
            return
        count = await live.warm(ticks)
        self.line("INFO", "engine", live.name, f"warmed up with {count:,} ticks", event="warmed")

    def _after_outage(self, recorder: Recorder, replayable: bool) -> None:
        machine = recorder.machine
        if machine.session.risk.halts.get(Cause.STORAGE) is not None:
            recorder.handle(CommandInput(machine.last_ts, "unblock", "engine", {"cause": Cause.STORAGE}))
        if machine.ended:
            recorder.handle(CommandInput(machine.last_ts, "started", "engine"))
        if not replayable:
            recorder.handle(GapInput(machine.last_ts, self.wall.now(), "the engine was down"))

    @staticmethod
    def _note_source(recorder: Recorder, market: OpenMarket) -> None:
        """Have it on the tape what the market is read from, and when that has become another."""
        machine, identity = recorder.machine, market.identity
        if identity is not None and machine.source != identity:
            recorder.handle(CommandInput(machine.last_ts, "source", "engine", {"identity": identity}))

    async def _host(self, hosted: Hosted) -> None:
        """The life of one session. Whatever happens in here ends here."""
        live, pump = hosted.live, hosted.pump
        SESSION.set(live.name)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(pump.run)
                if not pump.drives_clock:
                    group.start_soon(pump.timers, self.wall)
                if hosted.seat is not None:
                    group.start_soon(self._compare, hosted, hosted.seat)
                await live.run()
                group.cancel_scope.cancel()
        except Exception:
            log.exception("session %s ended", live.name)
            self.alert("ERROR", live.name, "ended by a defect of the engine; its log has the details", "defect")
        finally:
            with anyio.CancelScope(shield=True):
                await pump.close()
                if hosted.seat is not None:
                    await hosted.seat.aclose()
                await live.close(self.committer)
            del self.hosted[live.name]
            self.resting[live.name] = (live.registration, None)
            self.line("INFO", "engine", live.name, f"run {live.registration.run} ended", event="ended")
            self.markets.forget(live.name)
            self.shown.forget(live.name)
            self.touch(live.name)
            live.gone.set()

    async def _compare(self, hosted: Hosted, seat: Seat) -> None:
        """Hold a session to its venue now and then. What differs twice is no fill on its way, and is told once."""
        before: set[str] = set()
        told: set[str] = set()
        while True:
            await anyio.sleep(COMPARED)
            try:
                now = {str(row) for row in await seat.compare()}
            except SessionError:
                continue  # the link says so itself
            hosted.differing = len(now & before)
            for text in sorted((now & before) - told):
                self.alert("ERROR", hosted.live.name, text, source="recovery")
            told = (told | (now & before)) & now
            before = now

    def find(self, name: str) -> LiveSession:
        """A session that runs. Raises UnknownSessionError, SessionError for one that does not run."""
        hosted = self.hosted.get(name)
        if hosted is not None:
            return hosted.live
        if name in self.resting:
            raise SessionError("is not running", where=name, remedy=f"qkt start {name}")
        book = name.partition("/")[0]
        if book != name and book in self.hosted:
            remedy = f"name {book}; stop, start and flatten take a child"
            raise SessionError(f"is no session of its own but a child of {book}", where=name, remedy=remedy)
        raise UnknownSessionError(name, self.known())

    def find_child(self, name: str) -> tuple[LiveSession, ChildState]:
        """The child of a portfolio, by `book/child`. Raises UnknownSessionError, SessionError for one that does not run."""
        book, _, alias = name.partition("/")
        live = self.find(book)
        supervisor = live.machine.session.supervisor
        state = None if supervisor is None else supervisor.of(alias)
        if supervisor is None or state is None:
            children = [] if supervisor is None else [f"{book}/{one.child.alias}" for one in supervisor.children.values()]
            raise UnknownSessionError(name, children or self.known())
        return live, state

    def registration(self, name: str) -> Registration:
        """What was deployed under a name. Raises UnknownSessionError."""
        hosted = self.hosted.get(name)
        if hosted is not None:
            return hosted.live.registration
        if name in self.resting:
            return self.resting[name][0]
        raise UnknownSessionError(name, self.known())

    async def end(self, live: LiveSession) -> None:
        """Let a session finish what it is at, and go."""
        live.end()
        await live.gone.wait()

    def known(self) -> list[str]:
        """The names of all registered sessions."""
        return [*self.hosted, *self.resting]

    # ------------------------------------------------------------------- telling

    def line(
        self,
        level: Level,
        kind: LineKind,
        scope: str,
        text: str,
        ts: int | None = None,
        *,
        event: str = "",
        order: str | None = None,
        trace: str | None = None,
        fill: FillRow | None = None,
    ) -> Line:
        """Say what happened, to whoever reads along."""
        at = self.wall.now() if ts is None else ts
        line = self.lines_book.add(at, level, kind, scope, text, fill, event=event, order=order, trace=trace)
        self.moved()
        return line

    def alert(
        self, level: Level, scope: str, text: str, event: str = "alert", *, source: Source = "engine", cause: str | None = None
    ) -> None:
        """Say what somebody should see; of a `cause` that stands already nothing is said again."""
        if self.alerts.add(self.wall.now(), level, SOURCES.get(event, source), scope, redacted(text), cause) is not None:
            self.line(level, "engine", scope, text, event=event)

    def moved(self) -> None:
        """Something that is shown has changed."""
        self._version += 1
        if not self._news.is_set():
            self._news.set()

    def touch(self, name: str) -> None:
        """State, positions or orders of a session have changed."""
        self.moved()
        self._touched[name] = self._version
        self.rest_rows.pop(name, None)

    def _told(self, name: str, teller: Teller, led: Led) -> None:
        teller.tell(led)
        for effect in led.effects:
            self.alerts.hear(self.wall.now(), name, effect)
        self.touch(name)

    def _feed_said(self, name: str, level: Level, text: str) -> None:
        self.line(level, "feed", name, text, event="feed")

    def _disk_said(self, name: str, level: Level, text: str) -> None:
        if level == "ERROR":
            self.alert(level, name, text, source="disk", cause="disk")
        else:
            self.alerts.mend(self.wall.now(), name, "disk")
            self.alert(level, name, text, source="disk")

    # ----------------------------------------------------- what operators may ask

    def hello(self) -> Hello:
        return hello(self)

    def health(self) -> Health:
        return health(self)

    @property
    def status(self) -> Literal["starting", "ready", "stopping"]:
        return "stopping" if self.stopping else "ready" if self._ready else "starting"

    @property
    def version(self) -> int:
        return self._version

    def snapshot(self) -> Snapshot:
        return Snapshot.model_construct(version=self._version, ts=self.wall.now(), tables=tables(self))

    async def changed(self, version: int) -> None:
        while self._version == version:
            if self._news.is_set():
                self._news = anyio.Event()
            await self._news.wait()

    def touched(self, sessions: Sequence[str]) -> int:
        names = sessions or list(self._touched)
        return max((self._touched.get(name, 0) for name in names), default=0)

    async def perform(self, command: Command, progress: Callable[[Step], None]) -> Done | Failed | Changed:
        from qkt.runtime.operations import perform

        return await perform(self, command, progress)

    def recall(self, command_id: str) -> tuple[Command, Answer] | None:
        return self.operators.recall(command_id)

    def begin_command(self, command: Command) -> None:
        self.operators.begin(command, self.wall.now())

    def settle_command(self, command: Command, answer: Answer) -> None:
        self.operators.settle(command, answer)

    def rules(self, session: str) -> Sequence[RuleRow]:
        return self.shown.rules_of(self._ruled(session))

    def terms(self, session: str, rule: int) -> RuleTerms:
        return rule_terms(self._ruled(session), rule)

    def _ruled(self, session: str) -> Ruled:
        return ruled(*self.find_child(session)) if "/" in session else ruled(self.find(session))

    def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        live, state = self.find_child(session) if "/" in session else (self.find(session), None)
        return chart(live, stream, limit, state)

    def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        return order_lives(self, session, order, limit)

    def digest(self, since: int) -> Digest:
        return digest(self, since)

    async def check(self, wanted: CheckRequest) -> CheckReport:
        return await anyio.to_thread.run_sync(check_file, wanted)

    async def files(self) -> Sequence[FileRow]:
        deployed = {name: self.registration(name).file for name in self.known()}
        return await anyio.to_thread.run_sync(strategy_files, self.strategies_dir, deployed)

    async def run(self, run: str) -> RunResult:
        return await self.runs.result(run)

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story:
        self.registration(session)
        return await self.guides.story(session, fill, order, width)

    async def travel(self, run: str, way: Way) -> ScenePage:
        if not run.startswith(OF_RUN):
            self.registration(run)
        return await self.guides.travel(run, way)

    def lines(self, after: int, *, session: str | None = None, since: int | None = None, limit: int = 1000) -> Sequence[Line]:
        return self.lines_book.after(after, session, since, limit)

    def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return fill_rows(self, session, limit)

    def equity(self, session: str | None = None, *, since: int = 0) -> Sequence[EquityPoint]:
        return equity_points(self, session, since)
