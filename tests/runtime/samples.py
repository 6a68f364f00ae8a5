"""Strategies, ticks and machines for tests of sessions that live."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import anyio
import anyio.lowlevel

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.data.feeds import FeedHealth, FeedItem, FeedState, FeedTick
from qkt.runtime.machine import SessionMachine
from qkt.runtime.setup import Terms, load_strategy

START = 1_704_844_800_000
SYMBOL = "SIM:EURUSD"

CROSS = """STRATEGY cross VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
LET quick = ema(eu.close, 3),
    calm = ema(eu.close, 8)
RULES
    WHEN quick CROSSES ABOVE calm AND POSITION.eu = 0
    THEN BUY eu SIZING 0.2 BRACKET { STOP LOSS TRAILING 0.0006 AFTER MFE >= 0.0004, TAKE PROFIT BY 0.0012 }
    WHEN quick CROSSES BELOW calm AND POSITION.eu = 0
    THEN SELL eu SIZING 0.2 ORDER_TYPE = STOP AT eu.close - 0.0001 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT RR 2 }
"""

BOOK = """PORTFOLIO book VERSION 1 CAPITAL 20000
SYMBOLS
    eu = SIM:EURUSD EVERY 5m
IMPORT 'cross.qkt' AS swing
IMPORT 'cross.qkt' AS keep HOLD
REGIMES
    NAME mood
    STATE up WHEN eu.close > eu.open
    STATE down DEFAULT
ALLOCATE
    METHOD regime_weighted
    up -> swing 0.6, keep 0.4
    down -> swing 0.3, keep 0.7
RULES
    WHEN eu.close > 1.0985 RUN swing
    WHEN eu.close > 1.0995 RUN keep
"""

STRADDLE = """STRATEGY straddle VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN POSITION.eu = 0 AND OPEN_ORDERS.eu = 0
    THEN OCO_ENTRY {
        BUY eu SIZING 0.1 ORDER_TYPE = STOP AT eu.close + 0.0004 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0005 },
        SELL eu SIZING 0.1 ORDER_TYPE = STOP AT eu.close - 0.0004 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0005 }
    }
"""
FAILING = """import qkt


class Fails(qkt.Strategy):
    streams = {"eu": "SIM:EURUSD 1m"}

    def on_candle(self, candle):
        if not self.position("eu").quantity:
            self.buy("eu", "0.1", stop_loss=qkt.by("0.0100"))
        else:
            raise ValueError("no idea")
"""


def ticks(count: int = 3000, start: int = START, step: int = 2000, symbol: str = SYMBOL) -> Iterator[Tick]:
    """A market that swings on several scales, the same every time."""
    for n in range(count):
        middle = 1.1 + 0.002 * math.sin(n / 90) + 0.0009 * math.sin(n / 17) + 0.00008 * math.sin(n * 1.7)
        bid, ask = round(middle - 0.00004, 5), round(middle + 0.00004, 5)
        yield Tick(symbol, start + n * step, round((bid + ask) / 2, 6), bid, ask, float(n % 7 + 1))


def strategy_file(folder: Path, text: str = CROSS, name: str = "cross.qkt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def machine(
    folder: Path, text: str = CROSS, file: str = "cross.qkt", name: str = "one", params: Mapping[str, str] | None = None
) -> SessionMachine:
    """A session alone in its process."""
    clock = EventClock()
    strategy = load_strategy(file, text, params or {}, folder)
    return SessionMachine(name, strategy, Terms().settings(folder), EventBus(clock), clock)


class ListFeed:
    """A replay of ticks in memory, as fast as they are read. `pauses` are places after which it
    waits for an event."""

    patient = True

    def __init__(self, source: Sequence[Tick], pauses: Mapping[int, anyio.Event] | None = None, live: bool = False) -> None:
        self.replayable = self.drives_clock = not live
        self._source = source
        self._at = 0
        self._pauses = pauses or {}
        self._told = False
        self.open = True

    def name_of(self, symbol: str) -> str:
        return symbol

    def resume(self, after: int) -> None:
        self._at = after

    async def subscribe(self, symbols: Iterable[str]) -> None: ...

    async def unsubscribe(self, symbols: Iterable[str]) -> None: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        if self._at % 100 == 0:
            await anyio.lowlevel.checkpoint()
        if self._at in self._pauses:
            await self._pauses[self._at].wait()
        if self._at < len(self._source):
            self._at += 1
            tick = self._source[self._at - 1]
            place = self._at if self.replayable else None
            return FeedTick(Tick(tick.symbol, tick.ts, tick.price, tick.bid, tick.ask, tick.volume), place)
        if self._told:
            raise StopAsyncIteration
        self._told = True
        return FeedHealth(FeedState.ENDED, 0)

    async def aclose(self) -> None:
        self.open = False
