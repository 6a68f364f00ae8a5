"""A job: many runs of one prepared back-test, done by a crew, kept in a journal, ready to be gone on with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from qkt.backtest.prepared import Prepared
from qkt.core.errors import UsageError
from qkt.research.crew import Crew, LocalCrew, OwnCrew, workers_of
from qkt.research.journal import Journal
from qkt.research.parcel import write_parcel
from qkt.research.searches import Search
from qkt.research.space import Params
from qkt.research.task import Outcome, Pruning, Task

Told = Callable[["Standing"], None]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a job is: runs known, of how many, and how many of them lay in the journal before this sitting."""

    done: int
    total: int
    before: int


@dataclass(frozen=True, slots=True)
class Means:
    """With what a job is done. `workers` processes of this machine (None: one for each core), or the Dask scheduler at
    `cluster`, whose workers get the market over the network, or read it in the folder `shared` that they all see. `stop` ends
    the job on the spot, `tell` hears how far it is. `hired` are processes that are there already."""

    workers: int | None = None
    cluster: str | None = None
    shared: Path | None = None
    stop: Callable[[], bool] = lambda: False
    tell: Told = lambda standing: None  # noqa: ARG005
    hired: LocalCrew | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"{self.workers} workers are asked for", expected="one or more")
        if self.workers is not None and self.cluster is not None:
            raise UsageError("a cluster has its own workers", expected="--workers or --cluster, not both")
        if self.shared is not None and self.cluster is None:
            raise UsageError("only workers of a cluster need a shared folder", expected="--shared with --cluster")


class Work:
    """The runs of a job, done by its crew unless the journal has them."""

    def __init__(self, crew: Crew, journal: Journal, means: Means, total: int) -> None:
        self._crew = crew
        self._journal = journal
        self._means = means
        self._before = len(journal)
        self._total = total
        self._tell()

    def done(self, tasks: Sequence[Task]) -> list[Outcome] | None:
        """The outcomes of the tasks, in their order; None when the job was stopped before all were there."""
        missing = [task for task in tasks if self._journal.get(task.key) is None]
        for outcome in self._crew.outcomes(missing, self._means.stop):
            self._journal.add(outcome)
            self._tell()
        outcomes = [self._journal.get(task.key) for task in tasks]
        return None if None in outcomes else [outcome for outcome in outcomes if outcome is not None]

    def _tell(self) -> None:
        self._means.tell(Standing(len(self._journal), max(self._total, len(self._journal)), self._before))


@contextmanager
def crew_of(ready: Prepared, params: Params, means: Means) -> Iterator[Crew]:
    """The crew that the means give, until the block ends. `params` are values with which the strategy can be compiled."""
    workers = workers_of(means.workers)
    with ExitStack() as stack:
        crew: Crew
        if means.cluster is None and workers == 1:
            crew = OwnCrew(ready)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="qkt-parcel-", dir=means.shared))
            parcel = Path(folder) / "parcel"
            write_parcel(ready, params, parcel)
            if means.cluster is None:
                crew = means.hired or LocalCrew(workers)
                crew.give(parcel)
            else:
                from qkt.research.cluster import ClusterCrew

                crew = ClusterCrew(means.cluster, parcel, shared=means.shared is not None)
        stack.callback(crew.close)
        yield crew


@dataclass(frozen=True, slots=True)
class Trial:
    """A combination that was tried, the `number`-th, and what came of it."""

    number: int
    params: Params
    outcome: Outcome


def explore(
    search: Search,
    work: Work,
    *,
    prefix: str = "",
    start: int | None = None,
    end: int | None = None,
) -> list[Trial] | None:
    """Try what a search proposes over [start, end) of the market; None when the job was stopped on the way.

    A combination that is proposed again is not run again.
    """
    trials: list[Trial] = []
    known: dict[tuple[str, ...], Outcome] = {}
    while (proposal := search.propose()) is not None:
        tasks: dict[tuple[str, ...], Task] = {}
        for place, params in enumerate(proposal.params):
            values = tuple(params.values())
            if values not in known:
                number = len(trials) + place
                tasks.setdefault(values, _task(f"{prefix}{number}", params, start, end, proposal.pruning))
        outcomes = work.done(list(tasks.values()))
        if outcomes is None:
            return None
        known |= dict(zip(tasks, outcomes, strict=True))
        batch = [known[tuple(params.values())] for params in proposal.params]
        trials += [Trial(len(trials) + n, params, batch[n]) for n, params in enumerate(proposal.params)]
        search.learn(batch)
    return trials


def _task(key: str, params: Params, start: int | None, end: int | None, pruning: Pruning | None) -> Task:
    return Task(key, params, start, end, pruning=pruning)
