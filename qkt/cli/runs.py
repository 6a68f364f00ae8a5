"""`qkt runs`: back-tests that the running engine carries out, one after the other, beside its trading."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import JsonOption, StateDirOption
from qkt.cli.reach import ask, perform, print_word, print_words

if TYPE_CHECKING:
    from qkt.runtime.control.rows import RunRow

app = typer.Typer(
    name="runs",
    help="Back-tests in the running engine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
NUMBER = Annotated[str, typer.Argument(metavar="RUN", help="Its number.")]
HEADER = ("RUN", "STRATEGY", "STATE", "NET", "SHARPE", "MAX DD", "TRADES", "WIN", "PF", "TICKS")


@app.command()
def start(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    data: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="As qkt backtest takes it; the engine's without.")
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Not before this moment (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this moment (UTC).")] = None,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM. Can be repeated.")] = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a back-test in the engine's queue."""
    from qkt.cli.pairs import pairs
    from qkt.core.errors import UsageError
    from qkt.runtime.control.commands import Backtest

    if not file.is_file():
        raise UsageError("no such file", where=str(file), expected="a strategy, .qkt or .py")
    paths = tuple(_absolute(one) for one in data or ())
    values = pairs("--param", param or [])
    done = perform(state_dir, Backtest, path=str(file.resolve()), data=paths, start=begin, end=end, params=values)
    print(done.model_dump_json(indent=2) if as_json else done.text)


@app.command("list")
def list_(state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """The back-tests that the engine was asked for."""
    from qkt.cli.tables import print_table

    rows = list(ask(state_dir, lambda client: client.snapshot()).tables.runs.values())
    if as_json:
        print_words(rows)
        return
    print_table(
        HEADER, [_cells(row) for row in rows], right=HEADER[3:], empty="no back-tests; qkt runs start FILE asks for one"
    )


@app.command(short_help="What came of one.")
def show(run: NUMBER, state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """What came of one: its figures, and with --json its curve and trades too."""
    from qkt.cli.tables import print_table, printable

    result = ask(state_dir, lambda client: client.run(run))
    if as_json:
        print_word(result)
        return
    print_table(HEADER, [_cells(result.row)], right=HEADER[3:], empty="")
    if result.row.error:
        print(printable(result.row.error))
    for name, value in result.metrics.items():
        print(f"  {name:<20} {'-' if value is None else value}")
    for warning in result.warnings:
        print(f"note: {printable(warning)}")


@app.command()
def cancel(run: NUMBER, state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """Take one out of the queue, or end it."""
    from qkt.runtime.control.commands import CancelRun

    done = perform(state_dir, CancelRun, run=run)
    print(done.model_dump_json(indent=2) if as_json else done.text)


def _cells(row: RunRow) -> tuple[str, ...]:
    from qkt.cli.tables import signed

    state = f"{row.progress_pct:.0f}%" if row.state == "running" and row.progress_pct is not None else row.state
    return (
        row.run,
        row.name,
        state,
        signed(row.net),
        _figure(row.sharpe),
        _figure(row.max_drawdown_pct, "%"),
        "-" if row.trades is None else str(row.trades),
        _figure(row.win_pct, "%", 0),
        _figure(row.profit_factor),
        "-" if row.ticks is None else f"{row.ticks:,}",
    )


def _figure(value: Decimal | None, unit: str = "", digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def _absolute(text: str) -> str:
    """A path as the engine finds it, whatever folder it runs in; SYMBOL=PATH keeps its symbol."""
    symbol, equals, path = text.rpartition("=")
    return f"{symbol}{equals}{Path(path).resolve()}"
