"""An engine that does what the test says: frames when they are given, answers that are laid ready, and a record of commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from qkt.core.errors import QktError
from qkt.runtime.control.answers import Answer, Done
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
from qkt.runtime.control.errors import NotRunningError
from qkt.runtime.control.frames import Frame, Subscribe
from qkt.runtime.control.rows import EquityPoint, FillRow, RuleTerms
from tests.tui import answers, recorded, samples
from tui.app import Dashboard

BREAK = object()


class ManualClock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class ScriptedLink:
    """Implements `EngineLink`."""

    def __init__(self, frames: Sequence[Frame] = samples.FRAMES, *, hosted: bool = False) -> None:
        self.hosted = hosted
        self.opening = list(frames)
        self.up = True
        self.commands: list[Command] = []
        self.wanted: list[Subscribe] = []
        self.ways: list[Way] = []
        self.points: int | None = None
        self.refusal: QktError | None = None
        self.answers: list[Callable[[Command], Answer]] = []
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def push(self, *frames: Frame) -> None:
        for frame in frames:
            self._queue.put_nowait(frame)

    def drop(self) -> None:
        """Break the link, until `up` is set again."""
        self.up = False
        self._queue.put_nowait(BREAK)

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[Any]:
        if not self.up:
            raise NotRunningError("no engine is running")
        self.wanted.append(wanted)
        yield self

    async def __aiter__(self) -> AsyncIterator[Frame]:
        for frame in self.opening:
            yield frame
        while (frame := await self._queue.get()) is not BREAK:
            yield frame

    async def want(self, wanted: Subscribe) -> None:
        self.wanted.append(wanted)

    async def perform(self, command: Command, *, wait: float = 30.0) -> Answer:
        self.commands.append(command)
        return self.answers.pop(0)(command) if self.answers else Done(id=command.id, text="done")

    async def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]:
        self.points = most
        return answers.equity()

    async def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return samples.FILLS

    async def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        return answers.chart().model_copy(update={"session": session})

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        return [life for life in answers.LIVES if order in (None, life.order)]

    async def digest(self, since: int) -> Digest:
        return answers.DIGEST

    async def check(self, wanted: CheckRequest) -> CheckReport:
        return answers.checked(wanted.path)

    async def files(self) -> Sequence[FileRow]:
        return answers.FILES

    async def run(self, run: str) -> RunResult:
        return answers.run_result(run)

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story:
        return recorded.story(session)

    async def travel(self, run: str, way: Way) -> ScenePage:
        self.ways.append(way)
        if self.refusal is not None:
            raise self.refusal
        return recorded.scene(run, way)

    async def terms(self, session: str, rule: int) -> RuleTerms:
        return answers.TERMS


def dashboard(link: ScriptedLink, clock: ManualClock | None = None, **options: Any) -> Dashboard:
    return Dashboard(link, clock=clock or ManualClock(), author="eva", ascii_only=options.pop("ascii_only", False), **options)
