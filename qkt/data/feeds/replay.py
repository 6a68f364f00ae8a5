"""What lies in files, the store or a generator, given out as if it happened now.

The order is that of the back-test's tape, so a session that trades on the feed sees what a back-test of the same sources
sees. Position n of that order is sequence number n, whoever has subscribed to what, and resuming is exact.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Self, cast

from anyio.to_thread import run_sync

from qkt.core.errors import DataError, QktError, UsageError
from qkt.core.events import Tick
from qkt.core.instruments import bare
from qkt.data.feeds.feed import FeedHealth, FeedItem, FeedState, FeedTick
from qkt.data.feeds.flow import Flow
from qkt.data.feeds.timer import SystemTimer, Timer, Turns
from qkt.data.sources import BarSource, TickSource
from qkt.data.tape import Chunk, merge
from qkt.data.ticks import ticks_of

# Rows read at once: few enough to begin soon and to be held by every session, enough for a thread's turn not to matter.
ROWS = 8_192
REAL_TIME = 1.0


def parse_speed(text: str) -> float | None:
    """`real`, `fast`, or how many times real time (`60`, `60x`). None stands for as fast as it is read. Raises UsageError."""
    word = text.strip().lower()
    if word == "fast":
        return None
    try:
        speed = REAL_TIME if word == "real" else float(word.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < float("inf"):
        raise UsageError(f"'{text}' is no speed", expected="real, fast, or a number such as 60x")
    return speed


class ReplayFeed:
    """Ticks of `sources` over [start, end), epoch ms.

    Sources are keyed by the names under which their ticks come. Between ticks of one millisecond the order of symbols decides,
    as they were subscribed before the first tick, so that a strategy's order is that of its back-test; what nobody asked for
    by then comes last.
    A name serves every market id that ends in it (`EURUSD` serves `BACKTEST:EURUSD`); a single source named "" serves any.
    `speed` is the number of seconds of the tape that go by in a second; None gives ticks as fast as they are read. Data is
    read in a worker thread. Data that turns out unusable ends the feed as FAILED; bars are refused with DataError.
    """

    replayable = True
    drives_clock = True

    def __init__(
        self,
        sources: Mapping[str, TickSource | BarSource],
        *,
        start: int | None = None,
        end: int | None = None,
        speed: float | None = None,
        timer: Timer | None = None,
    ) -> None:
        if not sources:
            raise UsageError("a replay needs data")
        self._sources = {name: _ticks_only(name, source) for name, source in sources.items()}
        self._range = start, end
        self._speed = speed
        self._timer = timer or SystemTimer()
        self._wanted: dict[str, None] = {}
        self._after = 0
        self._flow = Flow(self._replay)
        self._origin: tuple[float, int] | None = None  # an instant of the timer and the tape's time then

    @property
    def patient(self) -> bool:
        return self._speed is None

    def name_of(self, symbol: str) -> str:
        for name in (symbol, bare(symbol), bare(symbol).upper()):
            if name in self._sources:
                return name
        if list(self._sources) == [""]:
            return ""
        raise UsageError(f"the replay has no {symbol}", expected=f"one of {', '.join(self._sources)}")

    def resume(self, after: int) -> None:
        if self._flow.begun:
            raise UsageError("a replay can be resumed only before it begins")
        self._after = after

    async def subscribe(self, symbols: Iterable[str]) -> None:
        self._wanted.update(dict.fromkeys(symbols))

    async def unsubscribe(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._wanted.pop(symbol, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        return await self._flow.next()

    async def aclose(self) -> None:
        await self._flow.aclose()

    async def _replay(self) -> AsyncGenerator[FeedItem, None]:
        turns, seq, now = Turns(), 0, self._range[0] or 0
        names = tuple(dict.fromkeys((*self._wanted, *self._sources)))
        chunks = _chunks([self._sources[name] for name in names], *self._range)
        try:
            while (chunk := await run_sync(next, chunks, None)) is not None:
                before, seq = seq, seq + len(chunk)
                for place, tick in self._rest(chunk, before, names):
                    if self._origin is None:
                        yield FeedHealth(FeedState.CONNECTED, tick.ts)
                    now = tick.ts
                    await self._until(now)
                    if tick.symbol in self._wanted:
                        yield FeedTick(tick, place)
                    await turns.taken()
            yield FeedHealth(FeedState.ENDED, now, "the data ends here")
        except QktError as problem:
            yield FeedHealth(FeedState.FAILED, now, str(problem))
        finally:
            chunks.close()

    def _rest(self, chunk: Chunk, before: int, names: tuple[str, ...]) -> Iterator[tuple[int, Tick]]:
        """Numbered ticks of a chunk that follows `before` others, without those that were had already."""
        if before + len(chunk) <= self._after:
            return iter(())
        ticks = enumerate(ticks_of((chunk,), names), before + 1)
        return islice(ticks, max(0, self._after - before), None)

    async def _until(self, ts: int) -> None:
        """Wait until the tape's time has come. What is late comes at once."""
        if self._origin is None:
            self._origin = self._timer.monotonic(), ts
        if self._speed is None:
            return
        began, first = self._origin
        wait = began + (ts - first) / 1000.0 / self._speed - self._timer.monotonic()
        if wait > 0.0:
            await self._timer.sleep(wait)


def _chunks(sources: list[TickSource], start: int | None, end: int | None) -> Generator[Chunk, None, None]:
    yield from merge(sources, start, end, ROWS)


def _ticks_only(name: str, source: TickSource | BarSource) -> TickSource:
    """Raises DataError for bars: a back-test chooses the path through a bar by the position held, which no feed knows."""
    if hasattr(type(source), "timeframe_ms"):
        raise DataError("bars cannot be replayed as a feed", where=name, remedy="give ticks")
    return cast(TickSource, source)
