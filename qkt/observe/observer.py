"""Everything that looks at one engine, begun together and ended together. When a part of it cannot begin, trading goes on."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from qkt.config import Config, Observe
from qkt.core.secrets import redacted
from qkt.observe.alerts import alert_of, summary
from qkt.observe.channel import Channel
from qkt.observe.exposition import CONTENT_TYPE, written
from qkt.observe.heartbeat import Heartbeat
from qkt.observe.logs import LogFiles
from qkt.observe.metrics import EngineCollector, Outlets
from qkt.observe.reception import Reception
from qkt.observe.status import Wellness, status_of, wellness
from qkt.observe.tail import LineTail
from qkt.runtime.control.rows import Line
from qkt.runtime.engine import Engine
from qkt.runtime.lines import KEPT

log = logging.getLogger(__name__)

DAY = 86_400_000
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LOOK = 5.0
"""Seconds between two looks at the clock for the day's summary."""
PATIENCE = 3.0
"""Seconds that the engine has to answer whoever asks; then it counts as not well."""
RETRY = 30.0
"""Seconds between two attempts to serve where somebody else does."""
AGAIN = 5.0
"""Seconds until a task that failed begins again."""


class Observer:
    """What looks at an engine. `address` is where it is served, None while it is not."""

    def __init__(
        self,
        engine: Engine,
        config: Config,
        logs: LogFiles | None = None,
        channels: Sequence[Channel] = (),
    ) -> None:
        self._engine = engine
        self._config = config
        self._channels = channels
        self._heartbeat = Heartbeat(config.observe, self._well)
        self.tail = LineTail(engine)
        observe = config.observe
        opening = {
            "token": None if observe.token is None else observe.token.get_secret_value(),
            "hosts": sorted(LOOPBACK | {observe.host}),
            "kind": CONTENT_TYPE,
            "patience": PATIENCE,
        }
        pages = {"metrics": self.metrics, "status": self.status, "health": self.health}
        self.reception = reception = Reception(pages, lambda: engine.lines(0, limit=KEPT), opening)
        outlets = Outlets(
            channels=lambda: ((one.name, one.sent, one.failed, one.dropped) for one in channels),
            followers=lambda: (reception.followers, reception.missed),
            log_dropped=lambda: self.tail.missed + (0 if logs is None else logs.dropped + logs.failures),
            heartbeats=lambda: (self._heartbeat.sent, self._heartbeat.failed),
        )
        self.collector = EngineCollector(engine, outlets)
        self.tail.listen(reception.line)
        self.tail.listen(lambda line: self.collector.count_line(line.level))
        if channels:
            self.tail.listen(self._alert)
        if logs is not None:
            self.tail.listen(logs.line)
        self.address: str | None = None

    def begin(self, tasks: TaskGroup) -> None:
        """Start everything that is wanted."""
        tasks.start_soon(kept, "the reading of lines", self.tail.run)
        if self._config.observe.serve:
            tasks.start_soon(kept, "the serving of metrics, status and logs", self._serve, self._config.observe)
        for channel in self._channels:
            channel.start()
        if self._channels and self._config.alerts.summary is not None:
            tasks.start_soon(kept, "the summary of the day", self._summarise, self._config.alerts.summary)
        if self._heartbeat.wanted:
            tasks.start_soon(kept, "the heartbeat", self._heartbeat.run)

    async def close(self) -> None:
        """Tell what is still to be told."""
        self.tail.drain()
        for channel in self._channels:
            channel.end()
        async with anyio.create_task_group() as tasks:
            for channel in self._channels:
                tasks.start_soon(anyio.to_thread.run_sync, channel.join)

    def _well(self) -> Wellness:
        return wellness(self._engine.health())

    def _alert(self, line: Line) -> None:
        alert = alert_of(line)
        if alert is not None:
            for channel in self._channels:
                channel.offer(alert)

    async def _summarise(self, at: str) -> None:
        """Sum the day up every day at this time (HH:MM, UTC)."""
        hours, minutes = map(int, at.split(":"))
        due = next_time(self._engine.wall.now(), hours, minutes)
        while True:
            await anyio.sleep(LOOK)
            now = self._engine.wall.now()
            if now >= due:
                due = next_time(now, hours, minutes)
                told = summary(await self._engine.snapshot_in_turns())
                for channel in self._channels:
                    channel.summarise(*told)

    async def _serve(self, settings: Observe) -> None:
        """Serve for as long as the engine lives; a port that is taken is asked for again now and then."""
        told = False
        while True:
            try:
                with listening(settings.host, settings.port) as bound:
                    await self._receive(bound)
            except OSError as problem:
                if not told:
                    where = f"{settings.host}:{settings.port}"
                    self._engine.line(
                        "WARN", "engine", "engine", f"metrics are not served on {where}: {problem}", event="observe"
                    )
                told = True
                await anyio.sleep(RETRY)

    async def _receive(self, bound: socket.socket) -> None:
        host, port = bound.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._engine.line("INFO", "engine", "engine", f"metrics, status and logs at {self.address}", event="observe")
        try:
            await self.reception.receive(bound)
        finally:
            self.address = None

    # ------------------------------------------------------------- what is shown

    async def metrics(self) -> bytes:
        return await written(self.collector.collect(await self._engine.snapshot_in_turns()))

    async def status(self) -> bytes:
        return redacted(status_of(self._engine, await self._engine.snapshot_in_turns()).model_dump_json()).encode()

    async def health(self) -> bytes:
        return redacted(self._well().model_dump_json()).encode()


@asynccontextmanager
async def observing(
    engine: Engine,
    config: Config,
    logs: LogFiles | None = None,
    channels: Sequence[Channel] = (),
) -> AsyncIterator[Observer]:
    """Look at an engine for as long as this is entered. `logs` writes its lines, `channels` tell of what happens."""
    observer = Observer(engine, config, logs, channels)
    async with anyio.create_task_group() as tasks:
        observer.begin(tasks)
        try:
            yield observer
        finally:
            with anyio.CancelScope(shield=True):
                await observer.close()
            tasks.cancel_scope.cancel()


async def kept(what: str, look: Callable[..., Awaitable[None]], *arguments: object) -> None:
    """Do what only looks at the engine, again and again where it fails: the engine is not to end with it."""
    while True:
        try:
            await look(*arguments)
        except Exception:
            log.exception("%s failed, and begins again in %g s", what, AGAIN)
        await anyio.sleep(AGAIN)


def listening(host: str, port: int) -> socket.socket:
    """A socket bound there. Raises OSError when it cannot be."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.create_server(address[:2], family=family, backlog=32)
    bound.setblocking(False)
    return bound


def next_time(now: int, hours: int, minutes: int) -> int:
    """The next instant after `now` (epoch ms) at this time of day, UTC."""
    today = now - now % DAY + (hours * 60 + minutes) * 60_000
    return today if today > now else today + DAY
