"""Latches: two wires around a price, and how a break of one of them is confirmed.

A latch commits once, to the wire that broke, and tells the strategy, which answers with entries. Until then it costs
nothing but a look at the ticks that can change its state.
"""

from __future__ import annotations

from math import inf, nextafter

from qkt.core.bus import Scope
from qkt.core.events import Candle, LatchBroken, Tick
from qkt.core.watch import NEVER, Reads, Waits, Watch
from qkt.strategy import LatchSignal


class Latch:
    """One armed latch. `expiry` is the first instant (epoch ms) at which it no longer commits.

    `side` is the wire that is broken now (+1 the upper, -1 the lower, 0 none) and `since` when that began, for the
    confirmations that take time. `watches` are the ticks that can change either.
    """

    def __init__(self, signal: LatchSignal) -> None:
        self.signal = signal
        self.expiry = signal.at + signal.arm_ms
        self.side = 0
        self.since = 0
        self._up, self._down = float(signal.up), float(signal.down)
        self._confirm = signal.confirm
        self.watches: tuple[Watch, ...] = ()
        self._watch()

    @property
    def by_candle(self) -> bool:
        return self._confirm is not None and self._confirm.kind == "CLOSE_BEYOND"

    def breach(self, price: float) -> int:
        """Which wire the price is at or beyond, the upper one asked first."""
        return 1 if price >= self._up else -1 if price <= self._down else 0

    def on_tick(self, tick: Tick) -> int:
        """The side to commit to with this tick, 0 for none."""
        confirm = self._confirm
        if confirm is None:
            return self.breach(tick.price)
        if confirm.kind == "TIME_IN_BREACH":
            return self._held_beyond(tick, confirm.ms)
        return self._retested(tick, confirm.ms)

    def _held_beyond(self, tick: Tick, ms: int) -> int:
        side = self.breach(tick.price)
        if side != self.side:
            self._begin(side, tick.ts)
        return side if side and tick.ts - self.since >= ms else 0

    def _retested(self, tick: Tick, ms: int) -> int:
        side = self.breach(tick.price)
        if self.side and side == self.side and tick.ts - self.since <= ms:
            return side if self._near(tick.price) else 0
        if side or self.side:
            self._begin(side, tick.ts)
        return 0

    def _near(self, price: float) -> bool:
        """Whether the price, beyond the broken wire, has come back near to it."""
        return price <= self._far(1) if self.side > 0 else price >= self._far(-1)

    def _far(self, side: int) -> float:
        confirm = self._confirm
        assert confirm is not None
        return float(self.signal.up + confirm.distance if side > 0 else self.signal.down - confirm.distance)

    def _begin(self, side: int, ts: int) -> None:
        self.side, self.since = side, ts
        self._watch()

    # ----------------------------------------------------------------- waiting

    def _watch(self) -> None:
        """State what can happen next: a break, the way back over the broken wire or near to it, the end of the time."""
        confirm, expiry = self._confirm, self.expiry
        if self.by_candle:
            self.watches = ()
        elif confirm is None or not self.side:
            self.watches = (self._at(self._up, False, expiry), self._at(self._down, True, expiry))
        elif confirm.kind == "TIME_IN_BREACH":
            inside = nextafter(self._up, -inf) if self.side > 0 else nextafter(self._down, inf)
            self.watches = (self._at(inside, self.side > 0, min(expiry, self.since + confirm.ms)),)
        else:
            deadline = min(expiry, self.since + confirm.ms + 1)
            self.watches = (self._at(self._far(self.side), self.side > 0, deadline),)

    def _at(self, level: float, below: bool, deadline: int) -> Watch:
        return Watch(self.signal.symbol, Reads.PRICE, below, level, deadline)


class Latches:
    """Armed latches in the order of arming. Implements `Waiting`.

    Must hear the candles of each strategy before it does, and ticks behind its own tick handler.
    """

    due = NEVER

    def __init__(self, scope: Scope, waits: Waits) -> None:
        self._scope = scope
        self._waits = waits
        self._latches: list[Latch] = []
        waits.add(self)
        scope.subscribe(LatchSignal, self._on_armed)

    def __len__(self) -> int:
        return len(self._latches)

    def watches(self) -> list[Watch]:
        return [watch for latch in self._latches for watch in latch.watches]

    def _on_armed(self, signal: LatchSignal) -> None:
        self._latches.append(Latch(signal))
        self._waits.changed()

    def on_tick(self, tick: Tick) -> None:
        if not self._latches:
            return
        for latch in list(self._latches):
            if latch.signal.symbol != tick.symbol or latch.by_candle:
                continue
            if tick.ts >= latch.expiry:
                self._drop(latch)
                continue
            watches = latch.watches
            side = latch.on_tick(tick)
            if side:
                self._commit(latch, side, tick.ts)
            elif latch.watches is not watches:
                self._waits.changed()

    def on_candle(self, strategy: str, candle: Candle) -> None:
        """A candle of the strategy. Only closes of the latch's own stream confirm it, and only before its time is over."""
        if not self._latches:
            return
        for latch in list(self._latches):
            signal = latch.signal
            if not latch.by_candle or signal.stream != candle.stream or signal.strategy != strategy:
                continue
            if candle.end >= latch.expiry:
                self._drop(latch)
                continue
            side = latch.breach(candle.close)
            if side:
                self._commit(latch, side, candle.end)

    def _drop(self, latch: Latch) -> None:
        self._latches.remove(latch)
        self._waits.changed()

    def _commit(self, latch: Latch, side: int, time: int) -> None:
        self._drop(latch)
        signal = latch.signal
        level = signal.up if side > 0 else signal.down
        self._scope.publish(LatchBroken(signal.strategy, signal.latch, signal.rule, side, level, time))
