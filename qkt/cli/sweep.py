"""`qkt sweep`: one back-test over a space of its parameters."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from qkt.cli.errors import INTERRUPTED, say
from qkt.cli.run_options import OptionalStore, RunOptions, with_run_options

if TYPE_CHECKING:
    from qkt.backtest.prepared import Prepared
    from qkt.research.sweep import Sweep

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


class Searches(StrEnum):
    GRID = "grid"
    RANDOM = "random"
    TPE = "tpe"


Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=…", help="What is tried: 5..30:5, 20,50,100, or 0.1..0.5. Can be repeated."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="CONDITION", help="What combinations must satisfy, 'fast < slow'. Can be repeated."),
]
Search = Annotated[
    Searches, typer.Option("--search", metavar="grid|random|tpe", help="All, some at random, or where a model expects most.")
]
Trials = Annotated[
    int | None, typer.Option("--trials", metavar="N", help="How many are tried at random or by tpe.", show_default="100")
]
Metric = Annotated[str, typer.Option("--metric", metavar="FIGURE", help="What combinations are ranked by.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="End runs that are worse than the median at a quarter, half or three quarters.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="Processes that work on it.", show_default="one for each core")
]
Cluster = Annotated[
    str | None, typer.Option("--cluster", metavar="ADDRESS", help="Run on the Dask cluster there, tcp://host:8786.")
]
Shared = Annotated[
    Path | None, typer.Option("--shared", metavar="DIR", help="A folder all workers of the cluster see, for the market.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for results as they come.", show_default="in the state directory"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what is in the folder already.")]


@app.command(cls=OptionalStore)
@with_run_options
def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    param: Params = None,
    where: Where = None,
    search: Search = Searches.GRID,
    trials: Trials = None,
    metric: Metric = "sharpe",
    prune: Prune = False,
    workers: Workers = None,
    cluster: Cluster = None,
    shared: Shared = None,
    out: Out = None,
    resume: Resume = False,
    top: Annotated[int, typer.Option("--top", metavar="N", help="Lines of the table that are shown.")] = 20,
    heat: Annotated[
        str | None, typer.Option("--heat", metavar="A,B", help="The one or two parameters of the heat map.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the winner in one line.")] = False,
    *,
    run: RunOptions,
) -> None:
    """Try combinations of a strategy's parameters, rank them, and say how far to trust the best."""
    from qkt.cli.interrupt import Interrupt
    from qkt.cli.job_meter import JobMeter
    from qkt.research.crew import hired

    silent = quiet or as_json
    with hired(workers, cluster) as crew, Interrupt() as interrupt, JobMeter("run", shown=meter_shown(silent)) as meter:
        # Imported while the workers do the same.
        from qkt.research.heat import heat_map
        from qkt.research.job import Means
        from qkt.research.space import Space
        from qkt.research.sweep import Asked, write_result
        from qkt.research.sweep import sweep as try_all

        means = Means(workers, cluster, shared, interrupt.asked, meter.update, crew)
        asked = Asked(Space.parse(param or [], where or []), search.value, trials, run.seed, metric, prune)
        ready = run.prepared(file, asked.example())
        folder = out or default_folder(ready, "sweep", asked.as_json())
        result = try_all(ready, asked, folder, means=means, resume=fresh_unless(out, folder, resume))
    if result is None:
        interrupted(meter, folder)
    drawn = heat_map(result, [name.strip() for name in heat.split(",")] if heat else ())
    if drawn is not None:
        from qkt.cli.sweep_tables import heat_page

        write_result(folder, {"heatmap.html": heat_page(drawn, file.stem)})
    if as_json:
        print(result.to_json())
        return
    _show(result, folder, top, quiet=quiet, heat=heat)


def _show(result: Sweep, folder: Path, top: int, *, quiet: bool, heat: str | None) -> None:
    from rich.console import Console

    from qkt.cli.sweep_tables import figure, heat_text, luck_line, ranked
    from qkt.research.heat import heat_map

    best, metric = result.best, result.asked.metric
    if quiet:
        if best is None:
            print(f"none of {len(result.trials)} runs has a {metric}")
            return
        params = " ".join(f"{name}={value}" for name, value in best.params.items())
        print(f"{params}: {metric} {figure(metric, best.outcome.figures[metric])}, best of {len(result.trials)}")
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(ranked(result, top, console.width))
    left = len(result.trials) - top
    if left > 0:
        console.print(f"{left:,} more in {folder / 'table.csv'}", style="dim", highlight=False)
    drawn = heat_map(result, [name.strip() for name in heat.split(",")] if heat else ())
    if drawn is not None and 1 < len(drawn.columns) <= console.width // 7:
        console.print()
        console.print(heat_text(drawn))
    console.print(luck_line(result.luck), highlight=False)
    for warning in result.warnings:
        console.print(f"warning: {warning}", highlight=False, markup=False)
    console.print(f"results: {folder}", highlight=False, soft_wrap=True)


def meter_shown(silent: bool) -> bool:
    """Whether somebody watches who wants to see how far it is."""
    return not silent and sys.stderr.isatty()


def default_folder(ready: Prepared, kind: str, asked: object) -> Path:
    """Where results go that nobody named a place for: the same for the same question about the same strategy and data."""
    import hashlib

    from qkt.research.parcel import fingerprint
    from qkt.runtime.state import state_dir

    told = f"{kind}{asked!r}{fingerprint(ready)!r}"
    mark = hashlib.blake2b(told.encode(), digest_size=4).hexdigest()
    return state_dir() / "research" / f"{kind}-{ready.made[0].name}-{mark}"


def fresh_unless(out: Path | None, folder: Path, resume: bool) -> bool:
    """Whether to resume. Without it, what lies in a folder that nobody named is done anew."""
    from qkt.research.journal import NAME

    if out is None and not resume:
        (folder / NAME).unlink(missing_ok=True)
    return resume


def interrupted(meter: object, folder: Path) -> NoReturn:
    """Say how to go on, and end."""
    from qkt.cli.job_meter import JobMeter

    assert isinstance(meter, JobMeter)
    standing = meter.standing
    done = "before the first run" if standing is None else f"after {standing.done:,} of {standing.total:,} runs"
    again = shlex.join(["qkt", *(word for word in sys.argv[1:] if word != "--resume"), "--resume"])
    say(f"interrupted {done}; what is done is kept in {folder}, go on with: {again}")
    raise typer.Exit(INTERRUPTED)
