"""How many frames a second are asked for: what was chosen, and one where the line is slow or nobody looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

THRIFTY_RATE = 1
# Seconds within which two drops mean a slow line.
SLOW_LINE = 10.0


class Pace:
    """`chosen` is in frames a second. `dropped` is how often the terminal's driver has thrown writes away, in all."""

    def __init__(self, chosen: int, clock: Callable[[], float]) -> None:
        self.chosen = chosen
        self.thrifty = False
        self.watched = True
        self._clock = clock
        self._dropped = 0
        self._drops: deque[float] = deque(maxlen=2)

    @property
    def rate(self) -> int:
        return THRIFTY_RATE if self.thrifty or not self.watched else self.chosen

    def hear(self, dropped: int) -> bool:
        """Take the count of drops; tells whether the line has just proved too slow for what is asked."""
        if dropped <= self._dropped:
            return False
        self._dropped = dropped
        self._drops.append(self._clock())
        return not self.thrifty and len(self._drops) == 2 and self._drops[1] - self._drops[0] <= SLOW_LINE
