"""The real programs on terminals of ours: how soon they paint and leave, what they take of a processor and of memory.

`python benchmarks/dashboard_program.py STATE [--hosted]` is the engine that is looked at: eight sessions on 30 symbols that
quote 1,000 times a second, headless or behind the dashboard in its terminal.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

SYMBOLS = [f"M{number:02}" for number in range(30)]
SESSIONS = 8
TICKS = 1_000
TURN = 0.02
PATIENCE = 60.0
SETTLES = 10.0
"""Seconds until a dashboard that has just come has all that it will ever have at once."""
STRATEGY = """STRATEGY s{number} VERSION 1
SYMBOLS
{streams}
RULES
{rules}"""
RULE = """    WHEN {n}.close > 0 AND POSITION.{n} = 0
    THEN BUY {n} SIZING 1
"""
HEARS = 1.0
"""Seconds after which a question hears what is typed."""


# ------------------------------------------------------------------- the engine


def strategy(number: int) -> str:
    names = [name.lower() for name in SYMBOLS[number::SESSIONS]]
    streams = "\n".join(f"    {name} = SIM:{name.upper()} EVERY 5s" for name in names)
    return STRATEGY.format(number=number, streams=streams, rules="".join(RULE.format(n=name) for name in names))


class Quotes:
    """A live feed at a steady rate; every symbol quotes as often as the others."""

    replayable = drives_clock = patient = False

    def __init__(self) -> None:
        import random

        self._rng = random.Random(1)
        self._middles = [100.0 + number for number in range(len(SYMBOLS))]
        self._ready: list[object] = []
        self._given = 0
        self._began = 0.0

    def name_of(self, symbol: str) -> str:
        return symbol.partition(":")[2]

    def resume(self, after: int) -> None:
        raise NotImplementedError

    async def subscribe(self, symbols: Iterable[str]) -> None: ...

    async def unsubscribe(self, symbols: Iterable[str]) -> None: ...

    async def aclose(self) -> None: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> object:
        import anyio

        from qkt.data.feeds import FeedHealth, FeedState

        if not self._began:
            self._began = time.monotonic()
            return FeedHealth(FeedState.CONNECTED, 0)
        while not self._ready:
            await anyio.sleep(TURN)
            self._quote(int((time.monotonic() - self._began) * TICKS) - self._given)
        return self._ready.pop()

    def _quote(self, count: int) -> None:
        from qkt.core.events import Tick
        from qkt.data.feeds import FeedTick

        now, arrived = time.time_ns() // 1_000_000, time.monotonic_ns()
        for _ in range(count):
            code = self._given % len(SYMBOLS)
            self._given += 1
            self._middles[code] += self._rng.choice((-0.01, 0.0, 0.01))
            bid = round(self._middles[code], 3)
            self._ready.append(FeedTick(Tick(SYMBOLS[code], now, bid + 0.005, bid, bid + 0.01), arrived=arrived))
        self._ready.reverse()


async def engine(state: Path, hosted: bool, tell: Callable[[str], None]) -> None:
    """Run it until a signal or whoever sits before it ends it."""
    import anyio

    from qkt.data.feeds import FeedHub
    from qkt.deck import find_dashboard, front
    from qkt.ending import ending_on_signal
    from qkt.host import until_asked
    from qkt.risk import RiskLimits, StrategyLimits
    from qkt.runtime.control.link import LocalLink
    from qkt.runtime.control.serving import serving
    from qkt.runtime.engine import Engine
    from qkt.runtime.markets import SharedFeed
    from qkt.runtime.setup import Terms

    unhurried = RiskLimits(every_strategy=StrategyLimits(runaway_round_trips=1_000_000, runaway_rejections=1_000_000))
    async with ending_on_signal(tell) as ending, anyio.create_task_group() as tasks:
        feeds = FeedHub(tasks, held=True)
        async with Engine(state, SharedFeed(feeds, "quotes", Quotes), terms=Terms(limits=unhurried)) as one:
            for number in range(SESSIONS):
                path = state / f"s{number}.qkt"
                path.write_text(strategy(number))
                await one.deploy(path, path.stem, {})
            feeds.release()
            async with serving(one, state) as (hub, _):
                if hosted:
                    shows = front(find_dashboard(), {}, tell)
                    tasks.start_soon(shows, LocalLink(hub), state, ending, lambda: None)
                await until_asked(ending, one)
        tasks.cancel_scope.cancel()


def run(state: Path, hosted: bool) -> None:
    import logging

    from qkt.cli.screen import aside
    from qkt.host import run as run_in_loop

    state.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=state / "process.log", level=logging.INFO)
    with aside(state / "printed.log") as tell:
        run_in_loop(engine, state, hosted, tell)


# --------------------------------------------------------------------- programs


class Program:
    """A program on a terminal of 160x48 that takes what is written to it, or for a while does not."""

    def __init__(self, *words: str) -> None:
        import fcntl
        import pty
        import termios

        self.began = time.perf_counter()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, *words])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
        self.seen = bytearray()
        self.takes = threading.Event()
        self.takes.set()
        self.code: int | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while self.code is None:
                self.takes.wait()
                if select.select([self.master], [], [], 0.02)[0]:
                    self.seen += os.read(self.master, 1 << 16)

    def shows(self, word: bytes) -> float:
        """Seconds from its beginning until it showed a word."""
        while word not in self.seen:
            assert time.perf_counter() - self.began < PATIENCE, f"it never showed {word!r}: {bytes(self.seen[-2000:])!r}"
            time.sleep(0.002)
        return time.perf_counter() - self.began

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def ended(self) -> float:
        """Seconds from now until the process is no more."""
        began = time.perf_counter()
        while not (found := os.waitpid(self.pid, os.WNOHANG))[0]:
            assert time.perf_counter() - began < PATIENCE, f"it does not end: {bytes(self.seen[-2000:])!r}"
            time.sleep(0.002)
        self.code = os.waitstatus_to_exitcode(found[1])
        self.takes.set()
        return time.perf_counter() - began

    def cpu(self) -> float:
        """Seconds of processor time so far (Linux)."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def share(self, seconds: float) -> float:
        """Processor time over a while, percent of one core."""
        cpu, wall = self.cpu(), time.perf_counter()
        time.sleep(seconds)
        return (self.cpu() - cpu) / (time.perf_counter() - wall) * 100

    def memory(self) -> float:
        """MiB resident (Linux)."""
        found = next(line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
        return int(found.split()[1]) / 1024

    def kill(self) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            self.code = -signal.SIGKILL


@contextlib.contextmanager
def program(*words: str) -> Iterator[Program]:
    one = Program(*words)
    try:
        yield one
    finally:
        one.kill()


@contextlib.contextmanager
def headless(state: Path) -> Iterator[None]:
    """The engine without a dashboard, until it can be attached to."""
    one = subprocess.Popen([sys.executable, __file__, str(state)])
    try:
        until = time.monotonic() + PATIENCE
        while not (state / "control.json").exists():
            assert time.monotonic() < until, "the engine did not come"
            time.sleep(0.05)
        yield
    finally:
        one.terminate()
        one.wait(30)


@contextlib.contextmanager
def own_state() -> Iterator[Path]:
    """A folder for everything that the programs keep."""
    with tempfile.TemporaryDirectory(prefix="qktb", dir="/tmp") as folder:  # the path of a socket is short
        here = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once, not at each start
        os.environ.update(dict.fromkeys(("XDG_RUNTIME_DIR", "XDG_STATE_HOME"), folder) | {"PYTHONPATH": path})
        yield Path(folder) / "state"


Figures = list[tuple[str, float, float, str]]

QKT = ("-m", "qkt.cli.main")
PAINTED = b"STRATEGIES"
KNOWS = b"PAPER"
"""What it shows once the engine has told it anything."""
FROZEN = 3.0
TRIES = 3
"""Of what takes wall time the best counts, so that what else the machine does does not."""
PAINTS, LEAVES, CPU, MEMORY = 0.8, 3.0, 6.0, 80.0
TELLS = 2.0
"""Seconds until a dashboard shows what its engine tells, the start of a hosted one included: a goal of our own."""


def attached(seconds: float, minutes: float) -> Figures:
    """`qkt attach` before an engine of another process."""
    figures: Figures = []
    with own_state() as state, headless(state):
        words = (*QKT, "attach", "--state-dir", str(state))
        paints, tells, leaves = [], [], []
        for _ in range(TRIES):
            with program(*words) as one:
                paints.append(one.shows(PAINTED))
                tells.append(one.shows(KNOWS))
                time.sleep(1)
                one.press("q")
                leaves.append(one.ended())
        figures.append(("first paint, qkt attach, wall", min(paints), PAINTS, "s"))
        figures.append(("first figures of the engine, qkt attach, wall", min(tells), TELLS, "s"))
        figures.append(("leaving, attached, wall", min(leaves), LEAVES, "s"))
        with program(*words) as one:
            one.shows(PAINTED)
            one.takes.clear()
            time.sleep(FROZEN)
            one.press("q")
            figures.append(("leaving, attached, terminal frozen, wall", one.ended(), LEAVES, "s"))
        with program(*words) as one:
            one.shows(PAINTED)
            time.sleep(SETTLES)
            first = one.memory()
            figures.append(("1,000 ticks/s on 30 symbols, qkt attach", one.share(seconds), CPU, "%"))
            time.sleep(max(minutes * 60 - SETTLES - seconds, 0))
            figures.append((f"memory, qkt attach, after {SETTLES:.0f} s", first, MEMORY, "MiB"))
            figures.append((f"memory, qkt attach, after {minutes:g} min", one.memory(), MEMORY, "MiB"))
    return figures


def hosted(seconds: float) -> Figures:
    """`qkt dash`, and an engine behind its dashboard against the same one after the dashboard has been left."""
    figures: Figures = []
    paints, tells, leaves = [], [], []
    for _ in range(TRIES):
        with own_state() as state:
            words = (*QKT, "dash", "--state-dir", str(state), "--feed", "synthetic", "--symbols", "EURUSD")
            with program(*words) as one:
                paints.append(one.shows(PAINTED))
                tells.append(one.shows(KNOWS))
                time.sleep(1)
                leaves.append(_stopped(one, "y"))
    figures.append(("first paint, qkt dash, wall", min(paints), PAINTS, "s"))
    figures.append(("first figures of the engine, qkt dash, wall", min(tells), TELLS, "s"))
    figures.append(("leaving and ending the engine, hosted, wall", min(leaves), LEAVES, "s"))
    with own_state() as state, program(__file__, str(state), "--hosted") as one:
        one.shows(PAINTED)
        time.sleep(SETTLES)  # something is held by then
        one.takes.clear()
        time.sleep(FROZEN)
        figures.append(("the same, terminal frozen, wall", _stopped(one, "STOP\r"), LEAVES, "s"))
    with own_state() as state, program(__file__, str(state), "--hosted") as one:
        one.shows(PAINTED)
        time.sleep(SETTLES)
        both = one.share(seconds)
        one.press("q")
        time.sleep(HEARS)
        one.press("k")
        one.shows(b"keeps trading")
        time.sleep(1)
        alone = one.share(seconds)
        figures.append((f"1,000 ticks/s, hosted: {both:.1f} % less {alone:.1f} headless", both - alone, CPU, "%"))
    return figures


def _stopped(one: Program, agrees: str) -> float:
    """Leave and end the engine: `agrees` is what the last question takes. What was held must not change meanwhile."""
    for answer in ("q", "s"):
        one.press(answer)
        time.sleep(HEARS)
    one.press(agrees)
    return one.ended()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("state", type=Path)
    options.add_argument("--hosted", action="store_true")
    given = options.parse_args()
    run(given.state, given.hosted)
