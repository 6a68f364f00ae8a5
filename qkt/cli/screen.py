"""Output of a process that trades: written by a thread, so that a terminal that is frozen or gone never holds the engine up."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TextIO

from qkt.core.secrets import redacted

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


@contextlib.contextmanager
def aside(path: Path) -> Iterator[Callable[[str], None]]:
    """Let descriptors 1 and 2 point to a file while a dashboard has the terminal, so that nothing that is printed waits for it.

    Gives a function that says a line to the terminal all the same, by a thread; it is for when the terminal is free again.
    At the end they point where they did, for an error that is told then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:  # better lost than printed over the dashboard
        file = os.open(os.devnull, os.O_WRONLY)
    before = {number: os.dup(number) for number in (1, 2)}  # never closed: the thread may hang in a frozen terminal
    _point({1: file, 2: file})
    os.close(file)
    try:
        with Screen(before[1]) as screen:
            yield screen.say
    finally:
        _point(before)


@contextlib.contextmanager
def logged_beneath(level: str) -> Iterator[None]:
    """Send what is logged to where descriptor 2 points, while nothing else takes it: sys.stderr is the dashboard's while that
    runs, and the log files of an engine are opened later."""
    handler = _Beneath(os.fdopen(os.dup(2), "w", buffering=1, errors="replace"))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        with contextlib.suppress(OSError):
            handler.stream.close()


class _Beneath(logging.StreamHandler[TextIO]):
    """What cannot be written is lost: the terminal is not to be told of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return logging.getLogger().handlers == [self] and bool(super().filter(record))

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))

    def handleError(self, record: logging.LogRecord) -> None: ...  # noqa: N802


def _point(targets: Mapping[int, int]) -> None:
    """Let descriptors be what others are. What is still buffered goes where it was meant to."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    for number, target in targets.items():
        os.dup2(target, number)
