"""`qkt attach`: the dashboard of an engine that runs, on this machine or on another one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.dash import AsciiOption, MouseOption, ReadOnlyOption, ThemeOption, options_of, show
from qkt.cli.options import StateDirOption, new_app
from qkt.cli.reach import where

if TYPE_CHECKING:
    from qkt.remote.contexts import Context

app = new_app()


@app.command()
def attach(
    to: Annotated[
        str | None,
        typer.Argument(metavar="CONTEXT|USER@HOST", help="user@host[:port], ssh://host, or a name (qkt contexts)."),
    ] = None,
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Relay the engine's control socket to standard input and output.")
    ] = False,
    remote_command: Annotated[
        str | None, typer.Option("--remote-command", metavar="WORDS", help="How qkt is called there (default: qkt).")
    ] = None,
    read_only: ReadOnlyOption = False,
    ascii_only: AsciiOption = False,
    mouse: MouseOption = True,
    theme: ThemeOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Show the running engine, or by ssh that of another host, where --state-dir is then. Leaving changes nothing in it."""
    if stdio:
        _relay(where(state_dir))
        return
    from qkt.remote.contexts import here

    context = _meant(to, remote_command, state_dir) or here(where(state_dir))
    options = options_of(_keys, read_only=read_only, ascii_only=ascii_only, mouse=mouse, theme=theme)
    show(context, options)


def _keys() -> dict[str, str]:
    from qkt.config import load_config

    return load_config()[0].keys


def _meant(to: str | None, remote_command: str | None, state_dir: Path | None) -> Context | None:
    """The context that is named, else the chosen one; None where the engine of a state directory of this machine is meant."""
    from dataclasses import replace

    from qkt.core.errors import UsageError
    from qkt.remote.contexts import load_contexts, require_context

    if to is None:
        if remote_command is not None:
            raise UsageError("--remote-command is for another machine", expected="the name of one before it")
        if state_dir is not None or os.environ.get("QKT_STATE_DIR"):
            return None
        contexts = load_contexts()
        return None if contexts.chosen is None else contexts.known[contexts.chosen]
    context = load_contexts().find(to)
    if remote_command is not None:
        context = replace(context, remote_command=remote_command)
    if state_dir is not None:
        context = replace(context, state_dir=str(state_dir))
    require_context(context)
    return context


def _relay(state: Path) -> None:
    """Carry bytes until either side ends. Then the process ends at once, even if a thread waits for a pipe."""
    import sys

    from qkt.cli.errors import sentence
    from qkt.core.errors import QktError
    from qkt.host import run
    from qkt.remote.relay import relay, standard_pipes

    async def carry() -> None:
        await relay(state, *standard_pipes())

    code = 0
    try:
        run(carry)
    except QktError as problem:
        print(sentence(problem), file=sys.stderr, flush=True)
        code = problem.exit_code
    except KeyboardInterrupt:
        code = 130
    os._exit(code)
