"""Where tasks are done: one prepared back-test, its market in memory, run with whatever a task changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qkt.backtest.prepared import Prepared
from qkt.core.errors import QktError
from qkt.engine import Stage
from qkt.research.figures import curve_of, daily_returns_of, figures_of, partial_score
from qkt.research.task import Outcome, Pruning, Task

PARTS_KEPT = 2
"""Parts of the market whose columns stay in memory: the training range of a window and its test."""


class Bench:
    """Does tasks one after the other. What it answers depends on the task alone, not on what was done before."""

    def __init__(self, ready: Prepared) -> None:
        self._ready = ready
        self._parts: dict[tuple[int | None, int | None], Prepared] = {}

    def perform(self, task: Task, stop: Callable[[], bool] | None = None) -> Outcome | None:
        """Run a task. None when `stop` ended it; a run that fails is an outcome too."""
        judge = _Judge(task.pruning) if task.pruning is not None else None

        def ended() -> bool:
            return (judge is not None and judge.ends()) or (stop is not None and stop())

        try:
            result = self._changed(task).run(task.params, stop=ended, attend=None if judge is None else judge.attend)
        except QktError as problem:
            return Outcome(task.key, task.params, "failed", problem=str(problem))
        parts = () if judge is None else tuple(judge.parts)
        if result.interrupted:
            pruned = judge is not None and judge.pruned
            return Outcome(task.key, task.params, "pruned", parts=parts) if pruned else None
        if judge is not None:
            judge.ends()
            parts = tuple(judge.parts)
        return Outcome(
            task.key,
            task.params,
            "done",
            figures=figures_of(result),
            parts=parts,
            daily=daily_returns_of(result),
            curve=curve_of(result) if task.curve else (),
        )

    def _changed(self, task: Task) -> Prepared:
        """The part of the market that the task sees, under its execution."""
        ready = self._part(task.start, task.end)
        if not task.execution:
            return ready
        execution = replace(ready.settings.execution, **task.execution)
        return replace(ready, settings=replace(ready.settings, execution=execution))

    def _part(self, start: int | None, end: int | None) -> Prepared:
        """The prepared back-test over a part of its market, kept for the next task over the same part."""
        if (start, end) not in self._parts:
            while len(self._parts) >= PARTS_KEPT:
                del self._parts[next(iter(self._parts))]
            self._parts[start, end] = self._ready.between(start, end)
        return self._parts[start, end]


class _Judge:
    """Looks at a run's equity at each mark. Samples up to a mark are the same however late it looks."""

    def __init__(self, pruning: Pruning) -> None:
        self._pruning = pruning
        self._stage: Stage | None = None
        self.parts: list[float | None] = []
        self.pruned = False

    def attend(self, stage: Stage) -> None:
        self._stage = stage

    def ends(self) -> bool:
        """Whether the run has fallen below a floor."""
        if self._stage is None or self.pruned:
            return self.pruned
        equity, pruning = self._stage.session.equity, self._pruning
        while len(self.parts) < len(pruning.marks) and equity.times and equity.times[-1] >= pruning.marks[len(self.parts)]:
            mark, floor = pruning.marks[len(self.parts)], pruning.floors[len(self.parts)]
            times = np.array(equity.times, dtype=np.int64)
            values = np.array(equity.values, dtype=np.float64)[: int(np.searchsorted(times, mark, side="right"))]
            part = partial_score(pruning.metric, values)
            self.parts.append(part)
            if floor is not None and part is not None and part < floor:
                self.pruned = True
                return True
        return False
