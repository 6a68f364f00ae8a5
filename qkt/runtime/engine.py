"""The engine: one process, one bus, one clock, and the sessions that were deployed on it.

Everything happens on one loop. Each session has tasks of its own inside the engine's task group; when it goes, for whatever
reason, nothing of it stays, and no other session notices.

On its way a session passes through `registrar.py` (a file is written down), `launch.py` (it comes to life), `hosting.py` (it
runs and ends); `roster.py` knows who is there, `news.py` tells of it, and `operations.py` does what operators ask for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic_ns
from types import TracebackType
from typing import Literal

import anyio
import anyio.abc
import anyio.to_thread

from qkt.brokers.mt5.figures import LinkFigures
from qkt.core.bus import EventBus
from qkt.core.clock import Clock, EventClock, SystemClock
from qkt.core.errors import QktError
from qkt.risk import Cause
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
from qkt.runtime.control.frames import Hello, Snapshot
from qkt.runtime.control.rows import EquityPoint, FillRow, RuleRow, RuleTerms
from qkt.runtime.errors import SessionError
from qkt.runtime.fidelity.keeper import Keeper
from qkt.runtime.figures import EngineFigures
from qkt.runtime.guides import OF_RUN, Guides
from qkt.runtime.hosting import end_all, host
from qkt.runtime.journal import Journal, Registration
from qkt.runtime.launch import History, launch
from qkt.runtime.market_watch import LOOK, MarketWatch
from qkt.runtime.markets import Market
from qkt.runtime.news import News
from qkt.runtime.operator_log import OperatorLog
from qkt.runtime.registrar import compiled, registered
from qkt.runtime.roster import Roster, check_name
from qkt.runtime.runs import Runs
from qkt.runtime.session import LiveSession, State
from qkt.runtime.setup import Terms
from qkt.runtime.state import StateLock
from qkt.runtime.turns import Turns
from qkt.runtime.venues import Venues
from qkt.runtime.views.charts import chart, equity_points
from qkt.runtime.views.fills import fill_rows
from qkt.runtime.views.histories import digest, order_lives
from qkt.runtime.views.rules import Ruled, rule_terms, ruled
from qkt.runtime.views.sessions import health, hello, mode_of
from qkt.runtime.views.snapshot import Shown, tables, tables_in_turns

log = logging.getLogger(__name__)

BEAT = 0.05
"""Seconds between two measurements of the loop."""


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
        self.market = market
        self.history = history
        self.defaults = terms or Terms()
        self.wall = wall or SystemClock()
        self.clock = EventClock()
        self.bus = EventBus(self.clock)
        self._venues = venues

        self.roster = Roster()
        self.hosted, self.resting, self.rest_rows = self.roster.hosted, self.roster.resting, self.roster.rest_rows
        self.known, self.registration = self.roster.known, self.roster.registration
        self.find, self.find_child = self.roster.find, self.roster.find_child

        news = self._news = News(self.wall)
        self.alerts = news.alerts
        self.line, self.lines, self.alert = news.line, news.lines, news.alert
        self.moved, self.changed, self.touched = news.moved, news.changed, news.touched

        self.figures = EngineFigures()
        self.markets = MarketWatch()
        self.shown = Shown()
        self.runs = Runs(self.moved, self.wall)
        self.guides = Guides(state, self.runs.recipe, self.wall)
        self.fidelity = Keeper(state, self.hosted, self._parted, self.moved)
        self.turns = Turns()
        self.journal: Journal
        self.committer: Committer
        self.operators: OperatorLog
        # How many read along; the control hub says so.
        self.subscribers: Callable[[], int] = lambda: 0
        self.strategies_dir: Path | None = None
        self.demo = False

        self.started_at = 0
        self.stopping = False
        self.shutdown_asked = anyio.Event()
        self._ready = False
        self._restore = restore
        self._restore_live = restore_live
        self._stack = AsyncExitStack()
        self._group: anyio.abc.TaskGroup

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
            self._group.start_soon(self.turns.run)
            self.started_at = self.wall.now()
            self._news.begin(self.started_at)
            commands = self.journal.another()
            stack.callback(commands.close)
            self.operators = OperatorLog(self.journal.connection, commands, self.started_at)
            self._group.start_soon(self._look)
            self._group.start_soon(self.runs.work)
            self._group.start_soon(self.guides.work)
            self._group.start_soon(self.fidelity.work)
            await self._bring_back()
            self._ready = True
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            self.stopping = True
            await end_all(self)
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

    def _parted(self, name: str, difference: str) -> None:
        """A session's recording no longer comes to what it did."""
        text = f"done again, its recording comes to something else: {difference}; qkt replay {name} shows it"
        self.alert("ERROR", name, text, "parity", source="recovery", cause="parity")

    # ----------------------------------------------------------------- sessions

    async def deploy(self, path: Path, name: str, params: dict[str, str]) -> LiveSession:
        """Register a strategy file under a name and let it run. Raises a QktError and leaves nothing when it cannot."""
        check_name(name)
        if self.roster.taken(name):
            raise SessionError("is deployed already", where=name, remedy="choose another name with --as, or qkt resync")
        registration = await self.register(path, name, params)
        try:
            return await self.begin(registration)
        except BaseException:
            self.journal.forget(registration.run)
            raise

    async def register(self, path: Path, name: str, params: dict[str, str]) -> Registration:
        """Compile a file and write the session down."""
        with self.roster.deploying(name):
            source, terms = await compiled(self, path, params)
            return registered(self, path, name, source, params, terms)

    async def replace(self, old: Registration, path: Path, source: str, params: dict[str, str], terms: Terms) -> LiveSession:
        """Let a new session take the name of one that has ended. When it cannot begin, the old one is registered again, as one
        that is stopped: an alert says so, and SessionError is raised."""
        registration = registered(self, path, old.name, source, params, terms)
        self.alerts.forget(self.wall.now(), old.name)
        try:
            return await self.begin(registration)
        except BaseException as problem:
            self.journal.make_current(old.run)
            if not isinstance(problem, Exception):  # the engine ends: the next one brings the old session back
                raise
            self.journal.want(old.run, "stopped")
            self.alert("ERROR", old.name, f"is stopped: what should replace it cannot begin ({problem})", "down")
            if not isinstance(problem, QktError):
                raise
            found = f"the new one cannot begin ({problem}), the old one is stopped"
            raise SessionError(found, where=old.name, remedy=f"qkt start {old.name} begins it again") from None

    async def begin(self, registration: Registration) -> LiveSession:
        """Let a registered session live: done again up to where its recording ends, warmed up when it is new.

        Raises a QktError and leaves nothing when it cannot.
        """
        name, run = registration.name, registration.run
        with self.roster.deploying(name):
            hosted, recovered = await launch(self, registration)
        self.hosted[name] = hosted
        hosted.live.phase = State.RUNNING
        self.resting.pop(name, None)
        self._group.start_soon(host, self, hosted, name=f"session {name}")
        again = f", {recovered.inputs} inputs done again" if recovered.inputs else ""
        self.line("INFO", "engine", name, f"run {run} started from {registration.file}{again}", event="started")
        self.touch(name)
        if hosted.live.machine.session.risk.halts.get(Cause.RESYNC) is not None:  # it was not replaced after all
            await hosted.live.command("unblock", "engine", cause=Cause.RESYNC)
        return hosted.live

    async def end(self, live: LiveSession) -> None:
        """Let a session finish what it is at, and go."""
        live.end()
        await live.gone.wait()

    def touch(self, name: str) -> None:
        """State, positions or orders of a session have changed."""
        self._news.touch(name)
        self.rest_rows.pop(name, None)

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
        return self._news.version

    def snapshot(self) -> Snapshot:
        return Snapshot.model_construct(version=self.version, ts=self.wall.now(), tables=tables(self))

    async def snapshot_in_turns(self) -> Snapshot:
        """The same for whom it may take a while: each session as it is at its turn; in between others get theirs."""
        tables = await tables_in_turns(self)
        return Snapshot.model_construct(version=self.version, ts=self.wall.now(), tables=tables)

    async def perform(self, command: Command, progress: Callable[[Step], None]) -> Done | Failed | Changed:
        from qkt.runtime.operations import perform

        return await perform(self, command, progress)

    def recall(self, command_id: str) -> tuple[Command, Answer] | None:
        return self.operators.recall(command_id)

    async def begin_command(self, command: Command) -> None:
        await self.operators.begin(command, self.wall.now())

    async def settle_command(self, command: Command, answer: Answer) -> None:
        await self.operators.settle(command, answer, self.wall.now())

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
        return await self.guides.story(session, self.registration(session).run, fill, order, width)

    async def travel(self, run: str, way: Way) -> ScenePage:
        life = 0 if run.startswith(OF_RUN) else self.registration(run).run
        return await self.guides.travel(run, life, way)

    def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return fill_rows(self, session, limit)

    def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]:
        return equity_points(self, session, since, most)
