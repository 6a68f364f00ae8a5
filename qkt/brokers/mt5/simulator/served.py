"""A simulated account that lives by itself: quotes walk with the machine's clock, for trying out a gateway."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.simulator.package import SimulatedPackage
from qkt.brokers.mt5.simulator.terms import SimSymbol
from qkt.brokers.mt5.simulator.venue import Venue
from qkt.core.clock import Clock, SystemClock

EVERY_MS = 250


class Walking(SimulatedPackage):
    """Brings its market up to the clock whenever it is called."""

    def __init__(self, venue: Venue, wall: Clock, seed: int = 7) -> None:
        super().__init__(venue)
        self._wall = wall
        self._random = Random(seed)
        self._walked = wall.now() - EVERY_MS

    def _ready(self) -> bool:
        now = self._wall.now()
        self._walked = max(self._walked, now - 60_000)
        while self._walked + EVERY_MS <= now:
            self._walked += EVERY_MS
            for symbol in self.venue.symbols.values():
                bid = symbol.bid or Decimal("1.1")
                bid += symbol.point * self._random.choice((-3, -1, 0, 0, 1, 3))
                self.venue.quote(symbol.name, self._walked, bid, bid + 8 * symbol.point)
        return super()._ready()


def served(wall: Clock | None = None, **terms: Any) -> NativeTerminal:
    """A terminal on such an account, with EURUSD."""
    return NativeTerminal(Walking(Venue([SimSymbol("EURUSD")], **terms), wall or SystemClock()))
