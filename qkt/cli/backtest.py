"""`qkt backtest`: reads the command line, runs, prints and writes the result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from qkt.cli.errors import INTERRUPTED, say
from qkt.core.errors import UsageError

if TYPE_CHECKING:
    from qkt.backtest.result import BacktestResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

STRATEGY_FILES = (".qkt", ".py")


class Fills(StrEnum):
    QUOTES = "quotes"
    MID = "mid"


class OptionalStore(TyperCommand):
    """Lets `--store` stand without a folder, which then means the default store."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, complete_store(args))


def complete_store(args: Sequence[str]) -> list[str]:
    """The arguments with an empty value after a `--store` that is last or precedes an option or the strategy's file."""
    completed = []
    for position, argument in enumerate(args):
        following = args[position + 1] if position + 1 < len(args) else "-"
        alone = argument == "--store" and (following.startswith("-") or following.endswith(STRATEGY_FILES))
        completed += ["--store", ""] if alone else [argument]
    return completed


@app.command(cls=OptionalStore)
def backtest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Market data: a file, a folder, or SYMBOL=PATH. Can be repeated."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="[DIR]", help="Read the tick store instead; without DIR the default.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First moment, a UTC date or time (ISO).")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End, exclusive, a UTC date or time (ISO).")] = None,
    balance: Annotated[str, typer.Option(metavar="MONEY", help="Balance at the start.")] = "10000",
    currency: Annotated[str, typer.Option(metavar="CODE", help="Currency of the account.")] = "USD",
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM of the strategy. Can be repeated.")
    ] = None,
    fills: Annotated[
        Fills, typer.Option(metavar="quotes|mid", help="Fill at the side that is paid, or at the middle.")
    ] = Fills.QUOTES,
    instruments: Annotated[Path | None, typer.Option(metavar="FILE", help="Contract terms, JSON or TOML.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ts=NAME,…", help="Columns of data that is not recognised: ts=time,bid=b,ask=a.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of files in a server's time, such as Europe/Athens.")
    ] = None,
    every_tick: Annotated[bool, typer.Option("--every-tick", help="Replay tick by tick; same result, slower.")] = False,
    trades: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write every fill.")] = None,
    round_trips: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write every closed trade.")] = None,
    equity: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the equity curve, .csv or .parquet.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the result in one line.")] = False,
    log: Annotated[bool, typer.Option("--log", help="Show what the strategy logged.")] = False,
) -> None:
    """Run a strategy over history and show what came of it."""
    values = pairs("--param", param or [])
    mapping = pairs("--columns", columns.split(",")) if columns is not None else None

    from qkt.backtest.api import backtest as run
    from qkt.backtest.api import moment
    from qkt.backtest.output import require_writable, write_equity, write_round_trips, write_trades
    from qkt.cli.interrupt import Interrupt
    from qkt.cli.progress import Meter

    begin, until = moment(start, "--from"), moment(end, "--to")
    for path in (trades, round_trips, equity):
        if path is not None:
            require_writable(path)
    shown = not (quiet or as_json) and sys.stdout.isatty() and sys.stderr.isatty()
    with Interrupt() as interrupt, Meter(begin, until, shown=shown) as meter:
        result = run(
            file,
            data=data or (),
            store=Path(store) if store else store is not None,
            start=start,
            end=end,
            balance=balance,
            currency=currency,
            params=values,
            fills=fills.value,
            instruments=instruments,
            columns=mapping,
            zone=zone,
            every_tick=every_tick,
            progress=meter.update,
            stop=interrupt.asked,
        )
    if trades is not None:
        write_trades(trades, result.trades)
    if round_trips is not None:
        write_round_trips(round_trips, result.round_trips)
    if equity is not None:
        write_equity(equity, result.equity)
    _show(result, as_json=as_json, quiet=quiet, log=log)
    if result.interrupted:
        say(f"interrupted after {result.record.ticks:,} ticks, the result is partial")
        raise typer.Exit(INTERRUPTED)


def _show(result: BacktestResult, *, as_json: bool, quiet: bool, log: bool) -> None:
    if log:
        for line in result.log_lines():
            print(line, file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print(result.to_json())
        return
    from qkt.backtest.render import one_line, report

    if quiet:
        print(one_line(result))
        return
    from rich.console import Console

    print(report(result, Console()))


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE texts as a mapping. Raises UsageError for another form or a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise UsageError(f"{option} '{text}' cannot be understood", expected="NAME=VALUE")
        if name in found:
            raise UsageError(f"{option} gives '{name}' twice", expected="each name once")
        found[name] = value
    return found
