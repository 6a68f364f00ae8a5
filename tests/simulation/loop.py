"""An event loop in a time of its own: when nobody is ready it is the next timer's time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio.lowlevel
import anyio.to_thread

T = TypeVar("T")


class StuckError(AssertionError):
    """Everybody waits for somebody, and no timer is due."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """`now` are its seconds. Nothing outside of it may be waited for. Once `death` is set nobody gets a turn any more, and it
    is raised to whoever runs the loop."""

    def __init__(self, now: float = 0.0) -> None:
        super().__init__()
        self.now = now
        self.death: BaseException | None = None

    def die(self, death: BaseException) -> None:
        """The process is gone when the present step is."""
        self.death = death
        for handle in self._ready:  # type: ignore[attr-defined]
            handle.cancel()

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if self.death is not None:
            raise self.death
        if not self._ready:  # type: ignore[attr-defined]
            scheduled = self._scheduled  # type: ignore[attr-defined]
            if not scheduled:
                raise StuckError("the simulation stands still")
            self.now = max(self.now, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


@contextmanager
def virtual_time(loop: VirtualLoop) -> Iterator[None]:
    """Let the engine's modules read the loop's time where they read a monotonic clock, and do in the loop what they do in
    threads."""
    given = {
        "monotonic": (time.monotonic, lambda: loop.now),
        "monotonic_ns": (time.monotonic_ns, lambda: round(loop.now * 1e9)),
    }
    patched: list[tuple[Any, str, Any]] = []
    for name, module in list(sys.modules.items()):
        if name.startswith("qkt."):
            for word, (real, ours) in given.items():
                if getattr(module, word, None) is real:
                    patched.append((module, word, real))
                    setattr(module, word, ours)
    threads = anyio.to_thread.run_sync
    anyio.to_thread.run_sync = _inline  # type: ignore[assignment]
    try:
        yield
    finally:
        anyio.to_thread.run_sync = threads
        for module, word, real in patched:
            setattr(module, word, real)


async def _inline(work: Callable[..., T], *arguments: Any, **_: Any) -> T:
    await anyio.lowlevel.checkpoint()
    return work(*arguments)
