"""A crew on a Dask cluster that is there already.

The market goes to each worker once, or is read where all of them see it. Dask runs a task again whose worker is lost; where the
market was lost with its last holder, it is sent again with what is still to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from qkt.core.errors import QktError, UsageError, extra
from qkt.research.parcel import map_parcel
from qkt.research.task import Outcome, Task
from qkt.research.worker import ParcelBench

RETRIES = 3
LOOK_SECONDS = 0.2
CONNECT_SECONDS = 10
SENDINGS = 3
LOST = ("KilledWorker", "FutureCancelledError", "CancelledError", "LostWorkerError")


class ClusterCrew:
    """The workers behind a scheduler's address. Raises UsageError without `distributed`, QktError where nobody answers."""

    def __init__(self, address: str, parcel: Path, *, shared: bool) -> None:
        self._distributed = _distributed()
        try:
            self._client = self._distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as problem:
            remedy = "start one with: dask scheduler, and dask worker ADDRESS"
            raise QktError(f"no Dask scheduler answers ({problem})", where=address, remedy=remedy) from None
        if not self._client.scheduler_info()["workers"]:
            self._client.close()
            raise QktError("the cluster has no worker", where=address, remedy=f"start one with: dask worker {address}")
        self._parcel = parcel
        self._shared = shared

    def outcomes(self, tasks: Sequence[Task], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """See `Crew`."""
        left = {task.key: task for task in tasks}
        for sending in range(1, SENDINGS + 1):
            for outcome in self._once(list(left.values()), stop, sending):
                del left[outcome.key]
                yield outcome
            if not left or stop():
                return

    def _once(self, tasks: Sequence[Task], stop: Callable[[], bool], sending: int) -> Iterator[Outcome]:
        """What comes of one sending; tasks that were lost with the market are left out, unless it is the last."""
        held = self._held()
        name = f"qkt-{self._parcel.parent.name}-{sending}"
        futures = [self._client.submit(_perform, held, task, key=f"{name}-{task.key}", retries=RETRIES) for task in tasks]
        ended: SimpleQueue[Any] = SimpleQueue()
        for future in futures:
            future.add_done_callback(ended.put)
        left = len(futures)
        try:
            while left and not stop():
                try:
                    future = ended.get(timeout=LOOK_SECONDS)
                except Empty:
                    continue
                left -= 1
                if future.status == "finished":
                    yield future.result()
                    continue
                problem = future.exception() if future.status == "error" else None
                if sending == SENDINGS or (problem is not None and type(problem).__name__ not in LOST):
                    raise _of(problem)
        finally:
            self._client.cancel(futures)

    def _held(self) -> Any:
        """The market for the workers: its place, or its bytes on every one of them."""
        if self._shared:
            return str(self._parcel)
        return self._client.scatter(self._parcel.read_bytes(), broadcast=True)

    def close(self) -> None:
        """Leave the cluster as it was."""
        self._client.close()


class _Kept:
    """The bench that a worker process keeps for the job it works for, one run at a time: the columns are shared."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.held: object = None
        self.bench: ParcelBench | None = None


_kept = _Kept()


def _perform(held: bytes | str, task: Task) -> Outcome:
    """Done on a worker."""
    with _kept.lock:
        if _kept.bench is None or not (held is _kept.held or (isinstance(held, str) and held == _kept.held)):
            if _kept.bench is not None:
                _kept.bench.close()
            _kept.bench = ParcelBench(map_parcel(Path(held)) if isinstance(held, str) else memoryview(held))
            _kept.held = held
        return _kept.bench.perform(task)


def _of(problem: BaseException | None) -> Exception:
    if isinstance(problem, QktError):
        return problem
    if problem is None or type(problem).__name__ in LOST:
        return QktError(
            f"the cluster has lost the workers of a run {RETRIES} times", remedy="look at their logs and their memory"
        )
    return RuntimeError(f"{type(problem).__name__}: {problem}")


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        remedy = extra("cluster")
        raise UsageError(
            "--cluster needs Dask, which is not installed", expected="the extra 'cluster'", remedy=remedy
        ) from None
    return distributed
