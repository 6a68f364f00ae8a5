"""Doing a recording again without a step for every tick: ticks with which nothing can happen are folded.

That a tick changes nothing but prices, candles and extremes is certain where no wait can end with it, no candle closes, nothing
is due, and nobody asked to see every tick. It is the knowledge that a back-test jumps with, applied to a session as it lives:
the same machine stands there afterwards, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from qkt.core.events import Tick
from qkt.core.watch import Calm, Reads, TrailWatch
from qkt.data import CandleBuilder
from qkt.engine import TickCandles
from qkt.runtime.machine import SessionMachine
from qkt.runtime.tape_runs import TickRun

Places = npt.NDArray[np.int64]

WORTH = 32
"""Ticks that must be folded at once to be worth the search."""
MOST = 256
"""Ticks that are handled without a search at most."""


class Skimmer:
    """Takes runs of ticks for one machine."""

    def __init__(self, machine: SessionMachine) -> None:
        self._machine = machine
        session = machine.session
        feed = session.candles
        known = {session.risk, session.books.excursions, feed, *(trader.runner for trader in session.traders)}
        heard = {getattr(handler, "__self__", None) for handler in session.scope.awake(Tick)}
        fed = isinstance(feed, TickCandles) and all(
            isinstance(builder, CandleBuilder)
            for stream in machine.strategy.streams
            for builder in feed.builders(stream.symbol)
        )
        # Whether this session can be skimmed at all.
        self.able = (
            heard == known
            and fed
            and not session.risk.limits_equity
            and not machine.strategy.wants_ticks
            and len(session.books.strategies) == 1
        )

    def take(self, run: TickRun, due: Callable[[], int]) -> Iterator[int]:
        """Have the machine handle a run. Yields the place of each tick that was handled by itself, after which its effects
        can be taken; `due` says which place has to be one of these, at the latest.

        Where much happens, looking for what comes next costs more than doing it: then more and more ticks are handled without.
        """
        machine = self._machine
        columns = _Columns(run)
        at, n, steps = 0, len(run), 1
        while at < n:
            stop = self._next(columns, at, min(n, max(due(), at))) if columns.sound else at
            if stop - at >= WORTH:
                steps = 1
            elif steps < MOST:
                steps *= 2
            if stop > at:
                self._fold(columns, at, stop)
            at = min(stop + steps, n)
            for place in range(stop, at):
                machine.tick(columns.tick(place))
                yield place

    def _next(self, columns: _Columns, at: int, stop: int) -> int:
        """The first place from `at` on, before `stop`, at which anything can happen; `stop` when that is none."""
        machine, session = self._machine, self._machine.session
        if session.first_ts is None or session.risk.rechecks or columns.ts[at] < session.last_ts:
            return at
        if not session.books.excursions.simple:
            return at
        waits = session.waits
        stop = min(stop, columns.from_time(min(session.due, machine.history.next, waits.due), at))
        for symbol, places in columns.places.items():
            first = int(np.searchsorted(places, at))
            if first == len(places) or places[first] >= stop:
                continue
            calm, trails = waits.stated(symbol)
            own = places[first : int(np.searchsorted(places, stop))]
            late = int(np.searchsorted(columns.ts[own], min(self._closes(symbol), calm.deadline)))
            if late < len(own):
                stop, own = int(own[late]), own[:late]
            hit = columns.first_beyond(calm, trails, own)
            if hit is not None:
                stop = hit
        return stop

    def _closes(self, symbol: str) -> int:
        """When the first of the symbol's open candles ends (epoch ms), 0 where one has not begun."""
        feed = self._machine.session.candles
        assert isinstance(feed, TickCandles)
        ends = [builder.window[1] for builder in feed.builders(symbol) if isinstance(builder, CandleBuilder)]
        return min(ends, default=1 << 62)

    def _fold(self, columns: _Columns, at: int, stop: int) -> None:
        """Ticks [at, stop), with which nothing happens."""
        machine, session = self._machine, self._machine.session
        feed = session.candles
        assert isinstance(feed, TickCandles)
        for symbol, places in columns.places.items():
            own = places[int(np.searchsorted(places, at)) : int(np.searchsorted(places, stop))]
            if not len(own):
                continue
            prices = columns.price[own]
            high, low = float(prices.max()), float(prices.min())
            tick = columns.tick(int(own[-1]))
            for builder in feed.builders(symbol):
                assert isinstance(builder, CandleBuilder)
                volume = columns.added(builder.volume, own)
                builder.fold(high, low, tick.price, volume, tick.bid, tick.ask)
            machine.board.update(tick)
            session.books.excursions.fold(symbol, high, low, tick.price)
            for trail in session.waits.stated(symbol)[1]:
                trail.take(high, low)
        machine.passed(stop - at, int(columns.ts[stop - 1]))


class _Columns:
    """A run with what is looked up in it. `sound` unless a tick is out of order or no quote."""

    def __init__(self, run: TickRun) -> None:
        self.run = run
        self._values: list[tuple[Any, ...]] | None = None
        rows = run.rows
        self.ts = np.ascontiguousarray(rows["ts"])
        self.price, self.bid, self.ask = (np.ascontiguousarray(rows[name]) for name in ("price", "bid", "ask"))
        self.volume = np.nan_to_num(rows["volume"]) if run.has_volume else None
        codes = rows["code"]
        self.places: dict[str, Places] = {run.names[int(code)]: np.flatnonzero(codes == code) for code in np.unique(codes)}
        quoted = (self.price > 0) & (self.bid > 0) & (self.bid <= self.ask) & np.isfinite(self.price) & np.isfinite(self.ask)
        self.sound = bool(quoted.all() and (self.ts[1:] >= self.ts[:-1]).all())

    def from_time(self, ts: int, at: int) -> int:
        """The first place from `at` on whose time is not before `ts`."""
        return max(at, int(np.searchsorted(self.ts, ts)))

    def tick(self, at: int) -> Tick:
        """One tick of the run."""
        if self._values is None:
            rows = self.run.rows
            volumes = rows["volume"].tolist() if self.run.has_volume else repeat(None)
            prices = (rows[name].tolist() for name in ("price", "bid", "ask"))
            self._values = list(zip(rows["code"].tolist(), rows["ts"].tolist(), *prices, volumes, strict=False))
        code, *values = self._values[at]
        return Tick(self.run.names[code], *values)

    def first_beyond(self, calm: Calm, trails: list[TrailWatch], own: Places) -> int | None:
        """The first of some places whose quote is not within the calm, or comes back as far as a trail waits for."""
        bid, ask, price = self.bid[own], self.ask[own], self.price[own]
        beyond = (bid <= calm.bid_low) | (bid >= calm.bid_high) | (ask <= calm.ask_low) | (ask >= calm.ask_high)
        beyond |= (price <= calm.low) | (price >= calm.high)
        for trail in trails:
            number = {Reads.BID: bid, Reads.ASK: ask, Reads.PRICE: price}[trail.reads]
            running = np.maximum if trail.below else np.minimum
            bound = running(running.accumulate(price), trail.extreme) * trail.factor + trail.shift
            beyond |= (number <= bound) if trail.below else (number >= bound)
        return int(own[int(np.argmax(beyond))]) if beyond.any() else None

    def added(self, volume: float, own: Places) -> float:
        """A volume with those of some ticks added, one after the other."""
        if self.volume is None:
            return volume
        return float(np.add.accumulate(np.concatenate(([volume], self.volume[own])))[-1])
