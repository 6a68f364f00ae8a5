"""The one way to an engine: commands and questions out, frames in. In this process or over its socket, they look alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from qkt.runtime.control.answers import Answer
from qkt.runtime.control.client import connect
from qkt.runtime.control.commands import Command
from qkt.runtime.control.details import Chart, CheckReport, CheckRequest, Digest, FileRow, OrderLife, RunResult
from qkt.runtime.control.frames import Frame, Subscribe
from qkt.runtime.control.hub import Hub
from qkt.runtime.control.rows import EquityPoint, FillRow, RuleTerms


class Stream(Protocol):
    """Frames of an open link. Raises ControlError when the link breaks, and ends when the engine says so."""

    def __aiter__(self) -> AsyncIterator[Frame]: ...

    async def want(self, wanted: Subscribe) -> None:
        """See something else from now on."""
        ...


class EngineLink(Protocol):
    """What the dashboard knows of an engine. Every call may raise a QktError that says what went wrong."""

    # Whether leaving the dashboard ends the engine unless it is told to go on.
    hosted: bool

    def stream(self, wanted: Subscribe) -> AbstractAsyncContextManager[Stream]: ...

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer: ...

    async def equity(self, session: str | None = None, *, since: int = 0) -> Sequence[EquityPoint]: ...

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]: ...

    async def terms(self, session: str, rule: int) -> RuleTerms: ...

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart: ...

    async def orders(
        self, session: str | None = None, *, order: str | None = None, limit: int = 200
    ) -> Sequence[OrderLife]: ...

    async def digest(self, since: int) -> Digest: ...

    async def check(self, wanted: CheckRequest) -> CheckReport: ...

    async def files(self) -> Sequence[FileRow]: ...

    async def run(self, run: str) -> RunResult: ...


class SocketLink:
    """An engine in another process, found through its state directory. Each call opens what it needs."""

    hosted = False

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[Stream]:
        async with connect(self._state_dir) as client, client.stream(wanted) as stream:
            yield stream

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer:
        async with connect(self._state_dir) as client:
            return await client.perform(command, wait=wait)

    async def equity(self, session: str | None = None, *, since: int = 0) -> Sequence[EquityPoint]:
        async with connect(self._state_dir) as client:
            return await client.equity(session, since=since)

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        async with connect(self._state_dir) as client:
            return await client.fills(session, limit=limit)

    async def terms(self, session: str, rule: int) -> RuleTerms:
        async with connect(self._state_dir) as client:
            return await client.terms(session, rule)

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        async with connect(self._state_dir) as client:
            return await client.chart(session, stream, limit=limit)

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        async with connect(self._state_dir) as client:
            return await client.orders(session, order=order, limit=limit)

    async def digest(self, since: int) -> Digest:
        async with connect(self._state_dir) as client:
            return await client.digest(since)

    async def check(self, wanted: CheckRequest) -> CheckReport:
        async with connect(self._state_dir) as client:
            return await client.check(wanted)

    async def files(self) -> Sequence[FileRow]:
        async with connect(self._state_dir) as client:
            return await client.files()

    async def run(self, run: str) -> RunResult:
        async with connect(self._state_dir) as client:
            return await client.run(run)


class InProcessLink:
    """The engine of this process, through the same desk and subscriptions that its socket serves."""

    hosted = True

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[Stream]:
        subscription = self._hub.subscribe(wanted)
        try:
            yield _Subscribed(subscription.frames(), subscription.want)
        finally:
            subscription.close()

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer:
        ticket = await self._hub.desk.submit(command)
        return await ticket.wait(wait)

    async def equity(self, session: str | None = None, *, since: int = 0) -> Sequence[EquityPoint]:
        return self._hub.engine.equity(session, since=since)

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return self._hub.engine.fills(session, limit=limit)

    async def terms(self, session: str, rule: int) -> RuleTerms:
        return self._hub.engine.terms(session, rule)

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        return self._hub.engine.chart(session, stream, limit=limit)

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        return self._hub.engine.orders(session, order=order, limit=limit)

    async def digest(self, since: int) -> Digest:
        return self._hub.engine.digest(since)

    async def check(self, wanted: CheckRequest) -> CheckReport:
        return await self._hub.engine.check(wanted)

    async def files(self) -> Sequence[FileRow]:
        return await self._hub.engine.files()

    async def run(self, run: str) -> RunResult:
        return await self._hub.engine.run(run)


class _Subscribed:
    def __init__(self, frames: AsyncGenerator[Frame, None], want: object) -> None:
        self._frames = frames
        self._want = want

    async def __aiter__(self) -> AsyncIterator[Frame]:
        async for frame in self._frames:
            yield frame

    async def want(self, wanted: Subscribe) -> None:
        self._want(wanted)  # type: ignore[operator]
