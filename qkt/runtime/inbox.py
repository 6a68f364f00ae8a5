"""What waits to be handled by a session: operators' commands, which are never lost and come first, and ticks, which are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from qkt.data.feeds import FeedTick
from qkt.runtime.figures import SessionFigures

TICKS = 10_000


class Inbox:
    """Commands and ticks for one reader, whom `wake` tells that something has come. When ticks come faster than they are read,
    the oldest are dropped and counted; a source that can wait asks for `room` instead."""

    def __init__(self, wake: Callable[[], None], figures: SessionFigures, capacity: int = TICKS) -> None:
        self.figures = figures
        self._wake = wake
        self._capacity = capacity
        self.calls: deque[Callable[[], None]] = deque()
        self.ticks: deque[FeedTick] = deque()
        self._room = anyio.Event()
        self._asked = False

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def dropped(self) -> int:
        return self.figures.ticks_dropped

    def offer(self, item: FeedTick) -> None:
        """Take a tick, at the cost of the oldest when there is no room."""
        ticks = self.ticks
        if not ticks:
            self._wake()
        elif len(ticks) >= self._capacity:
            ticks.popleft()
            self.figures.ticks_dropped += 1
        ticks.append(item)

    def call(self, act: Callable[[], None]) -> None:
        """Have something done before the next tick."""
        self.calls.append(act)
        self._wake()

    @property
    def waits(self) -> bool:
        """Whether anything is here."""
        return bool(self.ticks or self.calls)

    def count(self) -> None:
        """Bring the figures up to date. Whoever reads does so before he does."""
        figures, ticks = self.figures, self.ticks
        waiting = len(ticks)
        figures.ticks_in = figures.ticks_done + figures.ticks_dropped + waiting
        if waiting:
            figures.arrived = ticks[-1].arrived
            if waiting > figures.queue_peak:
                figures.queue_peak = waiting

    def clear_ticks(self) -> None:
        """Forget the ticks that wait: whoever stops reads no more."""
        self.count()
        self.figures.ticks_done += len(self.ticks)
        self.ticks.clear()
        self._room.set()

    @property
    def full(self) -> bool:
        return len(self.ticks) >= self._capacity

    async def room(self, most: int | None = None) -> None:
        """Wait until no more than `most` ticks wait, half of the capacity when it is not given."""
        most = self._capacity // 2 if most is None else most
        while len(self.ticks) > most:
            if self._room.is_set():
                self._room = anyio.Event()
            self._asked = True
            await self._room.wait()

    def read(self) -> None:
        """Tell who waits for room that some ticks are read."""
        if self._asked:
            self._asked = False
            self._room.set()
