"""Keeps the link open: frames in order to whoever takes them, and a new try after a growing pause when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from qkt.core.errors import QktError
from qkt.runtime import control
from qkt.runtime.control.link import EngineLink, FrameStream
from tui.viewmodel import Lost

if TYPE_CHECKING:
    from qkt.runtime.control.frames import Frame, Subscribe

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0

# Seconds between reading a frame and showing it.
APART = 0.001

# Lines asked for on attaching.
PAST_LINES = 500


class Listener:
    """One stream of an engine, for as long as the dashboard runs."""

    def __init__(
        self,
        link: EngineLink,
        take: Callable[[Frame | Lost], None],
        clock: Callable[[], float],
        *,
        rate: float = 4,
        tables: tuple[str, ...] | None = None,
        lines: bool = True,
    ) -> None:
        self._link = link
        self._take = take
        self._clock = clock
        self._stream: FrameStream | None = None
        self._last_line = 0
        self.rate = rate
        self._tables = tables
        self._lines = lines
        self.rules: str | None = None

    def wanted(self) -> Subscribe:
        return control.frames.Subscribe(
            protocol=control.values.PROTOCOL,
            rate=self.rate,
            tables=self._tables,
            after=self._last_line if self._lines else None,
            rules=self.rules,
            lines=self._lines,
        )

    async def want(self, *, rate: float | None = None, rules: str | None = None) -> None:
        """See something else from now on."""
        rate = self.rate if rate is None else rate
        if (rate, rules) == (self.rate, self.rules):
            return
        self.rate, self.rules = rate, rules
        if self._stream is not None:
            await self._stream.want(self.wanted())

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            reason = "the engine closed the link"
            try:
                async with self._link.stream(self.wanted()) as stream:
                    self._stream = stream
                    async for frame in stream:
                        if isinstance(frame, control.frames.Lines):
                            self._last_line = max(self._last_line, frame.lines[-1].number if frame.lines else 0)
                        if isinstance(frame, control.frames.Hello):
                            pause = FIRST_PAUSE
                        await asyncio.sleep(APART)  # what else waits in this loop comes in between
                        self._take(frame)
                        if isinstance(frame, control.frames.Bye):
                            reason = frame.reason
            except QktError as problem:
                reason = str(problem)
            except OSError as problem:
                reason = problem.strerror or type(problem).__name__
            finally:
                self._stream = None
            self._take(Lost(reason, self._clock(), pause))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
