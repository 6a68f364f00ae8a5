"""A sweep: one back-test over a space of its parameters, a table of what came of each combination."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qkt.backtest.daily_returns import deflated_sharpe, expected_best_sharpe, probabilistic_sharpe
from qkt.backtest.prepared import Prepared
from qkt.core.errors import QktError, UsageError
from qkt.research.figures import FIGURES, require_metric, score
from qkt.research.job import Means, Trial, Work, crew_of, explore
from qkt.research.journal import Journal
from qkt.research.parcel import fingerprint
from qkt.research.searches import SEARCHES, Floors, Pruned, Search, SearchName, grid, sample
from qkt.research.space import Params, Space
from qkt.research.stability import Stability, stability

SCHEMA = "qkt.sweep/1"
FRAGILE = 0.5
"""A winner whose neighbours' median is below this share of its own score stands alone."""

SEGMENTS = 4
TRIALS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sweep tries, and by what it ranks. `trials` bounds random and TPE searches; with `prune` a run ends at a quarter,
    half or three quarters of the market where it is worse there than the median of those before."""

    space: Space
    search: SearchName = "grid"
    trials: int | None = None
    seed: int = 42
    metric: str = "sharpe"
    prune: bool = False

    def __post_init__(self) -> None:
        require_metric(self.metric)
        if self.search not in SEARCHES:
            raise UsageError(f"there is no search '{self.search}'", expected=", ".join(SEARCHES))
        if self.search == "grid" and self.trials is not None:
            raise UsageError("a grid tries every combination", expected="--trials with --search random or tpe")
        if self.trials is not None and self.trials < 1:
            raise UsageError(f"{self.trials} trials are asked for", expected="one or more")
        if self.seed < 0:
            raise UsageError(f"the seed is {self.seed}", expected="zero or more")

    def as_json(self) -> dict[str, Any]:
        named = {"search": self.search, "trials": self.trials, "seed": self.seed, "metric": self.metric, "prune": self.prune}
        return {**self.space.as_json(), **named}

    def begun(self, span: tuple[int, int]) -> Search:
        """The search, before its first proposal. `span` are the first and last tick of what it is tried on (epoch ms)."""
        floors = None
        if self.prune:
            first, last = span
            floors = Floors(self.metric, [first + (last - first) * n // SEGMENTS for n in range(1, SEGMENTS)])
        if self.search == "tpe":
            from qkt.research.tpe import ParzenSearch

            return ParzenSearch(self.space, self.trials or TRIALS, self.seed, self.metric, floors)
        listed = grid(self.space) if self.search == "grid" else sample(self.space, self.trials or TRIALS, self.seed)
        return listed if floors is None else Pruned(listed, floors)

    def example(self) -> Params:
        """Some combination, to read the strategy with."""
        return (grid(self.space) if self.search == "grid" else sample(self.space, 1, self.seed)).first


@dataclass(frozen=True, slots=True)
class Luck:
    """What the best of so many trials is worth (Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", 2014).

    `trials` are the different combinations that were run to the end; `expected_best` the annualised daily Sharpe ratio that
    the best of them would show without any skill, `probability` that the winner's true ratio is above 0, `deflated` that it is
    above what luck gives. None where there are fewer than 20 daily returns or nothing varies. All trials count as independent,
    which errs on the careful side.
    """

    trials: int
    days: int
    expected_best: float | None
    probability: float | None
    deflated: float | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep came to. `trials` in the order they were proposed, each combination once; `ranked` their places from best to
    worst: those with a score first, equals in order of proposal; `stability` by place too."""

    asked: Asked
    trials: tuple[Trial, ...]
    ranked: tuple[int, ...]
    stability: tuple[Stability, ...]
    luck: Luck
    warnings: tuple[str, ...]

    @property
    def best(self) -> Trial | None:
        """The winner, None when nothing has a score."""
        first = self.trials[self.ranked[0]]
        return first if self.score(first) is not None else None

    def score(self, trial: Trial) -> float | None:
        """What the trial is ranked by, more being better."""
        return score(trial.outcome.figures, self.asked.metric)

    def rows(self) -> list[dict[str, Any]]:
        """The table, best first."""
        return [self._row(rank, place) for rank, place in enumerate(self.ranked, 1)]

    def _row(self, rank: int, place: int) -> dict[str, Any]:
        trial, near = self.trials[place], self.stability[place]
        figures = {name: trial.outcome.figures.get(name) for name in FIGURES}
        around = {"neighbours": near.neighbours, "neighbour_median": near.median, "neighbour_worst": near.worst}
        told = {"state": trial.outcome.state, "problem": trial.outcome.problem}
        return {"rank": rank, "trial": trial.number, **trial.params, **figures, **around, "stability": near.ratio, **told}

    def to_csv(self) -> str:
        """The table as CSV, an empty field for what is undefined."""
        rows = self.rows()
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data. Equal sweeps give equal data, whoever did the runs."""
        return {
            "schema": SCHEMA,
            **self.asked.as_json(),
            "luck": asdict(self.luck),
            "warnings": list(self.warnings),
            "rows": self.rows(),
        }

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), allow_nan=False, separators=(",", ":"))


def sweep(ready: Prepared, asked: Asked, folder: Path, *, means: Means | None = None, resume: bool = False) -> Sweep | None:
    """Run a loaded back-test (`prepare(…).loaded()`) over a space. Outcomes go to a journal in `folder` as they come and the
    table at the end; with `resume` those that are there already are not run again. None when it was stopped before the end.

    Raises a QktError for what cannot be tried, kept or resumed, and when every run failed.
    """
    means = means or Means()
    search = asked.begun(span_of(ready))
    header = {"job": "sweep", **asked.as_json(), **fingerprint(ready)}
    opened = Journal.resume if resume else Journal.begin
    with opened(folder, header) as journal, crew_of(ready, asked.example(), means) as crew:
        trials = explore(search, Work(crew, journal, means, search.trials))
    if trials is None:
        return None
    result = summed_up(asked, trials)
    write_result(folder, {"table.csv": result.to_csv(), "result.json": result.to_json()})
    return result


def summed_up(asked: Asked, trials: Sequence[Trial]) -> Sweep:
    """The table of some trials, of a combination that was proposed again the first one. Raises QktError, with the first reason,
    when all of them failed."""
    trials = list({tuple(trial.params.values()): trial for trial in reversed(trials)}.values())[::-1]
    failed = [trial for trial in trials if trial.outcome.state == "failed"]
    if len(failed) == len(trials):
        raise QktError(f"every one of {len(trials)} runs failed, the first: {failed[0].outcome.problem}")
    scores = [score(trial.outcome.figures, asked.metric) for trial in trials]
    ranked = sorted(range(len(trials)), key=lambda n: (scores[n] is None, -(scores[n] or 0.0), n))
    around = stability(asked.space, [trial.params for trial in trials], scores, stepped=asked.search == "grid")
    luck = luck_of([trials[n] for n in ranked])
    return Sweep(asked, tuple(trials), tuple(ranked), tuple(around), luck, tuple(_warnings(trials, ranked, scores, around)))


def luck_of(ranked: Sequence[Trial]) -> Luck:
    """What luck alone would have given the best of these."""
    done = [trial for trial in ranked if trial.outcome.state == "done"]
    winner = np.array(ranked[0].outcome.daily)
    ratios = [ratio for trial in done if (ratio := _daily_ratio(trial)) is not None]
    if len(ratios) < 2 or len(winner) == 0:
        return Luck(len(done), len(winner), None, probabilistic_sharpe(winner), None)
    variance = statistics.variance(ratios)
    best = expected_best_sharpe(len(done), variance)
    yearly = ranked[0].outcome.figures["days_per_year"] or 0.0
    return Luck(
        trials=len(done),
        days=len(winner),
        expected_best=best * yearly**0.5,
        probability=probabilistic_sharpe(winner),
        deflated=deflated_sharpe(winner, len(done), variance),
    )


def _daily_ratio(trial: Trial) -> float | None:
    """mean / sd of the daily returns; None where they do not vary."""
    r = np.array(trial.outcome.daily)
    return None if len(r) < 2 or float(np.ptp(r)) == 0.0 else float(np.mean(r) / np.std(r, ddof=1))


def _warnings(
    trials: Sequence[Trial], ranked: Sequence[int], scores: Sequence[float | None], around: Sequence[Stability]
) -> list[str]:
    said = []
    for state, told in (("failed", "failed"), ("pruned", "were pruned")):
        count = sum(trial.outcome.state == state for trial in trials)
        first = next(
            (trial.outcome.problem for trial in trials if trial.outcome.state == state and trial.outcome.problem), None
        )
        if count:
            said.append(f"{count} of {len(trials)} runs {told}" + (f", the first: {first}" if first else ""))
    best = ranked[0]
    ratio = around[best].ratio
    if scores[best] is None:
        said.append("no run has a defined result to be ranked by")
    elif ratio is not None and ratio < FRAGILE:
        said.append(f"the winner stands alone: the median of its neighbours is {ratio:.0%} of its own result")
    if len(trials) > 1 and scores[best] is not None and scores[best] == scores[ranked[1]]:
        equals = sum(one == scores[best] for one in scores)
        said.append(f"{equals} combinations share the best result, the first of them is shown as the winner")
    return said


def span_of(ready: Prepared) -> tuple[int, int]:
    """The first and the last instant of the market that is loaded, epoch ms."""
    reports = [source.report for source in ready.sources.values()]
    firsts = [report.first for report in reports if report.first is not None]
    lasts = [report.last for report in reports if report.last is not None]
    if not firsts:
        raise QktError(
            "no tick in the range asked for", where=", ".join(ready.sources), remedy="check --from, --to and the data"
        )
    return min(firsts), max(lasts)


def write_result(folder: Path, texts: dict[str, str]) -> None:
    """Write files at once, each whole or not at all. Raises QktError when one cannot be written."""
    for name, text in texts.items():
        path, draft = folder / name, folder / f".{name}.part"
        try:
            draft.write_text(text, encoding="utf-8", newline="")
            draft.replace(path)
        except OSError as problem:
            raise QktError(f"cannot be written ({problem.strerror})", where=str(path)) from None
