"""A session that lives: it reads its inbox, records what it is given, and can be asked from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from time import monotonic_ns
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel

from qkt.core.events import Tick
from qkt.risk import Halt
from qkt.runtime.effects import Effect
from qkt.runtime.errors import SessionError
from qkt.runtime.figures import SessionFigures
from qkt.runtime.inbox import Inbox
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input, TickInput, TimerInput
from qkt.runtime.journal import Registration
from qkt.runtime.machine import SessionMachine, arguments
from qkt.runtime.recorder import Recorder
from qkt.runtime.tally import Tally

BATCH = 256
"""Ticks that are handled before others get their turn."""
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
        tally: Tally | None = None,
    ) -> None:
        self.registration = registration
        self.machine = machine
        self.recorder = recorder
        self.figures = SessionFigures()
        self.tally = tally or Tally()
        self.inbox = Inbox(figures=self.figures)
        self._moved = moved
        self.feed_number = LIVE
        self.started_at = 0
        self.phase = State.STARTING
        self.gone = anyio.Event()
        self.scope = anyio.CancelScope()
        self._ending = False

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
        count = 0
        for count, tick in enumerate(history, 1):
            self.recorder.handle(TickInput(tick, history=True))
            if count % BATCH == 0:
                self.recorder.flush()
                await anyio.lowlevel.checkpoint()
        self.recorder.flush()
        return count

    async def run(self) -> None:
        """Handle what comes until `end` is called and everything before it is done."""
        inbox, recorder, figures = self.inbox, self.recorder, self.figures
        while not self._ending:
            for place in range(BATCH):
                call = inbox.next_call()
                if call is not None:
                    call()
                    continue
                waiting = inbox.next_tick()
                if waiting is None:
                    break
                tick, self.feed_number, arrived = waiting
                if (
                    tick.ts < self.machine.last_ts
                ):  # a live feed keeps no order between symbols; a session's time never goes back
                    tick = replace(tick, ts=self.machine.last_ts)
                figures.ticks_done += 1
                began = 0 if place % SAMPLED else monotonic_ns()
                if recorder.tick(tick, self.feed_number):
                    figures.intent.add(monotonic_ns() - arrived)
                if began:
                    figures.handling.add(monotonic_ns() - began)
            inbox.read()
            recorder.flush()
            self._moved()
            if len(inbox) or self._ending:
                await anyio.lowlevel.checkpoint()
            else:
                await inbox.wait()

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

    def close(self) -> None:
        """Leave nothing: the tape is complete, the scope gone."""
        self.recorder.close()
        self.machine.close()
        self.phase = State.STOPPED

    # ------------------------------------------------------------------- inputs

    async def take(self, item: Input) -> list[Effect]:
        """Have an input handled before the next tick, and return its effects once they are recorded.

        Raises SessionError for a session that does not run.
        """
        if self.phase is not State.RUNNING:
            raise SessionError(f"is {self.state}", where=self.name, expected="a running session")
        done = anyio.Event()
        found: list[Effect] = []

        def act() -> None:
            try:
                found.extend(self.recorder.handle(item))
            finally:
                done.set()

        self.inbox.call(act)
        with anyio.CancelScope(shield=True):
            await done.wait()
        return found

    async def command(self, name: str, author: str, **values: Any) -> list[Effect]:
        """Have an operator's command handled at the session's present time."""
        return await self.take(CommandInput(self.machine.last_ts, name, author, arguments(**values)))

    async def flatten(
        self, author: str, symbol: str | None = None, leg: int | None = None, child: str | None = None
    ) -> list[Effect]:
        """Close positions at market: all, those of a symbol or of a portfolio's child (its id), or one leg."""
        return await self.command("flatten", author, symbol=symbol, leg=leg, child=child)

    async def timer(self, ts: int) -> None:
        """The clock reached `ts` and something is due."""
        await self.take(TimerInput(ts))

    async def gap(self, since: int, until: int | None, reason: str) -> None:
        await self.take(GapInput(since, until, reason))

    @property
    def halted(self) -> Halt | None:
        return self.machine.halted
