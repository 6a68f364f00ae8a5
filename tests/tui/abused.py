"""A process that trades behind a dashboard, for tests that freeze its terminal, take it away, or break the dashboard in it.

`python -m tests.tui.abused STATE` is that process; `python -m tests.tui.abused --seconds 30` runs every abuse for so long and
says the worst gaps of its loop. Time in which the machine let the process wait for a processor is not counted where Linux says
how much that was: it is not the terminal's doing.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio

SECRET = "a-value-that-belongs-in-no-log"
GAPS, LOG = "gaps.txt", "process.log"
BEAT = 0.01
SPEED = 240.0
LIMIT = 0.2
"""Seconds that a loop may be held up by its terminal."""


# ------------------------------------------------------------------ the process


def main(state: Path) -> None:
    """Host the demo behind the dashboard in this terminal."""
    from qkt.cli.screen import aside
    from qkt.host import run as run_in_loop

    state.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=state / LOG, level=logging.INFO)
    with aside(state / "printed.log") as tell:
        run_in_loop(_hosted, state, tell)


async def _hosted(state: Path, tell: Callable[[str], None]) -> None:
    from qkt.deck import find_dashboard, front
    from qkt.ending import ending_on_signal
    from qkt.host import until_asked
    from qkt.runtime.control.link import LocalLink
    from qkt.runtime.control.serving import serving
    from qkt.tour import demo_engine

    shows = front(find_dashboard(), {}, tell)
    async with (
        ending_on_signal(tell) as ending,
        demo_engine(state, SPEED) as engine,
        serving(engine, state) as (hub, _),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(_measure, state / GAPS)
        tasks.start_soon(_break_when_told)
        tasks.start_soon(shows, LocalLink(hub), state, ending, lambda: None)
        await until_asked(ending, engine)
        await anyio.sleep(0.1)
        tasks.cancel_scope.cancel()


async def _measure(path: Path) -> None:
    """Write down when the loop came back late, and by how much."""
    with path.open("w", buffering=1) as file:
        while True:
            due, waited = time.monotonic() + BEAT, _queued()
            await anyio.sleep(BEAT)
            now = time.monotonic()
            if now - due > BEAT:
                file.write(f"{now} {max(0.0, now - due - (_queued() - waited))}\n")


def _queued() -> float:
    """Seconds that this thread has stood ready without a processor, 0 where nobody knows."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


async def _break_when_told() -> None:
    """At SIGUSR2 the dashboard meets a failure with a secret in its hands."""
    from tui.app import Dashboard

    made: list[Dashboard] = []
    first = Dashboard.__init__

    def remembered(self: Dashboard, *arguments: object, **values: object) -> None:
        made.append(self)
        first(self, *arguments, **values)  # type: ignore[arg-type]

    Dashboard.__init__ = remembered  # type: ignore[method-assign]

    def fail() -> None:
        password = SECRET
        raise RuntimeError(f"the dashboard broke with {len(password)} letters in its hands")

    with anyio.open_signal_receiver(signal.SIGUSR2) as told:
        async for _ in told:
            made[-1].call_later(fail)


# ------------------------------------------------------------------- the tester


