"""How a dashboard or a command line holds an engine: the same calls, whether it is in this process or behind a socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio

from qkt.runtime.control.errors import ControlError

if TYPE_CHECKING:
    from qkt.runtime.control.answers import Answer
    from qkt.runtime.control.client import ControlClient, Reach
    from qkt.runtime.control.commands import Command
    from qkt.runtime.control.details import (
        Chart,
        CheckReport,
        CheckRequest,
        Digest,
        FileRow,
        OrderLife,
        RunResult,
        ScenePage,
        Story,
        Way,
    )
    from qkt.runtime.control.engine import EngineControl, Health
    from qkt.runtime.control.frames import Frame, Hello, Snapshot, Subscribe
    from qkt.runtime.control.hub import Hub, Subscription
    from qkt.runtime.control.rows import EquityPoint, FillRow, Line, RuleRow, RuleTerms

T = TypeVar("T")


class FrameStream(Protocol):
    """Frames as they come, until the engine or the reader closes."""

    async def want(self, wanted: Subscribe) -> None:
        """See something else from now on."""
        ...

    def __aiter__(self) -> AsyncIterator[Frame]: ...


class EngineLink(Protocol):
    """What `RemoteLink` (behind the socket) and `LocalLink` (in this process) have in common. Raises ControlError and its
    kin for whatever the engine refuses. `hosted` tells that the engine lives in this process."""

    @property
    def hosted(self) -> bool: ...

    async def hello(self) -> Hello: ...

    async def health(self) -> Health: ...

    async def snapshot(self) -> Snapshot: ...

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer: ...

    async def answer(self, command_id: str, *, wait: float = 0.0) -> Answer: ...

    async def lines(
        self, after: int = 0, *, session: str | None = None, since: int | None = None, limit: int = 1000
    ) -> Sequence[Line]: ...

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]: ...

    async def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]: ...

    async def rules(self, session: str) -> Sequence[RuleRow]: ...

    async def terms(self, session: str, rule: int) -> RuleTerms: ...

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart: ...

    async def orders(
        self, session: str | None = None, *, order: str | None = None, limit: int = 200
    ) -> Sequence[OrderLife]: ...

    async def digest(self, since: int) -> Digest: ...

    async def check(self, wanted: CheckRequest) -> CheckReport: ...

    async def files(self) -> Sequence[FileRow]: ...

    async def run(self, run: str) -> RunResult: ...

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story: ...

    async def travel(self, run: str, way: Way) -> ScenePage: ...

    def stream(self, wanted: Subscribe) -> AbstractAsyncContextManager[FrameStream]: ...


@dataclass(frozen=True)
class Station:
    """An engine by a name. `where` is its machine in words, `reach` what a qkt command needs to be told to mean it."""

    name: str
    where: str
    link: EngineLink
    reach: str = ""
    # On another machine.
    away: bool = False


@dataclass(frozen=True)
class Fleet:
    """The engines that a dashboard can show, the one it begins with first. `problem` is why others are missing."""

    stations: Sequence[Station]
    problem: str = ""

    @property
    def home(self) -> Station:
        return self.stations[0]


class LocalLink:
    """An engine of this process, by its hub; until it has come, whoever asks waits, and once it has left, ControlError is
    raised. Rows are the engine's own: nobody changes them."""

    hosted = True

    def __init__(self, hub: Hub | None = None) -> None:
        self._hub = hub
        self._here = anyio.Event()
        self._left = False

    @property
    def stands(self) -> bool:
        """Whether the engine is there."""
        return self._hub is not None

    def arrive(self, hub: Hub) -> None:
        """The engine stands."""
        self._hub = hub
        self._here.set()

    def leave(self) -> None:
        """The engine ends."""
        self._hub, self._left = None, True

    async def _there(self) -> Hub:
        if self._hub is None and not self._left:
            await self._here.wait()
        if self._hub is None:
            raise ControlError("the engine has ended")
        return self._hub

    async def _engine(self) -> EngineControl:
        return (await self._there()).engine

    async def hello(self) -> Hello:
        return (await self._engine()).hello()

    async def health(self) -> Health:
        return (await self._engine()).health()

    async def snapshot(self) -> Snapshot:
        return (await self._there()).latest()

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer:
        ticket = await (await self._there()).desk.submit(command)
        return await ticket.wait(wait)

    async def answer(self, command_id: str, *, wait: float = 0.0) -> Answer:
        ticket = (await self._there()).desk.ticket(command_id)
        if ticket is None:
            raise ControlError(f"no command with the id {command_id}")
        return await ticket.wait(wait)

    async def lines(
        self, after: int = 0, *, session: str | None = None, since: int | None = None, limit: int = 1000
    ) -> Sequence[Line]:
        return (await self._engine()).lines(after, session=session, since=since, limit=limit)

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return (await self._engine()).fills(session, limit=limit)

    async def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]:
        return (await self._engine()).equity(session, since=since, most=most)

    async def rules(self, session: str) -> Sequence[RuleRow]:
        return (await self._engine()).rules(session)

    async def terms(self, session: str, rule: int) -> RuleTerms:
        return (await self._engine()).terms(session, rule)

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        return (await self._engine()).chart(session, stream, limit=limit)

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        return (await self._engine()).orders(session, order=order, limit=limit)

    async def digest(self, since: int) -> Digest:
        return (await self._engine()).digest(since)

    async def check(self, wanted: CheckRequest) -> CheckReport:
        return await (await self._engine()).check(wanted)

    async def files(self) -> Sequence[FileRow]:
        return await (await self._engine()).files()

    async def run(self, run: str) -> RunResult:
        return await (await self._engine()).run(run)

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story:
        return await (await self._engine()).story(session, fill=fill, order=order, width=width)

    async def travel(self, run: str, way: Way) -> ScenePage:
        return await (await self._engine()).travel(run, way)

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[FrameStream]:
        """The engine's frames, hello first. Raises ControlError when too many read already."""
        subscription = (await self._there()).subscribe(wanted)
        try:
            async with aclosing(subscription.frames()) as frames:
                yield _LocalStream(subscription, frames)
        finally:
            subscription.close()


