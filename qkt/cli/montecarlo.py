"""`qkt montecarlo`: what else the same trades, or the same orders, might have come to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from qkt.cli.options import new_app
from qkt.cli.pairs import pairs
from qkt.cli.run_options import STRATEGY_FILES, OptionalStore, RunOptions, with_run_options
from qkt.cli.search_options import Cluster, Out, Resume, Shared, Workers, default_folder, fresh_unless, interrupted, meter_shown
from qkt.core.errors import QktError, UsageError

if TYPE_CHECKING:
    from qkt.backtest.prepared import Prepared
    from qkt.research.execution_study import Draws, ExecutionStudy
    from qkt.research.job import Means
    from qkt.research.monte_carlo import Simulation

app = new_app()


class Methods(StrEnum):
    IID = "iid"
    BLOCK = "block"
    SHUFFLE = "shuffle"
    EXECUTION = "execution"


class Units(StrEnum):
    TRADES = "trades"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Past:
    """What a run has to resample: the balance it began with, net results of its closed trades, returns of its days."""

    balance: float
    trades: list[float]
    days: list[float]


@app.command(cls=OptionalStore)
@with_run_options
def montecarlo(
    file: Annotated[
        Path, typer.Argument(metavar="RESULT|FILE", help="A result (JSON, or a report's folder), or a strategy to run first.")
    ],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="Value of a PARAM of the strategy. Can be repeated."),
    ] = None,
    method: Annotated[
        Methods, typer.Option("--method", metavar="iid|block|shuffle|execution", help="What is drawn.")
    ] = Methods.IID,
    of: Annotated[
        Units | None,
        typer.Option("--of", metavar="trades|days", help="What is resampled.", show_default="days for block, else trades"),
    ] = None,
    runs: Annotated[
        int | None, typer.Option("--runs", metavar="N", help="How often.", show_default="1000, or 200 executions")
    ] = None,
    block: Annotated[
        float | None,
        typer.Option("--block", metavar="N", help="Mean length of a block.", show_default="cube root of their number"),
    ] = None,
    ruin: Annotated[float, typer.Option("--ruin", metavar="SHARE", help="Loss of the start that counts as ruin.")] = 0.5,
    max_latency: Annotated[int, typer.Option("--max-latency", metavar="MS", help="Of execution: the longest latency.")] = 500,
    max_slippage: Annotated[
        int, typer.Option("--max-slippage", metavar="POINTS", help="Of execution: the most slippage.")
    ] = 10,
    skip: Annotated[float, typer.Option("--skip", metavar="SHARE", help="Of execution: the share of entries left out.")] = 0.02,
    workers: Workers = None,
    cluster: Cluster = None,
    shared: Shared = None,
    out: Out = None,
    resume: Resume = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    *,
    run: RunOptions,
) -> None:
    """Draw what might have happened instead, many times, and show how ends and drawdowns are spread."""
    from qkt.research.execution_study import Draws
    from qkt.research.job import Means

    values = pairs("--param", param or [])
    strategy = file.suffix in STRATEGY_FILES
    if method is Methods.EXECUTION:
        if not strategy:
            raise UsageError(
                "other executions need the strategy, and this is a result", where=str(file), expected="a .qkt or .py file"
            )
        draws = Draws(runs or 200, run.seed, max_latency, max_slippage, skip, ruin)
        study = _executed(
            run.prepared(file, values), draws, values, Means(workers, cluster, shared), out, resume, silent=as_json
        )
        if as_json:
            print(json.dumps(study.as_dict(), allow_nan=False))
        else:
            _show(study, "executions", study.start)
        return
    unit = of or (Units.DAYS if method is Methods.BLOCK else Units.TRADES)
    past = _past_of(run.prepared(file, values), values) if strategy else _past_in(file, unit)
    from qkt.research.monte_carlo import Method, simulate

    simulation = simulate(
        past.days if unit is Units.DAYS else past.trades,
        past.balance,
        method=cast(Method, method.value),
        runs=1000 if runs is None else runs,
        seed=run.seed,
        block=block,
        ruin_fraction=ruin,
        compound=unit is Units.DAYS,
    )
    if as_json:
        print(json.dumps(_as_data(simulation, unit.value), allow_nan=False))
    else:
        _show(simulation, f"histories of {simulation.outcomes} {unit.value}, {_drawn(simulation)}", simulation.start)


def _executed(
    ready: Prepared, draws: Draws, params: dict[str, str], means: Means, out: Path | None, resume: bool, *, silent: bool
) -> ExecutionStudy:
    from dataclasses import replace

    from qkt.cli.interrupt import Interrupt
    from qkt.cli.job_meter import JobMeter
    from qkt.research.execution_study import execution_study

    folder = out or default_folder(ready, "execution", {**asdict(draws), **params})
    with Interrupt() as interrupt, JobMeter("run", shown=meter_shown(silent)) as meter:
        given = replace(means, stop=interrupt.asked, tell=meter.update)
        study = execution_study(ready, draws, params, folder, means=given, resume=fresh_unless(out, folder, resume))
    if study is None:
        interrupted(meter, folder)
    return study


def _past_of(ready: Prepared, params: dict[str, str]) -> Past:
    """Runs the back-test."""
    from qkt.core.terms import Purpose
    from qkt.research.figures import daily_returns_of

    result = ready.run(params)
    trades = [float(trip.net) for trip in result.round_trips if trip.exit_reason != Purpose.END_OF_DATA]
    return Past(float(result.record.balance), trades, list(daily_returns_of(result)))


def _past_in(path: Path, unit: Units) -> Past:
    """Reads what `qkt backtest --json` or a report wrote, days only where they are what is drawn. Raises QktError for another
    file."""
    from qkt.backtest.result import SCHEMA
    from qkt.core.terms import Purpose
    from qkt.research.figures import daily_returns_in

    place = path / "result.json" if path.is_dir() else path
    expected = "the JSON of a back-test, a report's folder, or a strategy"
    try:
        told = json.loads(place.read_text(encoding="utf-8"))
    except OSError as problem:
        raise QktError(f"cannot be read ({problem.strerror})", where=str(place), expected=expected) from None
    except ValueError:
        raise QktError("is no JSON", where=str(place), expected=expected) from None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise QktError("is no result of a back-test", where=str(place), expected=expected)
    try:
        trades = [float(trip["net"]) for trip in told["round_trips"] if trip["exit_reason"] != Purpose.END_OF_DATA.value]
        return Past(float(told["settings"]["balance"]), trades, list(daily_returns_in(told)) if unit is Units.DAYS else [])
    except (KeyError, TypeError, ValueError, IndexError) as problem:
        raise QktError(f"lacks what is needed ({problem!r})", where=str(place), expected=expected) from None


def _drawn(simulation: Simulation) -> str:
    if simulation.method == "block":
        return f"drawn in blocks of {simulation.block:g} on average"
    return "put into another order" if simulation.method == "shuffle" else "drawn one by one"


def _as_data(simulation: Simulation, unit: str) -> dict[str, Any]:
    from qkt.research.execution_study import SCHEMA

    told = {name: getattr(simulation, name) for name in simulation.__slots__ if name != "fan"}
    fan = {name: getattr(simulation.fan, name).tolist() for name in simulation.fan.__slots__}
    spread = {name: asdict(told[name]) for name in ("final", "drawdown")}
    return {"schema": SCHEMA, "of": unit, **told, **spread, "observed": list(simulation.observed), "fan": fan}


def _show(told: Simulation | ExecutionStudy, what: str, start: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "as it was", "5%", "25%", "50%", "75%", "95%"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("final equity", f"{told.observed[0]:,.2f}", *(f"{value:,.2f}" for value in asdict(told.final).values()))
    table.add_row("drawdown", f"{told.observed[1]:.2%}", *(f"{value:.2%}" for value in asdict(told.drawdown).values()))
    console = Console()
    console.print(f"{told.runs:,} {what}, from {start:,.2f}", highlight=False)
    console.print(table)
    console.print(
        f"ends below the start: {told.loss:.1%}; loses {told.ruin_fraction:.0%} of it on the way: {told.ruin:.1%}",
        highlight=False,
    )
