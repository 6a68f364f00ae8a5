"""A process that does tasks: the place of its parcel and then tasks come on standard input, answers go out on standard output.

Or it becomes several, each with two pipes of its own, once the place of the parcel came on standard input. A worker ends when
its input does, so it never outlives whoever started it by more than a task.
"""

from __future__ import annotations

import gc
import itertools
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from qkt.core.errors import QktError
from qkt.core.output import answers_only
from qkt.research.bench import Bench
from qkt.research.parcel import OpenParcel, map_parcel
from qkt.research.task import Broken, Outcome, Task


class ParcelBench:
    """A bench over a parcel. The strategy's files stand in a folder of its own `within` one, or where temporary files do."""

    def __init__(self, data: memoryview, within: Path | None = None) -> None:
        self._parcel = OpenParcel(data, within)
        self._bench = Bench(self._parcel.ready)

    def perform(self, task: Task) -> Outcome:
        """Do a task to its end."""
        outcome = self._bench.perform(task)
        assert outcome is not None
        return outcome if outcome.problem is None else replace(outcome, problem=self._parcel.named(outcome.problem))

    def close(self) -> None:
        self._parcel.close()


def main() -> None:
    """Serve until the input ends, or where the command line names pipes become a worker for each pair of them."""
    import qkt.lang  # noqa: F401 - while there is nothing to do yet; most strategies need it

    pairs = [(int(source), int(sink)) for source, _, sink in (text.partition(",") for text in sys.argv[1:])]
    answers = answers_only()
    if pairs:
        fork(sys.stdin.buffer, pairs)
    else:
        serve(sys.stdin.buffer, os.fdopen(answers, "wb"))


def fork(told: IO[bytes], pairs: Sequence[tuple[int, int]]) -> None:
    """Become several workers, who share what is imported and the parcel as it was opened. Ends when they have."""
    try:
        place: Path = pickle.load(told)
        bench = ParcelBench(map_parcel(place), place.parent)
    except EOFError:
        return
    except Exception as problem:
        for _, sink in pairs:
            with os.fdopen(sink, "wb") as answers:
                pickle.dump(_broken(problem), answers)
        return
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which is for the workers; this one ends when they have
    for own in pairs:
        if os.fork() == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                _close(pair for pair in pairs if pair != own)
                serve(os.fdopen(own[0], "rb"), os.fdopen(own[1], "wb"), bench)
            finally:
                os._exit(0)  # what is to be done at the end of a process is done once, by who forked
    _close(pairs)
    for _ in pairs:
        os.wait()
    bench.close()


def _close(pairs: Iterable[tuple[int, int]]) -> None:
    for pair in pairs:
        for end in pair:
            os.close(end)


def serve(questions: IO[bytes], answers: IO[bytes], bench: ParcelBench | None = None) -> None:
    """Say who this is, then answer. Without a bench the first that comes is the place of a parcel."""
    try:
        _answer(os.getpid(), answers)
        if bench is None:
            place: Path = pickle.load(questions)
            bench = ParcelBench(map_parcel(place), place.parent)
        for number in itertools.count():
            task: Task = pickle.load(questions)
            _answer(bench.perform(task), answers)
            if number == 0:
                # Modules, market and columns stay as they are: the collector need not walk them after every run.
                gc.collect()
                gc.freeze()
    except (EOFError, BrokenPipeError):
        return  # whoever asked is gone
    except Exception as problem:
        _answer(_broken(problem), answers)


def _answer(answer: object, answers: IO[bytes]) -> None:
    pickle.dump(answer, answers)
    answers.flush()


def _broken(problem: Exception) -> Broken:
    expected = isinstance(problem, QktError)
    return Broken(str(problem) if expected else "".join(traceback.format_exception(problem)), expected)


if __name__ == "__main__":
    from qkt.research import worker

    # Under its own name, so that what is pickled here is found elsewhere.
    worker.main()
