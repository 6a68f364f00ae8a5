"""`qkt backtest`: reads the command line, runs, prints and writes the result."""

from __future__ import annotations

import shlex
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
    from qkt.config import Config

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

STRATEGY_FILES = (".qkt", ".py")


class Brokers(StrEnum):
    PAPER = "paper"
    MT5_SIM = "mt5-sim"


class Fills(StrEnum):
    QUOTES = "quotes"
    MID = "mid"
    BARS = "bars"


class Presets(StrEnum):
    FAST = "fast"
    REALISTIC = "realistic"
    STRESS = "stress"


class Resolution(StrEnum):
    BARS = "bars"
    TICKS = "ticks"


class Paths(StrEnum):
    ADVERSE = "adverse_first"
    FAVOURABLE = "favourable_first"
    BOTH = "both"


class Ends(StrEnum):
    MARK = "mark"
    CLOSE = "close"


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
    balance: Annotated[
        str | None, typer.Option(metavar="MONEY", help="Balance at the start; without it CAPITAL, or 10000.")
    ] = None,
    currency: Annotated[str, typer.Option(metavar="CODE", help="Currency of the account.")] = "USD",
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM of the strategy. Can be repeated.")
    ] = None,
    fills: Annotated[
        Fills, typer.Option(metavar="quotes|mid|bars", help="Fill at the side that is paid, at the middle, or inside bars.")
    ] = Fills.QUOTES,
    preset: Annotated[
        Presets | None,
        typer.Option(metavar="NAME", help="Execution: fast, realistic or stress; the options below change single values."),
    ] = None,
    latency: Annotated[int | None, typer.Option(metavar="MS", help="From sending an order to its arrival.")] = None,
    cancel_latency: Annotated[int | None, typer.Option(metavar="MS", help="The same of cancels, when it differs.")] = None,
    modify_latency: Annotated[int | None, typer.Option(metavar="MS", help="The same of changes, when it differs.")] = None,
    slippage: Annotated[
        str | None, typer.Option(metavar="POINTS", help="Of market orders and stops: instrument, none, 3, 0..20, impact:K.")
    ] = None,
    spread: Annotated[
        str | None,
        typer.Option(metavar="POINTS", help="Where no quotes are: instrument, observed, 12, or 00:00=30,07:00=12 (UTC)."),
    ] = None,
    limits: Annotated[
        str | None, typer.Option(metavar="RULE", help="What fills a limit: touch, through, or through:N points.")
    ] = None,
    limit_chance: Annotated[
        float | None, typer.Option(metavar="P", help="Share of limits that a touch fills; others need more.")
    ] = None,
    partial: Annotated[
        str | None, typer.Option(metavar="F", help="Fills in slices: none, a first fraction, or depth (displayed size).")
    ] = None,
    reject_every: Annotated[int | None, typer.Option(metavar="N", help="Reject every N-th order.")] = None,
    stop_distance: Annotated[
        bool | None, typer.Option("--stop-distance/--no-stop-distance", help="Refuse levels nearer than the venue allows.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of all random draws.")] = None,
    bars_path: Annotated[
        Paths | None,
        typer.Option(metavar="ORDER", help="Extremes of a bar: adverse_first, favourable_first, or both, compared."),
    ] = None,
    resolve: Annotated[
        Resolution | None, typer.Option(metavar="ticks", help="With --fills bars: real ticks where there are any.")
    ] = None,
    finish: Annotated[
        Ends | None, typer.Option("--end", metavar="mark|close", help="Positions open at the end: valued, or closed.")
    ] = None,
    instruments: Annotated[Path | None, typer.Option(metavar="FILE", help="Contract terms, JSON or TOML.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ts=NAME,…", help="Columns of data that is not recognised: ts=time,bid=b,ask=a.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of files in a server's time, such as Europe/Athens.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hold the run to [risk] and [book_risk] of this qkt.toml, not to the defaults."),
    ] = None,
    broker: Annotated[
        Brokers, typer.Option(metavar="paper|mt5-sim", help="Who executes: paper, or a simulated MetaTrader 5 account.")
    ] = Brokers.PAPER,
    every_tick: Annotated[bool, typer.Option("--every-tick", help="Replay tick by tick; same result, slower.")] = False,
    trades: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write every fill.")] = None,
    round_trips: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write every closed trade.")] = None,
    equity: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the equity curve, .csv or .parquet.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a report: a page to look at, tables, checksums.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Show equity, drawdown and months as charts.")] = False,
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
    from qkt.brokers.paper import ExecutionSettings
    from qkt.cli.interrupt import Interrupt
    from qkt.cli.progress import Meter
    from qkt.report.bundle import require_report_folder, write_report

    begin, until = moment(start, "--from"), moment(end, "--to")
    execution = ExecutionSettings.of(
        preset=preset,
        fills=fills.value,
        latency=latency,
        cancel_latency=cancel_latency,
        modify_latency=modify_latency,
        slippage=slippage,
        spread=spread,
        limits=limits,
        limit_chance=limit_chance,
        partial=partial,
        reject_every=reject_every,
        stop_distance=stop_distance,
        seed=seed,
        bars_path=bars_path,
        resolve=resolve,
        end=finish,
    )
    for path in (trades, round_trips, equity):
        if path is not None:
            require_writable(path)
    if report is not None:
        require_report_folder(report)
    shown = not (quiet or as_json) and sys.stdout.isatty() and sys.stderr.isatty()
    loaded = None if config is None else _config(config)
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
            execution=execution,
            instruments=instruments,
            columns=mapping,
            zone=zone,
            every_tick=every_tick,
            progress=meter.update,
            stop=interrupt.asked,
            broker=broker.value,
            limits=None if loaded is None else loaded.risk.limits(),
            book=None if loaded is None else loaded.book_risk.settings(),
        )
    if trades is not None:
        write_trades(trades, result.trades)
    if round_trips is not None:
        write_round_trips(round_trips, result.round_trips)
    if equity is not None:
        write_equity(equity, result.equity)
    _show(result, as_json=as_json, quiet=quiet, log=log, plot=plot)
    if report is not None:
        write_report(result, report, shlex.join(("qkt", *sys.argv[1:])))
        say(f"the report is in {report}; qkt report open {shlex.quote(str(report))} shows it")
    if result.interrupted:
        say(f"interrupted after {result.record.ticks:,} ticks, the result is partial")
        raise typer.Exit(INTERRUPTED)
    book = result.record.book
    if book is not None and book.failures:
        names = ", ".join(one.strategy for one in book.failures)
        say(f"{names} failed, and the result is that of the others from then on")
        raise typer.Exit(1)


def _config(path: Path) -> Config:
    from qkt.config import load_config

    return load_config(path)[0]


def _show(result: BacktestResult, *, as_json: bool, quiet: bool, log: bool, plot: bool) -> None:
    if log:
        for line in result.log_lines():
            print(line, file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print(result.to_json())
        return
    from qkt.backtest.render import one_line, report

    if quiet and not plot:
        print(one_line(result))
        return
    from rich.console import Console

    print(one_line(result) if quiet else report(result, Console()))
    if plot:
        from qkt.backtest.plots import plots

        print()
        print(plots(result, Console()))


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
