"""Walk-forward: parameters are chosen on one stretch of the market and tested on the next one, again and again.

Training sees a part of the market that ends before the test begins and knows nothing of the rest. `purge` takes the last
stretch off each training range, whose open trades would reach into the test; `embargo` takes the first stretch off each test,
over which the market still remembers what was trained on. The tests, one behind the other, are the curve of somebody who had
chosen like that all along.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qkt.backtest import curve as curves
from qkt.backtest import drawdowns
from qkt.backtest.curve import EquityCurve
from qkt.backtest.prepared import Prepared
from qkt.backtest.result import iso
from qkt.core.errors import UsageError
from qkt.core.timeframe import DAY_MS, HOUR_MS
from qkt.research.figures import score
from qkt.research.job import Means, Trial, Work, crew_of, explore
from qkt.research.journal import Journal
from qkt.research.parcel import fingerprint
from qkt.research.space import Params
from qkt.research.sweep import Asked, span_of, write_result
from qkt.research.task import Outcome, Task

SCHEMA = "qkt.walkforward/1"
RUNNERS_UP = 3
MOST_WINDOWS = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Lengths in ms. Windows move by `step`, by the length of a test unless given; `anchored` training always begins where the
    market does and grows. Raises UsageError for lengths of which no walk can be made, such as a step shorter than a test: what
    is tested twice would count twice in the stitched curve and all that is made of it."""

    train: int
    test: int
    step: int | None = None
    anchored: bool = False
    purge: int = 0
    embargo: int = 0

    def __post_init__(self) -> None:
        if self.purge >= self.train:
            raise UsageError("the purge leaves nothing of the training", expected="a purge shorter than --train")
        if self.embargo >= self.test:
            raise UsageError("the embargo leaves nothing of the test", expected="an embargo shorter than --test")
        if self.step is not None and self.step < self.test:
            raise UsageError(
                f"a step of {self.step / HOUR_MS:g} h is shorter than a test of {self.test / HOUR_MS:g} h: tests would overlap",
                where="--step",
                expected="the length of --test or more, so that nothing is tested twice",
                remedy="leave it away, or make --test shorter",
            )

    def windows(self, start: int, end: int) -> list[Window]:
        """All that fit in [start, end) (epoch ms). Raises UsageError where none does, or more than a thousand."""
        step = self.step or self.test
        count = (end - start - self.train - self.test) // step + 1
        if count < 1:
            raise UsageError(
                f"the market from {iso(start)[:16]} to {iso(end)[:16]} is {(end - start) / DAY_MS:.2f} days long",
                expected=f"{(self.train + self.test) / DAY_MS:.2f} days or more, for one training and one test",
            )
        if count > MOST_WINDOWS:
            raise UsageError(f"there are {count:,} windows", expected=f"at most {MOST_WINDOWS:,}, by a longer --step")
        return [self._window(number, start, start + number * step) for number in range(count)]

    def _window(self, number: int, start: int, begin: int) -> Window:
        turn = begin + self.train
        train = (start if self.anchored else begin, turn - self.purge)
        return Window(number, train, (turn + self.embargo, turn + self.test))

    def as_json(self) -> dict[str, Any]:
        lengths = {"train": self.train, "test": self.test, "step": self.step or self.test}
        return {**lengths, "anchored": self.anchored, "purge": self.purge, "embargo": self.embargo}


