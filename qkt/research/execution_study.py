"""The same strategy under executions drawn by chance: how much of a result hangs on how orders were filled.

Each run goes through the engine with a seed of its own: a latency from nothing to the longest, slippage of every market order
and stop from nothing to the most, and entries left out as if nobody had been there to send them. Run n of a seed is always the
same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qkt.backtest.prepared import Prepared
from qkt.core.draws import integer
from qkt.core.errors import QktError, UsageError
from qkt.research.job import Means, Work, crew_of
from qkt.research.journal import Journal
from qkt.research.monte_carlo import Quantiles
from qkt.research.parcel import fingerprint
from qkt.research.space import Params
from qkt.research.sweep import write_result
from qkt.research.task import Outcome, Task

SCHEMA = "qkt.montecarlo/1"


@dataclass(frozen=True, slots=True)
class Draws:
    """What is drawn: `runs` executions from `seed` on, `latency` up to so many ms, `slippage` up to so many points, the share
    `skip` of entries left out; `ruin_fraction` is the loss of the start that counts as ruin."""

    runs: int = 200
    seed: int = 42
    latency: int = 500
    slippage: int = 10
    skip: float = 0.02
    ruin_fraction: float = 0.5

    def __post_init__(self) -> None:
        for name, value in (
            ("runs", self.runs - 1),
            ("seed", self.seed),
            ("latency", self.latency),
            ("slippage", self.slippage),
        ):
            if value < 0:
                raise UsageError(f"the {name} cannot be {getattr(self, name)}", expected="a whole number above that")
        if not 0 <= self.skip < 1:
            raise UsageError(f"the share of skipped entries is {self.skip:g}", expected="at least 0 and below 1")
        if not 0 < self.ruin_fraction <= 1:
            raise UsageError(f"ruin is a loss of {self.ruin_fraction:g}", expected="a share of the start above 0, at most 1")

    def task(self, number: int, params: Params) -> Task:
        """Run `number`; 0 is the back-test as it was asked for."""
        if number == 0:
            return Task("0", params)
        execution = {
            "seed": self.seed + number,
            "latency": integer(self.latency, self.seed, "latency", number),
            "slippage": f"0..{self.slippage}",
            "skip_chance": self.skip,
        }
        return Task(str(number), params, execution=execution)


@dataclass(frozen=True, slots=True)
class ExecutionStudy:
    """What the runs came to. `observed` are the end and the deepest drawdown as asked for; the rest as in `Simulation`."""

    draws: Draws
    start: float
    observed: tuple[float, float]
    final: Quantiles
    drawdown: Quantiles
    trades: Quantiles
    loss: float
    ruin: float

    @property
    def runs(self) -> int:
        return self.draws.runs

    @property
    def ruin_fraction(self) -> float:
        return self.draws.ruin_fraction

    def as_dict(self) -> dict[str, Any]:
        told = asdict(self)
        return {"schema": SCHEMA, "method": "execution", **told.pop("draws"), **told, "observed": list(self.observed)}


def execution_study(
    ready: Prepared, draws: Draws, params: Params, folder: Path, *, means: Means | None = None, resume: bool = False
) -> ExecutionStudy | None:
    """Run a loaded back-test under drawn executions. Journal, resuming and None are as with `sweep`. Raises QktError when a run
    fails."""
    means = means or Means()
    header = {"job": "execution", **asdict(draws), "params": params, **fingerprint(ready)}
    opened = Journal.resume if resume else Journal.begin
    with opened(folder, header) as journal, crew_of(ready, params, means) as crew:
        tasks = [draws.task(number, params) for number in range(draws.runs + 1)]
        outcomes = Work(crew, journal, means, len(tasks)).done(tasks)
    if outcomes is None:
        return None
    failed = next((outcome for outcome in outcomes if outcome.state == "failed"), None)
    if failed is not None:
        raise QktError(f"a run failed: {failed.problem}")
    study = summed_up(outcomes, draws, float(ready.settings.balance))
    write_result(folder, {"result.json": json.dumps(study.as_dict(), allow_nan=False, separators=(",", ":"))})
    return study


def summed_up(outcomes: Sequence[Outcome], draws: Draws, start: float) -> ExecutionStudy:
    """The first outcome is the one that was asked for."""
    columns = ("total_pnl", "max_drawdown", "closed_trades", "lowest_equity")
    pnl, fall, trades, lowest = (np.array([one.figures[name] or 0.0 for one in outcomes]) for name in columns)
    final = start + pnl
    return ExecutionStudy(
        draws=draws,
        start=start,
        observed=(float(final[0]), float(fall[0])),
        final=Quantiles.of(final[1:]),
        drawdown=Quantiles.of(fall[1:]),
        trades=Quantiles.of(trades[1:]),
        loss=float(np.mean(final[1:] < start)),
        ruin=float(np.mean(lowest[1:] <= start * (1 - draws.ruin_fraction))),
    )
