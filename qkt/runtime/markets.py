"""Where sessions get their market from: a feed of their own each, or one that they share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qkt.data.feeds import Feed, FeedItem

if TYPE_CHECKING:
    from qkt.data.feeds.hub import FeedHub


class Reader(Protocol):
    """What a session reads: ticks under the names of the feed, and changes of health."""

    def __aiter__(self) -> AsyncIterator[FeedItem]: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenMarket:
    """A reader with what must be known of it: the market ids behind each name, whether it can be read again from a place,
    whether its ticks are the clock, and whether it waits for who reads it."""

    reader: Reader
    names: dict[str, list[str]]
    replayable: bool
    drives_clock: bool
    patient: bool


class Market(Protocol):
    """Opens the market for one session after another. `name` is that of the feed that they share, None for one of their own
    each."""

    @property
    def name(self) -> str | None: ...

    async def open(self, symbols: Sequence[str], after: int | None) -> OpenMarket:
        """A reader of these market ids, after the place of the last tick seen before, None for a session that has seen none.

        Raises UsageError for a symbol that cannot be served.
        """
        ...


class OwnFeeds:
    """Each session has a feed to itself, which begins when the session does: replays."""

    name: str | None = None

    def __init__(self, make: Callable[[], Feed]) -> None:
        self._make = make

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
        return OpenMarket(feed, names, feed.replayable, feed.drives_clock, feed.patient)


class SharedFeed:
    """All sessions read one feed, which is opened with the first and closed with the last."""

    def __init__(self, hub: FeedHub, key: str, make: Callable[[], Feed]) -> None:
        self._hub = hub
        self.name = key
        self._key = key
        self._make = make

    async def open(self, symbols: Sequence[str], after: int | None) -> OpenMarket:
        kind = self._make()
        try:
            told = kind.replayable, kind.drives_clock, kind.patient
        finally:
            await kind.aclose()
        reader = await self._hub.open(self._key, self._make, symbols, after)
        return OpenMarket(reader, {symbol: [symbol] for symbol in symbols}, *told)