@dataclass(frozen=True, slots=True)
class Window:
    """A training range and the test after it, both half-open, epoch ms."""

    number: int
    train: tuple[int, int]
    test: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a window: the `best` trials of its training, the first of which was tested with `outcome`; both empty where
    no run of the training had a result."""

    window: Window
    best: tuple[Trial, ...]
    outcome: Outcome | None

    def efficiency(self) -> float | None:
        """Profit a day in the test over that in training; None unless training made money (Pardo, "The Evaluation and
        Optimization of Trading Strategies", 2008)."""
        return _efficiency([self])


@dataclass(frozen=True, slots=True)
class WalkForward:
    """What a walk came to. `curve` is the stitched equity of the tests: times epoch ms, account currency, from `balance`."""

    asked: Asked
    plan: Plan
    balance: float
    steps: tuple[Step, ...]
    curve: EquityCurve

    @property
    def metric(self) -> str:
        return self.asked.metric

    def rows(self) -> list[dict[str, Any]]:
        """A row for each window."""
        return [self._row(step) for step in self.steps]

    def _row(self, step: Step) -> dict[str, Any]:
        winner = step.best[0] if step.best else None
        trained = winner.outcome.figures if winner is not None else {}
        tested = step.outcome.figures if step.outcome is not None else {}
        names = ("train_start", "train_end", "test_start", "test_end")
        return {
            "window": step.window.number,
            **dict(zip(names, map(iso, (*step.window.train, *step.window.test)), strict=True)),
            "winner": dict(winner.params) if winner is not None else {},
            "score_in": trained.get(self.metric),
            "score_out": tested.get(self.metric),
            "pnl_in": trained.get("total_pnl"),
            "pnl_out": tested.get("total_pnl"),
            "trades_out": tested.get("closed_trades"),
            "efficiency": step.efficiency(),
            "runners_up": [
                {"params": dict(one.params), "score": one.outcome.figures.get(self.metric)} for one in step.best[1:]
            ],
            "problem": step.outcome.problem if step.outcome is not None else None,
        }

    def summary(self) -> dict[str, Any]:
        """All windows together. Mean scores leave out what is undefined; the drawdown is that of the stitched curve."""
        rows = self.rows()
        drawdown = drawdowns.deepest_drawdown(self.curve)
        daily = np.array([r for step in self.steps if step.outcome is not None for r in step.outcome.daily])
        won = Counter(tuple(row["winner"].items()) for row in rows if row["winner"])
        return {
            "windows": len(rows),
            "efficiency": _efficiency(self.steps),
            "mean_score_in": _mean([row["score_in"] for row in rows]),
            "mean_score_out": _mean([row["score_out"] for row in rows]),
            "pnl_out": sum(row["pnl_out"] or 0.0 for row in rows),
            "profitable": sum((row["pnl_out"] or 0.0) > 0 for row in rows),
            "max_drawdown_out": drawdown.fraction if drawdown else 0.0,
            "daily_sharpe_out": curves.sharpe(daily, 1.0),
            "winners": [
                {"params": dict(params), "windows": count} for params, count in sorted(won.items(), key=lambda p: (-p[1], p[0]))
            ],
        }

    def warnings(self) -> list[str]:
        said = []
        empty = sum(not step.best for step in self.steps)
        failed = [step for step in self.steps if step.outcome is not None and step.outcome.state == "failed"]
        if empty:
            said.append(f"{empty} of {len(self.steps)} windows have no winner: no run of their training has a {self.metric}")
        if failed and failed[0].outcome is not None:
            said.append(f"{len(failed)} of {len(self.steps)} tests failed, the first: {failed[0].outcome.problem}")
        return said

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        points = zip(self.curve.times.tolist(), self.curve.values.tolist(), strict=True)
        return {
            "schema": SCHEMA,
            **self.asked.as_json(),
            "plan": self.plan.as_json(),
            "balance": self.balance,
            "summary": self.summary(),
            "warnings": self.warnings(),
            "windows": self.rows(),
            "curve": [list(point) for point in points],
        }

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), allow_nan=False, separators=(",", ":"))

    def to_csv(self) -> str:
        """A line for each window, an empty field for what is undefined."""
        out = io.StringIO()
        rows = self.rows()
        named = [name for name in rows[0] if name not in ("winner", "runners_up")]
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*named, *self.asked.space.names])
        for row in rows:
            writer.writerow([*(row[name] for name in named), *(row["winner"].get(name) for name in self.asked.space.names)])
        return out.getvalue()


