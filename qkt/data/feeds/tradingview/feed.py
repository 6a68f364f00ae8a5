"""TradingView as a live feed: quotes that are good to look at and to try things on, over a connection that comes back."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, suppress
from random import Random
from typing import Self

from qkt.core.clock import Clock, SystemClock
from qkt.core.errors import UsageError
from qkt.data.feeds.feed import FeedHealth, FeedItem, FeedState, FeedTick
from qkt.data.feeds.flow import Flow
from qkt.data.feeds.timer import SystemTimer, Timer
from qkt.data.feeds.tradingview.frames import Message, readable
from qkt.data.feeds.tradingview.quotes import FIELDS, QuoteBook
from qkt.data.feeds.tradingview.settings import TradingViewSettings
from qkt.data.feeds.tradingview.wire import Wire, WireError, open_wire, session_name

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT, JITTER = 1.0, 60.0, 0.2
REFUSALS = 3


class RefusedError(Exception):
    """The server says that it is we who are wrong."""


class TradingViewFeed:
    """Ticks of EXCHANGE:SYMBOL, asked for as TV:EXCHANGE:SYMBOL or by an alias.

    A connection that breaks, or on which nothing comes for `silence` seconds, is opened again after 1, 2, 4 … 60 seconds, a
    fifth more or less; CONNECTED is told with the first price, and only that ends the series of attempts. Attempts do not
    end, but an outage longer than `outage` seconds is told. The feed fails when the server calls our protocol wrong.
    `seed` fixes session names and jitter, for tests.
    """

    replayable = False
    drives_clock = False
    patient = False

    def __init__(
        self,
        settings: TradingViewSettings | None = None,
        *,
        clock: Clock | None = None,
        timer: Timer | None = None,
        seed: int | None = None,
    ) -> None:
        self.book = QuoteBook()
        self._settings = settings or TradingViewSettings()
        self._clock = clock or SystemClock()
        self._timer = timer or SystemTimer()
        self._draws = Random(seed)
        self._wanted: dict[str, None] = {}
        self._unavailable: set[str] = set()
        self._quotes: tuple[Wire, str] | None = None  # the open quote session and its name
        self._connected = False
        self._failures = 0
        self._refusals = 0
        self._lost_at: float | None = None
        self._outage_told = False
        self._flow = Flow(self._run)

    def name_of(self, symbol: str) -> str:
        return self._settings.name_of(symbol)

    def resume(self, after: int) -> None:
        raise UsageError(f"a live feed does not go back to {after}")

    async def subscribe(self, symbols: Iterable[str]) -> None:
        fresh = [symbol for symbol in symbols if symbol not in self._wanted]
        self._wanted.update(dict.fromkeys(fresh))
        await self._tell("quote_add_symbols", fresh)

    async def unsubscribe(self, symbols: Iterable[str]) -> None:
        gone = [symbol for symbol in symbols if symbol in self._wanted]
        for symbol in gone:
            del self._wanted[symbol]
            self._unavailable.discard(symbol)
            self.book.forget(symbol)
        await self._tell("quote_remove_symbols", gone)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        return await self._flow.next()

    async def aclose(self) -> None:
        await self._flow.aclose()

    async def _tell(self, method: str, symbols: list[str]) -> None:
        """Tell the server of a change. On a wire that breaks meanwhile it does not matter: the next one begins with it."""
        if self._quotes is not None and symbols:
            wire, name = self._quotes
            with suppress(WireError):
                await wire.send(method, name, *symbols)

    async def _run(self) -> AsyncGenerator[FeedItem, None]:
        while True:
            try:
                async with aclosing(self._session()) as session:
                    async for item in session:
                        if isinstance(item, FeedTick) and not self._connected:
                            yield self._found()
                        yield item
            except WireError as problem:
                for health in self._broken(problem):
                    yield health
            except RefusedError as problem:
                yield self._health(FeedState.FAILED, str(problem))
                return
            wait = self._next_wait()
            yield self._health(FeedState.RECONNECTING, f"attempt {self._failures} in {wait:.1f} s")
            await self._timer.sleep(wait)

    async def _session(self) -> AsyncGenerator[FeedItem, None]:
        """What one connection gives until it breaks."""
        self.book.clear()
        async with open_wire(self._settings, self._timer) as wire:
            name = session_name("qs", self._draws)
            await wire.send("quote_create_session", name)
            await wire.send("quote_set_fields", name, *FIELDS)
            self._quotes = wire, name
            try:
                if self._wanted:
                    await wire.send("quote_add_symbols", name, *self._wanted)
                while True:
                    for message in await wire.receive(self._settings.silence):
                        for item in self._items_of(message, name):
                            yield item
            finally:
                self._quotes = None

    def _items_of(self, message: Message, session: str) -> Iterator[FeedItem]:
        if message.method == "qsd" and len(message.params) > 1 and message.params[0] == session:
            yield from self._quote(message.params[1])
        elif message.method == "protocol_error":
            self._refusals += 1
            if self._refusals >= REFUSALS:
                raise RefusedError(f"the server called our protocol wrong {REFUSALS} times: {message.text(0)}")
            raise WireError(f"protocol error: {message.text(0)}")
        elif message.method == "critical_error":
            raise RefusedError(f"critical error: {message.text(1)} {message.text(2)}".rstrip())

    def _quote(self, content: object) -> Iterator[FeedItem]:
        symbol = content.get("n") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(symbol, str) or symbol not in self._wanted:
            return
        if content.get("s") != "ok":
            if symbol not in self._unavailable:
                self._unavailable.add(symbol)
                reason = readable(content.get("errmsg") or content.get("s") or "no reason given")
                yield self._health(FeedState.UNAVAILABLE, reason, symbol)
            return
        values = content.get("v")
        tick = self.book.update(symbol, values, self._clock.now()) if isinstance(values, dict) else None
        if tick is not None:
            self._unavailable.discard(symbol)
            yield FeedTick(tick)

    def _found(self) -> FeedHealth:
        """The first price of a connection: the feed is back."""
        self._connected, self._failures, self._refusals = True, 0, 0
        self._lost_at, self._outage_told = None, False
        return self._health(FeedState.CONNECTED)

    def _broken(self, problem: WireError) -> Iterator[FeedHealth]:
        now = self._timer.monotonic()
        log.warning("TradingView: %s", problem)
        if problem.silent:
            yield self._health(FeedState.STALE, str(problem))
        if self._lost_at is None:
            self._lost_at = now
        if self._connected or not self._failures:
            yield self._health(FeedState.LOST, str(problem))
        self._connected = False
        if now - self._lost_at > self._settings.outage and not self._outage_told:
            self._outage_told = True
            yield self._health(FeedState.OUTAGE, f"no price for {now - self._lost_at:.0f} s: {problem}")

    def _next_wait(self) -> float:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return wait * (1.0 + JITTER * (2.0 * self._draws.random() - 1.0))

    def _health(self, state: FeedState, reason: str = "", *symbols: str) -> FeedHealth:
        return FeedHealth(state, self._clock.now(), reason, symbols)
