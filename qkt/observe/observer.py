"""Everything that looks at one engine, begun together and ended together. When a part of it cannot begin, trading goes on."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from qkt.config import Config, Observe
from qkt.core.secrets import redacted
from qkt.observe.app import Looking, make_app
from qkt.observe.exposition import written
from qkt.observe.followers import Followers
from qkt.observe.logs import LogFiles
from qkt.observe.metrics import EngineCollector, Outlets
from qkt.observe.page import Page
from qkt.observe.status import status_of, wellness
from qkt.observe.tail import LineTail
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.frames import Snapshot
from qkt.runtime.control.loop_server import answering
from qkt.runtime.engine import Engine

log = logging.getLogger(__name__)

CONNECTIONS = 64
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
RETRY = 30.0
"""Seconds between two attempts to serve where somebody else does."""


class Observer:
    """What looks at an engine. `address` is where it is served, None while it is not."""

    def __init__(self, engine: Engine, config: Config, latest: Callable[[], Snapshot], logs: LogFiles | None = None) -> None:
        self._engine = engine
        self._config = config
        self._latest = latest
        self.tail = LineTail(engine)
        self.followers = Followers()
        outlets = Outlets(
            channels=lambda: (),
            followers=lambda: (len(self.followers), self.followers.dropped),
            log_dropped=lambda: 0 if logs is None else logs.dropped + logs.failures,
            heartbeats=lambda: (0, 0),
        )
        self.collector = EngineCollector(engine, latest, outlets)
        self.tail.listen(self.followers.offer)
        self.tail.listen(lambda line: self.collector.count_line(line.level))
        if logs is not None:
            self.tail.listen(logs.line)
        self.address: str | None = None

    def begin(self, tasks: TaskGroup) -> None:
        tasks.start_soon(self.tail.run)
        if self._config.observe.serve:
            tasks.start_soon(self._serve, self._config.observe)

    async def _serve(self, settings: Observe) -> None:
        """Serve for as long as the engine lives; a port that is taken is asked for again now and then."""
        told = False
        while True:
            try:
                with listening(settings.host, settings.port) as bound:
                    await self._answer(bound, settings)
            except (OSError, ControlError) as problem:
                if not told:
                    where = f"{settings.host}:{settings.port}"
                    self._engine.line(
                        "WARN", "engine", "engine", f"metrics are not served on {where}: {problem}", event="observe"
                    )
                told = True
                await anyio.sleep(RETRY)

    async def _answer(self, bound: socket.socket, settings: Observe) -> None:
        host, port = bound.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._engine.line("INFO", "engine", "engine", f"metrics, status and logs at {self.address}", event="observe")
        token = None if settings.token is None else settings.token.get_secret_value()
        try:
            async with answering(
                make_app(self.looking(), token=token, hosts=LOOPBACK | {settings.host}),
                bound,
                name=self.address,
                connections=CONNECTIONS,
            ):
                await anyio.sleep_forever()
        finally:
            self.address = None

    def looking(self) -> Looking:
        """What is served."""

        async def metrics() -> bytes:
            return await written(self.collector.collect())

        async def status() -> bytes:
            return redacted(status_of(self._engine, self._latest()).model_dump_json()).encode()

        return Looking(self._engine, self.followers, Page(metrics), Page(status), lambda: wellness(self._engine.health()))


@asynccontextmanager
async def observing(
    engine: Engine, config: Config, latest: Callable[[], Snapshot], logs: LogFiles | None = None
) -> AsyncIterator[Observer]:
    """Look at an engine for as long as this is entered. `latest` gives its snapshot; `logs` writes its lines."""
    observer = Observer(engine, config, latest, logs)
    async with anyio.create_task_group() as tasks:
        observer.begin(tasks)
        try:
            yield observer
        finally:
            observer.tail.drain()
            tasks.cancel_scope.cancel()


def listening(host: str, port: int) -> socket.socket:
    """A socket bound there. Raises OSError when it cannot be."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.create_server(address[:2], family=family, backlog=32)
    bound.setblocking(False)
    return bound
