"""The `qkt` command. It imports only the command that is asked for, so that help and errors come at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from qkt.cli.errors import reporting

GROUPS = {
    "Write and test strategies": {
        "new": ("qkt.cli.new", "Begin a project: strategy, configuration, test."),
        "backtest": ("qkt.cli.backtest", "Run a strategy over history and show what came of it."),
        "sweep": ("qkt.cli.sweep", "Try combinations of a strategy's parameters and rank them."),
        "walkforward": ("qkt.cli.walkforward", "Choose parameters on the past, test them on what came after."),
        "montecarlo": ("qkt.cli.montecarlo", "What else the same trades or orders might have come to."),
        "report": ("qkt.cli.report", "Open a back-test's report, check it, or compare two."),
        "check": ("qkt.cli.check", "Look for mistakes in strategy files."),
        "explain": ("qkt.cli.explain", "Tell in plain words what a strategy does."),
        "explain-trade": ("qkt.cli.explain_trade", "Tell why a fill happened, from rule to price."),
        "fmt": ("qkt.cli.fmt", "Bring strategy files into their canonical form."),
        "completion": ("qkt.cli.completion", "Print what makes a shell complete qkt's commands."),
        "lsp": ("qkt.cli.lsp", "Serve an editor that speaks the Language Server Protocol."),
        "data": ("qkt.cli.data", "Import, list, verify and export market data."),
    },
    "Run an engine": {
        "dash": ("qkt.cli.dash", "The dashboard, of the running engine or of one right here."),
        "attach": ("qkt.cli.attach", "The dashboard of the running engine, here or elsewhere."),
        "contexts": ("qkt.cli.contexts", "Names for engines here and elsewhere: list, add, check."),
        "demo": ("qkt.cli.demo", "A tour on an invented market; nothing is needed for it."),
        "up": ("qkt.cli.up", "Run an engine in this terminal."),
        "daemon": ("qkt.cli.daemon", "Start, stop or look at an engine without a terminal."),
        "run": ("qkt.cli.up", "Run one strategy on paper in this terminal."),
        "config": ("qkt.cli.config", "Show the configuration."),
        "risk": ("qkt.cli.risk", "What a strategy is held to, and which orders would pass."),
        "alerts": ("qkt.cli.alerts", "Try the channels of alerts."),
        "brokers": ("qkt.cli.brokers", "List the accounts of the configuration, and check one."),
        "instruments": ("qkt.cli.instruments", "Compare the terms of instruments with their venue."),
        "mt5-gateway": ("qkt.cli.mt5", "Serve a MetaTrader 5 terminal to an engine elsewhere."),
        "mt5-record": ("qkt.cli.mt5", "Write down what the MetaTrader 5 package gives."),
        "doctor": ("qkt.cli.doctor", "Check everything that an engine needs, and say how to mend it."),
    },
    "Its sessions": {
        "deploy": ("qkt.cli.deployments", "Start a session of a strategy in the running engine."),
        "list": ("qkt.cli.deployments", "The sessions of the running engine."),
        "start": ("qkt.cli.deployments", "Start a stopped session again."),
        "stop": ("qkt.cli.deployments", "End a session, positions kept or closed."),
        "resync": ("qkt.cli.deployments", "Put the edited file in the place of the session that runs it."),
    },
    "What they do": {
        "status": ("qkt.cli.look", "The state of the engine, or of one session."),
        "logs": ("qkt.cli.look", "What a session has said and done."),
        "positions": ("qkt.cli.look", "Open positions, leg by leg."),
        "orders": ("qkt.cli.look", "Working orders."),
        "trades": ("qkt.cli.look", "Fills, oldest first."),
        "runs": ("qkt.cli.runs", "Back-tests in the running engine: start, list, show, cancel."),
        "replay": ("qkt.cli.replay", "Do again what a session recorded, and compare every trade."),
        "state": ("qkt.cli.state", "Inspect, back up and verify what an engine keeps."),
    },
    "When something is wrong": {
        "halt": ("qkt.cli.safety", "Cancel entry orders and block new ones; exits go on."),
        "resume": ("qkt.cli.safety", "Clear halts, so that entries are sent again."),
        "kill": ("qkt.cli.safety", "Halt at once; with --flatten close everything."),
        "cancel": ("qkt.cli.trading", "Cancel one working order, or all entries of a session."),
        "flatten": ("qkt.cli.trading", "Close positions at market, and wait for proof."),
        "modify": ("qkt.cli.trading", "Move or attach a stop or target, close a part, move an order."),
        "incident": ("qkt.cli.incident", "Put all that tells what a session did into one file."),
        "reconcile": ("qkt.cli.safety", "Compare a session's books with its venue."),
    },
}
COMMANDS = {name: module for group in GROUPS.values() for name, (module, _) in group.items()}
SUMMARIES = {name: summary for group in GROUPS.values() for name, (_, summary) in group.items()}

ANYWHERE = {*GROUPS["Its sessions"], *GROUPS["What they do"], *GROUPS["When something is wrong"]}
ANYWHERE -= {"runs", "replay", "state", "incident"}
"""Commands that take `--on`."""


USAGE = 2
COMPLETING = "_QKT_COMPLETE"
"""Set by a shell that asks what may come next."""


class LazyCommands(TyperGroup):
    """Knows its commands by name and summary; each lives in the `app` of a module, by itself or under its own name."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        found = typer.main.get_command(import_module(COMMANDS[cmd_name]).app)
        command = found if found.name == cmd_name else getattr(found, "commands", {}).get(cmd_name, found)
        command.name = cmd_name
        if cmd_name in ANYWHERE:
            from qkt.cli.reach import on_option

            command.params.append(on_option())
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary) for name, (_, summary) in group.items()], col_max=14)


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


def _usage(command: Any) -> None:
    """What `qkt` alone says where nobody sits at a terminal: how it is used, as the mistake that it is."""
    with command.make_context("qkt", [], resilient_parsing=True) as context:
        print(command.get_help(context), file=sys.stderr)
    raise SystemExit(USAGE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends with SystemExit."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show is no reason to fail
    with reporting(as_json="--json" in given):
        try:
            command = typer.main.get_command(app)
            completing = COMPLETING in os.environ
            if not given and not completing and not (sys.stdin.isatty() and sys.stdout.isatty()):
                _usage(command)
            command.main(given or ([] if completing else ["dash"]), prog_name="qkt")
        finally:
            sys.stdout.flush()


if __name__ == "__main__":
    main()