class _LocalStream:
    def __init__(self, subscription: Subscription, frames: AsyncGenerator[Frame, None]) -> None:
        self._subscription = subscription
        self._frames = frames

    async def want(self, wanted: Subscribe) -> None:
        self._subscription.want(wanted)

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self._frames


class RemoteLink:
    """An engine of another process, found anew at every call: it may go and come back meanwhile."""

    hosted = False

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def _ask(self, question: Callable[[ControlClient], Awaitable[T]]) -> T:
        async with self._reach() as client:
            return await question(client)

    async def hello(self) -> Hello:
        return await self._ask(lambda client: client.hello())

    async def health(self) -> Health:
        return await self._ask(lambda client: client.health())

    async def snapshot(self) -> Snapshot:
        return await self._ask(lambda client: client.snapshot())

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer:
        return await self._ask(lambda client: client.perform(command, wait=wait))

    async def answer(self, command_id: str, *, wait: float = 0.0) -> Answer:
        return await self._ask(lambda client: client.answer(command_id, wait=wait))

    async def lines(
        self, after: int = 0, *, session: str | None = None, since: int | None = None, limit: int = 1000
    ) -> Sequence[Line]:
        return await self._ask(lambda client: client.lines(after, session=session, since=since, limit=limit))

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return await self._ask(lambda client: client.fills(session, limit=limit))

    async def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]:
        return await self._ask(lambda client: client.equity(session, since=since, most=most))

    async def rules(self, session: str) -> Sequence[RuleRow]:
        return await self._ask(lambda client: client.rules(session))

    async def terms(self, session: str, rule: int) -> RuleTerms:
        return await self._ask(lambda client: client.terms(session, rule))

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        return await self._ask(lambda client: client.chart(session, stream, limit=limit))

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        return await self._ask(lambda client: client.orders(session, order=order, limit=limit))

    async def digest(self, since: int) -> Digest:
        return await self._ask(lambda client: client.digest(since))

    async def check(self, wanted: CheckRequest) -> CheckReport:
        return await self._ask(lambda client: client.check(wanted))

    async def files(self) -> Sequence[FileRow]:
        return await self._ask(lambda client: client.files())

    async def run(self, run: str) -> RunResult:
        return await self._ask(lambda client: client.run(run))

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story:
        return await self._ask(lambda client: client.story(session, fill=fill, order=order, width=width))

    async def travel(self, run: str, way: Way) -> ScenePage:
        return await self._ask(lambda client: client.travel(run, way))

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[FrameStream]:
        """The engine's frames, hello first. Raises NotRunningError when no engine is there."""
        async with self._reach() as client, client.stream(wanted) as stream:
            yield stream
