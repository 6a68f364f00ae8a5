"""Who is next: sessions that have something to do get their turn on the loop, one after another."""

from __future__ import annotations

from collections import deque
from time import monotonic_ns
from typing import Protocol

import anyio
import anyio.lowlevel

SLICE = 2_000_000
"""Nanoseconds after which everything else on the loop gets its turn."""


class Worker(Protocol):
    def work(self) -> bool:
        """Do some of what waits. Returns whether more does."""
        ...


class Turns:
    """One task for all sessions: waking one for each would cost more than what it does with a tick."""

    def __init__(self) -> None:
        self._line: deque[Worker] = deque()
        self._queued: set[Worker] = set()
        self._wake = anyio.Event()

    def ask(self, worker: Worker) -> None:
        """The worker has something to do."""
        if worker not in self._queued:
            self._queued.add(worker)
            self._line.append(worker)
            if not self._wake.is_set():
                self._wake.set()

    async def run(self) -> None:
        """Give turns for ever."""
        line, queued = self._line, self._queued
        while True:
            if not line:
                self._wake = anyio.Event()
                await self._wake.wait()
            end = monotonic_ns() + SLICE
            while line:
                worker = line.popleft()
                queued.discard(worker)
                if worker.work():
                    self.ask(worker)
                if monotonic_ns() > end:
                    break
            await anyio.lowlevel.checkpoint()
