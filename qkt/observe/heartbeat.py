"""A sign of life for a watchdog elsewhere: while all is well, a URL is asked or a file is touched at every beat.

The loop decides whether there is a beat, so that an engine that hangs is silent; a thread delivers it, so that a service
that hangs holds up nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import anyio

from qkt.config import Observe
from qkt.core.clock import SystemClock
from qkt.observe.status import Wellness

TIMEOUT = 10.0

log = logging.getLogger(__name__)


class Heartbeat:
    """Beats every `heartbeat_seconds` while the engine is well. `sent` and `failed` count beats by what became of them; one
    that comes while the last is still on its way has failed."""

    def __init__(self, settings: Observe, well: Callable[[], Wellness]) -> None:
        self._url = None if settings.heartbeat_url is None else settings.heartbeat_url.get_secret_value()
        self._file = settings.heartbeat_file
        self._every = settings.heartbeat_seconds
        self._well = well
        self._beats: queue.Queue[bool] = queue.Queue(1)
        self._thread = threading.Thread(target=self._deliver_all, name="heartbeat", daemon=True)
        self.sent = 0
        self.failed = 0

    @property
    def wanted(self) -> bool:
        return self._url is not None or self._file is not None

    async def run(self) -> None:
        """For as long as the engine lives. May be begun again where it failed."""
        if self._thread.ident is None:
            self._thread.start()
        while True:
            self.beat()
            await anyio.sleep(self._every)

    def beat(self) -> None:
        """Hand out one sign of life, if there is reason to."""
        if not self._well().ready:
            return
        try:
            self._beats.put_nowait(True)
        except queue.Full:
            self.failed += 1

    def _deliver_all(self) -> None:
        while self._beats.get():
            self.deliver()

    def deliver(self) -> None:
        """Touch the file and ask the URL, in the thread."""
        try:
            if self._file is not None:
                touch(self._file)
            if self._url is not None:
                import httpx

                httpx.get(self._url, timeout=TIMEOUT, follow_redirects=True).raise_for_status()
        except Exception as problem:
            self.failed += 1
            log.warning("the heartbeat was not taken: %s", problem)
        else:
            self.sent += 1


def touch(path: Path) -> None:
    """Write the present moment into a file (epoch ms), so that its time and its content both tell."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(f"{SystemClock().now()}\n", encoding="ascii")
    draft.replace(path)
