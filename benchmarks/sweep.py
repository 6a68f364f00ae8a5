"""What a sweep costs, and that its table does not depend on how it came about.

    python benchmarks/sweep.py [--ticks W1.parquet] [--workers 1,2,4] [--cluster] [--tiny]

A hundred combinations of workload W1 (1.5 million EURUSD quotes, tick-exact; see speed.py) through `qkt sweep`: with several
numbers of workers, killed half-way and resumed, with a worker killed on the way, and with --cluster on a local Dask cluster of
two workers. Every table must have the same bytes. Memory is what the processes hold together, shared pages counted once.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from speed import GENERATOR, ROOT, W1, machine

STRATEGY = (
    W1.replace("RULES", "PARAM fast = 9\nPARAM slow = 21\nRULES", 1)
    .replace("ema(eur.close, 9)", "ema(eur.close, fast)")
    .replace("ema(eur.close, 21)", "ema(eur.close, slow)")
)
SPACE = ("--param", "fast=5..14", "--param", "slow=20..65:5")
TABLES = ("table.csv", "result.json")
LOOK_SECONDS = 0.05

Watch = Callable[[int, Path], bool]


def children(pid: int) -> list[int]:
    """The processes below one, itself first. Linux only; elsewhere only itself."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += children(int(child))
    except OSError:
        return found
    return found


def memory(pid: int) -> float:
    """MB that the processes below one hold, a shared page counted once (proportional set size)."""
    held = 0
    for process in children(pid):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        held += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return held / 1024


def lines_of(out: Path) -> int:
    journal = out / "outcomes.jsonl"
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


def run(folder: Path, name: str, options: Sequence[str], watch: Watch | None = None) -> float:
    """Run a sweep; `watch` sees it go and answers whether to end the process at once. Returns the peak memory, MB."""
    out = folder / name
    command = [sys.executable, "-m", "qkt.cli.main", "sweep", "w1.qkt", "--data", "EURUSD=w1.parquet", *SPACE, "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, "--out", str(out), *options], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        if watch is not None and watch(process.pid, out):
            process.send_signal(signal.SIGKILL)
        time.sleep(LOOK_SECONDS)
    if process.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"sweep.py: {name} ended with {process.returncode}")
    return peak


def timed(folder: Path, name: str, options: Sequence[str], watch: Watch | None = None) -> None:
    before, began = os.times(), time.perf_counter()
    peak = run(folder, name, options, watch)
    seconds, after = time.perf_counter() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    mark = hashlib.sha256(b"".join((folder / name / table).read_bytes() for table in TABLES)).hexdigest()[:16]
    print(f"{name:34}{seconds:8.1f} s {spent:8.1f} s of CPU {peak:8.0f} MB   {mark}", flush=True)
    marks.add(mark)


marks: set[str] = set()


def half(_: int, out: Path) -> bool:
    return lines_of(out) >= 50


class OneWorker:
    """Kills a worker, once, when a quarter is done."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, pid: int, out: Path) -> bool:
        below = children(pid)[1:]
        if not self.done and lines_of(out) >= 25 and below:
            os.kill(below[-1], signal.SIGKILL)  # the first may be the one that the others were forked from
            self.done = True
        return False


def on_a_cluster(folder: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(folder)) as cluster:
        timed(folder, "Dask, 2 workers", ["--cluster", cluster.scheduler_address])
        timed(folder, "Dask, 2 workers, shared folder", ["--cluster", cluster.scheduler_address, "--shared", str(folder)])

        class OneOfTheirs(OneWorker):
            def __call__(self, _: int, out: Path) -> bool:
                if not self.done and lines_of(out) >= 25:
                    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
                    self.done = True
                return False

        timed(folder, "Dask, one worker killed", ["--cluster", cluster.scheduler_address], OneOfTheirs())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=Path, help="W1's quotes as Parquet")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--cluster", action="store_true", help="also on a local Dask cluster")
    parser.add_argument("--tiny", action="store_true", help="30,000 quotes instead: does it work at all")
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "w1.qkt").write_text(STRATEGY)
        if args.ticks is not None:
            (folder / "w1.parquet").symlink_to(args.ticks.resolve())
        elif not GENERATOR.exists():
            sys.exit("sweep.py: no quotes: give a file with --ticks")
        else:
            count = "30000" if args.tiny else "1500000"
            make = [sys.executable, GENERATOR, "--ticks", count, "--seed", "7", "--parquet", folder / "w1.parquet"]
            subprocess.run(make, check=True, capture_output=True)
        for workers in args.workers.split(","):
            timed(folder, f"{workers} workers", ["--workers", workers])
        timed(folder, "2 workers, one killed", ["--workers", "2"], OneWorker())
        run(folder, "killed half-way", ["--workers", "2"], half)
        print(f"{'killed half-way':34}{lines_of(folder / 'killed half-way'):8} of 100 outcomes on disk")
        timed(folder, "killed half-way", ["--workers", "2", "--resume"])
        if args.cluster:
            on_a_cluster(folder)
    if len(marks) > 1:
        sys.exit("sweep.py: the tables differ")
    print("all tables have the same bytes")


if __name__ == "__main__":
    main()
