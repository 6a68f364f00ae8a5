"""Optuna's tree-structured Parzen estimator behind a protocol of batches.

Each batch is asked for at once and told in order when all of it has ended; while it is asked for, those already in it count
as if they were as bad as the worst (the constant liar), so that a batch is spread. Its size is fixed and has nothing to do with
the number of workers. Pruned runs are told with what they had come to.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from qkt.core.errors import UsageError, extra
from qkt.research.searches import BATCH, LUCKLESS, Floors, Proposal, scores
from qkt.research.space import Axis, Interval, Params, Space
from qkt.research.task import Outcome


class ParzenSearch:
    """See `Search`. Raises UsageError where Optuna is not installed."""

    def __init__(self, space: Space, trials: int, seed: int, metric: str, floors: Floors | None) -> None:
        self._optuna = _optuna()
        self._space = space
        self._metric = metric
        self._floors = floors
        self._asked: list[Any] = []
        self._proposed = 0
        self.trials = trials
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            sampler = self._optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        self._study = self._optuna.create_study(direction="maximize", sampler=sampler)

    def propose(self) -> Proposal | None:
        """See `Search`."""
        count = min(BATCH, self.trials - self._proposed)
        if count <= 0:
            return None
        self._proposed += count
        pruning = self._floors.now() if self._floors is not None else None
        return Proposal([self._ask() for _ in range(count)], pruning)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """See `Search`."""
        states = self._optuna.trial.TrialState
        for trial, outcome, value in zip(self._asked, outcomes, scores(outcomes, self._metric), strict=True):
            for step, part in enumerate(outcome.parts):
                if part is not None:
                    trial.report(part, step)
            if outcome.state == "pruned":
                self._study.tell(trial, state=states.PRUNED)
            elif value is None:
                self._study.tell(trial, state=states.FAIL)
            else:
                self._study.tell(trial, value)
        self._asked = []
        if self._floors is not None:
            self._floors.learn(outcomes)

    def _ask(self) -> Params:
        """The next combination that the conditions allow."""
        for _ in range(LUCKLESS // 10):
            trial = self._study.ask()
            params = {axis.name: _suggested(trial, axis) for axis in self._space.axes}
            if self._space.allows(params):
                self._asked.append(trial)
                return params
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        raise UsageError(
            "the conditions of --where allow next to nothing of the space", expected="a space that fits them better"
        )


def _suggested(trial: Any, axis: Axis | Interval) -> str:
    """Steps of a range are numbered, so that the values are exact and the model knows their order."""
    if isinstance(axis, Interval):
        return axis.text(trial.suggest_float(axis.name, float(axis.low), float(axis.high)))
    place: int = trial.suggest_int(axis.name, 0, len(axis.values) - 1)
    return axis.values[place]


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        remedy = extra("research")
        raise UsageError(
            "--search tpe needs Optuna, which is not installed", expected="the extra 'research'", remedy=remedy
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
