"""A line to an engine elsewhere for as long as somebody wants one: laid when it is first needed, and anew when it was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
from anyio.abc import TaskGroup

from qkt.core.errors import QktError
from qkt.remote.contexts import Context
from qkt.remote.tunnel import LineError, Tunnel, open_tunnel
from qkt.runtime.control.client import ControlClient, speaking
from qkt.runtime.control.errors import ControlError

AGAIN = 0.4
"""Seconds for which a failure stands for the attempts of others: many may want the line that was just not to be had."""


class Line:
    """Its ssh lives in the task group that is given. Where `asking`, the first attempt may ask the person at the terminal for a
    password; later ones never do, for a dashboard has the terminal by then. Nothing is ever sent a second time."""

    def __init__(self, context: Context, tasks: TaskGroup, *, asking: bool = False) -> None:
        self.context = context
        self._tasks = tasks
        self._asking = asking
        self._lock = anyio.Lock()
        self._failure: tuple[float, QktError] | None = None
        self.tunnel: Tunnel | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ControlClient]:
        """A client of the engine. Raises LineError and OtherProtocolError where there is no line."""
        tunnel = await self._standing()
        async with speaking(tunnel.endpoint, partial(self._gone, tunnel)) as client:
            yield client

    def _gone(self, tunnel: Tunnel) -> ControlError:
        return LineError(tunnel.why or "the line was lost", where=self.context.words)

    async def _standing(self) -> Tunnel:
        async with self._lock:
            if self.tunnel is not None and not self.tunnel.over:
                return self.tunnel
            if self._failure is not None and anyio.current_time() - self._failure[0] < AGAIN:
                raise self._failure[1]
            asking, self._asking = self._asking, False
            try:
                tunnel = await open_tunnel(self.context, asking=asking)
            except QktError as problem:
                self._failure = (anyio.current_time(), problem)
                raise
            with anyio.CancelScope(shield=True):  # an ssh that runs is always somebody's
                await self._tasks.start(tunnel.run)
            self.tunnel = tunnel
            return tunnel
