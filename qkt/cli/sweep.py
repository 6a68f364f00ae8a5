"""`qkt sweep`: one back-test over a space of its parameters."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import new_app
from qkt.cli.run_options import OptionalStore, RunOptions, with_run_options
from qkt.cli.search_options import SearchOptions, interrupted, with_search_options

if TYPE_CHECKING:
    from qkt.research.sweep import Sweep

app = new_app()


@app.command(cls=OptionalStore)
@with_run_options
@with_search_options
def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    *,
    options: SearchOptions,
    top: Annotated[int, typer.Option("--top", metavar="N", help="Lines of the table that are shown.")] = 20,
    heat: Annotated[
        str | None, typer.Option("--heat", metavar="A,B", help="The one or two parameters of the heat map.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the winner in one line.")] = False,
    run: RunOptions,
) -> None:
    """Try combinations of a strategy's parameters, rank them, and say how far to trust the best."""
    with options.begun(silent=quiet or as_json) as (means, meter):
        from qkt.research.heat import heat_map
        from qkt.research.sweep import sweep as try_all
        from qkt.research.sweep import write_result

        asked = options.asked(run.seed)
        ready = run.prepared(file, asked.example())
        folder = options.folder(ready, "sweep", asked.as_json())
        result = try_all(ready, asked, folder, means=means, resume=options.resumes(folder))
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
