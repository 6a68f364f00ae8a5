"""When somebody last pressed a key, and whether whoever comes back has been away for long enough to be told what happened."""

from __future__ import annotations

from tui.memory import Memory

# Milliseconds without a key after which there is something to tell; and between two notes of the last key.
AWAY = 60_000
KEPT_EVERY = 10_000


class Absence:
    """Keeps the last key in the memory, by the engine's clock (epoch ms)."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._since = memory.last_key

    def touched(self, now: int) -> None:
        if now - self._memory.last_key > KEPT_EVERY:
            self._memory.last_key = now
            self._memory.keep()

    def over(self, now: int) -> int | None:
        """On the first picture: since when nobody was there, if that is worth telling. It is asked once."""
        since, self._since = self._since, 0
        return since if since and now - since > AWAY else None
