"""Sweeps: the same table whoever does the runs, whatever happened on the way."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qkt.backtest.api import backtest
from qkt.backtest.prepared import Prepared
from qkt.core.errors import QktError, UsageError
from qkt.research.crew import LocalCrew
from qkt.research.heat import heat_map
from qkt.research.job import Means, Standing
from qkt.research.journal import NAME
from qkt.research.parcel import OpenParcel, map_parcel, write_parcel
from qkt.research.space import Space
from qkt.research.sweep import Asked, Sweep, sweep
from qkt.research.task import Task

GRID = Asked(Space.parse(["fast=2..5", "slow=6,9,12"], ["slow - fast > 3"]))
ALONE = Means(workers=1)


def swept(ready: Prepared, asked: Asked, folder: Path, means: Means = ALONE, *, resume: bool = False) -> Sweep:
    result = sweep(ready, asked, folder, means=means, resume=resume)
    assert result is not None
    return result


def test_a_member_is_the_back_test_with_its_parameters(ready: Prepared, place: Path, tmp_path: Path) -> None:
    result = swept(ready, GRID, tmp_path)
    assert len(result.trials) == 9
    for trial in (result.trials[0], result.trials[-1]):
        alone = backtest(place / "cross.qkt", data=f"EURUSD={place / 'EURUSD.csv'}", params=trial.params).metrics
        assert alone.closed_trades > 3
        assert trial.outcome.figures["total_pnl"] == float(alone.total_pnl)
        assert (trial.outcome.figures["sharpe"], trial.outcome.figures["exposure"]) == (alone.sharpe, alone.exposure)


def test_the_table_is_ranked_and_knows_its_neighbours(ready: Prepared, tmp_path: Path) -> None:
    result = swept(ready, GRID, tmp_path)
    scores = [result.score(result.trials[place]) for place in result.ranked]
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    at = {tuple(trial.params.values()): place for place, trial in enumerate(result.trials)}
    beside = sorted(result.score(result.trials[at[key]]) or 0 for key in (("3", "9"), ("5", "9"), ("4", "12")))
    near = result.stability[at["4", "9"]]
    assert (near.neighbours, near.worst, near.median) == (3, beside[0], beside[1])
    lowest = swept(ready, replace(GRID, metric="max_drawdown"), tmp_path / "drawdown")
    assert lowest.best is not None
    assert lowest.best.outcome.figures["max_drawdown"] == min(
        trial.outcome.figures["max_drawdown"] or 0 for trial in result.trials
    )


def test_processes_give_the_same_bytes_though_one_of_them_is_killed(ready: Prepared, tmp_path: Path) -> None:
    alone = swept(ready, GRID, tmp_path / "alone")
    killed: list[int] = []

    class Killed(LocalCrew):
        def outcomes(self, tasks: Sequence[Task], stop: object) -> Iterator[object]:  # type: ignore[override]
            for outcome in super().outcomes(tasks, stop):  # type: ignore[arg-type]
                if not killed:
                    killed.append(self.pids[0])
                    os.kill(self.pids[0], signal.SIGKILL)
                yield outcome

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", None)
        patch.setattr("qkt.research.job.LocalCrew", Killed)
        swept(ready, GRID, tmp_path / "two", Means(workers=2))
    assert killed
    assert not list(temporary.iterdir()), "what the workers wrote has gone with them"
    for name in ("table.csv", "result.json"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert alone.to_csv() == (tmp_path / "alone" / "table.csv").read_text()


@pytest.mark.parametrize("asked", [GRID, Asked(GRID.space, "tpe", 20, prune=True)], ids=["grid", "tpe"])
def test_a_sweep_that_was_stopped_or_torn_goes_on_to_the_same_table(asked: Asked, ready: Prepared, tmp_path: Path) -> None:
    if asked.search == "tpe":
        pytest.importorskip("optuna")
    whole = swept(ready, asked, tmp_path / "whole")
    told: list[Standing] = []
    stopped = sweep(ready, asked, tmp_path / "parts", means=Means(1, stop=lambda: len(told) > 4, tell=told.append))
    assert stopped is None
    journal = tmp_path / "parts" / NAME
    journal.write_bytes(journal.read_bytes()[:-20])
    told.clear()
    again = swept(ready, asked, tmp_path / "parts", Means(1, tell=told.append), resume=True)
    assert (told[0].done, told[0].before) == (3, 3)
    assert again.to_json() == whole.to_json()


def test_a_pruned_run_is_one_that_was_worse_than_the_median_on_the_way(ready: Prepared, tmp_path: Path) -> None:
    space = Space.parse(["fast=2..7", "slow=8,10,12,14,16"])
    full = {tuple(t.params.values()): t for t in swept(ready, Asked(space, metric="total_pnl"), tmp_path / "full").trials}
    pruned = swept(ready, Asked(space, metric="total_pnl", prune=True), tmp_path / "pruned")
    ended = [trial for trial in pruned.trials if trial.outcome.state == "pruned"]
    assert 0 < len(ended) < len(pruned.trials)
    assert all(trial.number >= 16 for trial in ended)
    for trial in pruned.trials:
        if trial.outcome.state == "done":
            assert trial.outcome.figures == full[tuple(trial.params.values())].outcome.figures
    assert f"{len(ended)} of 30 runs were pruned" in pruned.warnings[0]


def test_a_combination_that_fails_is_told_and_ranked_last(ready: Prepared, tmp_path: Path) -> None:
    result = swept(ready, Asked(Space.parse(["fast=3,0"])), tmp_path)
    assert [result.trials[place].outcome.state for place in result.ranked] == ["done", "failed"]
    assert "the n of 'ema' cannot be 0" in result.warnings[0]
    with pytest.raises(QktError, match="every one of 1 runs failed"):
        sweep(ready, Asked(Space.parse(["fast=0"])), tmp_path / "none", means=ALONE)


def test_a_map_of_few_trials_takes_values_together_and_loses_none(ready: Prepared, tmp_path: Path) -> None:
    dense = heat_map(swept(ready, GRID, tmp_path / "dense"))
    assert dense is not None
    assert (dense.rows, dense.columns) == (("2", "3", "4", "5"), ("6", "9", "12"))
    asked = Asked(Space.parse(["fast=2..30", "slow=40..90"]), "random", 9, metric="total_pnl")
    result = swept(ready, asked, tmp_path / "sparse")
    sparse = heat_map(result)
    assert sparse is not None
    assert (len(sparse.rows), len(sparse.columns)) == (3, 3)
    tried = sorted({int(trial.params["fast"]) for trial in result.trials})
    assert (sparse.rows[0], sparse.rows[-1]) == (str(tried[0]), str(tried[-1]))
    one = heat_map(result, ["fast"])
    assert one is not None
    assert len(one.columns) == len(tried), "most values of one parameter alone were tried"


def test_equal_results_keep_the_order_of_proposal(ready: Prepared, tmp_path: Path) -> None:
    result = swept(ready, Asked(Space.parse(["fast=900,800,700", "slow=1000"])), tmp_path)
    assert result.ranked == (0, 1, 2)
    assert result.best is None
    assert "no run has a defined result to be ranked by" in result.warnings


def test_a_parcel_is_the_back_test_on_the_same_columns(ready: Prepared, tmp_path: Path) -> None:
    write_parcel(ready, {"fast": "4"}, tmp_path / "parcel")
    opened = OpenParcel(map_parcel(tmp_path / "parcel"))
    ticks = next(iter(next(iter(opened.ready.sources.values())).tables()))
    assert not ticks.ts.flags.writeable
    assert opened.ready.run({"fast": "4"}).trades == ready.run({"fast": "4"}).trades
    opened.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metric": "shape"}, "cannot be ranked by 'shape'"),
        ({"trials": 5}, "a grid tries every combination"),
        ({"search": "random", "trials": 0}, "0 trials"),
        ({"search": "gird"}, "no search 'gird'"),
        ({"seed": -1}, "the seed is -1"),
    ],
)
def test_what_cannot_be_asked_is_said(change: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(GRID, **change)  # type: ignore[arg-type]
