"""Commands, each performed once: the desk that stands between whoever asks and the engine."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext

import anyio
from anyio.abc import TaskGroup

from qkt.core.errors import QktError, UsageError
from qkt.runtime.control.answers import Accepted, Answer, Changed, Done, Failed, Step
from qkt.runtime.control.commands import (
    UNCONDITIONAL,
    Acknowledge,
    Backtest,
    CancelRun,
    Command,
    Deploy,
    Reconcile,
    Resync,
    Shutdown,
)
from qkt.runtime.control.engine import EngineControl
from qkt.runtime.control.errors import ControlError, UnknownSessionError
from qkt.runtime.control.frames import Ack

# Answers at hand by command id. Older ones the engine recalls from its journal, so that none is performed again.
REMEMBERED = 1_000

# Commands under way at once; more of them wait for their turn. Those that protect never wait.
UNDER_WAY = 32

# Commands that touch no session that runs.
NOTHING_TOUCHED = (Acknowledge, Backtest, CancelRun, Deploy, Reconcile)

log = logging.getLogger("qkt.control")


class Ticket:
    """One command and how it fares."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.answer: Answer = Accepted(id=command.id)
        # Set with the final answer; then there is none any more, as many tickets are kept.
        self._final: anyio.Event | None = anyio.Event()

    @property
    def settled(self) -> bool:
        return self._final is None

    def settle(self, answer: Done | Failed | Changed) -> None:
        self.answer = answer
        final, self._final = self._final, None
        if final is not None:
            final.set()

    async def wait(self, seconds: float) -> Answer:
        """The final answer, or `accepted` when there is none after so many seconds."""
        if self._final is not None:
            with anyio.move_on_after(seconds):
                await self._final.wait()
        return self.answer


class CommandDesk:
    """Performs each command id once, in a task of its own: whoever asked may go away. `heard` gets every answer.

    What an earlier life of the engine was asked is remembered by the engine, so an id is performed once for ever.
    """

    def __init__(self, engine: EngineControl, tasks: TaskGroup, heard: Callable[[Ack], None]) -> None:
        self._engine = engine
        self._tasks = tasks
        self._heard = heard
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()
        self._places = anyio.Semaphore(UNDER_WAY)

    async def submit(self, command: Command) -> Ticket:
        """The ticket of this command id, which is performed from here on, whatever becomes of who asked.

        Raises UsageError when the id was given to another command.
        """
        known = self.ticket(command.id)
        if known is None:
            known = self._tickets[command.id] = Ticket(command)
            self._forget()
            self._tasks.start_soon(self._carry_out, known)
        elif known.command != command:
            raise UsageError(
                f"the id {command.id} was given to another command ({known.command.command})", expected="a new id for each"
            )
        return known

    def ticket(self, command_id: str) -> Ticket | None:
        """The ticket of an id that was given before, in this life of the engine or an earlier one."""
        known = self._tickets.get(command_id)
        if known is None and (remembered := self._engine.recall(command_id)) is not None:
            command, answer = remembered
            known = Ticket(command)
            if not isinstance(answer, Accepted):
                known.settle(answer)
        return known

    async def rest(self, seconds: float) -> None:
        """Wait until nothing is under way, so many seconds at most."""
        with anyio.move_on_after(seconds):
            for ticket in list(self._tickets.values()):
                await ticket.wait(seconds)

    async def _carry_out(self, ticket: Ticket) -> None:
        """Perform a command when its turn has come. What protects needs no place."""
        protects = isinstance(ticket.command, UNCONDITIONAL)
        try:
            async with nullcontext() if protects else self._places:
                await self._settle(ticket, protects)
        finally:
            if not ticket.settled:  # the engine ends
                found = "the engine ended before the command was settled"
                ticket.settle(Failed(id=ticket.command.id, kind="fault", found=found))
                self._tell(ticket)

    async def _settle(self, ticket: Ticket, protects: bool) -> None:
        command = ticket.command
        self._tell(ticket)
        if protects:  # waits for no disk
            self._tasks.start_soon(self._engine.begin_command, command)
        else:
            await self._engine.begin_command(command)
        ticket.settle(self._overtaken(command) or await self._perform(ticket))
        self._tell(ticket)
        with anyio.CancelScope(shield=True):
            await self._engine.settle_command(command, ticket.answer)

    async def _perform(self, ticket: Ticket) -> Done | Failed | Changed:
        command = ticket.command

        def progress(step: Step) -> None:
            ticket.answer = Accepted(id=command.id, step=step)
            self._tell(ticket)

        try:
            return await self._engine.perform(command, progress)
        except QktError as refusal:
            return failed(command.id, refusal)
        except Exception as defect:
            log.exception("the command %s %s failed", command.command, command.id)
            return Failed(id=command.id, kind="fault", found=f"{type(defect).__name__}: {defect}".rstrip(": "))

    def _overtaken(self, command: Command) -> Changed | None:
        """The refusal of a command that rests on an old snapshot of what it touches."""
        if command.seen is None or isinstance(command, (*UNCONDITIONAL, *NOTHING_TOUCHED)):
            return None
        named = _named(command)
        latest = self._engine.touched(named)
        if latest <= command.seen:
            return None
        return Changed(id=command.id, seen=command.seen, version=self._engine.version, sessions=named)

    def _tell(self, ticket: Ticket) -> None:
        self._heard(Ack(author=ticket.command.author, command=ticket.command.command, answer=ticket.answer))

    def _forget(self) -> None:
        """Drop the oldest settled answers beyond what is remembered."""
        spare = len(self._tickets) - REMEMBERED
        if spare > 0:
            for key in [key for key, ticket in self._tickets.items() if ticket.settled][:spare]:
                del self._tickets[key]


def failed(command_id: str, refusal: QktError) -> Failed:
    """A refusal of the engine as an answer."""
    match refusal:
        case UnknownSessionError():
            kind = "unknown"
        case UsageError():
            kind = "invalid"
        case _:
            kind = "refused"
    return Failed.model_validate(
        {
            "id": command_id,
            "kind": kind,
            "found": refusal.found,
            "where": refusal.where,
            "expected": refusal.expected,
            "remedy": refusal.remedy,
        }
    )


def as_error(answer: Failed | Changed) -> ControlError:
    """An answer that is no success as the error that its reader sees."""
    if isinstance(answer, Changed):
        touched = ", ".join(answer.sessions) or "the sessions"
        return ControlError(f"{touched} changed since you looked; nothing was done", remedy="look again and repeat the command")
    return ControlError(answer.found, where=answer.where, expected=answer.expected, remedy=answer.remedy)


def _named(command: Command) -> tuple[str, ...]:
    """The sessions that a command touches; none named means all."""
    if isinstance(command, Shutdown):
        return ()
    if isinstance(command, Resync):
        return (command.name or stem(command.path),)
    name: str | None = getattr(command, "name", None)
    return (name,) if name is not None else ()


def stem(path: str) -> str:
    """The deploy name that a file has by itself."""
    return path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
