"""Whether market data can be trusted: the gate between a live feed and whoever would trade on it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isfinite
from typing import Protocol

from qkt.core.calendars import Calendar, calendar_for
from qkt.core.clock import Clock
from qkt.core.events import Tick
from qkt.data.feeds.feed import FeedHealth, FeedState
from qkt.data.feeds.window import PriceWindow

log = logging.getLogger(__name__)

STALE_MS = 10_000
STALE_GAPS = 5.0
GAP_WEIGHT = 0.1
SKEW_MS = 60_000
REBASE_RUN = 3
REBASE_SHARE = 0.002
LOG_EVERY = 1000

BROKEN = {FeedState.LOST, FeedState.RECONNECTING, FeedState.STALE, FeedState.OUTAGE, FeedState.FAILED}


class Fault(StrEnum):
    """What can be wrong with a symbol's data."""

    STALE = "stale"
    OUTLIER = "outlier"
    CROSSED = "crossed"
    SKEWED = "skewed"
    UNPRICED = "unpriced"  # a price that is none: zero, negative, not finite. Refused and counted, no episode
    DISCONNECTED = "disconnected"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class GateChange:
    """An episode of a fault begins or ends for a symbol at `at` (epoch ms of the session's clock)."""

    at: int
    symbol: str
    fault: Fault
    began: bool
    reason: str = ""


class DataHealth(Protocol):
    """What risk rules may see of the gate."""

    def unhealthy(self, symbol: str) -> str | None:
        """Why the symbol's data must not lead to new exposure, None when it may."""
        ...


class DataGate:
    """Judges every tick before the engine sees it and keeps each symbol's health, on the session's clock.

    A symbol is stale when its last tick is older than `max(10 s, 5 gaps)`, a gap being the smoothed time between ticks; only
    time in which its market was open counts, and `look` must be called now and then to notice. A price is an outlier when it
    lies off the last ones by more than the window allows; three in a row that agree within 0.2 % are the new level. Clocks
    are skewed when a tick's time is more than a minute off. A symbol never seen is healthy. `on_change` hears once of each
    episode's beginning and end. `refused` counts ticks that did not pass, by fault.
    """

    def __init__(
        self,
        clock: Clock,
        on_change: Callable[[GateChange], None],
        calendar: Callable[[str], Calendar] = calendar_for,
    ) -> None:
        self.refused: Counter[Fault] = Counter()
        self._clock = clock
        self._on_change = on_change
        self._calendar = calendar
        self._symbols: dict[str, _Symbol] = {}

    def admit(self, tick: Tick) -> bool:
        """Whether the tick may reach the engine."""
        now = self._clock.now()
        symbol = self._of(tick.symbol)
        if self._is_usual(symbol, tick, now):
            return True
        if not _priced(tick):
            return self._refuse(tick, Fault.UNPRICED)
        self._arrived(symbol, now)
        self._set(symbol, Fault.UNAVAILABLE, "")
        skew = tick.ts - now
        self._set(symbol, Fault.SKEWED, f"its time is {skew / 1000:+.1f} s off" if abs(skew) > SKEW_MS else "")
        if tick.bid is not None and tick.ask is not None and tick.bid > tick.ask:
            symbol.run.clear()
            self._set(symbol, Fault.CROSSED, f"bid {tick.bid:g} above ask {tick.ask:g}")
            return self._refuse(tick, Fault.CROSSED)
        self._set(symbol, Fault.CROSSED, "")
        if symbol.window.is_outlier(tick.price) and not symbol.rebased(tick.price):
            self._set(symbol, Fault.OUTLIER, f"{tick.price:g} is far from {symbol.window.mean:g}")
            return self._refuse(tick, Fault.OUTLIER)
        self._set(symbol, Fault.OUTLIER, "")
        symbol.run.clear()
        symbol.window.add(tick.price)
        return True

    @staticmethod
    def _is_usual(symbol: _Symbol, tick: Tick, now: int) -> bool:
        """Take in a tick with which nothing is wrong and nothing was before: nearly every one. Others are left alone."""
        last, price, bid, ask = symbol.last, tick.price, tick.bid, tick.ask
        if (
            symbol.faults
            or last is None
            or bid is None
            or ask is None
            or not 0.0 < price < inf
            or not 0.0 < bid <= ask < inf
            or not 0 <= now - last <= STALE_MS
            or not -SKEW_MS <= tick.ts - now <= SKEW_MS
            or symbol.window.is_outlier(price)
        ):
            return False
        symbol.waited(now - last)
        symbol.last = now
        if symbol.run:
            symbol.run.clear()
        symbol.window.add(price)
        return True

    def look(self) -> None:
        """Notice what has become stale."""
        now = self._clock.now()
        for symbol in self._symbols.values():
            if symbol.last is None or now - symbol.last <= STALE_MS:
                continue
            age = symbol.calendar.open_ms_between(symbol.last, now)
            if age > symbol.patience:
                self._set(symbol, Fault.STALE, f"no tick for {age / 1000:.0f} s")

    def hear(self, health: FeedHealth, symbols: Iterable[str]) -> None:
        """Take in what the feed of these symbols says of itself: without a wire nothing it serves is healthy."""
        concerned = [self._of(symbol) for symbol in health.symbols or symbols]
        for symbol in concerned:
            if health.state is FeedState.UNAVAILABLE:
                self._set(symbol, Fault.UNAVAILABLE, health.reason or health.state.value)
            elif health.state in BROKEN:
                self._set(symbol, Fault.DISCONNECTED, health.reason or health.state.value)
            elif health.state is FeedState.CONNECTED:
                self._set(symbol, Fault.DISCONNECTED, "")

    def unhealthy(self, symbol: str) -> str | None:
        known = self._symbols.get(symbol)
        if known is None or not known.faults:
            return None
        return "; ".join(f"{fault.value}: {reason}" for fault, reason in known.faults.items())

    def faults(self, symbol: str) -> dict[Fault, str]:
        """What is wrong with the symbol's data, with the reasons."""
        known = self._symbols.get(symbol)
        return {} if known is None else dict(known.faults)

    def refused_of(self, symbol: str) -> int:
        """Ticks of one symbol that did not pass."""
        known = self._symbols.get(symbol)
        return 0 if known is None else known.refused

    def forget(self, symbol: str) -> None:
        """The session trades on this symbol no longer."""
        self._symbols.pop(symbol, None)

    def _of(self, name: str) -> _Symbol:
        symbol = self._symbols.get(name)
        if symbol is None:
            symbol = self._symbols[name] = _Symbol(name, self._calendar(name))
        return symbol

    def _arrived(self, symbol: _Symbol, now: int) -> None:
        if symbol.last is not None:
            gap = max(0, now - symbol.last)
            if gap > STALE_MS:  # shorter ones are not worth asking the calendar
                gap = symbol.calendar.open_ms_between(symbol.last, now)
            symbol.waited(gap)
        symbol.last = now
        self._set(symbol, Fault.STALE, "")

    def _set(self, symbol: _Symbol, fault: Fault, reason: str) -> None:
        """The fault is there, for this reason, or it is not. Tells about the first and the last moment of it only."""
        if bool(reason) == (fault in symbol.faults):
            if reason:
                symbol.faults[fault] = reason
            return
        if reason:
            symbol.faults[fault] = reason
        else:
            del symbol.faults[fault]
        self._on_change(GateChange(self._clock.now(), symbol.name, fault, bool(reason), reason))

    def _refuse(self, tick: Tick, fault: Fault) -> bool:
        if self.refused[fault] % LOG_EVERY == 0:
            log.warning("%s tick refused: %r", fault.value, tick)
        self.refused[fault] += 1
        self._of(tick.symbol).refused += 1
        return False


