"""Where sessions get their market from: a feed of their own each, or one that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qkt.core.clock import Clock
from qkt.data.feeds import Feed, FeedTick, Sink
from qkt.runtime.gatekeeper import Gatekeeper

if TYPE_CHECKING:
    from qkt.data.feeds.hub import FeedHub


class Reader(Protocol):
    """What a session reads: ticks, and changes of health."""

    async def deliver(self, sink: Sink) -> None:
        """Give the sink everything, until the feed ends."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenMarket:
    """A reader with what must be known of it: the market ids behind each name, whether it can be read again from a place,
    whether its ticks are the clock, whether it waits for who reads it, the gate of one whose ticks are not the clock, and what
    tells its source from any other, where places in it mean something only there."""

    reader: Reader
    names: dict[str, list[str]]
    replayable: bool
    drives_clock: bool
    patient: bool
    gate: Callable[[Clock], Gatekeeper] = Gatekeeper
    identity: str | None = None


class Market(Protocol):
    """Opens the market for one session after another. `name` is that of the feed that they share, None for one of their own
    each."""

    @property
    def name(self) -> str | None: ...

    async def open(self, symbols: Sequence[str], after: int | None) -> OpenMarket:
        """A reader of these market ids, after this place in the feed, None for a session that has seen nothing of it.

        Raises UsageError for a symbol that cannot be served.
        """
        ...


class OwnFeeds:
    """Each session has a feed to itself, which begins when the session does: replays. `identity` tells what is replayed from
    anything else."""

    name: str | None = None

    def __init__(self, make: Callable[[], Feed], identity: str | None = None) -> None:
        self._make = make
        self._identity = identity

    async def open(self, symbols: Sequence[str], after: int | None) -> OpenMarket:
        feed = self._make()
        try:
            names: dict[str, list[str]] = {}
            for symbol in symbols:
                names.setdefault(feed.name_of(symbol), []).append(symbol)
            if after is not None and feed.replayable:
                feed.resume(after)
            await feed.subscribe(list(names))
        except BaseException:
            await feed.aclose()
            raise
        return OpenMarket(_Alone(feed), names, feed.replayable, feed.drives_clock, feed.patient, identity=self._identity)


class _Alone:
    """The reader of a feed that nobody shares."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def deliver(self, sink: Sink) -> None:
        patient = self._feed.patient
        async for item in self._feed:
            if patient and sink.full and isinstance(item, FeedTick):
                await sink.room()
            sink.take(item)

    async def aclose(self) -> None:
        await self._feed.aclose()


class SharedFeed:
    """All sessions read one feed, which is opened with the first and closed with the last."""

    def __init__(self, hub: FeedHub, key: str, make: Callable[[], Feed]) -> None:
        self._hub = hub
        self.name = key
        self._key = key
        self._make = make
        self._keeper: Gatekeeper | None = None

    async def open(self, symbols: Sequence[str], after: int | None) -> OpenMarket:
        kind = self._make()
        try:
            told = kind.replayable, kind.drives_clock, kind.patient
        finally:
            await kind.aclose()
        reader = await self._hub.open(self._key, self._make, symbols, after)
        return OpenMarket(reader, {symbol: [symbol] for symbol in symbols}, *told, gate=self._gate)

    def _gate(self, clock: Clock) -> Gatekeeper:
        if self._keeper is None:
            self._keeper = Gatekeeper(clock)
        return self._keeper
