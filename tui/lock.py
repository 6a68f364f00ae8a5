"""The lock before real money: it opens for whoever turns it, and closes by itself when no key is pressed for a while."""

from __future__ import annotations

from collections.abc import Callable

# Seconds without a key.
LOCKS_AFTER = 600.0


class Lock:
    """Closed to begin with."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last_key: float | None = None

    @property
    def open(self) -> bool:
        return self._last_key is not None and self._clock() - self._last_key <= LOCKS_AFTER

    def turn(self, *, open: bool) -> None:
        self._last_key = self._clock() if open else None

    def touched(self) -> None:
        """A key was pressed: an open lock stays open."""
        if self.open:
            self._last_key = self._clock()
