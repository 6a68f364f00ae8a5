"""`qkt contexts`: names for engines here and elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qkt.cli.options import JsonOption

if TYPE_CHECKING:
    from qkt.remote.contexts import Context
    from qkt.runtime.control.client import ControlClient

app = typer.Typer(
    name="contexts",
    help="Names for engines here and elsewhere.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The context.")]


@app.command("list")
def listed(as_json: JsonOption = False) -> None:
    """All contexts; the one that qkt attach opens is marked."""
    from qkt.cli.tables import print_table
    from qkt.remote.contexts import load_contexts

    contexts = load_contexts()
    rows = [_row(one, chosen=one.name == contexts.chosen) for one in contexts.known.values()]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    cells = [
        ("*" if row["chosen"] else "", row["name"], row["address"] or "this machine", row["state_dir"] or "-", row["command"])
        for row in rows
    ]
    print_table(
        ("", "NAME", "WHERE", "STATE", "COMMAND"), cells, empty="no contexts; qkt contexts add NAME user@host makes one"
    )


@app.command()
def add(
    name: NameArgument,
    where: Annotated[
        str | None, typer.Argument(metavar="USER@HOST", help="user@host[:port] or ssh://host; this machine without it.")
    ] = None,
    remote_command: Annotated[
        str | None, typer.Option("--remote-command", metavar="WORDS", help="How qkt is called there (default: qkt).")
    ] = None,
    state_dir: Annotated[
        str | None, typer.Option("--state-dir", metavar="DIR", help="State of the engine, a path of its machine.")
    ] = None,
) -> None:
    """Give an engine a name. Nothing is asked of it; qkt contexts check does that."""
    from pathlib import Path

    from qkt.core.errors import UsageError
    from qkt.remote.address import parse_address
    from qkt.remote.contexts import COMMAND, Context, load_contexts

    if where is None and remote_command is not None:
        raise UsageError("--remote-command is for another machine", expected="user@host before it")
    if where is None and state_dir is not None:
        state_dir = str(Path(state_dir).absolute())
    address = None if where is None else parse_address(where)
    contexts = load_contexts()
    context = Context(name, address, state_dir, remote_command or COMMAND)
    contexts.add(context)
    contexts.keep()
    print(f"{name} is {context.where}")


@app.command()
def remove(name: NameArgument) -> None:
    """Forget a context. The engine is not touched."""
    from qkt.remote.contexts import load_contexts

    contexts = load_contexts()
    contexts.remove(name)
    contexts.keep()
    print(f"{name} is forgotten")


@app.command()
def use(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The context; none without it.")] = None,
) -> None:
    """Choose what qkt attach opens when nothing is named. Commands still mean this machine unless --on names another."""
    from qkt.remote.contexts import load_contexts

    contexts = load_contexts()
    contexts.chosen = None if name is None else contexts.named(name).name
    contexts.keep()
    print("qkt attach opens the engine of this machine" if name is None else f"qkt attach opens {contexts.known[name].words}")


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Contexts or hosts; all without them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask each engine who it is. Exit code 1 when one does not answer."""
    from qkt.cli.tables import print_table
    from qkt.remote.contexts import load_contexts

    contexts = load_contexts()
    meant = [contexts.find(name) for name in names] if names else list(contexts.known.values())
    found = [_checked(context) for context in meant]
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        header = ("NAME", "STATE", "VERSION", "TOOK", "SESSIONS", "ACCOUNTS")
        cells = [
            (
                one["name"],
                "ok" if one["problem"] is None else "FAIL",
                one["version"] or "-",
                "-" if one["ms"] is None else f"{one['ms']:,} ms",
                "-" if one["sessions"] is None else str(one["sessions"]),
                ", ".join(f"{account['account']} {account['mode']}" for account in one["accounts"]) or "-",
            )
            for one in found
        ]
        print_table(header, cells, right=("TOOK", "SESSIONS"), empty="no contexts; qkt contexts add NAME user@host makes one")
        from qkt.cli.errors import say

        for one in found:
            if one["problem"] is not None:
                say(one["problem"])
    if any(one["problem"] is not None for one in found):
        raise typer.Exit(1)


def _row(context: Context, *, chosen: bool) -> dict[str, Any]:
    return {
        "name": context.name,
        "address": None if context.address is None else str(context.address),
        "state_dir": context.state_dir,
        "command": context.remote_command,
        "chosen": chosen,
    }


def _checked(context: Context) -> dict[str, Any]:
    """What an engine says of itself. `ms` is how long a question and its answer took on a line that stood."""
    from qkt.cli.reach import ask_of
    from qkt.core.errors import QktError

    found: dict[str, Any] = {"name": context.name, "where": context.where, "version": None, "ms": None}
    found |= {"sessions": None, "accounts": [], "problem": None}

    async def look(client: ControlClient) -> None:
        import anyio

        hello = await client.hello()
        begun = anyio.current_time()
        health = await client.health()
        found["ms"] = round((anyio.current_time() - begun) * 1000)
        accounts = (await client.snapshot()).tables.accounts.values()
        found["version"], found["sessions"] = hello.version, len(health.sessions)
        found["accounts"] = [{"account": one.account, "mode": one.mode} for one in accounts]

    try:
        ask_of(context, look)
    except QktError as problem:
        found["problem"] = f"{context.name}: {problem}" if context.address is None else str(problem)
    return found
