"""A process that does tasks: the place of its parcel and then tasks come on standard input, answers go out on standard output.

It ends when its input does, so it never outlives whoever started it by more than a task.
"""

from __future__ import annotations

import gc
import itertools
import os
import pickle
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from qkt.core.errors import QktError
from qkt.research.bench import Bench
from qkt.research.parcel import OpenParcel, map_parcel
from qkt.research.task import Broken, Outcome, Task


class ParcelBench:
    """A bench over a parcel."""

    def __init__(self, data: memoryview) -> None:
        self._parcel = OpenParcel(data)
        self._bench = Bench(self._parcel.ready)

    def perform(self, task: Task) -> Outcome:
        """Do a task to its end."""
        outcome = self._bench.perform(task)
        assert outcome is not None
        return outcome if outcome.problem is None else replace(outcome, problem=self._parcel.named(outcome.problem))

    def close(self) -> None:
        self._parcel.close()


def main() -> None:
    """Serve until the input ends."""
    import qkt.lang  # noqa: F401 - while there is nothing to do yet; most strategies need it

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a strategy prints must not get between the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    questions = sys.stdin.buffer
    bench: ParcelBench | None = None
    try:
        place: Path = pickle.load(questions)
        bench = ParcelBench(map_parcel(place))
        for number in itertools.count():
            task: Task = pickle.load(questions)
            pickle.dump(bench.perform(task), answers)
            answers.flush()
            if number == 0:
                # Modules, market and columns stay as they are: the collector need not walk them after every run.
                gc.collect()
                gc.freeze()
    except (EOFError, BrokenPipeError):
        return  # whoever asked is gone
    except Exception as problem:
        told = str(problem) if isinstance(problem, QktError) else traceback.format_exc()
        pickle.dump(Broken(told, isinstance(problem, QktError)), answers)
        answers.flush()
    finally:
        if bench is not None:
            bench.close()


if __name__ == "__main__":
    from qkt.research import worker

    # Under its own name, so that what is pickled here is found elsewhere.
    worker.main()
