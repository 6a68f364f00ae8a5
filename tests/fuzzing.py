"""What fuzzers of the engine's ends have in common: `python -m tests.ROOM.FUZZER COUNT [SEED]`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio

SHOWN = 10
"""Mistreated ones that are told whole."""


class Fuzzed(Protocol):
    """What became of all that was sent, and what should not have."""

    became: Counter[str]
    mistreated: list[str]


def told(what: str, fuzz: Callable[[int, int], Awaitable[Fuzzed]]) -> int:
    """Do what the command line asks and say what came of it. Returns the exit code: 1 when anything was mistreated."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    fuzzed = anyio.run(fuzz, count, seed)
    for text in fuzzed.mistreated[:SHOWN]:
        print(text)
    became = ", ".join(f"{number} {end}" for end, number in sorted(fuzzed.became.items()))
    print(f"{count} {what} of seed {seed}: {became}; {len(fuzzed.mistreated)} mistreated")
    return int(bool(fuzzed.mistreated))
