"""Brings what a feed gives into a session's inbox."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio

from qkt.core.clock import Clock
from qkt.data.feeds import FeedHealth, FeedState
from qkt.runtime.control.rows import Level
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input, TimerInput
from qkt.runtime.machine import FEED
from qkt.runtime.markets import OpenMarket
from qkt.runtime.session import LiveSession

log = logging.getLogger(__name__)

Told = Callable[[Level, str], None]
"""Hears a level and what a feed has to say."""

DOWN = (FeedState.LOST, FeedState.STALE, FeedState.UNAVAILABLE, FeedState.FAILED)
SECOND = 1.0


class Pump:
    """Reads one feed for one session. `state` is the feed's last word, `ended` is set when all it gave has been handled."""

    def __init__(self, live: LiveSession, market: OpenMarket, told: Told) -> None:
        self._live = live
        self._market = market
        self._told = told
        self._since = 0
        self.state = FeedState.RECONNECTING
        self.ended = anyio.Event()

    @property
    def drives_clock(self) -> bool:
        return self._market.drives_clock

    @property
    def symbols(self) -> int:
        """How many market ids it brings."""
        return sum(map(len, self._market.names.values()))

    async def run(self) -> None:
        """Until the feed ends. A feed that breaks blocks entries, and nothing else."""
        try:
            await self._read()
        except Exception as problem:
            log.exception("the feed of %s failed", self._live.name)
            self._down(FeedState.FAILED, f"{type(problem).__name__}: {problem}")
        await self._live.drained()
        self.ended.set()

    async def timers(self, clock: Clock) -> None:
        """Look at the clock once a second for what is due without a tick. Only for feeds that do not drive the clock."""
        live = self._live
        while True:
            await anyio.sleep(SECOND)
            now = clock.now()
            if live.machine.session.next_timer <= now and not len(live.inbox):
                self._put(TimerInput(now))

    async def close(self) -> None:
        await self._market.reader.aclose()

    async def _read(self) -> None:
        inbox, names, patient = self._live.inbox, self._market.names, self._market.patient
        async for item in self._market.reader:
            if isinstance(item, FeedHealth):
                self._health(item)
                continue
            tick, number = item.tick, LIVE if item.seq is None else item.seq
            for symbol in names.get(tick.symbol, ()):
                if patient and inbox.full:
                    await inbox.room()
                inbox.offer(tick if symbol == tick.symbol else replace(tick, symbol=symbol), number)

    def _health(self, item: FeedHealth) -> None:
        level: Level = "WARN" if item.state in DOWN or item.state is FeedState.GAP else "INFO"
        about = f" ({', '.join(item.symbols)})" if item.symbols else ""
        self._told(level, f"feed {item.state}{about}{f': {item.reason}' if item.reason else ''}")
        if item.state is FeedState.GAP:
            self._put(GapInput(item.at, None, item.reason))
        elif item.state in DOWN:
            self._down(item.state, item.reason or item.state, item.at)
        elif item.state is FeedState.CONNECTED and self.state in DOWN:
            self._put(GapInput(self._since, item.at, "the feed was down"))
            self._command("unblock", cause=FEED)
        self.state = item.state

    def _down(self, state: FeedState, reason: str, at: int = 0) -> None:
        if self.state not in DOWN:
            self._since = at
        self.state = state
        if FEED not in self._live.machine.blocks:
            self._command("block", cause=FEED, reason=f"the feed is {state}: {reason}")

    def _command(self, name: str, **arguments: Any) -> None:
        machine = self._live.machine
        self._live.inbox.call(
            lambda: self._handle(CommandInput(machine.last_ts, name, "engine", arguments)),
        )

    def _put(self, item: Input) -> None:
        self._live.inbox.call(lambda: self._handle(item))

    def _handle(self, item: Input) -> None:
        self._live.recorder.handle(item)
