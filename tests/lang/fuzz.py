"""Many damaged files: `python -m tests.lang.fuzz COUNT [FIRST_SEED]`. Prints what became of them; 1 if any was mistreated."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from random import Random

from tests.lang.damage import assert_survives, damaged

SHOWN = 20
PROGRESS = 10_000


def tried(seed: int) -> tuple[int, str, str]:
    """How far the file of a seed came, or what went wrong with it."""
    try:
        source = damaged(Random(seed))
        return seed, assert_survives(source), ""
    except BaseException as problem:  # a RecursionError or a TimeoutError is a finding like any other
        told = "".join(traceback.format_exception(problem)[-3:])
        return seed, "MISTREATED", told[-2_000:]


def main() -> int:
    count = int(sys.argv[1])
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    start = time.monotonic()
    became: Counter[str] = Counter()
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for seed, what, told in pool.imap_unordered(tried, range(first, first + count), chunksize=200):
            became[what] += 1
            if told and became[what] <= SHOWN:
                print(f"seed {seed}: {told}", flush=True)
            if became.total() % PROGRESS == 0:
                print(f"{became.total()} files, {became['MISTREATED']} mistreated", flush=True)
    shown = ", ".join(f"{number} {what}" for what, number in sorted(became.items()))
    print(f"{count} damaged files from seed {first}: {shown}; {time.monotonic() - start:.0f} s")
    return int(became["MISTREATED"] > 0)


if __name__ == "__main__":
    sys.exit(main())
