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
        self._calls: deque[Callable[[], None]] = deque()
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
        ticks, figures = self.ticks, self.figures
        figures.ticks_in += 1
        figures.arrived = item.arrived
        waiting = len(ticks)
        if waiting >= self._capacity:
            ticks.popleft()
            figures.ticks_dropped += 1
        elif waiting >= figures.queue_peak:
            figures.queue_peak = waiting + 1
        ticks.append(item)
        if not waiting:
            self._wake()

    def call(self, act: Callable[[], None]) -> None:
        """Have something done before the next tick."""
        self._calls.append(act)
        self._wake()

    def next_call(self) -> Callable[[], None] | None:
        return self._calls.popleft() if self._calls else None

    @property
    def waits(self) -> bool:
        """Whether anything is here."""
        return bool(self.ticks or self._calls)

    def clear_ticks(self) -> None:
        """Forget the ticks that wait: whoever stops reads no more."""
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