class _Symbol:
    """What the gate remembers of one symbol."""

    __slots__ = ("calendar", "faults", "gap", "last", "name", "refused", "run", "window")

    def __init__(self, name: str, calendar: Calendar) -> None:
        self.name = name
        self.calendar = calendar
        self.window = PriceWindow()
        self.run: list[float] = []
        self.faults: dict[Fault, str] = {}
        self.last: int | None = None
        self.refused = 0
        self.gap: float | None = None

    @property
    def patience(self) -> float:
        """The age (ms) up to which the last tick is fresh."""
        return STALE_MS if self.gap is None else max(STALE_MS, STALE_GAPS * self.gap)

    def waited(self, gap: float) -> None:
        """Smooth in the time between two ticks. Of an outage only what was fresh counts, or it would hide the next one."""
        if self.gap is None:
            self.gap = gap
        else:
            fresh = gap if gap <= STALE_MS else min(gap, self.patience)
            self.gap += GAP_WEIGHT * (fresh - self.gap)

    def rebased(self, price: float) -> bool:
        """Whether this outlier, with those just before it, shows that the market has moved for good."""
        self.run = [*self.run[1 - REBASE_RUN :], price]
        if len(self.run) < REBASE_RUN or max(self.run) - min(self.run) > REBASE_SHARE * min(self.run):
            return False
        self.window = PriceWindow()
        for settled in self.run[:-1]:
            self.window.add(settled)
        return True


def _priced(tick: Tick) -> bool:
    return all(price is None or (price > 0.0 and isfinite(price)) for price in (tick.price, tick.bid, tick.ask))
