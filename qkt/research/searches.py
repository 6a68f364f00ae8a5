"""Which combinations are tried: all of a grid, a random sample, or those that a model of the results so far expects most of.

A search proposes batches and hears what came of one before it proposes the next. What it proposes follows from the space, its
seed and the outcomes, never from who did the runs or in which order they ended: so any number of workers tries the same, and a
search that is resumed proposes again what it proposed then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, Protocol, get_args

import numpy as np

from qkt.core.draws import unit
from qkt.core.errors import UsageError
from qkt.research.figures import PARTIAL, score
from qkt.research.space import Params, Space
from qkt.research.task import Outcome, Pruning

SearchName = Literal["grid", "random", "tpe"]
SEARCHES: tuple[SearchName, ...] = get_args(SearchName)

MOST_COMBINATIONS = 1_000_000
LUCKLESS = 10_000
"""Draws without one that the conditions allow, after which a search gives up."""

BATCH = 8
WARM_UP = 2
"""Batches that nothing is pruned in, for the floors come from whole runs."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Combinations to try next, and when their runs need not go on."""

    params: Sequence[Params]
    pruning: Pruning | None = None


class Search(Protocol):
    """Proposes, and learns."""

    @property
    def trials(self) -> int:
        """How many combinations it proposes in all."""
        ...

    def propose(self) -> Proposal | None:
        """The next batch, None after the last one."""
        ...

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """What came of the batch, in its order."""
        ...


class Listed:
    """A search that knows all combinations beforehand."""

    def __init__(self, params: Sequence[Params]) -> None:
        self._params: Sequence[Params] | None = params
        self.first = params[0]
        self.trials = len(params)

    def propose(self) -> Proposal | None:
        """See `Search`."""
        params, self._params = self._params, None
        return None if params is None else Proposal(params)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """It has nothing more to propose."""


def grid(space: Space) -> Listed:
    """Every allowed combination. Raises UsageError where there is none, or more than a million."""
    if space.size is not None and space.size > MOST_COMBINATIONS:
        raise UsageError(
            f"the grid has {space.size:,} combinations",
            expected=f"at most {MOST_COMBINATIONS:,}",
            remedy="take longer steps, or --search random --trials N",
        )
    found = list(space.grid())
    if not found:
        raise UsageError(f"no combination satisfies {_conditions(space)}", expected="at least one that does")
    return Listed(found)


def sample(space: Space, trials: int, seed: int) -> Listed:
    """Allowed combinations drawn evenly, each once; all there are where that is less. Raises UsageError where none is found."""
    found: dict[tuple[str, ...], Params] = {}
    draw = missed = 0
    while len(found) < trials and missed < LUCKLESS:
        params = {axis.name: axis.at(unit(seed, draw, axis.name)) for axis in space.axes}
        draw, missed = draw + 1, missed + 1
        if space.allows(params) and tuple(params.values()) not in found:
            found[tuple(params.values())] = params
            missed = 0
    if not found:
        raise UsageError(f"no combination of {LUCKLESS:,} drawn satisfies {_conditions(space)}", expected="one that does")
    if len(found) < trials and space.size is not None and space.size <= MOST_COMBINATIONS:
        # Few are left to be hit by chance: the rest of them, in the order of the grid.
        for params in islice(space.grid(), MOST_COMBINATIONS):
            if len(found) < trials:
                found.setdefault(tuple(params.values()), params)
    return Listed(list(found.values()))


class Floors:
    """The median rule: a run is pruned at a mark where it is worse than the median of the whole runs before its batch (Golovin
    et al., "Google Vizier", 2017, 3.2.2). Runs of the same batch do not count, so that it does not matter which end first."""

    def __init__(self, metric: str, marks: Sequence[int]) -> None:
        if metric not in PARTIAL:
            raise UsageError(
                f"'{metric}' cannot be told before a run has ended, so nothing can be pruned by it",
                expected=f"one of {', '.join(PARTIAL)}",
                remedy="or leave --prune out",
            )
        self._metric = metric
        self._marks = tuple(marks)
        self._whole: list[tuple[float | None, ...]] = []
        self._batches = 0

    def now(self) -> Pruning:
        floors: list[float | None] = []
        for place in range(len(self._marks)):
            parts = [parts[place] for parts in self._whole if len(parts) > place]
            known = [part for part in parts if part is not None]
            floors.append(float(np.median(known)) if known and self._batches >= WARM_UP else None)
        return Pruning(self._metric, self._marks, tuple(floors))

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        self._batches += 1
        self._whole += [outcome.parts for outcome in outcomes if outcome.state == "done"]


class Pruned:
    """A listed search whose runs are pruned: the same combinations, batch by batch."""

    def __init__(self, listed: Listed, floors: Floors) -> None:
        proposal = listed.propose()
        assert proposal is not None
        self._left = list(proposal.params)
        self._floors = floors
        self.trials = listed.trials

    def propose(self) -> Proposal | None:
        """See `Search`."""
        batch, self._left = self._left[:BATCH], self._left[BATCH:]
        return Proposal(batch, self._floors.now()) if batch else None

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """See `Search`."""
        self._floors.learn(outcomes)


def scores(outcomes: Sequence[Outcome], metric: str) -> list[float | None]:
    """What each came to, more being better; None for what did not end or has no such figure."""
    return [score(outcome.figures, metric) if outcome.state == "done" else None for outcome in outcomes]


def _conditions(space: Space) -> str:
    return " and ".join(f"'{one.text}'" for one in space.constraints)
