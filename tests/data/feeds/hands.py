"""Time in the hands of a test, and feeds that a test speaks through."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Self

import anyio
from anyio.lowlevel import checkpoint
from hypothesis import HealthCheck, settings

from qkt.core.errors import UsageError
from qkt.core.events import Tick
from qkt.data.feeds import FeedHealth, FeedItem, FeedTick

# Enough examples to fail when something is wrong, whatever else the machine is doing.
LEAN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Turns of the loop in which everything that can happen without time has happened.
SETTLE = 20


async def settle() -> None:
    for _ in range(SETTLE):
        await checkpoint()


class ManualTimer:
    """A timer and a clock that stand still until they are moved. `epoch` is what the clock says at the start."""

    def __init__(self, epoch: int = 0) -> None:
        self.seconds = 0.0
        self.asleep = anyio.Event()
        self._epoch = epoch
        self._sleepers: list[tuple[float, int, anyio.Event]] = []
        self._number = count()

    def now(self) -> int:
        return self._epoch + round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        woken = anyio.Event()
        entry = (self.seconds + seconds, next(self._number), woken)
        heapq.heappush(self._sleepers, entry)
        self.asleep.set()
        self.asleep = anyio.Event()
        try:
            await woken.wait()
        except BaseException:
            self._sleepers = [other for other in self._sleepers if other is not entry]
            heapq.heapify(self._sleepers)
            raise

    @property
    def due(self) -> float | None:
        """Seconds until the next sleeper wakes."""
        return self._sleepers[0][0] - self.seconds if self._sleepers else None

    async def until_asleep(self) -> float:
        """Wait for somebody to sleep; the seconds until the first one wakes."""
        while self.due is None:
            await self.asleep.wait()
        return self.due

    async def advance(self, seconds: float) -> None:
        """Let time pass; sleepers wake one after the other at their times."""
        await settle()
        until = self.seconds + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            self.seconds, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await settle()
        self.seconds = until


class JumpTimer(ManualTimer):
    """A timer on which sleep takes no time and is written down."""

    def __init__(self, epoch: int = 0) -> None:
        super().__init__(epoch)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await checkpoint()


class ScriptFeed:
    """A live feed that gives what the test puts into it."""

    replayable = False
    drives_clock = False
    patient = False

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.closed = False
        self.problem: Exception | None = None
        self._items: deque[FeedItem] = deque()
        self._news = anyio.Event()

    def name_of(self, symbol: str) -> str:
        if symbol.endswith("NOSUCH"):
            raise UsageError("no such symbol")
        return symbol.rpartition(":")[2]

    def resume(self, after: int) -> None:
        raise UsageError("a live feed cannot be resumed")

    async def subscribe(self, symbols: Iterable[str]) -> None:
        self.wanted.update(symbols)

    async def unsubscribe(self, symbols: Iterable[str]) -> None:
        self.wanted.difference_update(symbols)

    async def put(self, *items: FeedItem) -> None:
        self._items.extend(items)
        self._news.set()
        await settle()

    async def fail(self, problem: Exception) -> None:
        self.problem = problem
        await self.put()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        while not self._items:
            if self.problem is not None:
                raise self.problem
            self._news = anyio.Event()
            await self._news.wait()
        return self._items.popleft()

    async def aclose(self) -> None:
        self.closed = True


def quote(symbol: str, ts: int, price: float = 1.0, seq: int | None = None) -> FeedTick:
    return FeedTick(Tick(symbol, ts, price, price - 0.5, price + 0.5), seq)


def ticks(items: Iterable[FeedItem]) -> list[FeedTick]:
    return [item for item in items if isinstance(item, FeedTick)]


def states(items: Iterable[FeedItem]) -> list[str]:
    return [item.state.value for item in items if isinstance(item, FeedHealth)]
