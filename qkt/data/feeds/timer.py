"""Waiting. What time it is, a `Clock` says; how long something takes, a timer."""

from __future__ import annotations

from typing import Protocol

import anyio
from anyio.lowlevel import checkpoint

# Items handed out without a pause before other tasks get their turn.
TURN = 64


class Timer(Protocol):
    def monotonic(self) -> float:
        """Seconds from some fixed point; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemTimer:
    """The event loop's own."""

    def monotonic(self) -> float:
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Turns:
    """Lets other tasks run now and then while there is always something to hand out."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = TURN

    async def taken(self) -> None:
        self._left -= 1
        if not self._left:
            self._left = TURN
            await checkpoint()
