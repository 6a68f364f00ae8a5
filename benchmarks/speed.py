"""How fast the back-test is: workload W1, a year from the store, many rules, start-up. One core, several runs, medians.

    python benchmarks/speed.py [--ticks W1.parquet] [--year STORE] [--runs 5]

W1 is 1.5 million EURUSD quotes over 21 days, EMA 9/21 on one-minute candles, market entry on a cross when flat, stop 5
pips, target 10 pips. Without --ticks the quotes are made by the generator beside the project where it is present. --year
names a store with a year of EURUSD to run the same strategy over in a process of its own, whose peak memory is reported.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = ROOT.parent / "shared" / "tools" / "make_ticks.py"

W1 = """STRATEGY w1 VERSION 1
SYMBOLS
    eur = BACKTEST:EURUSD EVERY 1m
RULES
    WHEN ema(eur.close, 9) CROSSES ABOVE ema(eur.close, 21) AND POSITION.eur = 0
    THEN BUY eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
    WHEN ema(eur.close, 9) CROSSES BELOW ema(eur.close, 21) AND POSITION.eur = 0
    THEN SELL eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
"""

# W1 whose positions run under a trailing stop, beside a trailing entry that never gets its way; and W1 beside 20 limits that
# nobody meets.
TRAILING = (
    W1.replace("STOP LOSS BY 0.0005", "STOP LOSS TRAILING 0.0005 AFTER MFE >= 0")
    + """
    WHEN OPEN_ORDERS.eur = 0 THEN SELL eur SIZING 0.2 ORDER_TYPE = TRAILING BY 0.1
