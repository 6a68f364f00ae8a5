"""What a feed is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self, TypeAlias

from qkt.core.events import Tick


class FeedState(StrEnum):
    """What a feed has to say about itself."""

    CONNECTED = "connected"  # ticks flow: the first fresh one follows at once
    LOST = "lost"  # the wire broke
    RECONNECTING = "reconnecting"  # an attempt is about to be made
    STALE = "stale"  # the wire stands, but nothing at all has come over it for too long
    UNAVAILABLE = "unavailable"  # the source refuses these symbols, for good
    GAP = "gap"  # ticks are missing between the one before and the one after
    OUTAGE = "outage"  # lost for longer than may pass unnoticed; attempts go on
    ENDED = "ended"  # a replay has given all it has
    FAILED = "failed"  # given up: nothing more will come


@dataclass(slots=True)
class FeedTick:
    """A tick of a feed, which all of its readers share. `seq` is its place in the total order of a replayable source, from 1;
    None from other sources. `arrived` is when it came in (nanoseconds of the monotonic clock).

    `packed` and `admitted` are room for what readers make of it once for all of them: its bytes, and the gate's verdict.
    """

    tick: Tick
    seq: int | None = None
    arrived: int = field(default=0, compare=False)
    packed: bytes | None = field(default=None, compare=False, repr=False)
    admitted: bool | None = field(default=None, compare=False, repr=False)

    def named(self, symbol: str) -> FeedTick:
        """The same under another name, for readers that do not share this one."""
        t = self.tick
        tick = Tick(symbol, t.ts, t.price, t.bid, t.ask, t.volume, t.synthetic, t.bid_size, t.ask_size)
        return FeedTick(tick, self.seq, self.arrived)


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """A change of health at `at` (epoch ms). It concerns `symbols`, or the whole feed when there are none."""

    state: FeedState
    at: int
    reason: str = ""
    symbols: tuple[str, ...] = ()


FeedItem: TypeAlias = FeedTick | FeedHealth


class Feed(Protocol):
    """An async iterator of ticks and changes of health, for one reader. Several readers share one through `FeedHub`.

    Ticks of one symbol come in order of time. A replayable feed gives all of them in the total order of a back-test; a live
    one promises no order between symbols. Nothing is opened before the first item. The iteration ends after ENDED or
    FAILED, or when the feed is closed, which is done when nobody is waiting in it.
    """

    @property
    def replayable(self) -> bool:
        """Whether ticks have sequence numbers, so that `resume` finds the place again."""
        ...

    @property
    def drives_clock(self) -> bool:
        """Whether time is what the ticks say: the reader sets its clock to `tick.ts` before it handles a tick."""
        ...

    @property
    def patient(self) -> bool:
        """Whether the feed goes as fast as it is read, so that a reader's queue makes it wait instead of losing ticks."""
        ...

    def name_of(self, symbol: str) -> str:
        """The name under which ticks of this market id come. Raises UsageError when the feed cannot serve it."""
        ...

    def resume(self, after: int) -> None:
        """Begin after this sequence number. Only before the first item; raises UsageError for a feed that cannot."""
        ...

    async def subscribe(self, symbols: Iterable[str]) -> None:
        """Ask for more symbols, by names that `name_of` gave."""
        ...

    async def unsubscribe(self, symbols: Iterable[str]) -> None:
        """Ask no longer for these."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> FeedItem: ...

    async def aclose(self) -> None:
        """End the feed and leave nothing of it behind: no task, no socket, no open file."""
        ...
