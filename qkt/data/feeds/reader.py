"""One reader's end of a shared feed."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, Self

import anyio

from qkt.data.feeds.feed import FeedHealth, FeedItem, FeedState, FeedTick
from qkt.data.feeds.timer import Turns

# Changes of health that are kept for a reader that does not read.
HEALTH_ROOM = 64


class Sink(Protocol):
    """Takes what a feed gives, at once. `full` when it would rather wait, which `room` does."""

    @property
    def full(self) -> bool: ...

    def take(self, item: FeedItem) -> None: ...

    async def room(self) -> None: ...


class FeedReader:
    """An async iterator over what a shared feed has for one reader, who closes it when done.

    Ticks carry the market ids it asked for, and are those of everyone who asked for the same: whoever changes one makes a copy
    first. A reader that has a sink takes nothing in itself. `dropped` counts ticks lost because it read too slowly;
    a GAP stands where they were. The iteration ends when the feed has ended or the reader is closed.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        room: int,
        lossless: bool,
        after: int | None,
        leave: Callable[[FeedReader], Awaitable[None]],
    ) -> None:
        self.names: dict[str, list[str]] = {}
        for symbol, name in names.items():
            self.names.setdefault(name, []).append(symbol)
        self.lossless = lossless
        self.after = after
        self.dropped = 0
        self._leave = leave
        self._limit = room
        self._ticks = 0
        self._lost = 0
        self._queue: deque[FeedItem] = deque()
        self._turns = Turns()
        self._reading: anyio.Event | None = None  # set while the reader waits
        self._giving: anyio.Event | None = None  # set while the feed waits
        self._finished = False
        self._closed = False
        self._over = anyio.Event()
        self._sink: Sink | None = None
        # Takes a tick of the feed.
        self.give: Callable[[FeedTick], None] = self._queue_up

    @property
    def waiting(self) -> int:
        """Ticks in the queue."""
        return self._ticks

    @property
    def full(self) -> bool:
        if self._sink is not None:
            return self._sink.full and not self._closed
        return self._ticks >= self._limit and not self._closed

    def reads(self, names: Iterable[str]) -> bool:
        return any(name in self.names for name in names)

    def _queue_up(self, item: FeedTick) -> None:
        """Queue a tick under a market id of the reader's, at the cost of the oldest one when there is no room."""
        if self._closed or self._is_known(item):
            return
        if self._ticks >= self._limit and not self.lossless:
            self._drop_oldest()
        self._queue.append(item)
        self._ticks += 1
        if self._reading is not None:
            self._reading.set()

    def _pass_on(self, item: FeedTick) -> None:
        """To the sink, what was not seen before."""
        if self._sink is not None and not self._is_known(item):
            self._sink.take(item)

    def _is_known(self, item: FeedTick) -> bool:
        return self.after is not None and item.seq is not None and item.seq <= self.after

    def tell(self, health: FeedHealth) -> None:
        """Queue a change of health, the symbols in the reader's words. Of too many the oldest goes."""
        if health.symbols:
            own = tuple(symbol for name in health.symbols for symbol in self.names.get(name, ()))
            health = replace(health, symbols=own)
        if self._sink is not None:
            self._sink.take(health)
            return
        told = [place for place, item in enumerate(self._queue) if isinstance(item, FeedHealth)]
        if len(told) >= HEALTH_ROOM:
            del self._queue[told[0]]
        self._queue.append(health)
        _wake(self._reading)

    async def room(self) -> None:
        """Wait until half of the queue was read, so that feed and reader do not wake each other for every tick."""
        if self._sink is not None:
            await self._sink.room()
            return
        self._giving = anyio.Event()
        await self._giving.wait()
        self._giving = None

    def finish(self) -> None:
        """Nothing more will come."""
        self._finished = True
        self._over.set()
        _wake(self._reading)

    async def deliver(self, sink: Sink) -> None:
        """Give everything to a sink as it comes, what waits first. Returns when the feed has ended or the reader is closed."""
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, FeedTick):
                self._ticks -= 1
            sink.take(item)
        self._sink = sink
        if not self._closed:
            self.give = sink.take if self.after is None else self._pass_on
        await self._over.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        await self._turns.taken()
        while not self._queue:
            if self._finished or self._closed:
                raise StopAsyncIteration
            self._reading = anyio.Event()
            await self._reading.wait()
            self._reading = None
        item = self._queue[0]
        if self._lost:
            gap = f"{self._lost} ticks were dropped, they were not read in time"
            self._lost = 0
            return FeedHealth(FeedState.GAP, item.tick.ts if isinstance(item, FeedTick) else item.at, gap)
        self._queue.popleft()
        if isinstance(item, FeedTick):
            self._ticks -= 1
            if self._giving is not None and self._ticks <= self._limit // 2:
                self._giving.set()
        return item

    async def aclose(self) -> None:
        """Leave the feed; what is still queued is gone. The last reader to leave closes the feed."""
        if self._closed:
            return
        self._closed = True
        self.give = _nothing
        self._over.set()
        self._queue.clear()
        self._ticks = 0
        _wake(self._reading)
        _wake(self._giving)
        await self._leave(self)

    def _drop_oldest(self) -> None:
        for place, item in enumerate(self._queue):
            if isinstance(item, FeedTick):
                del self._queue[place]
                break
        self._ticks -= 1
        self._lost += 1
        self.dropped += 1


def _nothing(_: FeedTick) -> None:
    """What a closed reader makes of a tick."""


def _wake(event: anyio.Event | None) -> None:
    if event is not None:
        event.set()
