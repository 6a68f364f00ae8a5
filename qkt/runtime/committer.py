"""Writes what sessions recorded, beside the loop and for all of them at once.

A disk takes milliseconds for what a loop does in microseconds. So one thread writes, while the loop goes on; what comes in
meanwhile makes up the next group. A group is one transaction, however many sessions had a part in it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from time import monotonic

import anyio
import anyio.lowlevel
import anyio.to_thread

from qkt.runtime.journal import Journal
from qkt.runtime.recorder import Batch, Recorder, sync_some, write

log = logging.getLogger(__name__)

SOON = 0.05
"""Seconds that inputs without effects may wait for the operating system to have them."""
SYNC_AT, AT_ALL_COST = 1 << 20, 8 << 20
"""Bytes of a tape that may be unsynced while nobody waits for the disk, and at most."""
SWITCH = 0.001
"""Seconds that the writer waits for the interpreter while the loop is busy; it needs it several times for each group."""
TELLING = 0.001
"""Seconds of telling what was written before others get their turn."""
PATIENCE = 5.0
"""Seconds after which a disk that does not answer counts as one that refuses."""


class Committer:
    """Serves the recorders of one engine. `run` is its task. Implements `Writing`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: dict[Recorder, None] = {}
        self._known: dict[Recorder, None] = {}
        self._something = anyio.Event()
        self._urgent = anyio.Event()
        self._written = anyio.Event()
        self._one = anyio.Lock()
        self._group: Sequence[Batch] = ()
        self._since = 0.0

    def note(self, recorder: Recorder, urgent: bool) -> None:
        if not self._waiting:
            self._something.set()
        self._waiting[recorder] = None
        if urgent:
            self._urgent.set()

    async def run(self) -> None:
        """Write group after group."""
        sys.setswitchinterval(SWITCH)
        while True:
            await self._something.wait()
            with anyio.move_on_after(SOON):
                await self._urgent.wait()
            self._something, self._urgent = anyio.Event(), anyio.Event()
            recorders, self._waiting = list(self._waiting), {}
            self._group = [batch for recorder in recorders if (batch := recorder.batch()) is not None]
            self._since = monotonic()
            if self._group:
                async with self._one:
                    await anyio.to_thread.run_sync(_work, self._journal, self._group, list(self._known))
            group, self._group = self._group, ()
            end = monotonic() + TELLING
            for batch in group:
                self._known[batch.recorder] = None
                try:
                    batch.recorder.settle(batch)
                except Exception as problem:
                    log.exception("what came of session %s could not be told", batch.recorder.machine.name)
                    batch.recorder.broken(problem)
                if monotonic() > end:
                    await anyio.lowlevel.checkpoint()
                    end = monotonic() + TELLING
            for recorder in recorders:
                if recorder.refused is not None:
                    self.note(recorder, urgent=False)
            written, self._written = self._written, anyio.Event()
            written.set()

    def look(self) -> None:
        """Notice a disk that hangs. Call it now and then."""
        if self._group and monotonic() - self._since > PATIENCE:
            for batch in self._group:
                batch.recorder.stalled(PATIENCE)

    async def finish(self, recorder: Recorder) -> None:
        """Write what a session that ends has left, and let go of it. A disk that refuses keeps it from that."""
        self.note(recorder, urgent=True)
        while any(batch.recorder is recorder for batch in self._group) or (
            recorder in self._waiting and recorder.refused is None
        ):
            await self._written.wait()
        self._waiting.pop(recorder, None)
        self._known.pop(recorder, None)
        if recorder.pending:
            async with self._one:
                recorder.close()
        else:
            async with self._one:
                await anyio.to_thread.run_sync(recorder.release)


def _work(journal: Journal, group: Sequence[Batch], recorders: Sequence[Recorder]) -> None:
    """Tapes that grew long are synced when nobody waits for it, or when they are too long."""
    write(journal, group)
    waited = any(batch.led for batch in group)
    sync_some(recorders, AT_ALL_COST if waited else SYNC_AT)
