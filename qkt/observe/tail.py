"""The engine's lines as they come, handed to whoever wants them: files, followers, alerts."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio
import anyio.lowlevel

from qkt.runtime.control.engine import EngineControl
from qkt.runtime.control.rows import Line
from qkt.runtime.lines import KEPT

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks at an engine that changes all the time."""
AT_ONCE = 20
"""Lines that are handed out before others get their turn."""


class LineTail:
    """Reads along. A listener gets each line once, in order; one that fails is only logged. `missed` counts lines that were
    gone before they could be read."""

    def __init__(self, engine: EngineControl) -> None:
        self._engine = engine
        self._listeners: list[Callable[[Line], None]] = []
        self._number = 0
        self.missed = 0

    def listen(self, listener: Callable[[Line], None]) -> None:
        self._listeners.append(listener)

    async def run(self) -> None:
        """For as long as the engine lives."""
        while True:
            version = self._engine.version
            for place, line in enumerate(self._new(), 1):
                self._hand_out(line)
                if place % AT_ONCE == 0:
                    await anyio.lowlevel.checkpoint()
            await anyio.sleep(LOOK)
            await self._engine.changed(version)

    def drain(self) -> None:
        """Hand out what is there, at the end."""
        for line in self._new():
            self._hand_out(line)

    def _new(self) -> list[Line]:
        lines = list(self._engine.lines(self._number, limit=KEPT))
        if lines:
            self.missed += lines[0].number - self._number - 1
            self._number = lines[-1].number
        return lines

    def _hand_out(self, line: Line) -> None:
        for listener in self._listeners:
            try:
                listener(line)
            except Exception:
                log.exception("a reader of lines failed")
