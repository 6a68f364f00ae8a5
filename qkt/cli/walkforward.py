"""`qkt walkforward`: parameters chosen on the past and tested on what came after."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import new_app
from qkt.cli.run_options import OptionalStore, RunOptions, with_run_options
from qkt.cli.search_options import SearchOptions, interrupted, with_search_options

if TYPE_CHECKING:
    from qkt.research.walk_forward import WalkForward

app = new_app()


@app.command(cls=OptionalStore)
@with_run_options
@with_search_options
def walkforward(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    train: Annotated[str, typer.Option("--train", metavar="SPAN", help="Length of a training: 90d, 12h, 2w.")],
    test: Annotated[str, typer.Option("--test", metavar="SPAN", help="Length of the test after it.")],
    step: Annotated[
        str | None, typer.Option("--step", metavar="SPAN", help="From window to window.", show_default="the length of a test")
    ] = None,
    anchored: Annotated[
        bool, typer.Option("--anchored", help="Every training begins where the market does, and grows.")
    ] = False,
    purge: Annotated[str, typer.Option("--purge", metavar="SPAN", help="Left out at the end of each training.")] = "0",
    embargo: Annotated[str, typer.Option("--embargo", metavar="SPAN", help="Left out at the beginning of each test.")] = "0",
    *,
    options: SearchOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the outcome in one line.")] = False,
    run: RunOptions,
) -> None:
    """Choose parameters on one stretch of the market, test them on the next, and go on like that."""
    with options.begun(silent=quiet or as_json) as (means, meter):
        from qkt.research.spans import span_ms
        from qkt.research.walk_forward import Plan, walk_forward

        plan = Plan(
            span_ms(train, "--train"),
            span_ms(test, "--test"),
            None if step is None else span_ms(step, "--step"),
            anchored,
            span_ms(purge, "--purge", zero=True),
            span_ms(embargo, "--embargo", zero=True),
        )
        asked = options.asked(run.seed)
        ready = run.prepared(file, asked.example())
        folder = options.folder(ready, "walkforward", {**asked.as_json(), **plan.as_json()})
        result = walk_forward(ready, asked, plan, folder, means=means, resume=options.resumes(folder))
    if result is None:
        interrupted(meter, folder)
    if as_json:
        print(result.to_json())
        return
    _show(result, folder, quiet=quiet)


def _show(result: WalkForward, folder: Path, *, quiet: bool) -> None:
    from rich.console import Console

    from qkt.cli.sweep_tables import figure, windows

    told = result.summary()
    efficiency = "undefined" if told["efficiency"] is None else f"{told['efficiency']:.0%}"
    line = (
        f"{told['profitable']} of {told['windows']} tests made money, {figure('total_pnl', told['pnl_out'])} in all; "
        f"mean {result.metric.replace('_', ' ')} {figure(result.metric, told['mean_score_in'])} in training, "
        f"{figure(result.metric, told['mean_score_out'])} out of it; efficiency {efficiency}; "
        f"deepest drawdown of the tests {told['max_drawdown_out']:.2%}"
    )
    if quiet:
        print(line)
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(windows(result, console.width))
    console.print(line, highlight=False)
    for warning in result.warnings():
        console.print(f"warning: {warning}", highlight=False, markup=False)
    console.print(f"results: {folder}", highlight=False, soft_wrap=True)
