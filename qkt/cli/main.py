"""The `qkt` command. It imports only the command that is asked for, so that help and errors come at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from qkt.cli.errors import reporting

COMMANDS = {
    "backtest": ("qkt.cli.backtest", "Run a strategy over history and show what came of it."),
    "check": ("qkt.cli.check", "Look for mistakes in strategy files."),
    "data": ("qkt.cli.data", "Import, list, verify and export market data."),
    "explain": ("qkt.cli.explain", "Tell in plain words what a strategy does."),
    "fmt": ("qkt.cli.fmt", "Bring strategy files into their canonical form."),
    "lsp": ("qkt.cli.lsp", "Serve an editor that speaks the Language Server Protocol."),
}


class LazyCommands(TyperGroup):
    """Knows its commands by name and summary; each lives as `app` in a module of its own."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(COMMANDS[cmd_name][0]).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


app = typer.Typer(cls=LazyCommands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"qkt {version('qkt')}")
        except PackageNotFoundError:
            print("qkt (running from its sources, not installed)")
        raise typer.Exit


@app.callback()
def qkt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A trading engine whose back-tests are what trades."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends with SystemExit."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show is no reason to fail
    with reporting(as_json="--json" in given):
        try:
            typer.main.get_command(app).main(given, prog_name="qkt")
        finally:
            sys.stdout.flush()


if __name__ == "__main__":
    main()
