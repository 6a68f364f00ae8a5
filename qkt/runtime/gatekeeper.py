"""One data gate for all sessions on a feed: each tick is judged once, and whoever reads a symbol hears how its data fares."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qkt.core.clock import Clock
from qkt.data.feeds import DataGate, FeedHealth, FeedTick, GateChange

Judged = Callable[[GateChange], None]


class Gatekeeper:
    """Judges the ticks of a feed whose time is the wall clock's. `skew` is the last tick's time against ours (ms), positive
    when it was ahead."""

    def __init__(self, clock: Clock) -> None:
        self.gate = DataGate(clock, self._changed)
        self._clock = clock
        self.skew: int | None = None
        self._hearers: dict[str, list[Judged]] = {}
        self._members: dict[Judged, list[str]] = {}

    def admit(self, item: FeedTick) -> bool:
        """Whether a tick may reach a session; the first who asks has it judged for all."""
        admitted = item.admitted
        if admitted is None:
            admitted = item.admitted = self.gate.admit(item.tick)
            self.skew = item.tick.ts - self._clock.now()
        return admitted

    def join(self, symbols: Iterable[str], judged: Judged) -> None:
        """Let somebody hear of these symbols, and at once of what is wrong with them now."""
        self._members[judged] = list(symbols)
        for symbol in self._members[judged]:
            self._hearers.setdefault(symbol, []).append(judged)
            for fault, reason in self.gate.faults(symbol).items():
                judged(GateChange(self._clock.now(), symbol, fault, True, reason))

    def leave(self, judged: Judged) -> None:
        """Somebody reads no more."""
        for symbol in self._members.pop(judged, ()):
            hearers = self._hearers[symbol]
            hearers.remove(judged)
            if not hearers:
                del self._hearers[symbol]
                self.gate.forget(symbol)

    def hear(self, health: FeedHealth, symbols: Iterable[str]) -> None:
        """What the feed says of itself."""
        self.gate.hear(health, symbols)

    def look(self) -> None:
        """Notice what has become stale."""
        self.gate.look()

    def refused(self, symbols: Iterable[str]) -> int:
        """Ticks of these symbols that did not pass."""
        return sum(self.gate.refused_of(symbol) for symbol in symbols)

    def _changed(self, change: GateChange) -> None:
        for judged in tuple(self._hearers.get(change.symbol, ())):
            judged(change)
