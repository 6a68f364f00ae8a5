"""A document that many may ask for and that is made now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.types import Receive, Scope, Send

RATE = 200
"""Requests of all pages that are answered in a second; who asks more often waits."""
BURST = 0.1
"""Seconds' worth of requests that are answered at once after a pause."""


class Pace:
    """Lets `RATE` requests through in a second. The others wait their turn, so that a scraper without measure slows itself
    down and not the machine."""

    def __init__(self) -> None:
        self._free = 0.0

    async def turn(self) -> None:
        now = anyio.current_time()
        self._free = max(self._free, now - BURST) + 1.0 / RATE
        if self._free > now:
            await anyio.sleep(self._free - now)


class Page:
    """Made by `make` when somebody asks and the last one is older than `every` seconds; who asks meanwhile waits for the same
    one. `kind` is its content type."""

    def __init__(self, make: Callable[[], Awaitable[bytes]], kind: str, pace: Pace, every: float) -> None:
        self._make = make
        self._pace = pace
        self._every = every
        self._kind = kind.encode("ascii")
        self._lock = anyio.Lock()
        self._made: bytes | Exception = b""
        self._until = -1.0

    async def get(self) -> bytes:
        """The document. Raises what `make` raised, for as long as a document would be given out."""
        if anyio.current_time() >= self._until:
            async with self._lock:
                if anyio.current_time() >= self._until:
                    await self._renew()
        if isinstance(self._made, Exception):
            raise self._made.with_traceback(None)
        return self._made

    async def _renew(self) -> None:
        try:
            self._made = await self._make()
        except Exception as problem:
            self._made = problem
        self._until = anyio.current_time() + self._every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer a request: what is asked for a hundred times a second costs as little as it can."""
        await self._pace.turn()
        body = await self.get()
        headers = [(b"content-type", self._kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
