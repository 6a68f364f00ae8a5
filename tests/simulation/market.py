"""A market that goes on whoever listens, and a feed of it that breaks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from random import Random
from typing import Self

import anyio

from qkt.core.events import Tick
from qkt.data.feeds import FeedHealth, FeedItem, FeedState, FeedTick

SYMBOL = "SIM:EURUSD"
THEIRS = "EURUSDm"


def quotes(seed: int) -> Iterator[tuple[float, float]]:
    """Bid and ask of second after second."""
    random = Random(seed)
    phase, noise, n = random.uniform(0, 6), 0.0, 0
    while True:
        n += 1
        noise = 0.9 * noise + random.gauss(0, 0.00003)
        middle = 1.1 + 0.0012 * math.sin(n / 31 + phase) + 0.0006 * math.sin(n / 9) + noise
        half = 0.00001 * random.randint(2, 8)
        yield round(middle - half, 5), round(middle + half, 5)


class BreakingFeed:
    """Gives what it is handed. Its ticks are of the wall's time; it cannot be read again."""

    replayable = drives_clock = patient = False

    def __init__(self) -> None:
        self._waiting: list[FeedItem] = []
        self._news = anyio.Event()
        self._down = False

    def hand(self, ts: int, bid: float, ask: float) -> None:
        """A quote, if the line is up."""
        if not self._down:
            self._put(FeedTick(Tick(SYMBOL, ts, round((bid + ask) / 2, 6), bid, ask, 1.0), None))

    def lose(self, ts: int) -> None:
        if not self._down:
            self._down = True
            self._put(FeedHealth(FeedState.LOST, ts, reason="the line broke"))

    def come_back(self, ts: int) -> None:
        if self._down:
            self._down = False
            self._put(FeedHealth(FeedState.CONNECTED, ts))

    def _put(self, item: FeedItem) -> None:
        self._waiting.append(item)
        self._news.set()

    def name_of(self, symbol: str) -> str:
        return symbol

    def resume(self, after: int) -> None:
        raise AssertionError(f"nobody reads this feed again, from {after}")

    async def subscribe(self, symbols: Iterable[str]) -> None: ...

    async def unsubscribe(self, symbols: Iterable[str]) -> None: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        while not self._waiting:
            self._news = anyio.Event()
            await self._news.wait()
        return self._waiting.pop(0)

    async def aclose(self) -> None: ...