def walk_forward(
    ready: Prepared, asked: Asked, plan: Plan, folder: Path, *, means: Means | None = None, resume: bool = False
) -> WalkForward | None:
    """Walk a loaded back-test forward. Journal, resuming and None are as with `sweep`. Raises as it does, and UsageError where
    not one window fits in the market."""
    means = means or Means()
    first, last = span_of(ready)
    windows = plan.windows(first if ready.start is None else ready.start, last + 1 if ready.end is None else ready.end)
    total = sum(asked.begun(window.train).trials + 1 for window in windows)
    header = {"job": "walkforward", **asked.as_json(), **plan.as_json(), **fingerprint(ready)}
    opened = Journal.resume if resume else Journal.begin
    steps = []
    with opened(folder, header) as journal, crew_of(ready, asked.example(), means) as crew:
        work = Work(crew, journal, means, total)
        for window in windows:
            step = _step(window, asked, work)
            if step is None:
                return None
            steps.append(step)
    balance = float(ready.settings.balance)
    result = WalkForward(asked, plan, balance, tuple(steps), stitched([step.outcome for step in steps], balance))
    write_result(folder, {"windows.csv": result.to_csv(), "result.json": result.to_json()})
    return result


def _step(window: Window, asked: Asked, work: Work) -> Step | None:
    """Train, then test the winner; None when the job was stopped."""
    trials = trained(window, asked, work)
    if trials is None:
        return None
    best = best_of(trials, asked.metric)
    if not best:
        return Step(window, (), None)
    outcomes = work.done([task_of_test(window, best[0].params)])
    return None if outcomes is None else Step(window, best, outcomes[0])


def trained(window: Window, asked: Asked, work: Work) -> list[Trial] | None:
    """What was tried on the training range of a window; None when the job was stopped."""
    start, end = window.train
    return explore(asked.begun(window.train), work, prefix=f"{window.number}/", start=start, end=end)


def task_of_test(window: Window, params: Params) -> Task:
    """The test of a window's winner."""
    return Task(f"{window.number}/test", params, *window.test, curve=True)


def best_of(trials: Sequence[Trial], metric: str) -> tuple[Trial, ...]:
    """The first few with a score, the best first, equals in order of proposal, each combination once."""
    scored = [(-value, n) for n, trial in enumerate(trials) if (value := score(trial.outcome.figures, metric)) is not None]
    ranked: dict[tuple[str, ...], Trial] = {}
    for _, n in sorted(scored):
        ranked.setdefault(tuple(trials[n].params.values()), trials[n])
    return tuple(ranked.values())[:RUNNERS_UP]


def stitched(outcomes: Sequence[Outcome | None], balance: float) -> EquityCurve:
    """The tests' curves one behind the other: each begins where the one before it ended, whatever account it was run on."""
    times: list[int] = []
    values: list[float] = []
    equity = balance
    for outcome in outcomes:
        if outcome is not None and outcome.curve:
            begin = outcome.curve[0][1]
            times += [ts for ts, _ in outcome.curve]
            values += [equity + value - begin for _, value in outcome.curve]
            equity = values[-1]
    return EquityCurve(np.array(times, dtype=np.int64), np.array(values, dtype=np.float64).round(8))


def _efficiency(steps: Sequence[Step]) -> float | None:
    """Profit a day of all tests over that of the trainings of their winners."""
    tested = [step for step in steps if step.best and step.outcome is not None and step.outcome.figures]
    inside = sum(step.best[0].outcome.figures["total_pnl"] or 0.0 for step in tested)
    outside = sum(step.outcome.figures["total_pnl"] or 0.0 for step in tested if step.outcome is not None)
    if inside <= 0:
        return None
    trained = sum(step.window.train[1] - step.window.train[0] for step in tested)
    out = sum(step.window.test[1] - step.window.test[0] for step in tested)
    return (outside / out) / (inside / trained)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
