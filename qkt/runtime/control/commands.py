"""What an operator may ask of the engine. Every command carries its id, so that asking twice does it once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from qkt.runtime.control.values import LATER, CommandId, DeployName, Exact, SessionName, Spoken, Text, Word

Author = Annotated[Spoken, Field(min_length=1, max_length=64)]


class Asked(Word):
    """What all commands say: who asks (`author`, for the audit), and the version of the snapshot that the decision rests on.

    With `seen`, the engine answers `changed` instead of acting when what the command touches has changed since.
    """

    id: CommandId
    author: Author
    seen: int | None = None


class Deploy(Asked):
    """Start a session from a strategy file. `path` is absolute, on the engine's machine; the name defaults to its stem."""

    command: Literal["deploy"] = "deploy"
    path: Text
    name: DeployName | None = None
    params: dict[str, Text] = Field(default_factory=dict, max_length=256)


class Resync(Asked):
    """Put the edited file in the place of a running session. A dry run compiles and says what would change."""

    command: Literal["resync"] = "resync"
    path: Text
    name: DeployName | None = None
    params: dict[str, Text] = Field(default_factory=dict, max_length=256)
    dry_run: bool = False


class Stop(Asked):
    """End a session. Positions stay unless it flattens.

    Stops that only the engine holds end with the session: `leave_unprotected` agrees to leave such positions.
    """

    command: Literal["stop"] = "stop"
    name: SessionName
    flatten: bool = False
    leave_unprotected: bool = False


class Start(Asked):
    """Start a stopped session, or a child that an operator stopped."""

    command: Literal["start"] = "start"
    name: SessionName


class Halt(Asked):
    """Cancel entry orders and block new ones; exits go on. All sessions without a name. Never refused as changed."""

    command: Literal["halt"] = "halt"
    name: SessionName | None = None
    reason: Spoken = "operator"


class Resume(Asked):
    """Clear halts, those of strategies included, and what led to them. All sessions without a name."""

    command: Literal["resume"] = "resume"
    name: SessionName | None = None
    reason: Spoken = "resumed"


class Kill(Asked):
    """Halt at once and, if asked, flatten and wait for proof. Never refused as changed."""

    command: Literal["kill"] = "kill"
    name: SessionName | None = None
    flatten: bool = False


class Cancel(Asked):
    """Cancel one working order, or all of a session."""

    command: Literal["cancel"] = "cancel"
    name: SessionName
    order: Text | None = None


class Flatten(Asked):
    """Close a session's positions at market: one leg, one symbol, or all; of all sessions without a name."""

    command: Literal["flatten"] = "flatten"
    name: SessionName | None = None
    symbol: Text | None = None
    leg: Text | None = None


class Modify(Asked):
    """Change what guards a leg, or where an order stands. Exactly one of `leg` and `order` is given.

    Of a leg: `stop` and `target` move that exit, or attach one where there is none; `break_even` puts the stop at the
    entry; `close` takes so many lots out at market. Of an order: `level` is its new price, the trigger of a stop and the
    limit of a limit order. A stop that the engine moves by itself stands still from then on.
    """

    command: Literal["modify"] = "modify"
    name: SessionName
    leg: Text | None = None
    order: Text | None = None
    stop: Exact | None = None
    target: Exact | None = None
    break_even: bool = False
    close: Exact | None = None
    level: Exact | None = None


class Acknowledge(Asked):
    """Say that an alert has been seen; all of them without its number."""

    command: Literal["acknowledge"] = "acknowledge"
    alert: int | None = None


class Backtest(Asked):
    """Run a strategy over history in a process of its own, one after the other. Data, from and to as `qkt backtest` takes
    them; without data those of the engine's own feed. Answered when it stands in the queue, with the number of its run:
    how it fares is a row of `runs`, what came of it is asked for with that number."""

    command: Literal["backtest"] = "backtest"
    path: Text
    data: tuple[Text, ...] = Field(default=(), max_length=256)
    start: Text | None = None
    end: Text | None = None
    params: dict[str, Text] = Field(default_factory=dict, max_length=256)


class CancelRun(Asked):
    """Take a back-test out of the queue, or end it."""

    command: Literal["cancel-run"] = "cancel-run"
    run: Text


class Reconcile(Asked):
    """Compare a session's books with its venue. Changes nothing."""

    command: Literal["reconcile"] = "reconcile"
    name: SessionName


class Shutdown(Asked):
    """End the engine process. Positions stay; `leave_unprotected` agrees to leave some whose stops end with the process."""

    command: Literal["shutdown"] = "shutdown"
    leave_unprotected: bool = False


Command = Annotated[
    Deploy
    | Resync
    | Stop
    | Start
    | Halt
    | Resume
    | Kill
    | Cancel
    | Flatten
    | Modify
    | Acknowledge
    | Backtest
    | CancelRun
    | Reconcile
    | Shutdown,
    Field(discriminator="command"),
]
COMMAND: TypeAdapter[Command] = TypeAdapter(Command, config=LATER)

# What protects is done whatever the operator saw.
UNCONDITIONAL = (Halt, Kill)
