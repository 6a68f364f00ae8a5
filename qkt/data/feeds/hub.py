"""One source, many readers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from time import monotonic_ns

import anyio
from anyio.abc import TaskGroup

from qkt.core.errors import QktError
from qkt.data.feeds.feed import Feed, FeedHealth, FeedItem, FeedState
from qkt.data.feeds.reader import FeedReader

log = logging.getLogger(__name__)

ROOM = 10_000


class FeedHub:
    """Feeds that sessions share, counted by symbol.

    The first reader of a key makes its feed, the last one to leave closes it. Each reader has a queue of its own that holds
    `room` ticks; when it is full its oldest tick is dropped and counted, so that a slow reader slows nobody. A patient feed
    waits for its slowest reader instead. A `held` hub lets no feed begin before `release`: after a restart all readers are
    there first, and a replayable feed begins after what the one furthest behind has seen.
    """

    def __init__(self, tasks: TaskGroup, *, room: int = ROOM, held: bool = False) -> None:
        self._tasks = tasks
        self._room = room
        self._released = anyio.Event()
        self._shared: dict[str, SharedFeed] = {}
        if not held:
            self._released.set()

    def release(self) -> None:
        """Let feeds begin."""
        self._released.set()

    async def open(
        self,
        key: str,
        make: Callable[[], Feed],
        symbols: Iterable[str],
        after: int | None = None,
        *,
        lossless: bool | None = None,
    ) -> FeedReader:
        """A reader of `symbols` (market ids, under which its ticks come) of the feed called `key`, which `make` makes.

        `after` is the sequence number of the last tick seen before, None for whatever comes from now on. `lossless` makes the
        feed wait for this reader, or not; left out, that is as the feed itself has it. Raises UsageError for a symbol that
        the feed cannot serve.
        """
        shared = self._shared.get(key)
        if shared is None:
            shared = SharedFeed(make(), self._released, lambda gone: self._forget(key, gone))
        names = {symbol: shared.feed.name_of(symbol) for symbol in symbols}
        if key not in self._shared:
            self._shared[key] = shared
            self._tasks.start_soon(shared.run, name=f"feed {key}")
        reader = FeedReader(names, self._room, shared.feed.patient if lossless is None else lossless, after, shared.leave)
        await shared.join(reader)
        return reader

    async def aclose(self) -> None:
        """Close every reader, and with them every feed."""
        for shared in list(self._shared.values()):
            for reader in list(shared.readers):
                await reader.aclose()

    def _forget(self, key: str, gone: SharedFeed) -> None:
        if self._shared.get(key) is gone:
            del self._shared[key]


class SharedFeed:
    """A feed, its readers, and the task that carries ticks from one to the others."""

    def __init__(self, feed: Feed, released: anyio.Event, forget: Callable[[SharedFeed], None]) -> None:
        self.feed = feed
        self.readers: list[FeedReader] = []
        self._released = released
        self._forget = forget
        self._by_name: dict[str, list[FeedReader]] = {}
        # Who reads a name, by the market id it reads it under.
        self._outlets: dict[str, list[tuple[str, list[FeedReader]]]] = {}
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._begun = False
        self._reached = 0
        self._at = 0
        self._health: FeedHealth | None = None

    async def join(self, reader: FeedReader) -> None:
        fresh = [name for name in reader.names if name not in self._by_name]
        self.readers.append(reader)
        for name in reader.names:
            self._by_name.setdefault(name, []).append(reader)
        self._outlets.clear()
        if self._health is not None:
            reader.tell(self._health)
        if self._begun and reader.after is not None and reader.after < self._reached:
            missed = f"the feed went on to {self._reached}, this reader saw {reader.after}"
            reader.tell(FeedHealth(FeedState.GAP, self._at, missed))
        try:
            await self.feed.subscribe(fresh)
        except BaseException:
            await reader.aclose()
            raise

    async def leave(self, reader: FeedReader) -> None:
        self.readers.remove(reader)
        self._outlets.clear()
        unread = []
        for name in reader.names:
            self._by_name[name].remove(reader)
            if not self._by_name[name]:
                del self._by_name[name]
                unread.append(name)
        with anyio.CancelScope(shield=True):
            if self.readers:
                await self.feed.unsubscribe(unread)
                return
            self._forget(self)
            self._scope.cancel()
            await self._done.wait()

    async def run(self) -> None:
        try:
            with self._scope:
                await self._released.wait()
                await self._carry()
        finally:
            self._forget(self)
            try:
                with anyio.CancelScope(shield=True):
                    await self.feed.aclose()
            finally:
                for reader in self.readers:
                    reader.finish()
                self._done.set()

    async def _carry(self) -> None:
        seen = [reader.after for reader in self.readers if reader.after is not None]
        if self.feed.replayable and seen:
            self._reached = min(seen)
            self.feed.resume(self._reached)
        self._begun = True
        try:
            async for item in self.feed:
                await self._give(item)
        except QktError as problem:
            self._tell(FeedHealth(FeedState.FAILED, self._at, str(problem)))
        except Exception as problem:
            log.exception("a feed failed")
            self._tell(FeedHealth(FeedState.FAILED, self._at, f"{type(problem).__name__}: {problem}"))

    async def _give(self, item: FeedItem) -> None:
        if isinstance(item, FeedHealth):
            self._tell(item)
            return
        if item.seq is not None:
            self._reached = item.seq
        tick = item.tick
        self._at = tick.ts
        if not item.arrived:
            item.arrived = monotonic_ns()
        outlets = self._outlets.get(tick.symbol)
        if outlets is None:
            outlets = self._outlets[tick.symbol] = self._read_as(tick.symbol)
        for symbol, readers in outlets:
            same = item if symbol == tick.symbol else item.named(symbol)
            for reader in readers:
                while reader.lossless and reader.full:
                    await reader.room()
                reader.give(same)

    def _read_as(self, name: str) -> list[tuple[str, list[FeedReader]]]:
        """Market ids that a name is read under, each with its readers."""
        found: dict[str, list[FeedReader]] = {}
        for reader in self._by_name.get(name, ()):
            for symbol in reader.names[name]:
                found.setdefault(symbol, []).append(reader)
        return list(found.items())

    def _tell(self, health: FeedHealth) -> None:
        if not health.symbols:
            self._health = health
        for reader in self.readers:
            if not health.symbols or reader.reads(health.symbols):
                reader.tell(health)
