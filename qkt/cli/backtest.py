"""`qkt backtest`: reads the command line, runs, prints and writes the result."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.errors import INTERRUPTED, say
from qkt.cli.options import new_app
from qkt.cli.pairs import pairs
from qkt.cli.run_options import OptionalStore, RunOptions, with_run_options
from qkt.core.errors import UsageError

if TYPE_CHECKING:
    from qkt.backtest.result import BacktestResult
    from qkt.research.execution_study import Draws, ExecutionStudy

app = new_app()


@app.command(cls=OptionalStore)
@with_run_options
def backtest(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM of the strategy. Can be repeated.")
    ] = None,
    *,
    run: RunOptions,
    every_tick: Annotated[bool, typer.Option("--every-tick", help="Replay tick by tick; same result, slower.")] = False,
    trades: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write every fill.")] = None,
    round_trips: Annotated[Path | None, typer.Option(metavar="OUT.csv", help="Write every closed trade.")] = None,
    equity: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the equity curve, .csv or .parquet.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a report: a page to look at, tables, checksums.")
    ] = None,
    executions: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="For the report: run N times more, latency, slippage and skipped entries drawn by chance."
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Show equity, drawdown and months as charts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the result in one line.")] = False,
    log: Annotated[bool, typer.Option("--log", help="Show what the strategy logged.")] = False,
) -> None:
    """Run a strategy over history and show what came of it."""
    values = pairs("--param", param or [])
    begin, until = run.span()

    from qkt.backtest.api import backtest as replay
    from qkt.backtest.output import require_writable, write_equity, write_round_trips, write_trades
    from qkt.cli.interrupt import Interrupt
    from qkt.cli.progress import Meter
    from qkt.report.bundle import require_report_folder, write_report

    given = run.arguments(values)
    for path in (trades, round_trips, equity):
        if path is not None:
            require_writable(path)
    if report is not None:
        require_report_folder(report)
    elif executions is not None:
        raise UsageError("--executions is for a report", expected="--report DIR beside it", remedy="or use: qkt montecarlo")
    draws = None if executions is None else _draws(run, executions)
    shown = not (quiet or as_json) and sys.stdout.isatty() and sys.stderr.isatty()
    with Interrupt() as interrupt, Meter(begin, until, shown=shown) as meter:
        result = replay(file, **given, every_tick=every_tick, progress=meter.update, stop=interrupt.asked)
    if trades is not None:
        write_trades(trades, result.trades)
    if round_trips is not None:
        write_round_trips(round_trips, result.round_trips)
    if equity is not None:
        write_equity(equity, result.equity)
    _show(result, as_json=as_json, quiet=quiet, log=log, plot=plot)
    if report is not None:
        study = None if draws is None or result.interrupted else _executed(run, file, values, draws, shown=shown)
        write_report(result, report, shlex.join(("qkt", *sys.argv[1:])), study)
        say(f"the report is in {report}; qkt report open {shlex.quote(str(report))} shows it")
    if result.interrupted:
        say(f"interrupted after {result.record.ticks:,} ticks, the result is partial")
        raise typer.Exit(INTERRUPTED)
    book = result.record.book
    if book is not None and book.failures:
        names = ", ".join(one.strategy for one in book.failures)
        say(f"{names} failed, and the result is that of the others from then on")
        raise typer.Exit(1)


def _draws(run: RunOptions, runs: int) -> Draws:
    from qkt.research.execution_study import Draws

    return Draws(runs=runs, seed=run.seed)


def _executed(run: RunOptions, file: Path, params: dict[str, str], draws: Draws, *, shown: bool) -> ExecutionStudy | None:
    """What comes of the run under other executions; None, which is said, when Ctrl-C ended that."""
    from tempfile import TemporaryDirectory

    from qkt.cli.interrupt import Interrupt
    from qkt.cli.job_meter import JobMeter
    from qkt.research.execution_study import execution_study
    from qkt.research.job import Means

    ready = run.prepared(file, params)
    with TemporaryDirectory() as folder, Interrupt() as interrupt, JobMeter("run", shown=shown) as meter:
        means = Means(stop=interrupt.asked, tell=meter.update)
        study = execution_study(ready, draws, params, Path(folder), means=means)
    if study is None:
        say("interrupted: the report is without the other executions")
    return study


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
