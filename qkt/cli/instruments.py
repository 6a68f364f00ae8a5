"""`qkt instruments`: whether what the configuration says of instruments is what their venue says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qkt.cli.brokers import _profile
from qkt.cli.options import ConfigOption, JsonOption

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    help="Compare the terms of instruments with their venue.",
)


@app.callback()
def instruments() -> None:
    """Compare the terms of instruments with their venue."""


@app.command()
def verify(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Symbols as the instruments file has them.")],
    broker: Annotated[str, typer.Option("--broker", metavar="NAME", help="The profile, as in [mt5.NAME].")],
    file: Annotated[Path | None, typer.Option("--instruments", metavar="FILE", help="An instrument file.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every field that differs; exit code 1 when one does."""
    from qkt.brokers.mt5.account import AccountError
    from qkt.brokers.mt5.checks import compared
    from qkt.brokers.mt5.terminal import TerminalError
    from qkt.cli.tables import print_table
    from qkt.core.instruments import InstrumentRegistry

    profile = _profile(broker, config)
    registry = InstrumentRegistry.standard() if file is None else InstrumentRegistry.load(file)
    names, terminal = profile.names(), profile.terminal()
    rows: list[tuple[str, str, str, str]] = []
    try:
        terminal.initialize()
        for symbol in symbols:
            rows += [(symbol, *row) for row in compared(registry.resolve(symbol), terminal, names.theirs(symbol))]
    except TerminalError as problem:
        raise AccountError(problem.text, where=f"mt5.{broker}") from None
    finally:
        terminal.shutdown()
    if as_json:
        print(json.dumps([dict(zip(("symbol", "field", "configured", "venue"), row, strict=True)) for row in rows]))
    else:
        print_table(("SYMBOL", "FIELD", "CONFIGURED", "VENUE"), rows, empty="everything is as the venue has it")
    if rows:
        raise typer.Exit(1)
