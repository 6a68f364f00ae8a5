"""What an engine offers to whoever operates it: the one seam between the control API and the sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from qkt.runtime.control.answers import Answer, Changed, Done, Failed, Step
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
from qkt.runtime.control.frames import Hello, Snapshot
from qkt.runtime.control.rows import EquityPoint, FillRow, Line, RuleRow, RuleTerms
from qkt.runtime.control.values import PROTOCOL, Millis, Quoted, SessionName, Word


class SessionHealth(Word):
    """A session's pulse. `last_tick` is epoch ms by the session's own clock."""

    name: SessionName
    state: str
    halted: bool
    blocked: Quoted | None = None
    last_tick: Millis | None = None
    queue: int = 0
    dropped: int = 0


class Health(Word):
    """Whether the engine lives and is well. `issues` says in sentences what is not, and is empty when all is well."""

    protocol: int = PROTOCOL
    status: Literal["starting", "ready", "stopping"]
    pid: int
    uptime_s: float
    # Of the state now.
    version: int = 0
    sessions: tuple[SessionHealth, ...] = ()
    issues: tuple[Quoted, ...] = ()


class EngineControl(Protocol):
    """Called on the engine's loop only. What is not async answers at once, between two events, and changes nothing."""

    def hello(self) -> Hello: ...

    def health(self) -> Health: ...

    @property
    def version(self) -> int:
        """Grows whenever a snapshot would show something else or a line is new. Cheap: it is asked several times a second."""
        ...

    def snapshot(self) -> Snapshot:
        """What is shown now, without rules. Rows that did not change may be the objects of the last one."""
        ...

    async def changed(self, version: int) -> None:
        """Return once `version` is no longer the latest one; at once when it is not."""
        ...

    def touched(self, sessions: Sequence[SessionName]) -> int:
        """Version at which state, positions or working orders of these sessions last changed; of any, when none is named.

        Marks and quotes do not count.
        """
        ...

    def recall(self, command_id: str) -> tuple[Command, Answer] | None:
        """A command that an earlier life of this engine was given, and what it was answered."""
        ...

    async def begin_command(self, command: Command) -> None:
        """Write down that a command is about to be performed."""
        ...

    async def settle_command(self, command: Command, answer: Answer) -> None:
        """Write down what came of it."""
        ...

    async def perform(self, command: Command, progress: Callable[[Step], None]) -> Done | Failed | Changed:
        """Carry the command out and answer when it is settled.

        Refusals are answers, or a QktError, which becomes one. The caller sees to it that an id is performed once in the
        life of the process and that what the operator saw still holds.
        """
        ...

    def rules(self, session: SessionName) -> Sequence[RuleRow]:
        """The session's rules with what they are worth now. Raises UnknownSessionError."""
        ...

    def terms(self, session: SessionName, rule: int) -> RuleTerms:
        """One rule, numbered from 1, with the values of its terms. Raises UnknownSessionError."""
        ...

    def lines(
        self, after: int, *, session: SessionName | None = None, since: Millis | None = None, limit: int = 1000
    ) -> Sequence[Line]:
        """Lines with a greater number, oldest first; when there are more than `limit`, the latest of them."""
        ...

    def fills(self, session: SessionName | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        """Fills ever made, oldest first; when there are more than `limit`, the latest of them."""
        ...

    def equity(
        self, session: SessionName | None = None, *, since: Millis = 0, most: int | None = None
    ) -> Sequence[EquityPoint]:
        """Equity by the minute, for the last 30 days at most; of the engine's account without a session. Where there are more
        than `most` points, so many of them that have the same outline."""
        ...

    def chart(self, session: SessionName, stream: str | None = None, *, limit: int = 500) -> Chart:
        """The latest bars of a stream, the session's first one where none is named. Raises UnknownSessionError."""
        ...

    def orders(self, session: SessionName | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        """What became of orders, oldest first; when there are more than `limit`, the latest of them, or the one of an id."""
        ...

    def digest(self, since: Millis) -> Digest:
        """What happened since a moment."""
        ...

    async def check(self, wanted: CheckRequest) -> CheckReport:
        """What is wrong with a strategy file."""
        ...

    async def files(self) -> Sequence[FileRow]:
        """The strategy files that can be deployed."""
        ...

    async def run(self, run: str) -> RunResult:
        """What came of a back-test. Raises ControlError for a run that is not known."""
        ...

    async def story(
        self, session: SessionName, *, fill: int | None = None, order: str | None = None, width: int = 100
    ) -> Story:
        """Why a fill happened: by its number from 1, or the last one of an order. Raises ControlError where there is none."""
        ...

    async def travel(self, run: str, way: Way) -> ScenePage:
        """A session's recording, or `run:N` for a back-test, somewhere on its way. Raises ControlError."""
        ...
