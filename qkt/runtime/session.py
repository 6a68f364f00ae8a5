"""A session that lives: it reads its inbox, records what it is given, and can be asked from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from time import monotonic, monotonic_ns
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel

from qkt.brokers.dispatch import Report, What
from qkt.core.events import Tick
from qkt.data.feeds import FeedTick
from qkt.risk import Halt
from qkt.runtime.committer import Committer
from qkt.runtime.effects import Effect
from qkt.runtime.errors import SessionError
from qkt.runtime.inbox import Inbox
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input, TickInput, TimerInput, VenueInput
from qkt.runtime.journal import Registration
from qkt.runtime.lines import SESSION
from qkt.runtime.machine import SessionMachine, arguments
from qkt.runtime.recorder import Recorder
from qkt.runtime.tally import Tally
from qkt.runtime.turns import Turns

BATCH = 64
"""Ticks that are handled before others get their turn."""
WARM_AT_ONCE = 0.002
"""Seconds of reading history before others get their turn."""
SAMPLED = 16
"""Of so many of them one is timed."""


class State(StrEnum):
    """Where a session stands. A halted one runs, without entries; one at fault halted itself."""

    STARTING = "starting"
    WARMING = "warming"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    HALTED = "halted"
    FAULT = "fault"


class LiveSession:
    """One registered session of this process. `run` is its task; everything else is called on the loop and returns at once.

    `feed_number` is the place of its last tick in a feed that can be read again; `moved` is called after each batch.
    """

    def __init__(
        self,
        registration: Registration,
        machine: SessionMachine,
        recorder: Recorder,
        moved: Callable[[], None],
        turns: Turns,
        tally: Tally | None = None,
    ) -> None:
        self.registration = registration
        self.machine = machine
        # The markets that it trades.
        self.symbols = tuple(dict.fromkeys(s.symbol for s in machine.strategy.streams if s.traded))
        self.recorder = recorder
        self.figures = recorder.figures
        self.tally = tally or Tally()
        self._turns = turns
        self.inbox = Inbox(lambda: turns.ask(self), self.figures)
        self._moved = moved
        self.feed_number = LIVE
        # The place at which a feed that is read again begins, and the ticks of that place that are known already.
        self.resumed_at = LIVE
        self.resumed_with: dict[str, Tick] = {}
        self.started_at = 0
        self.phase = State.STARTING
        self.gone = anyio.Event()
        self.scope = anyio.CancelScope()
        self._ending = False
        self._over = anyio.Event()
        # Of inputs that are not handled yet, each for whoever waits for it.
        self._waiting: set[anyio.Event] = set()
        self._defect: Exception | None = None
        recorder.on_defect = self._break

    @property
    def name(self) -> str:
        return self.registration.name

    @property
    def state(self) -> State:
        if self.phase is not State.RUNNING:
            return self.phase
        if self.machine.failed is not None:
            return State.FAULT
        return State.HALTED if self.machine.halted is not None else State.RUNNING

    # --------------------------------------------------------------------- life

    async def warm(self, history: Iterable[Tick]) -> int:
        """Let history through, recorded as such, before the first tick of the market. Returns how many ticks it had."""
        self.phase = State.WARMING
        count, end = 0, monotonic() + WARM_AT_ONCE
        for count, tick in enumerate(history, 1):
            self.recorder.handle(TickInput(tick, history=True))
            if count % BATCH == 0 and monotonic() > end:
                self.recorder.flush()
                await anyio.lowlevel.checkpoint()
                end = monotonic() + WARM_AT_ONCE
        self.recorder.flush()
        return count

    async def run(self) -> None:
        """Return when `end` was called and everything before it is done. Raises what a defect of the engine raised."""
        if self.inbox.waits:
            self._turns.ask(self)
        await self._over.wait()
        if self._defect is not None:
            raise self._defect

    def work(self) -> bool:
        """Handle some of what waits, commands first; what fails here is a defect and ends the session. Implements `Worker`."""
        if self._over.is_set():
            return False
        said_of = SESSION.set(self.name)
        try:
            self._handle_some()
        except Exception as problem:
            self._break(problem)
        finally:
            SESSION.reset(said_of)
        if self._ending:
            self._finish()
        return self.inbox.waits

    def _break(self, problem: Exception) -> None:
        """A defect of the engine ends the session."""
        self._defect = problem
        self._ending = True
        self._finish()

    def _finish(self) -> None:
        """Nothing is handled any more, and nobody waits for it."""
        self.phase = State.STOPPING
        self._over.set()
        for one in self._waiting:
            one.set()

    def _handle_some(self) -> None:
        inbox, recorder, figures = self.inbox, self.recorder, self.figures
        ticks, calls, machine = inbox.ticks, inbox.calls, self.machine
        inbox.count()
        for place in range(BATCH):
            if calls:
                calls.popleft()()
                continue
            if not ticks or self._ending:
                break
            item = ticks.popleft()
            if item.seq is not None:
                self.feed_number = item.seq
            if item.tick.ts < machine.last_ts:  # a live feed keeps no order between symbols; a session's time never goes back
                item = FeedTick(replace(item.tick, ts=machine.last_ts), item.seq, item.arrived)
            figures.ticks_done += 1
            if place % SAMPLED:
                recorder.tick(item)
            else:
                began = monotonic_ns()
                recorder.tick(item)
                figures.handling.add(monotonic_ns() - began)
        inbox.read()
        recorder.flush()
        self._moved()

    def end(self) -> None:
        """Let `run` return once the commands before this one are done; ticks that wait are dropped."""

        def finish() -> None:
            self._ending = True
            self.phase = State.STOPPING
            self.inbox.clear_ticks()

        self.inbox.call(finish)

    async def drained(self) -> None:
        """Return when every tick that waits now has been handled."""
        await self.inbox.room(0)

    async def close(self, committer: Committer) -> None:
        """Leave nothing: the tape is complete, the scope gone."""
        self._finish()
        await committer.finish(self.recorder)
        self.machine.close()
        self.phase = State.STOPPED

    # ------------------------------------------------------------------- inputs

    async def take(self, item: Input) -> list[Effect]:
        """Have an input handled before the next tick, and return its effects once they are recorded.

        Raises SessionError for a session that does not run, or ends before it has handled it.
        """
        if self.phase is not State.RUNNING:
            raise SessionError(f"is {self.state}", where=self.name, expected="a running session")
        done = anyio.Event()
        found: list[Effect] | None = None

        def act() -> None:
            nonlocal found
            try:
                found = self.recorder.handle(item)
            finally:
                done.set()

        self._waiting.add(done)
        self.inbox.call(act)
        with anyio.CancelScope(shield=True):
            await done.wait()
            self._waiting.discard(done)
            if found is not None:
                await self.recorder.saved()
        if found is None:
            raise SessionError("has ended before it could do that", where=self.name, expected="a running session")
        return found

    async def command(self, name: str, author: str, **values: Any) -> list[Effect]:
        """Have an operator's command handled at the session's present time."""
        return await self.take(CommandInput(self.machine.last_ts, name, author, arguments(**values)))

    async def flatten(
        self, author: str, symbol: str | None = None, leg: int | None = None, child: str | None = None
    ) -> list[Effect]:
        """Close positions at market: all, those of a symbol or of a portfolio's child (its id), or one leg."""
        return await self.command("flatten", author, symbol=symbol, leg=leg, child=child)

    def hear(self, reports: Iterable[Report]) -> None:
        """Handle what the venue says, at its time and never before what was."""
        for report in reports:
            ts = max(self.machine.last_ts, report.ts) if report.what is What.DEAL else self.machine.last_ts
            self.recorder.handle(VenueInput(ts, report))

    async def timer(self, ts: int) -> None:
        """The clock reached `ts` and something is due."""
        await self.take(TimerInput(ts))

    async def gap(self, since: int, until: int | None, reason: str) -> None:
        await self.take(GapInput(since, until, reason))

    @property
    def halted(self) -> Halt | None:
        return self.machine.halted