class Abused:
    """The process on a terminal of ours. `reading` tells whether the terminal takes what is written to it."""

    def __init__(self, state: Path, environment: dict[str, str]) -> None:
        import pty

        self.state = state
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(environment | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"})
            os.execv(sys.executable, [sys.executable, "-m", "tests.tui.abused", str(state)])
        self.seen = bytearray()
        self.reading = threading.Event()
        self.reading.set()
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._open:
            self.reading.wait(0.05)
            if not self.reading.is_set():
                continue
            with contextlib.suppress(OSError, ValueError):
                if select.select([self.master], [], [], 0.05)[0]:
                    self.seen += os.read(self.master, 1 << 16)

    def until(self, happened: Callable[[], object], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def hang_up(self) -> None:
        self._open = False
        self._reader.join()
        os.close(self.master)

    def gaps(self, since: float) -> float:
        """The longest delay of its loop since a moment (monotonic seconds)."""
        rows = [line.split() for line in (self.state / GAPS).read_text().splitlines()]
        return max((float(row[1]) for row in rows if len(row) == 2 and float(row[0]) >= since), default=0.0)

    def said(self) -> str:
        return (self.state / LOG).read_text()

    def fills(self) -> int:
        """Fills of the engine so far, asked over its socket."""
        from qkt.runtime.control.client import connect

        async def ask() -> int:
            async with connect(self.state) as client:
                return sum(row.trades for row in (await client.snapshot()).tables.strategies.values() if row.parent is None)

        return anyio.run(ask)

    def end(self) -> int:
        """SIGTERM, and the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Noise:
    """How late a loop that does nothing comes back on this machine at the same time: what is not the terminal's doing."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._on = True
        self._thread = threading.Thread(target=self._measure, daemon=True)

    def _measure(self) -> None:
        while self._on:
            due = time.monotonic() + BEAT
            time.sleep(BEAT)
            self.worst = max(self.worst, time.monotonic() - due)

    def __enter__(self) -> Noise:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._on = False
        self._thread.join()


@contextlib.contextmanager
def abused() -> Iterator[Abused]:
    """The process once its dashboard shows fills."""
    with tempfile.TemporaryDirectory(prefix="qkta") as folder:
        environment = {"XDG_RUNTIME_DIR": folder, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        os.environ["XDG_RUNTIME_DIR"] = folder
        one = Abused(Path(folder) / "state", environment)
        try:
            one.until(lambda: b"STRATEGIES" in one.seen and (one.state / "control.json").exists())
            one.until(lambda: one.fills() > 0)
            yield one
        finally:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(one.pid, signal.SIGKILL)
                os.waitpid(one.pid, 0)


def freeze(one: Abused, seconds: float) -> tuple[float, float]:
    """Read nothing for so long, then again; returns the worst gap of the loop, and of this machine meanwhile."""
    before, began = one.fills(), time.monotonic()
    with Noise() as noise:
        one.reading.clear()
        time.sleep(seconds)
    worst = one.gaps(began)
    assert one.fills() > before, "it trades on"
    shown = len(one.seen)
    one.reading.set()
    one.until(lambda: b"STRATEGIES" in one.seen[shown:], 20)
    return worst, noise.worst


def leave_frozen(one: Abused, seconds: float) -> tuple[float, float]:
    """Freeze, then leave with the engine kept: nothing waits for the terminal."""
    began = time.monotonic()
    with Noise() as noise:
        one.reading.clear()
        time.sleep(seconds)
        one.press("q")
        time.sleep(1.0)
        one.press("k")
        one.until(lambda: "keeps trading" in one.said() or "the terminal is free" in one.said(), 20)
    before = one.fills()
    one.until(lambda: one.fills() > before)
    return one.gaps(began), noise.worst


def vanish(one: Abused, seconds: float) -> tuple[float, float]:
    """Take the terminal away."""
    began = time.monotonic()
    with Noise() as noise:
        one.hang_up()
        time.sleep(seconds)
    one.until(lambda: "the terminal is gone" in one.said())
    before = one.fills()
    one.until(lambda: one.fills() > before)
    return one.gaps(began), noise.worst


def crash_frozen(one: Abused, seconds: float) -> tuple[float, float]:
    """Break the dashboard while the terminal is frozen: the engine goes on, and no log has what the dashboard held."""
    began = time.monotonic()
    with Noise() as noise:
        one.reading.clear()
        time.sleep(seconds)
        os.kill(one.pid, signal.SIGUSR2)
        one.until(lambda: "the dashboard failed" in one.said(), 20)
    before = one.fills()
    one.until(lambda: one.fills() > before)
    said = one.said() + (one.state / "printed.log").read_text()
    assert "RuntimeError: the dashboard broke" in said
    assert SECRET not in said
    return one.gaps(began), noise.worst


ABUSES = (freeze, leave_frozen, vanish, crash_frozen)


def report(seconds: float) -> None:
    """Every abuse for so long, with figures. Ends with an error when a loop was held up."""
    failed = False
    for abuse in ABUSES:
        with abused() as one:
            worst, noise = abuse(one, seconds)
            code = one.end()
        held = worst > LIMIT + noise or code != 0
        failed |= held
        name = abuse.__name__.replace("_", " ")
        print(f"{name:<14} {seconds:g} s: worst gap {worst * 1000:.0f} ms, of an idle loop {noise * 1000:.0f} ms, exit {code}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("state", type=Path, nargs="?")
    options.add_argument("--seconds", type=float, default=30.0)
    given = options.parse_args()
    if given.state is not None:
        main(given.state)
    else:
        report(given.seconds)
