"""Ticks of MetaTrader 5 accounts, without loss and without doubles, and bars of the past for the warm-up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import anyio

from qkt.brokers.factory import venue_of
from qkt.brokers.mt5.account import AccountError
from qkt.brokers.mt5.constants import M1
from qkt.brokers.mt5.link import Link, LinkError
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.records import RateRow, TickRow
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.core.clock import Clock
from qkt.core.errors import UsageError
from qkt.core.events import Tick
from qkt.data import mid_price
from qkt.data.feeds import FeedHealth, FeedItem, FeedState, FeedTick, Flow

ROWS = 2_000
MOST_ROWS = 100_000
FAILURES = 5
PAUSE_MS = 1_000
REOPEN_MS = 5_000
CHUNK_S = 30 * 86_400
MINUTE_S = 60


class Links(Protocol):
    """Where links of profiles come from; each is given back once."""

    def profile_of(self, symbols: Sequence[str]) -> Profile: ...

    async def borrow(self, name: str) -> Link: ...

    async def give_back(self, name: str) -> None: ...


@dataclass(slots=True)
class Cursor:
    """How far the ticks of one symbol are read: the last time (server ms) and the rows of that millisecond."""

    symbol: str
    last: int = -1
    seen: set[TickRow] = field(default_factory=set)

    def read(self, terminal: Terminal, name: str) -> list[TickRow]:
        """Rows that are new. A row of an earlier time, or one that was read already, is none.

        Raises TerminalError.
        """
        if self.last < 0:  # the newest quote is where it begins
            newest = terminal.symbol_info_tick(name)
            if newest is None:
                return []
            self.last = newest.time_msc - 1
        count = ROWS
        rows = terminal.copy_ticks_from(name, self.last // 1000, count)
        while len(rows) == count and rows[-1].time_msc // 1000 <= self.last // 1000 and count < MOST_ROWS:
            count = min(10 * count, MOST_ROWS)  # one second has more than that
            rows = terminal.copy_ticks_from(name, self.last // 1000, count)
        return [row for row in rows if self._new(row)]

    def _new(self, row: TickRow) -> bool:
        if row.time_msc < self.last or (row.time_msc == self.last and row in self.seen):
            return False
        if row.time_msc > self.last:
            self.last = row.time_msc
            self.seen.clear()
        self.seen.add(row)
        return True


def tick_of(symbol: str, row: TickRow, clock: ServerClock) -> Tick | None:
    """The tick of a row, None for one without a price. FX and CFD have no last trade: their price is the middle."""
    bid, ask = row.bid or None, row.ask or None
    if bid is not None and ask is not None:
        price = mid_price(bid, ask)
    else:
        price = row.last
    if price <= 0:
        return None
    return Tick(symbol, clock.to_utc(row.time_msc), price, bid, ask, row.volume or None)


class Mt5Feed:
    """A live feed of market ids whose prefixes name profiles. Polls each symbol; several failures in a row are an outage."""

    replayable = False
    drives_clock = False
    patient = False

    def __init__(self, links: Links, clock: Clock) -> None:
        self._links = links
        self._clock = clock
        self._open: dict[str, Link] = {}
        self._cursors: dict[str, Cursor] = {}
        self._failures = 0
        self._state = FeedState.RECONNECTING
        self._flow = Flow(self._run)

    def name_of(self, symbol: str) -> str:
        self._links.profile_of([symbol])
        return symbol

    def resume(self, after: int) -> None:
        raise UsageError(f"a live feed does not go back to {after}")

    async def subscribe(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._cursors.setdefault(symbol, Cursor(symbol))

    async def unsubscribe(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._cursors.pop(symbol, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        return await self._flow.next()

    async def aclose(self) -> None:
        await self._flow.aclose()
        opened, self._open = self._open, {}
        for name in opened:
            await self._links.give_back(name)

    async def _run(self) -> AsyncGenerator[FeedItem, None]:
        while True:
            pause = PAUSE_MS
            for cursor in list(self._cursors.values()):
                try:
                    link = await self._link(cursor.symbol)
                    rows = await self._rows(link, cursor)
                except (TerminalError, LinkError, AccountError) as problem:
                    for health in self._failed(problem):
                        yield health
                    if not isinstance(problem, TerminalError):  # nobody has reached the account yet, which takes a while
                        pause = REOPEN_MS
                        break
                    continue
                pause = min(pause, link.profile.tick_poll_interval_ms)
                self._failures = 0
                if self._state is not FeedState.CONNECTED and rows:
                    yield self._health(FeedState.CONNECTED)
                for row in rows:
                    tick = tick_of(cursor.symbol, row, link.clock)
                    if tick is not None:
                        yield FeedTick(tick)
            await anyio.sleep(pause / 1000)

    async def _link(self, symbol: str) -> Link:
        name = venue_of(symbol)
        link = self._open.get(name)
        if link is None:
            link = self._open[name] = await self._links.borrow(name)
        return link

    @staticmethod
    async def _rows(link: Link, cursor: Cursor) -> list[TickRow]:
        def read(terminal: Terminal) -> list[TickRow]:
            name = link.names.theirs(cursor.symbol)
            link.terms.symbol(terminal, name)
            if not terminal.terminal_info().connected:
                raise TerminalError(-1, "the terminal has no connection to its broker")
            return cursor.read(terminal, name)

        return await asyncio.wrap_future(link.ask(read))

    def _failed(self, problem: TerminalError | LinkError | AccountError) -> Iterable[FeedHealth]:
        self._failures += 1
        unreached = not isinstance(problem, TerminalError)
        if self._state is not FeedState.LOST and (unreached or self._failures >= FAILURES * max(1, len(self._cursors))):
            yield self._health(FeedState.LOST, str(problem))

    def _health(self, state: FeedState, reason: str = "") -> FeedHealth:
        self._state = state
        return FeedHealth(state, self._clock.now(), reason)


async def fetch_history(links: Links, wanted: Mapping[str, Sequence[tuple[int, int]]], now: int) -> list[Tick]:
    """Bars of a minute as ticks of their open, extremes and close, oldest first, as far back as the streams need that are
    `wanted`: by market id, pairs of a bar's length in ms and how many bars. The bar that is still open is left out.

    Raises TerminalError.
    """
    ticks: list[Tick] = []
    for symbol, streams in wanted.items():
        span = max(length * (bars + 1) for length, bars in streams)
        link = await links.borrow(venue_of(symbol))
        try:
            ticks += await asyncio.wrap_future(link.ask(lambda terminal: _bars(terminal, link, symbol, now - span, now)))  # noqa: B023
        finally:
            await links.give_back(venue_of(symbol))
    return sorted(ticks, key=lambda tick: tick.ts)


def _bars(terminal: Terminal, link: Link, symbol: str, start: int, end: int) -> list[Tick]:
    name = link.names.theirs(symbol)
    terms = link.terms.symbol(terminal, name)
    clock = link.clock
    ticks: list[Tick] = []
    at, last = clock.to_server(start) // 1000, clock.to_server(end) // 1000
    while at < last:
        until = min(at + CHUNK_S, last)
        for row in terminal.copy_rates_range(name, M1, at, until - 1):
            opened = clock.to_utc(row.time * 1000)
            if start <= opened and opened + MINUTE_S * 1000 <= end:
                ticks += _path(symbol, row, opened, row.spread * terms.point)
        at = until
    return ticks


def _path(symbol: str, row: RateRow, opened: int, spread: float) -> list[Tick]:
    """A bar of bids as four ticks of the middle, the extreme nearer to the open first; the spread is that of the bar."""
    low_first = row.close >= row.open
    path = (row.open, row.low if low_first else row.high, row.high if low_first else row.low, row.close)
    return [
        Tick(symbol, opened + n * 15_000, mid_price(bid, bid + spread), bid, bid + spread, row.tick_volume / 4)
        for n, bid in enumerate(path)
    ]
