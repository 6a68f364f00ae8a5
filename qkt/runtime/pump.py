"""Brings what a feed gives into a session's inbox."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import monotonic_ns
from typing import Any

import anyio

from qkt.core.clock import Clock
from qkt.core.secrets import redacted
from qkt.data.feeds import DataGate, Fault, FeedHealth, FeedState, GateChange
from qkt.risk import Cause
from qkt.runtime.control.rows import Level
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input, TimerInput
from qkt.runtime.markets import OpenMarket
from qkt.runtime.session import LiveSession

log = logging.getLogger(__name__)

Told = Callable[[Level, str], None]
"""Hears a level and what a feed has to say."""

DOWN = (FeedState.LOST, FeedState.STALE, FeedState.OUTAGE, FeedState.FAILED)
LEVELS: dict[FeedState, Level] = {
    **dict.fromkeys((FeedState.LOST, FeedState.STALE, FeedState.UNAVAILABLE, FeedState.GAP), "WARN"),
    **dict.fromkeys((FeedState.OUTAGE, FeedState.FAILED), "ERROR"),
}
SECOND = 1.0


class Pump:
    """Reads one feed for one session. `state` is the feed's last word, `ended` is set when all it gave has been handled.

    Ticks of a feed whose time is the wall clock's pass the data gate first. A replay is taken as it is.
    """

    def __init__(self, live: LiveSession, market: OpenMarket, told: Told, wall: Clock) -> None:
        self._live = live
        self._market = market
        self._told = told
        self._gate = None if market.drives_clock else DataGate(wall, self._judged)
        block = live.machine.session.risk.halts.get(Cause.FEED)
        self._down_since = None if block is None else block.since
        self.state = FeedState.RECONNECTING
        self.since = wall.now()
        self.reason: str | None = None
        # Ticks let through and the time of the last one, by market id.
        self.counts: Counter[str] = Counter()
        self.seen: dict[str, int] = {}
        self.ended = anyio.Event()
        self._wall = wall
        self._skew: int | None = None

    @property
    def drives_clock(self) -> bool:
        return self._market.drives_clock

    @property
    def refused(self) -> int:
        """Ticks that the gate kept out."""
        return 0 if self._gate is None else self._gate.refused.total()

    @property
    def names(self) -> list[str]:
        """The market ids that it brings."""
        return [symbol for own in self._market.names.values() for symbol in own]

    @property
    def lag_ms(self) -> int | None:
        """How old the last tick was when it came, None where the feed is its own clock."""
        return None if self._skew is None else max(0, -self._skew)

    @property
    def skew_ms(self) -> int | None:
        """The last tick's time against ours, positive when it was ahead."""
        return None if self._skew is None else max(0, self._skew)

    def fault(self, symbol: str) -> str | None:
        """What the gate finds wrong with a symbol's data, None when nothing is."""
        return None if self._gate is None else self._gate.unhealthy(symbol)

    async def run(self) -> None:
        """Until the feed ends. A feed that breaks blocks entries, and nothing else."""
        try:
            await self._read()
        except Exception as problem:
            log.exception("the feed of %s failed", self._live.name)
            self._down(FeedState.FAILED, f"{type(problem).__name__}: {problem}", self._live.machine.last_ts)
        await self._live.drained()
        self.ended.set()

    async def timers(self, clock: Clock) -> None:
        """Look at the clock once a second for what is due without a tick, or is missing. Only for feeds that do not drive the
        clock."""
        live = self._live
        while True:
            await anyio.sleep(SECOND)
            if self._gate is not None:
                self._gate.look()
            now = clock.now()
            if live.machine.session.next_timer <= now and not len(live.inbox):
                self._put(TimerInput(now))

    async def close(self) -> None:
        await self._market.reader.aclose()

    async def _read(self) -> None:
        inbox, names, patient, gate = self._live.inbox, self._market.names, self._market.patient, self._gate
        async for item in self._market.reader:
            if isinstance(item, FeedHealth):
                self._health(item)
                continue
            number = LIVE if item.seq is None else item.seq
            if gate is not None:
                self._skew = item.tick.ts - self._wall.now()
            for symbol in names.get(item.tick.symbol, ()):
                tick = item.tick if symbol == item.tick.symbol else replace(item.tick, symbol=symbol)
                if gate is not None and not gate.admit(tick):
                    continue
                self.counts[symbol] += 1
                self.seen[symbol] = tick.ts
                if patient and inbox.full:
                    await inbox.room()
                inbox.offer(tick, number, monotonic_ns())

    def _health(self, item: FeedHealth) -> None:
        about = f" ({', '.join(item.symbols)})" if item.symbols else ""
        self._told(LEVELS.get(item.state, "INFO"), f"feed {item.state}{about}{f': {item.reason}' if item.reason else ''}")
        if self._gate is not None:
            self._gate.hear(item, self.names)
        if item.symbols:
            return
        if item.state is FeedState.GAP:
            self._put(GapInput(item.at, None, redacted(item.reason)))
        elif item.state in DOWN:
            self._down(item.state, item.reason or item.state, item.at)
        elif item.state is FeedState.CONNECTED and self._down_since is not None:
            self._put(GapInput(self._down_since, item.at, "the feed was down"))
            self._command("unblock", cause=Cause.FEED)
            self._down_since = None
        self._stands(item.state, item.reason)

    def _stands(self, state: FeedState, reason: str) -> None:
        if state is not self.state:
            self.state, self.since = state, self._wall.now()
        self.reason = reason or None

    def _down(self, state: FeedState, reason: str, at: int) -> None:
        self._stands(state, reason)
        if self._down_since is None:
            self._down_since = at
            self._command("block", cause=Cause.FEED, reason=redacted(f"the feed is {state}: {reason}"))

    def _judged(self, change: GateChange) -> None:
        """The gate sees a symbol's data go bad, or come right. A lost feed speaks for itself."""
        if change.fault in (Fault.DISCONNECTED, Fault.UNAVAILABLE):
            return
        if change.began:
            self._told("WARN", f"{change.symbol} is {change.fault}: {change.reason}")
        else:
            self._told("INFO", f"{change.symbol} is {change.fault} no longer")

    def _command(self, name: str, **arguments: Any) -> None:
        machine = self._live.machine
        self._live.inbox.call(
            lambda: self._handle(CommandInput(machine.last_ts, name, "engine", arguments)),
        )

    def _put(self, item: Input) -> None:
        self._live.inbox.call(lambda: self._handle(item))

    def _handle(self, item: Input) -> None:
        self._live.recorder.handle(item)
