"""What is written to a terminal, by a thread of its own that nobody ever waits for."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

MOST_WAITING = 64
"""Writes that may wait. Beyond that the terminal is taken to be frozen, and all of them go."""
LOOK_MS = 250
"""How long the thread waits for a terminal before it looks whether it should still be there."""
LONGEST_WRITE = 1 << 14


class Outlet:
    """Writes to a descriptor that does not block. When more waits than may, everything does go but what is half written, and
    `drained` is called, in the thread, once the terminal takes something again: the picture is to be drawn anew.

    After an error, the end of the terminal, whatever is written vanishes. Neither `write` nor `close` ever waits.
    """

    def __init__(self, descriptor: int, drained: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._drained = drained
        self._waiting: deque[bytes] = deque()
        self._lock = threading.Condition()
        self._frozen = False
        self._closed = False
        self.gone = False
        self.dropped = 0
        self.written = 0
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)
        self._thread.start()

    @property
    def frozen(self) -> bool:
        """Whether drawing is of no use at the moment."""
        return self._frozen

    def write(self, text: str) -> None:
        """Take a text to be written; while the terminal is frozen it is dropped."""
        with self._lock:
            if self.gone or self._closed:
                return
            if self._frozen:
                self.dropped += 1
                return
            if len(self._waiting) >= MOST_WAITING:
                self.dropped += len(self._waiting) + 1
                self._waiting.clear()
                self._frozen = True
                return
            self._waiting.append(text.encode("utf-8", "replace"))
            self._lock.notify()

    def last_words(self, text: str) -> None:
        """What must come at the end, whatever else is dropped for it; then nothing more is taken."""
        with self._lock:
            if self._frozen:
                self._waiting.clear()
            self._waiting.append(text.encode("utf-8", "replace"))
            self._closed = True
            self._lock.notify()

    def close(self) -> None:
        """Take nothing more. The thread ends by itself when all is written, or when the terminal is gone."""
        with self._lock:
            self._closed = True
            self._lock.notify()

    def settle(self, seconds: float) -> bool:
        """Give what waits so long to appear, outside of any loop; tells whether it did."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        while (chunk := self._next()) is not None:
            while chunk and not self.gone:
                chunk = self._push(poll, chunk)
            if self._frozen and not self.gone and not self._closed:
                with self._lock:
                    self._frozen = False
                self._drained()

    def _next(self) -> bytes | None:
        with self._lock:
            while not self._waiting:
                if self._closed or self.gone:
                    return None
                self._lock.wait()
            return self._waiting.popleft()

    def _push(self, poll: select.poll, chunk: bytes) -> bytes:
        """Write what the terminal takes now; returns the rest."""
        try:
            sent = os.write(self._descriptor, chunk[:LONGEST_WRITE])
        except BlockingIOError:
            poll.poll(LOOK_MS)
            return chunk
        except OSError:  # the terminal is gone
            self.gone = True
            return b""
        self.written += sent
        return chunk[sent:]
