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
    results: list[T] = []
    problem: Exception | None = None

    async def limit() -> None:
        await timer.sleep(seconds)
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            tasks.start_soon(limit)
            try:
                results.append(await call())
            except Exception as raised:  # a task group would wrap it
                problem = raised
        tasks.cancel_scope.cancel()
    if problem is not None:
        raise problem
    if not results:
        raise TimeoutError
    return results[0]


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
