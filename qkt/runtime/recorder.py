"""Records what a session was given and what came of it: tape before dispatch, journal after.

When the disk refuses, nothing is lost and nothing is hidden: inputs and effects wait in memory, in order, entries are blocked
by an input of its own, and both are written when the disk takes them again.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qkt.core.events import Tick
from qkt.risk import Cause
from qkt.runtime.control.rows import Level
from qkt.runtime.effects import Effect
from qkt.runtime.inputs import CommandInput, Input
from qkt.runtime.journal import Journal
from qkt.runtime.machine import SessionMachine
from qkt.runtime.tape import TapeWriter

log = logging.getLogger(__name__)

RETRY = 0.25
"""Seconds between two attempts to write while the disk refuses."""

Alert = Callable[[Level, str], None]
"""Hears a level and a sentence."""


class Recorder:
    """Gives inputs to a machine, one by one. `told` hears of the effects of each input that had any, once they are durable,
    or at once while the disk refuses. `outbox` hears of them in their order and never before they are durable."""

    def __init__(
        self,
        machine: SessionMachine,
        tape: TapeWriter,
        journal: Journal,
        run: int,
        alert: Alert,
        told: Callable[[int, list[Effect]], None],
        outbox: Callable[[list[Effect]], None] | None = None,
    ) -> None:
        self.machine = machine
        self._tape = tape
        self._journal = journal
        self._run = run
        self._alert = alert
        self._told = told
        self._outbox = outbox
        self._unsaved: list[tuple[int, list[Effect]]] = []
        self._retry_at = 0.0
        self.refused: str | None = None

    @property
    def waiting(self) -> int:
        """Bytes of inputs that are not written."""
        return self._tape.waiting

    @property
    def next(self) -> int:
        """The number of the next input."""
        return self._tape.next

    def tick(self, tick: Tick, number: int) -> bool:
        """A tick of the market: the hot path. Returns whether it led to something, which is recorded then."""
        at = self._tape.append_tick(tick, number)
        self.machine.tick(tick)
        if not self.machine.effects.pending:
            return False
        self._keep(at)
        return True

    def handle(self, item: Input) -> list[Effect]:
        """Any other input. Returns its effects."""
        at = self._tape.append(item)
        self.machine.handle(item)
        effects = self.machine.effects.pending
        if effects:
            self._keep(at)
        return effects

    def take_over(self, unsaved: list[tuple[int, list[Effect]]]) -> None:
        """Effects of inputs that were recorded before a crash and not committed."""
        self._unsaved += unsaved
        self._save()

    def flush(self) -> None:
        """Hand what was recorded to the operating system. Call it when there is nothing to do."""
        if self.refused is not None:
            self._save()
            return
        try:
            self._tape.flush()
        except OSError as problem:
            self._refuse(problem)

    def close(self) -> None:
        """Write everything that can still be written."""
        self._retry_at = 0.0
        try:
            if self._unsaved or self.refused is not None:
                self._save()
            self._tape.close()
        except OSError as problem:
            log.error("the tape of %s could not be completed: %s", self.machine.name, problem)

    def _keep(self, at: int) -> None:
        effects = self.machine.effects.take()
        self._unsaved.append((at, effects))
        self._save()
        self._told(at, effects)

    def _save(self) -> None:
        """The tape first: an effect whose input is not recorded could never be explained."""
        if self.refused is not None and time.monotonic() < self._retry_at:
            return
        try:
            self._tape.sync()
            if self._unsaved:
                self._journal.commit(self._run, self._unsaved)
        except (OSError, sqlite3.Error) as problem:
            self._refuse(problem)
            return
        durable, self._unsaved = self._unsaved, []
        if self._outbox is not None:
            for _, effects in durable:
                self._outbox(effects)
        if self.refused is not None:
            self.refused = None
            self._alert("INFO", "the disk takes records again, entries may pass")
            self.handle(self._command("unblock", cause=Cause.STORAGE))

    def _refuse(self, problem: Exception) -> None:
        """The first refusal of an episode blocks entries, by an input that is recorded like any other when that is possible."""
        self._retry_at = time.monotonic() + RETRY
        if self.refused is not None:
            return
        self.refused = str(problem)
        self._alert("ERROR", f"nothing can be recorded ({problem}): entries are blocked, exits go on")
        self.handle(self._command("block", cause=Cause.STORAGE, reason="nothing can be recorded"))

    def _command(self, name: str, **arguments: Any) -> CommandInput:
        return CommandInput(self.machine.last_ts, name, "engine", arguments)


def tape_folder(state: Path, run: int) -> Path:
    """Where the tape of a session is."""
    return session_folder(state, run) / "tape"


def session_folder(state: Path, run: int) -> Path:
    """Where a session keeps its files. The number of its run names it, so no name can lead elsewhere."""
    return state / "sessions" / str(run)
