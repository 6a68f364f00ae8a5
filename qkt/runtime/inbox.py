"""What waits to be handled by a session: operators' commands, which are never lost and come first, and ticks, which are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from qkt.core.events import Tick
from qkt.runtime.figures import SessionFigures

TICKS = 10_000


class Inbox:
    """Commands and ticks for one reader. When ticks come faster than they are read, the oldest are dropped and counted;
    a source that can wait asks for `room` instead."""

    def __init__(self, capacity: int = TICKS, figures: SessionFigures | None = None) -> None:
        self.figures = figures or SessionFigures()
        self._capacity = capacity
        self._calls: deque[Callable[[], None]] = deque()
        self._ticks: deque[tuple[Tick, int, int]] = deque()
        self._wake = anyio.Event()
        self._room = anyio.Event()

    def __len__(self) -> int:
        return len(self._ticks)

    @property
    def dropped(self) -> int:
        return self.figures.ticks_dropped

    def offer(self, tick: Tick, number: int, arrived: int) -> None:
        """Take a tick that came at `arrived` (nanoseconds of the monotonic clock), at the cost of the oldest when there is no
        room."""
        figures = self.figures
        figures.ticks_in += 1
        figures.arrived = arrived
        if len(self._ticks) >= self._capacity:
            self._ticks.popleft()
            figures.ticks_dropped += 1
        self._ticks.append((tick, number, arrived))
        if len(self._ticks) > figures.queue_peak:
            figures.queue_peak = len(self._ticks)
        self._wake.set()

    def call(self, act: Callable[[], None]) -> None:
        """Have something done before the next tick."""
        self._calls.append(act)
        self._wake.set()

    def next_call(self) -> Callable[[], None] | None:
        return self._calls.popleft() if self._calls else None

    def next_tick(self) -> tuple[Tick, int, int] | None:
        return self._ticks.popleft() if self._ticks else None

    def clear_ticks(self) -> None:
        """Forget the ticks that wait: whoever stops reads no more."""
        self.figures.ticks_done += len(self._ticks)
        self._ticks.clear()
        self._room.set()

    @property
    def full(self) -> bool:
        return len(self._ticks) >= self._capacity

    async def room(self, most: int | None = None) -> None:
        """Wait until no more than `most` ticks wait, half of the capacity when it is not given."""
        most = self._capacity // 2 if most is None else most
        while len(self._ticks) > most:
            if self._room.is_set():
                self._room = anyio.Event()
            await self._room.wait()

    def read(self) -> None:
        """Tell who waits for room that some ticks are read."""
        if not self._room.is_set():
            self._room.set()

    async def wait(self) -> None:
        """Return when something is here."""
        while not self._ticks and not self._calls:
            self._wake = anyio.Event()
            await self._wake.wait()
