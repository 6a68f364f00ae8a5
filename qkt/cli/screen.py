"""Output of a process that trades: written by a thread, so that a terminal that is frozen or gone never holds the engine up."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from types import TracebackType

WAITING = 1000


class Screen:
    """Takes lines for standard output. What cannot be shown in time is dropped; the log file has it."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING)
        self._writer = threading.Thread(target=self._write, name="screen", daemon=True)

    def say(self, text: str) -> None:
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(text)

    def __enter__(self) -> Screen:
        self._writer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        """Give what waits a second to appear."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._writer.join(1.0)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            with contextlib.suppress(OSError):  # the terminal is gone
                os.write(self._descriptor, f"{line}\n".encode(errors="replace"))
