"""How a process ends: asked for by a signal, a command or whoever sits before it, and given up waiting for in the end."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import anyio

# Seconds that an engine gets to end in order; then the process ends as it is, which its journal is made for.
DEADLINE = 20.0

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
HANGUP = [getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name)]
"""Signals that this platform has."""

log = logging.getLogger("qkt.ending")


class Ending:
    """The end of a process: asked for once, and given up waiting for when it takes too long."""

    def __init__(self) -> None:
        self.why = ""
        self._asked = anyio.Event()
        self._deadline = threading.Timer(DEADLINE, _cut_off)
        self._deadline.daemon = True

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self, why: str = "the engine ends on a signal") -> None:
        if not self._asked.is_set():
            self.why = why
            self._asked.set()
            self._deadline.start()

    async def wait(self) -> None:
        await self._asked.wait()

    def done(self) -> None:
        self._deadline.cancel()


def _cut_off() -> None:
    os.write(2, b"qkt: the engine did not end in time and is cut off; its state is safe\n")
    os._exit(1)


@asynccontextmanager
async def ending_on_signal(tell: Callable[[str], None]) -> AsyncIterator[Ending]:
    """SIGINT or SIGTERM (or Ctrl-Break) asks for the end; a second one, or the deadline, ends the process. SIGHUP changes
    nothing."""
    ending = Ending()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_listen, ending, tell)
        try:
            yield ending
        finally:
            ending.done()
            tasks.cancel_scope.cancel()


async def _listen(ending: Ending, tell: Callable[[str], None]) -> None:
    with _signals([*ENDING, *HANGUP]) as signals:
        async for number in signals:
            if number in HANGUP:
                log.info("the terminal is gone, trading goes on")
            elif ending.asked:
                os._exit(128 + number)
            else:
                tell(f"{signal.Signals(number).name}: ending; once more ends at once")
                ending.ask()


@contextmanager
def _signals(wanted: Sequence[signal.Signals], *, by_loop: bool = sys.platform != "win32") -> Iterator[AsyncIterator[int]]:
    """Signals as they come. Event loops take none on Windows: there handlers of the interpreter pass them on."""
    if by_loop:
        with anyio.open_signal_receiver(*wanted) as received:
            yield received
        return
    loop = asyncio.get_running_loop()
    send, receive = anyio.create_memory_object_stream[int](math.inf)

    def pass_on(number: int, frame: object) -> None:  # noqa: ARG001
        loop.call_soon_threadsafe(send.send_nowait, number)

    before = {number: signal.signal(number, pass_on) for number in wanted}
    with send, receive:
        try:
            yield receive
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
