"""What all commands share that speak to a running engine: finding it, asking it, and saying what it answered."""

from __future__ import annotations

import getpass
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from qkt.cli.errors import say

if TYPE_CHECKING:
    from qkt.remote.contexts import Context
    from qkt.runtime.control.answers import Answer, Done, Remaining
    from qkt.runtime.control.client import ControlClient
    from qkt.runtime.control.commands import Command
    from qkt.runtime.control.values import Word

T = TypeVar("T")

# Seconds until a command that the engine has accepted is left to it.
SETTLES = 60.0

_ON: ContextVar[str | None] = ContextVar("on", default=None)


def _choose(value: str | None) -> None:
    _ON.set(value)


OnOption = Annotated[
    str | None,
    typer.Option(metavar="CONTEXT", callback=_choose, help="The engine of a context, or at user@host (qkt contexts)."),
]


def on_option() -> Any:
    """`--on`, for commands that only speak to an engine and so can speak to one elsewhere. None of them declares it."""
    model = typer.Typer()

    @model.command()
    def any_command(on: OnOption = None) -> None:
        pass

    option = next(one for one in typer.main.get_command(model).params if one.name == "on")
    option.expose_value = False
    return option


def elsewhere(given: Path | None) -> Context | None:
    """The context that `--on` names; None where it was not given. Raises UsageError together with a state directory."""
    from qkt.core.errors import UsageError
    from qkt.remote.contexts import load_contexts

    name = _ON.get()
    if name is None:
        return None
    if given is not None:
        raise UsageError("--on and --state-dir both say which engine is meant", remedy="give one of them")
    return load_contexts().find(name)


def where(given: Path | None, config: Path | None = None) -> Path:
    """The state directory that is meant: what is given, else that of the environment or the configuration, else the usual."""
    from qkt.config import configured_state
    from qkt.runtime.state import state_dir

    return given if given is not None else state_dir(configured_state(config))


def ask(given: Path | None, question: Callable[[ControlClient], Awaitable[T]]) -> T:
    """Put a question to the running engine. Raises NotRunningError and its kin."""
    import anyio

    from qkt.runtime.control.client import connect

    if (context := elsewhere(given)) is not None:
        return ask_of(context, question)

    async def inquire() -> T:
        async with connect(where(given)) as client:
            return await question(client)

    return anyio.run(inquire)


def ask_of(context: Context, question: Callable[[ControlClient], Awaitable[T]]) -> T:
    """Put a question to the engine of a context. Whoever must be asked for a password is asked at the terminal."""
    import anyio

    from qkt.host import run
    from qkt.remote.reach import reach

    async def inquire() -> T:
        async with anyio.create_task_group() as tasks:
            async with reach(context, tasks, asking=True)() as client:
                answer = await question(client)
            tasks.cancel_scope.cancel()
        return answer

    return run(inquire)


def perform(given: Path | None, command: type[Any], **values: Any) -> Done:
    """Have the engine carry a command out. Raises what it refuses, and ControlError when it has not settled in time."""
    from qkt.runtime.control.answers import Accepted, Changed, Failed
    from qkt.runtime.control.desk import as_error
    from qkt.runtime.control.errors import NoAnswerError

    order: Command = build(command, **values)

    async def act(client: ControlClient) -> Answer:
        return await client.perform(order, wait=SETTLES)

    if (context := elsewhere(given)) is not None:
        say(f"on {context.words}")
    answer = ask(given, act)
    match answer:
        case Accepted():
            raise NoAnswerError(
                f"{order.command} was accepted and is still under way after {SETTLES:g} s", remedy="look with qkt status"
            )
        case Failed() | Changed():
            if isinstance(answer, Failed):
                tell_remaining(answer.remaining)
            raise as_error(answer)
        case _:
            return answer


def build(command: type[Any], **values: Any) -> Any:
    """A command of this user with a new id. Raises UsageError for a value that fits none, such as a name with a space."""
    from pydantic import ValidationError

    from qkt.core.errors import UsageError
    from qkt.runtime.control.client import new_id

    try:
        return command(id=new_id(), author=f"{_user()} (cli)", **values)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if field == "name":
            raise UsageError(
                f"'{first['input']}' is no session's name", expected="letters, digits, - and _, or BOOK/CHILD"
            ) from None
        raise UsageError(f"{field}: {first['msg']}") from None


def tell_remaining(remaining: tuple[Remaining, ...]) -> None:
    """List positions that stay, on standard error."""
    for one in remaining:
        held = f", protected only by its {one.protection}" if one.protection else ""
        say(f"{one.session}: {one.side} {one.quantity:f} {one.symbol} (leg {one.leg}) stays{held}")


def show_done(done: Done, *, as_json: bool, deed: str, nothing: str) -> None:
    """What a command came to, in the engine's words or ours, or the answer as data."""
    if as_json:
        print(done.model_dump_json(indent=2))
        return
    if done.text:
        print(done.text)
    elif not done.affected:
        print(nothing)
    if not done.text or len(done.affected) > 1:
        for name in done.affected:
            print(f"{name}  {deed}")
    tell_remaining(done.remaining)


def print_words(words: Any) -> None:
    """Rows of the control API as one JSON document."""
    print(json.dumps([word.model_dump(mode="json") for word in words], indent=2))


def print_word(word: Word) -> None:
    print(word.model_dump_json(indent=2))


def known(name: str, names: Any) -> str:
    """The name, if it is one of them. Raises UnknownSessionError."""
    from qkt.runtime.control.errors import UnknownSessionError

    if name not in names:
        raise UnknownSessionError(name, names)
    return name


def _user() -> str:
    try:
        return getpass.getuser()[:40]
    except (KeyError, OSError):
        return "unknown"
