"""How fast symbols tick and how they moved in the last minute, looked at once a second so that no tick pays for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from qkt.core.numbers import ZERO, q8, quotient, to_decimal

if TYPE_CHECKING:
    from qkt.runtime.roster import Hosted

LOOK = 1.0
"""Seconds between two looks."""
SECONDS = Decimal(1)
RATED = 10
"""Looks over which a rate is taken."""
EVERY = 5
POINTS = 12


@dataclass(slots=True)
class _Seen:
    counts: deque[int] = field(default_factory=lambda: deque(maxlen=RATED + 1))
    prices: deque[Decimal] = field(default_factory=lambda: deque(maxlen=POINTS))
    looks: int = 0
    rate: Decimal = ZERO


class MarketWatch:
    """Rates and recent prices by session and symbol."""

    def __init__(self) -> None:
        self.looks = 0
        self._seen: dict[tuple[str, str], _Seen] = {}

    def look(self, name: str, hosted: Hosted) -> None:
        """Take down where the symbols of a session stand."""
        self.looks += 1
        board = hosted.live.machine.board
        for symbol, count in hosted.pump.counts.items():
            seen = self._seen.setdefault((name, symbol), _Seen())
            seen.counts.append(count)
            if len(seen.counts) > 1:
                seen.rate = round(quotient(Decimal(count - seen.counts[0]), SECONDS * (len(seen.counts) - 1)), 1)
            if seen.looks % EVERY == 0:
                last = board.last(symbol)
                if last is not None:
                    seen.prices.append(to_decimal(last))
            seen.looks += 1

    def forget(self, name: str) -> None:
        for key in [key for key in self._seen if key[0] == name]:
            del self._seen[key]

    def rate(self, name: str, symbol: str) -> Decimal:
        """Ticks a second over the last ten."""
        seen = self._seen.get((name, symbol))
        return ZERO if seen is None else seen.rate

    def recent(self, name: str, symbol: str) -> tuple[Decimal, ...]:
        """The price at every five seconds of the last minute."""
        seen = self._seen.get((name, symbol))
        return () if seen is None else tuple(seen.prices)


def change_pct(now: Decimal, before: Decimal) -> Decimal:
    """From one price to another, in percent."""
    return q8(quotient(100 * (now - before), before))