"""
)
LIMITS = " ; ".join(f"BUY eur SIZING 0.2 ORDER_TYPE = LIMIT AT eur.close * 0.{80 + n // 2}" for n in range(20))
RESTING = W1 + f"    WHEN OPEN_ORDERS.eur = 0 THEN {LIMITS}\n"

# One run in a process of its own, which tells its time and peak memory.
YEAR = """
import resource, sys, time
import qkt
began = time.perf_counter()
result = qkt.backtest(sys.argv[1], store=__import__('pathlib').Path(sys.argv[2]))
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{result.record.ticks} {seconds:.3f} {peak:.0f} {len(result.trades)}")
"""


def machine() -> str:
    """The processor, its cores, the interpreter."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def pin() -> None:
    """Stay on one core where the system lets a process choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def timed(runs: int, work: Callable[[], object]) -> tuple[float, float, float]:
    """Least, median and greatest seconds of several runs, after one that does not count."""
    work()
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds), statistics.median(seconds), max(seconds)


def row(name: str, seconds: tuple[float, float, float], note: str) -> None:
    low, middle, high = (f"{value * 1000:9.1f}" for value in seconds)
    print(f"{name:42}{low}{middle}{high}  {note}")


def w1(folder: Path, ticks: Path, runs: int) -> None:
    """W1 with and without reading the file, with orders that always work, and the same ticks one by one."""
    from qkt.backtest.market import HeldTicks
    from qkt.backtest.runner import run
    from qkt.data import open_data
    from qkt.engine import SessionSettings
    from qkt.lang import load

    path = folder / "w1.qkt"
    path.write_text(W1)
    spec = [f"EURUSD={ticks}"]
    market = "BACKTEST:EURUSD"

    source = open_data(spec)["EURUSD"]
    source.volume = False
    # Read, but with nothing found out yet: every run derives its candles and extremes.
    loaded = {market: HeldTicks.read(source, None, None)}
    count = source.report.good

    def replay(every_tick: bool) -> object:
        return run(load(path).strategy, loaded, SessionSettings(), every_tick=every_tick)

    def whole() -> object:
        return run(load(path).strategy, {market: open_data(spec)["EURUSD"]}, SessionSettings())

    record = run(load(path).strategy, loaded, SessionSettings())
    candles = len(record.equity_times)
    fast = timed(runs, lambda: replay(False))
    rate = f"{count / fast[1] / 1e6:.2f} million quotes/s, {fast[1] / candles * 1e6:.2f} us a candle in all"
    row("W1, after loading", fast, rate)
    for name, text in (("W1 under trailing stops", TRAILING), ("W1 beside 20 resting limits", RESTING)):
        path.write_text(text)
        busy = timed(runs, lambda: replay(False))
        row(name, busy, f"{count / busy[1] / 1e6:.2f} million quotes/s, {fast[1] / busy[1]:.0%} of the plain speed")
    path.write_text(W1)
    both = timed(runs, whole)
    row("W1, Parquet included", both, f"{count / both[1] / 1e6:.2f} million quotes/s")
    combinations(folder, spec, runs)
    slow = timed(1, lambda: replay(True))
    row("W1, --every-tick, after loading", slow, f"{count / slow[1] / 1e6:.2f} million quotes/s")
    print(f"{'':42}{count:,} quotes, {candles:,} candles, {len(record.trades)} fills, {len(record.round_trips)} trades")


def combinations(folder: Path, spec: list[str], runs: int) -> None:
    """W1 with ever other averages over a market that is loaded once: from the text of the strategy to its figures."""
    from qkt.backtest.api import prepare

    path = folder / "swept.qkt"
    declared = "EVERY 1m\nPARAM quick = 9\nPARAM slow = 21\n"
    path.write_text(W1.replace("EVERY 1m\n", declared).replace(", 9)", ", quick)").replace(", 21)", ", slow)"))
    ready = prepare(path, data=spec).loaded()
    pairs = itertools.cycle([(5 + n % 10, 21 + 3 * (n % 7)) for n in range(70)])

    def one() -> object:
        quick, slow = next(pairs)
        return ready.run({"quick": str(quick), "slow": str(slow)})

    row("W1, one combination of a sweep", timed(4 * runs, one), "market loaded once")


def many_rules(folder: Path, ticks: Path, runs: int) -> None:
    """50 rules with 60 indicator calls, of which none may trade: what a candle costs."""
    from qkt.backtest.runner import run
    from qkt.data import open_data
    from qkt.engine import SessionSettings
    from qkt.lang import load

    kinds = ("ema(eur.close, {n})", "sma(eur.close, {n})", "rsi(eur.close, {n})", "atr(eur, {n})", "stddev(eur.close, {n})")
    kinds += ("highest(eur.high, {n})",)
    calls = [kinds[n % len(kinds)].format(n=5 + n // 2) for n in range(60)]
    rules = [f"WHEN {calls[n]} > {calls[n + 10]} + 1000000 AND eur.close > eur.open THEN BUY eur SIZING 0.1" for n in range(50)]
    path = folder / "many.qkt"
    path.write_text("STRATEGY many VERSION 1\nSYMBOLS eur = BACKTEST:EURUSD EVERY 1m\nRULES\n" + "\n".join(rules) + "\n")
    spec = [f"EURUSD={ticks}"]
    seconds = timed(runs, lambda: run(load(path).strategy, {"BACKTEST:EURUSD": open_data(spec)["EURUSD"]}, SessionSettings()))
    row("50 rules, 60 calls, Parquet included", seconds, f"{seconds[1] / 28_629 * 1e6:.1f} us a candle in all")


def checking(runs: int) -> None:
    """Everything that `qkt check` does with a strategy of 300 lines, once the language is imported."""
    from qkt.lang.loader import check_text

    lets = [f"LET v{n} = ema(a.close, {n + 2}) - sma(b.close, {n + 3}) * {n + 1} / 100" for n in range(90)]
    rules = [
        f"WHEN v{n % 90} > rsi(a.close, {n % 30 + 2}) AND a.close CROSSES ABOVE ema(a.close, {n + 5}) AND POSITION.a = 0\n"
        f"THEN BUY a SIZING 0.1 BRACKET {{ STOP LOSS BY atr(a, {n % 20 + 2}) * 2, TAKE PROFIT RR 2 }}"
        for n in range(104)
    ]
    head = ["STRATEGY long VERSION 1", "SYMBOLS a = SIM:AAA EVERY 1m, b = SIM:BBB EVERY 5m"]
    text = "\n".join([*head, *lets, "RULES", *rules]) + "\n"
    if not check_text(text).ok:
        sys.exit("speed.py: the long strategy does not check")
    row("checking a strategy, imported", timed(runs, lambda: check_text(text)), f"{text.count(chr(10))} lines")


def year(folder: Path, store: Path) -> None:
    path = folder / "w1.qkt"
    path.write_text(W1)
    done = subprocess.run([sys.executable, "-c", YEAR, path, store], capture_output=True, text=True, check=True)
    ticks, seconds, peak, fills = done.stdout.split()
    print(f"{'a year from the store, own process':42}{float(seconds) * 1000:27.1f}  {int(ticks):,} quotes, {fills} fills,")
    print(f"{'':42}{int(ticks) / float(seconds) / 1e6:.2f} million quotes/s, peak {peak} MB")


def start_up(folder: Path, runs: int) -> None:
    """Whole processes, with the byte code that an installation has."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    path = folder / "w1.qkt"
    path.write_text(W1)
    for name, command in (("qkt --help", ["--help"]), ("qkt check FILE", ["check", str(path)])):
        call = [sys.executable, "-m", "qkt.cli.main", *command]
        started = timed(runs, lambda call=call: subprocess.run(call, capture_output=True, check=True, env=environment))  # type: ignore[misc]
        row(name, started, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=Path, help="W1's quotes as Parquet")
    parser.add_argument("--year", type=Path, help="a store that holds a year of EURUSD")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    pin()
    print(machine())
    print(f"{'':42}{'least':>9}{'median':>9}{'most':>9}  milliseconds")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ticks = args.ticks
        if ticks is None:
            if not GENERATOR.exists():
                sys.exit("speed.py: no quotes: give a file with --ticks")
            ticks = folder / "w1.parquet"
            subprocess.run(
                [sys.executable, GENERATOR, "--ticks", "1500000", "--seed", "7", "--parquet", ticks],
                check=True,
                capture_output=True,
            )
        w1(folder, ticks, args.runs)
        many_rules(folder, ticks, args.runs)
        checking(args.runs)
        start_up(folder, args.runs)
        if args.year:
            year(folder, args.year)


if __name__ == "__main__":
    main()
