"""Records what a session was given and what came of it: tape before dispatch, journal after.

An input is taken to its end at once; what came of it is written beside the loop by the `Committer` and told when it is durable.
When the disk refuses, nothing is lost and nothing is hidden: inputs and effects wait in memory, in order, entries are blocked
by an input of its own, and both are written when the disk takes them again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import Any, Protocol

import anyio

from qkt.data.feeds import FeedTick
from qkt.risk import Cause
from qkt.runtime.control.rows import Level
from qkt.runtime.effects import Effect
from qkt.runtime.figures import SessionFigures
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input
from qkt.runtime.journal import Journal, Portion
from qkt.runtime.machine import SessionMachine
from qkt.runtime.tape import TapeWriter
from qkt.runtime.tape_blocks import Block, StoredBlock, market_of

log = logging.getLogger(__name__)

RETRY = 0.25
"""Seconds between two attempts to write while the disk refuses."""
ROOM = 64 << 20
"""Bytes of inputs that may wait in memory while the disk refuses; beyond them ticks of the market are dropped."""

Alert = Callable[[Level, str], None]
"""Hears a level and a sentence."""


@dataclass(slots=True)
class Led:
    """An input that led to something. `ts` is the session's time after it, `trades` the number of its fills by then, `arrived`
    when its tick came (monotonic, ns), 0 for what is no tick, `handled` when it was handled (monotonic, seconds). `told` is set
    once it was told."""

    number: int
    ts: int
    trades: int
    arrived: int
    effects: list[Effect]
    handled: float
    told: bool = False


Told = Callable[[Led], None]


@dataclass(slots=True)
class Batch:
    """What is written at one time. `problem` is why it could not be, `durable_at` when it was (monotonic, ns)."""

    recorder: Recorder
    led: list[Led]
    problem: Exception | None = None
    durable_at: int = 0


class Writing(Protocol):
    """Whoever writes batches."""

    def note(self, recorder: Recorder, urgent: bool) -> None:
        """The recorder has something: effects that wait to be durable, when it is urgent."""
        ...


class Recorder:
    """Gives inputs to a machine, one by one. `told` hears of the effects of each input that had any, once they are durable,
    or at once while the disk refuses. `outbox` hears of them in their order and never before they are durable, and of how many
    seconds that took.

    With a `writing` everything is written beside the loop, and `saved` waits for it; without one, at once. `dropped` counts
    ticks that had no room while the disk refused.
    """

    def __init__(
        self,
        machine: SessionMachine,
        tape: TapeWriter,
        journal: Journal,
        run: int,
        alert: Alert,
        told: Told,
        outbox: Callable[[list[Effect], float], None] | None = None,
        writing: Writing | None = None,
        figures: SessionFigures | None = None,
    ) -> None:
        self.machine = machine
        self.figures = figures or SessionFigures()
        self._tape = tape
        self._journal = journal
        self._run = run
        self._alert = alert
        self._told = told
        self._outbox = outbox
        self._writing = writing
        # A strategy that is handed the ticks may do with them what it likes, and they are others' too.
        self._copies = machine.strategy.wants_ticks
        self._unsaved: list[Led] = []
        # Blocks on their way to the file, and those in the file that neither it nor the journal holds for good.
        self._blocks: list[Block] = []
        self._unsynced: list[StoredBlock] = []
        self._synced = 0
        self._kept = self._settled = 0
        self._news: anyio.Event | None = None
        self._retry_at = 0.0
        self._lost_since = 0
        self._lost = 0
        self.dropped = 0
        self.refused: str | None = None
        # Hears of what failed when effects were told or sent, which ends the session.
        self.on_defect: Callable[[Exception], None] = _raised

    @property
    def waiting(self) -> int:
        """Bytes of inputs that are not written."""
        return self._tape.waiting + sum(len(block.body) for block in self._blocks)

    @property
    def backlog(self) -> int:
        """Inputs whose effects are not durable yet."""
        return len(self._unsaved)

    @property
    def next(self) -> int:
        """The number of the next input."""
        return self._tape.next

    def tick(self, item: FeedTick) -> None:
        """A tick of the market: the hot path."""
        if self.refused is not None and self.waiting > ROOM:
            self._drop()
            return
        market = item.packed
        if market is None:
            market = item.packed = market_of(item.tick)
        tick, seq = item.tick, item.seq
        at = self._tape.append_tick(tick, LIVE if seq is None else seq, False, market)
        self.machine.tick(replace(tick) if self._copies else tick)
        if self.machine.effects.pending:
            self._keep(at, item.arrived)

    def handle(self, item: Input) -> list[Effect]:
        """Any other input. Returns its effects."""
        at = self._tape.append(item)
        self.machine.handle(item)
        effects = self.machine.effects.pending
        if effects:
            self._keep(at, 0)
        return effects

    def take_over(self, unsaved: list[tuple[int, list[Effect]]]) -> None:
        """Effects of inputs that were recorded before a crash and not committed."""
        self._unsaved += [self._led(number, 0, effects) for number, effects in unsaved]
        for led in self._unsaved:
            led.told = True
        self._kept += len(unsaved)
        if unsaved:
            self._ask(urgent=True)

    def flush(self) -> None:
        """Have what was recorded handed to the operating system soon."""
        self._ask(urgent=False)

    async def saved(self) -> None:
        """Return when everything that was handled by now is durable, or the disk refuses."""
        wanted = self._kept
        while self._settled < wanted and self.refused is None:
            if self._news is None:
                self._news = anyio.Event()
            await self._news.wait()

    def _keep(self, at: int, arrived: int) -> None:
        led = self._led(at, arrived, self.machine.effects.take())
        self._unsaved.append(led)
        self._kept += 1
        if self.refused is not None:
            self._tell(led)
        self._ask(urgent=True)

    def _led(self, number: int, arrived: int, effects: list[Effect]) -> Led:
        machine = self.machine
        return Led(number, machine.last_ts, len(machine.session.books.trades), arrived, effects, monotonic())

    def _tell(self, led: Led) -> None:
        if not led.told:
            led.told = True
            self._told(led)

    def _ask(self, urgent: bool) -> None:
        if self._writing is not None:
            self._writing.note(self, urgent)
        else:
            self.write_now()

    def write_now(self) -> None:
        """Write in this thread, where nobody else writes."""
        batch = self.batch()
        if batch is not None:
            write(self._journal, [batch])
            self.settle(batch)

    # ------------------------------------------------------------ on the way to the disk

    def batch(self) -> Batch | None:
        """Everything that waits, None when that is nothing or it is too early to try again."""
        if self.refused is not None and monotonic() < self._retry_at:
            return None
        block = self._tape.take()
        if block is not None:
            self._blocks.append(block)
        if not self._blocks and not self._unsaved and self.refused is None:
            return None
        return Batch(self, list(self._unsaved))

    @property
    def pending(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._tape.waiting or self._blocks or self._unsaved or self.refused is not None)

    def write_blocks(self) -> None:
        """The writer's part: blocks into the file. Raises OSError; what is written by then stays written."""
        while self._blocks:
            block = self._blocks[0]
            self._tape.write(block)
            self._unsynced.append((block.first, block.stored))
            del self._blocks[0]

    def portion(self, batch: Batch) -> Portion | None:
        """What the journal must take so that the effects of a batch can be explained for ever."""
        if not batch.led:
            return None
        return Portion(self._run, [(led.number, led.effects) for led in batch.led], list(self._unsynced), self._synced)

    def committed(self) -> None:
        """The journal has the portion."""
        self._unsynced.clear()
        self._synced = 0

    def sync(self) -> None:
        """Sync the tape's files, so that the journal need not keep their end. Raises OSError."""
        self._tape.sync_file()
        if self._unsynced:
            self._unsynced.clear()
        self._synced = self._tape.last_written

    @property
    def unsynced(self) -> int:
        """Bytes of the tape's files that are not synced."""
        return self._tape.unsynced

    def settle(self, batch: Batch) -> None:
        """Back on the loop: what was written is told, what could not be is kept."""
        if batch.problem is not None:
            self._refuse(batch.problem)
            return
        del self._unsaved[: len(batch.led)]
        for led in batch.led:
            if led.arrived:
                self.figures.intent.add(batch.durable_at - led.arrived)
            if self._outbox is not None:
                self._outbox(led.effects, monotonic() - led.handled)
            self._tell(led)
        self._settled += len(batch.led)
        if self.refused is not None:
            self.refused = None
            self._alert("INFO", "the disk takes records again, entries may pass")
            if self._lost:
                reason = f"{self._lost} ticks had no room while nothing could be recorded"
                self.handle(GapInput(self._lost_since, self.machine.last_ts, reason))
                self._lost = 0
            self.handle(self._command("unblock", cause=Cause.STORAGE))
        self._wake()

    def broken(self, problem: Exception) -> None:
        """Telling or sending failed, by a defect. Nobody waits any longer for what was handled so far."""
        self._settled = self._kept
        self._wake()
        self.on_defect(problem)

    def stalled(self, seconds: float) -> None:
        """The disk has not answered for so long: as good as a refusal, until it does."""
        self._refuse(OSError(f"the disk has not answered for {seconds:.0f} s"))

    def _refuse(self, problem: Exception) -> None:
        """The first refusal of an episode blocks entries, by an input that is recorded like any other when that is possible."""
        self._retry_at = monotonic() + RETRY
        if self.refused is not None:
            return
        self.refused = str(problem)
        exits = "exits go on" if self._outbox is None else "exits wait too, and only what stands at the venue goes on"
        self._alert("ERROR", f"nothing can be recorded ({problem}): entries are blocked, {exits}")
        for led in self._unsaved:
            self._tell(led)
        self.handle(self._command("block", cause=Cause.STORAGE, reason="nothing can be recorded"))
        self._wake()

    def _drop(self) -> None:
        if not self._lost:
            self._lost_since = self.machine.last_ts
            self._alert("ERROR", f"{ROOM >> 20} MB wait to be recorded: ticks are dropped, stops of the engine do not move")
        self._lost += 1
        self.dropped += 1

    def _wake(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.set()

    def close(self) -> None:
        """Write everything that can still be written, in this thread, and leave the tape."""
        self._retry_at = 0.0
        for _ in range(2):  # the end of a refusal is an input too
            self.write_now()
        self.release()

    def release(self) -> None:
        """Leave the tape, which is synced, so that the journal need not keep its end. May run in a thread of its own."""
        try:
            self.sync()
            self._tape.close_file()
            self._journal.commit([Portion(self._run, [], synced=self._synced)])
        except (OSError, sqlite3.Error) as problem:
            log.error("the tape of %s could not be completed: %s", self.machine.name, problem)

    def _command(self, name: str, **arguments: Any) -> CommandInput:
        return CommandInput(self.machine.last_ts, name, "engine", arguments)


def _raised(problem: Exception) -> None:
    raise problem


def write(journal: Journal, batches: Sequence[Batch]) -> None:
    """Write batches of several sessions: their tapes first, since an effect whose input is not recorded could never be
    explained, then one transaction for all. Problems stay in the batches. May run in a thread of its own."""
    for batch in batches:
        try:
            batch.recorder.write_blocks()
        except Exception as problem:  # whatever it is, this session's inputs are not written
            batch.problem = problem
    whole = [batch for batch in batches if batch.problem is None]
    portions = [(batch, portion) for batch in whole if (portion := batch.recorder.portion(batch)) is not None]
    if not portions:
        return
    try:
        journal.commit([portion for _, portion in portions])
    except Exception as problem:
        for batch, _ in portions:
            batch.problem = problem
        return
    now = monotonic_ns()
    for batch, _ in portions:
        batch.durable_at = now
        batch.recorder.committed()


def sync_some(recorders: Sequence[Recorder], most: int) -> None:
    """Sync one tape of which more than `most` bytes are unsynced. May run in a thread of its own; a disk that refuses is
    noticed when it is written to."""
    for recorder in islice((one for one in recorders if one.unsynced > most), 1):
        try:
            recorder.sync()
        except OSError as problem:
            log.warning("the tape of %s could not be synced: %s", recorder.machine.name, problem)


def tape_folder(state: Path, run: int) -> Path:
    """Where the tape of a session is."""
    return session_folder(state, run) / "tape"


def session_folder(state: Path, run: int) -> Path:
    """Where a session keeps its files. The number of its run names it, so no name can lead elsewhere."""
    return state / "sessions" / str(run)
