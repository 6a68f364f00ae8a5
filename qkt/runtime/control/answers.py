"""What the engine says to a command: accepted, and then exactly one of done, failed and changed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from qkt.runtime.control.values import LATER, CommandId, Exact, SessionName, Word


class Step(Word):
    """How far a command has come: done of all, such as sessions halted."""

    done: int
    of: int


class Remaining(Word):
    """A position that stays: after a flatten that was not proven, or one that a stop would leave unprotected."""

    session: SessionName
    symbol: str
    leg: str
    side: Literal["LONG", "SHORT"]
    quantity: Exact
    # What ends with the session, for a position that would be left unprotected.
    protection: str | None = None


class Difference(Word):
    """Where books and venue disagree. `what` is a symbol and side, `unattributed`, or a level such as `stop of leg 3`."""

    what: str
    engine: str
    venue: str


class Accepted(Word):
    """The command is known and under way."""

    answer: Literal["accepted"] = "accepted"
    id: CommandId
    step: Step | None = None


class Done(Word):
    """The command has had its effect. What it found or left is said, as far as the command has any of it to say."""

    answer: Literal["done"] = "done"
    id: CommandId
    text: str = ""
    affected: tuple[SessionName, ...] = ()
    # Of a kill or a stop that flattens: proven flat at the venue. None where nothing was to be flattened.
    flat: bool | None = None
    remaining: tuple[Remaining, ...] = ()
    # Of a reconcile.
    differences: tuple[Difference, ...] = ()
    # Of a back-test: the number of its run.
    run: str | None = None


class Failed(Word):
    """The command had no effect, or not the whole. `found`, `where`, `expected` and `remedy` are those of the error."""

    answer: Literal["failed"] = "failed"
    id: CommandId
    # Why, as a word for programs.
    kind: Literal["refused", "unknown", "taken", "invalid", "unprotected", "fault"] = "refused"
    found: str
    where: str | None = None
    expected: str | None = None
    remedy: str | None = None
    affected: tuple[SessionName, ...] = ()
    remaining: tuple[Remaining, ...] = ()


class Changed(Word):
    """What the command touches is no longer what the operator saw. Nothing was done; look at `version`, and ask anew."""

    answer: Literal["changed"] = "changed"
    id: CommandId
    seen: int
    version: int
    sessions: tuple[SessionName, ...] = ()


Answer = Annotated[Accepted | Done | Failed | Changed, Field(discriminator="answer")]
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer, config=LATER)
