"""The process that shadows sessions: which, and for how long, comes on standard input; figures go out, lines of JSON both."""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from qkt.core.errors import QktError
from qkt.core.memory import give_back
from qkt.core.output import answers_only
from qkt.runtime.fidelity.shadow import Shadow
from qkt.runtime.journal import JournalReading


def main() -> None:
    """Answer until standard input ends. The first line names the state directory, the priority and the memory."""
    give_back()
    answers = os.fdopen(answers_only(), "w", encoding="utf-8")
    logging.disable()  # failures of strategies are told by the session itself
    opening = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(opening["nice"])
    _bound(opening["memory_mb"])
    with TemporaryDirectory(prefix="qkt-shadow-") as scratch:
        shadows = Shadows(Path(opening["state"]), Path(scratch))
        for line in sys.stdin:
            answers.write(json.dumps(shadows.work(**json.loads(line))) + "\n")
            answers.flush()


def _bound(megabytes: int) -> None:
    """Where the platform can, more memory than this is refused to the process."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))


class Shadows:
    """The shadows of the sessions that were asked for the last time, by run."""

    def __init__(self, state: Path, scratch: Path) -> None:
        self._state = state
        self._scratch = scratch
        self._journal = JournalReading.beside(state)
        self._shadows: dict[int, Shadow] = {}
        # Those that cannot be done again, with the reason.
        self._failed: dict[int, str] = {}

    def work(self, runs: list[int], seconds: float) -> dict[str, Any]:
        """Go on with each run, about so many seconds in all, and tell the figures by run."""
        for run in [one for one in (*self._shadows, *self._failed) if one not in runs]:
            self._shadows.pop(run, None)
            self._failed.pop(run, None)
        for place, run in enumerate(runs):
            if run not in self._failed:
                self._go_on(run, monotonic() + seconds / max(1, len(runs) - place))
        return {str(run): self._told(run) for run in runs}

    def _go_on(self, run: int, deadline: float) -> None:
        try:
            shadow = self._shadows.get(run)
            if shadow is None:
                found = self._journal.of_run(run)
                shadow = self._shadows[run] = Shadow(self._state, self._journal, found, self._scratch / str(run))
            shadow.advance(deadline)
        except QktError as problem:
            self._give_up(run, str(problem))
        except MemoryError:
            self._give_up(run, "doing it again takes more memory than it may")
        except Exception as problem:
            self._give_up(run, f"{type(problem).__name__}: {problem}")

    def _give_up(self, run: int, reason: str) -> None:
        self._shadows.pop(run, None)
        self._failed[run] = reason

    def _told(self, run: int) -> dict[str, Any]:
        return {"problem": self._failed[run]} if run in self._failed else self._shadows[run].as_json()


if __name__ == "__main__":
    main()
