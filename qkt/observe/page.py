"""A document that many may ask for and that is made at most once a second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

EVERY = 1.0
RATE = 20
"""Requests of all pages that are answered in a second; who asks more often waits."""


class Pace:
    """Lets `RATE` requests through in a second, and as many at once after a pause. The others wait their turn, so that a
    scraper without measure slows itself down and not the loop."""

    def __init__(self) -> None:
        self._free = 0.0

    async def turn(self) -> None:
        now = anyio.current_time()
        self._free = max(self._free, now - 1.0) + 1.0 / RATE
        if self._free > now:
            await anyio.sleep(self._free - now)


class Page:
    """Made by `make` when somebody asks and the last one is older than a second; who asks meanwhile waits for the same one."""

    def __init__(self, make: Callable[[], Awaitable[bytes]]) -> None:
        self._make = make
        self._lock = anyio.Lock()
        self._made: bytes | None = None
        self._at = 0.0
        self.count = 0

    async def get(self) -> bytes:
        if self._made is not None and anyio.current_time() - self._at < EVERY:
            return self._made
        async with self._lock:
            if self._made is None or anyio.current_time() - self._at >= EVERY:
                self._made = await self._make()
                self._at = anyio.current_time()
                self.count += 1
            return self._made
