"""Runs seeds, all cores, and tells which came to something that may not be."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.batches import worlds
from tests.simulation.plants import PLANTS

BATCH = 20
"""Worlds of one process: what is dead there stays in its memory."""


def main(arguments: argparse.Namespace) -> int:
    """Returns how many seeds failed, or, with a planted bug, 0 when it was found."""
    began, failed, done, deaths = time.monotonic(), [], 0, 0
    end = arguments.first + arguments.seeds
    with ProcessPoolExecutor(arguments.workers, max_tasks_per_child=1) as pool:
        batches = [pool.submit(worlds, at, min(at + BATCH, end), arguments.plant) for at in range(arguments.first, end, BATCH)]
        for batch in as_completed(batches):
            for seed, kind, problems, diary in batch.result():
                done += 1
                deaths += int(kind.split()[1]) if "deaths" in kind else 0
                if problems:
                    failed.append(seed)
                    print(f"seed {seed} ({kind}): {'; '.join(problems)}")
                    if arguments.diary:
                        print("\n".join(f"    {line}" for line in diary))
                    sys.stdout.flush()
            if arguments.plant and failed:
                for waiting in batches:
                    waiting.cancel()
                break
    seconds = time.monotonic() - began
    if arguments.plant:
        print(f"{arguments.plant}: {'found' if failed else 'not found'} within {done} seeds, {seconds:.0f} s")
        return 0 if failed else 1
    print(f"{done} seeds from {arguments.first}, {deaths} deaths, {len(failed)} failed; {seconds:.0f} s")
    return min(len(failed), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--plant", choices=sorted(PLANTS), help="look for a bug that is planted first")
    parser.add_argument("--diary", action="store_true", help="tell what happened in worlds that fail")
    raise SystemExit(main(parser.parse_args()))
