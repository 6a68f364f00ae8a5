"""A document that many may ask for and that is made at most once a second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.types import Receive, Scope, Send

EVERY = 1.0
RATE = 200
"""Requests of all pages that are answered in a second; who asks more often waits."""
BURST = 0.1
"""Seconds' worth of requests that are answered at once after a pause."""


class Pace:
    """Lets `RATE` requests through in a second. The others wait their turn, so that a scraper without measure slows itself
    down and not the loop."""

    def __init__(self) -> None:
        self._free = 0.0

    async def turn(self) -> None:
        now = anyio.current_time()
        self._free = max(self._free, now - BURST) + 1.0 / RATE
        if self._free > now:
            await anyio.sleep(self._free - now)


class Page:
    """Made by `make` when somebody asks and the last one is older than a second; who asks meanwhile waits for the same one.
    `kind` is its content type."""

    def __init__(self, make: Callable[[], Awaitable[bytes]], kind: str, pace: Pace) -> None:
        self._make = make
        self._pace = pace
        self._kind = kind.encode("ascii")
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a request: what is asked for a hundred times a second costs as little as it can."""
        await self._pace.turn()
        body = await self.get()
        headers = [(b"content-type", self._kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
