"""Waiting. What time it is, a `Clock` says; how long something takes, a timer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import anyio
from anyio.lowlevel import checkpoint

T = TypeVar("T")

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


async def within(timer: Timer, seconds: float, call: Callable[[], Awaitable[T]]) -> T:
    """What `call` gives. Raises TimeoutError when the timer says that it took longer than `seconds`."""
    late = False

    async def limit() -> None:
        nonlocal late
        await timer.sleep(seconds)
        late = True
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limit)
        with anyio.CancelScope() as scope:
            result = await call()
            late = False
        tasks.cancel_scope.cancel()
    if late:
        raise TimeoutError(f"nothing for {seconds:g} s")
    return result


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
