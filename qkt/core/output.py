"""The standard output of a process whose answers are read by a program."""

from __future__ import annotations

import os

STDOUT = 1


def answers_only(printed: int | None = None) -> int:
    """A descriptor that leads where standard output did, for answers alone. What is printed from now on, by a strategy or
    what it calls, goes where the descriptor `printed` does, or nowhere."""
    answers = os.dup(STDOUT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere if printed is None else printed, STDOUT)
    os.close(nowhere)
    return answers
