"""What the dashboard needs of an engine: commands and questions out, frames in. `qkt.runtime.control.link` has it for an engine
of this process and for one behind its socket; they look alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from qkt.runtime.control.answers import Answer
from qkt.runtime.control.commands import Command
from qkt.runtime.control.details import Chart, CheckReport, CheckRequest, Digest, FileRow, OrderLife, RunResult
from qkt.runtime.control.frames import Frame, Subscribe
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
