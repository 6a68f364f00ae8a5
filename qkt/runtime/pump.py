"""Brings what a feed gives into a session's inbox."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

import anyio

from qkt.core.clock import Clock
from qkt.core.events import Tick
from qkt.core.secrets import redacted
from qkt.data.feeds import Fault, FeedHealth, FeedItem, FeedState, FeedTick, GateChange
from qkt.risk import Cause
from qkt.runtime.control.rows import Level
from qkt.runtime.inputs import CommandInput, GapInput, Input, TimerInput
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
BACKLOG = 2_000
"""Inputs whose effects are not durable yet, beyond which a patient feed waits."""


class Pump:
    """Reads one feed for one session. `state` is the feed's last word, `ended` is set when all it gave has been handled.

    Ticks of a feed whose time is the wall clock's pass the data gate first, and what the gate finds is an input of the session.
    A replay is taken as it is. Implements `Sink`.
    """

    def __init__(self, live: LiveSession, market: OpenMarket, told: Told, wall: Clock) -> None:
        self._live = live
        self._inbox = live.inbox
        self._market = market
        self._told = told
        self._gate = None if market.drives_clock else market.gate(wall)
        block = live.machine.session.risk.halts.get(Cause.FEED)
        self._down_since = None if block is None else block.since
        self._wall = wall
        # The market ids that it brings.
        self.names = [symbol for own in market.names.values() for symbol in own]
        self._renamed = {name: own for name, own in market.names.items() if own != [name]}
        self._mistaken = False
        self.state = FeedState.RECONNECTING
        self.since = wall.now()
        self.reason: str | None = None
        # Ticks let through and the time of the last one, by market id.
        self.counts = Counter(dict.fromkeys(self.names, 0))
        self.seen: dict[str, int] = {}
        self.ended = anyio.Event()
        if self._gate is not None:
            self._gate.join(self.names, self._judged)
            self._forget_faults()

    @property
    def drives_clock(self) -> bool:
        return self._market.drives_clock

    @property
    def refused(self) -> int:
        """Ticks that the gate kept out."""
        return 0 if self._gate is None else self._gate.refused(self.names)

    def refused_of(self, symbol: str) -> int:
        """The same of one market id."""
        return 0 if self._gate is None else self._gate.refused((symbol,))

    @property
    def lag_ms(self) -> int | None:
        """How old the last tick was when it came, None where the feed is its own clock."""
        return None if self._gate is None or self._gate.skew is None else max(0, -self._gate.skew)

    @property
    def skew_ms(self) -> int | None:
        """The last tick's time against ours, positive when it was ahead."""
        return None if self._gate is None or self._gate.skew is None else max(0, self._gate.skew)

    def fault(self, symbol: str) -> str | None:
        """What the gate finds wrong with a symbol's data, None when nothing is."""
        return None if self._gate is None else self._gate.gate.unhealthy(symbol)

    async def run(self) -> None:
        """Until the feed ends. A feed that breaks blocks entries, and nothing else."""
        try:
            await self._market.reader.deliver(self)
        except Exception as problem:
            log.exception("the feed of %s failed", self._live.name)
            self._down(FeedState.FAILED, f"{type(problem).__name__}: {problem}", self._live.machine.last_ts)
        await self._live.drained()
        await self._live.recorder.saved()
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
        if self._gate is not None:
            self._gate.leave(self._judged)
        await self._market.reader.aclose()

    # -------------------------------------------------------------------- sink

    @property
    def full(self) -> bool:
        return self._live.inbox.full or self._live.recorder.backlog > BACKLOG

    async def room(self) -> None:
        await self._live.inbox.room()
        if self._live.recorder.backlog > BACKLOG:
            await self._live.recorder.saved()

    def take(self, item: FeedItem) -> None:
        """Take what the feed gave."""
        if isinstance(item, FeedHealth):
            self._health(item)
        elif self._renamed and item.tick.symbol in self._renamed:
            for symbol in self._renamed[item.tick.symbol]:
                self._offer(item.named(symbol))
        else:
            self._offer(item)

    def _offer(self, item: FeedTick) -> None:
        tick, seq, gate = item.tick, item.seq, self._gate
        if gate is not None:
            admitted = item.admitted
            if not (gate.admit(item) if admitted is None else admitted):
                return
        if not item.arrived:
            item.arrived = monotonic_ns()
        symbol = tick.symbol
        if seq is not None and seq <= self._live.resumed_at and self._is_known(tick):
            return
        if self._mistaken:
            return
        self.counts[symbol] += 1
        self.seen[symbol] = tick.ts
        self._inbox.offer(item)

    def _is_known(self, tick: Tick) -> bool:
        """Whether the session has this tick of the last place already. A feed that is read again must have there what it had;
        another one is not followed."""
        recorded = self._live.resumed_with
        for known in recorded.values():
            if (tick.ts, tick.price, tick.bid, tick.ask) != (known.ts, known.price, known.bid, known.ask):
                self._mistaken = True
                was = f"{tick.price:g} at {tick.ts} where {known.price:g} at {known.ts} was"
                self._down(FeedState.FAILED, f"it is not the one that was read before: {was}", self._live.machine.last_ts)
                self._told("ERROR", f"feed failed: {self.reason}")
                return True
        return tick.symbol in recorded

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
        """The gate sees a symbol's data go bad, or come right. A lost feed blocks the session, and speaks for itself."""
        assert self._gate is not None
        if change.fault is Fault.DISCONNECTED:
            return
        unsound = "; ".join(fault for fault in self._gate.gate.faults(change.symbol) if fault is not Fault.DISCONNECTED)
        detail = redacted(change.reason) if change.began else None
        self._command("distrust", symbol=change.symbol, reason=unsound or None, fault=change.fault.value, detail=detail)

    def _forget_faults(self) -> None:
        """What was wrong when the process ended is not known to be wrong now."""
        for symbol, reason in self._live.machine.session.risk.venue.unsound.items():
            if self.fault(symbol) is None:
                self._command("distrust", symbol=symbol, reason=None, fault=reason, detail=None)

    def _command(self, name: str, **arguments: Any) -> None:
        machine = self._live.machine
        self._live.inbox.call(
            lambda: self._handle(CommandInput(machine.last_ts, name, "engine", arguments)),
        )

    def _put(self, item: Input) -> None:
        self._live.inbox.call(lambda: self._handle(item))

    def _handle(self, item: Input) -> None:
        self._live.recorder.handle(item)
