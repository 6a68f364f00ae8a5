"""Who does the tasks: this process, or processes beside it. Whoever does them, the outcomes are the same.

Each process of a `LocalCrew` is fed by a thread that waits for its answer. A process that dies (out of memory, killed) is
replaced and its task done again; a task that has cost three processes ends the job with a sentence. A crew may be there before
its work is: its processes import meanwhile what they need, while whoever started them reads the market. So this module itself
imports little.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Protocol

from qkt.core.errors import QktError
from qkt.research.task import Broken, Outcome, Task

if TYPE_CHECKING:
    from qkt.backtest.prepared import Prepared

ATTEMPTS = 3
LOOK_SECONDS = 0.1
"""Between two looks whether to stop."""

MINUTE = 60.0
NEW_PROCESS_GROUP = 0x200
"""Of Windows."""


class Crew(Protocol):
    """Does tasks."""

    def outcomes(self, tasks: Sequence[Task], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """The outcome of each task as it comes, in any order; fewer when `stop` answered True. Raises a QktError when the
        tasks cannot be done."""
        ...

    def close(self) -> None: ...


class OwnCrew:
    """This process alone."""

    def __init__(self, ready: Prepared) -> None:
        from qkt.research.bench import Bench

        self._bench = Bench(ready)

    def outcomes(self, tasks: Sequence[Task], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """See `Crew`."""
        for task in tasks:
            outcome = None if stop() else self._bench.perform(task, stop)
            if outcome is None:
                return
            yield outcome

    def close(self) -> None:
        """Nothing is left open."""


class LocalCrew:
    """As many processes as asked for, which map one parcel, the one that was given last before any task."""

    def __init__(self, workers: int) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._answers: SimpleQueue[Outcome | Broken] = SimpleQueue()
        self._hands = [_Hand(self._tasks, self._answers) for _ in range(workers)]

    def give(self, parcel: Path) -> None:
        """Have the work done on this parcel."""
        for hand in self._hands:
            hand.parcel = parcel

    def outcomes(self, tasks: Sequence[Task], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """See `Crew`."""
        for task in tasks:
            self._tasks.put(task)
        left = len(tasks)
        while left and not stop():
            try:
                answer = self._answers.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            if isinstance(answer, Broken):
                raise QktError(answer.told) if answer.expected else RuntimeError(answer.told)
            left -= 1
            yield answer

    @property
    def pids(self) -> list[int]:
        """Of the processes there are."""
        return [hand.pid for hand in self._hands if hand.pid is not None]

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        for hand in self._hands:
            hand.end()
        for _ in self._hands:
            self._tasks.put(None)
        for hand in self._hands:
            hand.join()


@contextmanager
def hired(workers: int | None, cluster: str | None) -> Iterator[LocalCrew | None]:
    """A crew that gets ready while its work is prepared; None where this process works alone, or a cluster does."""
    count = 1 if cluster is not None else workers_of(workers)
    if count < 2:
        yield None
        return
    crew = LocalCrew(count)
    try:
        yield crew
    finally:
        crew.close()


def workers_of(asked: int | None) -> int:
    """How many processes work: one for each core that this one may use where nobody asked for a number."""
    count = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    return asked if asked is not None else count or 1


class _Hand:
    """A thread with its process."""

    def __init__(self, tasks: SimpleQueue[Task | None], answers: SimpleQueue[Outcome | Broken]) -> None:
        self.parcel: Path | None = None
        self._tasks = tasks
        self._answers = answers
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None
        # The process that has got the parcel.
        self._given: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def end(self) -> None:
        self._ended = True
        if self._process is not None:
            self._process.kill()

    def ended(self) -> bool:
        """Whether the work has been ended, by another thread at any time."""
        return self._ended

    def join(self) -> None:
        self._thread.join(MINUTE)

    def _work(self) -> None:
        try:
            self._process = _start()
            while (task := self._tasks.get()) is not None and not self.ended():
                answer = self._done(task)
                if answer is not None:
                    self._answers.put(answer)
        except OSError as problem:
            self._answers.put(Broken(f"a worker cannot be started ({problem.strerror})", expected=True))
        finally:
            if self._process is not None:
                _finish(self._process)

    def _done(self, task: Task) -> Outcome | Broken | None:
        """The answer to a task, None when the work has ended meanwhile."""
        for _ in range(ATTEMPTS):
            if self._process is None:
                self._process = _start()
            if self.ended():
                return None
            if self._given is not self._process:
                self._given = self._process
                _say(self._process, self.parcel)
            answer = _ask(self._process, task)
            if answer is not None:
                return answer
            _finish(self._process)
            self._process = None
        if self.ended():
            return None
        params = ", ".join(f"{name}={value}" for name, value in task.params.items())
        return Broken(f"{ATTEMPTS} processes died one after the other over {params or 'a run'}; is there enough memory?", True)


def _start() -> subprocess.Popen[bytes]:
    """A worker in a session of its own: Ctrl-C in the terminal is for who started it."""
    return subprocess.Popen(
        [sys.executable, "-m", "qkt.research.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        start_new_session=os.name == "posix",
        creationflags=0 if os.name == "posix" else NEW_PROCESS_GROUP,
    )


def _ask(process: subprocess.Popen[bytes], task: Task) -> Outcome | Broken | None:
    """None when the process is gone."""
    if not _say(process, task):
        return None
    assert process.stdout is not None
    try:
        answer: Outcome | Broken = pickle.load(process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError):
        return None
    return answer


def _say(process: subprocess.Popen[bytes], message: object) -> bool:
    pipe: IO[bytes] | None = process.stdin
    assert pipe is not None
    try:
        pickle.dump(message, pipe)
        pipe.flush()
    except OSError:
        return False
    return True


def _finish(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue  # what was still to be written has no reader
    process.wait()
