"""Who does the tasks: this process, or processes beside it. Whoever does them, the outcomes are the same.

Each process of a `LocalCrew` is fed by a thread that waits for its answer. A process that dies (out of memory, killed) is
replaced and its task done again; a task that has cost three processes ends the job with a sentence. A crew may be there before
its work is: its processes import meanwhile what they need, while whoever started them reads the market. So this module itself
imports little.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
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
PATIENCE = 10.0
"""For processes to end in."""

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
    """As many processes as asked for, which map one parcel. Where processes can be forked safely they begin as one."""

    def __init__(self, workers: int) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._answers: SimpleQueue[Outcome | Broken] = SimpleQueue()
        self._nursery = _Nursery(workers) if sys.platform == "linux" else None
        first = [None] * workers if self._nursery is None else self._nursery.workers
        self._hands = [_Hand(self._tasks, self._answers, worker) for worker in first]

    def give(self, parcel: Path) -> None:
        """Have the work done on this parcel. Once, before any task."""
        for hand in self._hands:
            hand.parcel = parcel
        if self._nursery is not None:
            self._nursery.give(parcel)

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
        if self._nursery is not None:
            self._nursery.end()
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


class _Worker:
    """One process as its hand sees it: `process` where it was started alone, None where it was forked."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes], process: subprocess.Popen[bytes] | None) -> None:
        self._questions = questions
        self._answers = answers
        self.process = process
        self.pid: int | None = None

    @classmethod
    def started(cls) -> _Worker:
        """A new process. Raises OSError where none can be started."""
        process = _started([])
        assert process.stdin is not None
        assert process.stdout is not None
        return cls(process.stdin, process.stdout, process)

    def greet(self, parcel: Path | None) -> Broken | None:
        """Hear who it is, or why it cannot work, and give it the parcel unless it was born with it."""
        told = self._hear()
        if isinstance(told, Broken):
            return told
        self.pid = told if isinstance(told, int) else None
        if self.process is not None:
            self._say(parcel)
        return None

    def ask(self, task: Task) -> Outcome | Broken | None:
        """Its answer, None when it is gone."""
        answer = self._hear() if self._say(task) else None
        return answer if isinstance(answer, Outcome | Broken) else None

    def _say(self, message: object) -> bool:
        try:
            pickle.dump(message, self._questions)
            self._questions.flush()
        except OSError:
            return False
        return True

    def _hear(self) -> object:
        try:
            return pickle.load(self._answers)
        except (EOFError, OSError, pickle.UnpicklingError):
            return None

    def kill(self) -> None:
        """A forked one is killed with all that were born with it."""
        if self.process is not None:
            self.process.kill()

    def finish(self) -> None:
        """Nothing of it is left. A forked one ends where its input does, if it is not gone already."""
        self.kill()
        for pipe in (self._questions, self._answers):
            try:
                pipe.close()
            except OSError:
                continue  # what was still to be written has no reader
        if self.process is not None:
            self.process.wait()


class _Nursery:
    """A process that becomes several when it gets the parcel: what takes long is imported and opened once."""

    def __init__(self, workers: int) -> None:
        self.workers: list[_Worker] = []
        theirs: list[tuple[int, int]] = []
        for _ in range(workers):
            (source, questions), (answers, sink) = os.pipe(), os.pipe()
            self.workers.append(_Worker(os.fdopen(questions, "wb"), os.fdopen(answers, "rb"), None))
            theirs.append((source, sink))
        try:
            self._process = _started(theirs)
        except OSError as problem:
            raise QktError(f"a worker cannot be started ({problem.strerror})") from None
        finally:
            for end in chain(*theirs):
                os.close(end)

    def give(self, parcel: Path) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(parcel, self._process.stdin)
            self._process.stdin.close()
        except OSError:
            return  # it is gone, and each hand starts a worker of its own

    def end(self) -> None:
        """End those that were born of it, and it with them: they are one group of processes."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
                break
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


class _Hand:
    """A thread with its process, at first the one that is given."""

    def __init__(self, tasks: SimpleQueue[Task | None], answers: SimpleQueue[Outcome | Broken], worker: _Worker | None) -> None:
        self.parcel: Path | None = None
        self._tasks = tasks
        self._answers = answers
        self._ended = False
        self._worker = worker
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        worker = self._worker
        return None if worker is None else worker.pid

    def end(self) -> None:
        self._ended = True
        if self._worker is not None:
            self._worker.kill()

    def ended(self) -> bool:
        """Whether the work has been ended, by another thread at any time."""
        return self._ended

    def join(self) -> None:
        self._thread.join(MINUTE)

    def _work(self) -> None:
        try:
            self._worker = self._worker or _Worker.started()
            while (task := self._tasks.get()) is not None and not self.ended():
                answer = self._done(task)
                if answer is not None:
                    self._answers.put(answer)
        except OSError as problem:
            self._answers.put(Broken(f"a worker cannot be started ({problem.strerror})", expected=True))
        except Exception as problem:  # without an answer the job would wait for ever
            self._answers.put(Broken("".join(traceback.format_exception(problem)), expected=False))
        finally:
            if self._worker is not None:
                self._worker.finish()

    def _done(self, task: Task) -> Outcome | Broken | None:
        """The answer to a task, None when the work has ended meanwhile."""
        for _ in range(ATTEMPTS):
            worker = self._worker = self._worker or _Worker.started()
            if self.ended():
                return None
            answer: Outcome | Broken | None = worker.greet(self.parcel) if worker.pid is None else None
            answer = answer or worker.ask(task)
            if answer is not None:
                return answer
            worker.finish()
            self._worker = None
        if self.ended():
            return None
        params = ", ".join(f"{name}={value}" for name, value in task.params.items())
        return Broken(f"{ATTEMPTS} processes died one after the other over {params or 'a run'}; is there enough memory?", True)


def _started(pairs: Sequence[tuple[int, int]]) -> subprocess.Popen[bytes]:
    """A process that becomes workers on these pipes, without any a worker itself. It has a session of its own: Ctrl-C in the
    terminal is for who started it."""
    return subprocess.Popen(
        [sys.executable, "-m", "qkt.research.worker", *(f"{source},{sink}" for source, sink in pairs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        pass_fds=list(chain(*pairs)),
        start_new_session=os.name == "posix",
        creationflags=0 if os.name == "posix" else NEW_PROCESS_GROUP,
    )
