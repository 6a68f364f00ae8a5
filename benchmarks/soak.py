"""Two accelerated months of trading in an hour: do the engine's memory, descriptors, threads and children stay as they are?

    python benchmarks/soak.py [--minutes 60] [--days 60] [--seed 7]

The engine is `qkt up` in a process of its own, on invented quotes at as many times their pace as it takes: three strategies,
one of them talkative, and a portfolio that stay, and two guests that come, go and are changed. Its log files rotate. Meanwhile
operators do what operators do: stop, start, resync, halt, resume, flatten, ask for charts, stories, back-tests and metrics;
readers follow lines and frames and vanish; the dashboard is attached in a terminal, walked through and left, or its terminal
is lost.

The engine keeps equity by the minute for thirty days, so the first half of the run fills what is kept, and what is measured is
the second half. Exit code 1 when memory grew by more than `--grows` MB an hour in it, when descriptors, threads or children at
rest became more, when the engine ended, refused what it should do, or lost ticks.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from qkt.core.errors import QktError
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Failed
from qkt.runtime.control.client import ControlClient, connect, new_id, wait_until_ready
from qkt.runtime.control.details import CheckRequest, Way
from qkt.runtime.control.frames import Subscribe

HOME = Path(__file__).resolve().parent.parent
BOOK = HOME / "strategies" / "shared_risk.qkt"
SYMBOLS = "BACKTEST:EURUSD,BACKTEST:XAUUSD,BACKTEST:BTCUSDT"
EVERY = 5.0
"""Seconds between two looks at the process."""
PACE = 3.0
"""Seconds between two things that operators do, on average."""
CONFIG = """log_level = "info"
[account]
balance = 100000
[observe]
port = 0
log_megabytes = 1
log_files = 2
[feed]
source = "synthetic"
symbols = [{symbols}]
seed = {seed}
days = {days}
speed = "{speed:.0f}"
"""
TREND = """STRATEGY {name} VERSION 1
SYMBOLS
    m = {symbol} EVERY {every}
PARAM slow = 34
RULES
    WHEN ema(m.close, 13) CROSSES ABOVE ema(m.close, slow) AND POSITION.m = 0
    THEN BUY m SIZING 0.1 BRACKET {{ STOP LOSS TRAILING {far} AFTER MFE >= {near}, TAKE PROFIT BY {far} }}
    WHEN ema(m.close, 13) CROSSES BELOW ema(m.close, slow) AND POSITION.m = 0
    THEN SELL m SIZING 0.1 STOP AT m.close - {near} BRACKET {{ STOP LOSS BY {near}, TAKE PROFIT RR 2 }} TIF GTD UNTIL NOW + 2h
"""
TALKS = """    WHEN m.close > ema(m.close, 3) THEN LOG "above" price=m.close
    WHEN m.close < ema(m.close, 3) THEN LOG "below" price=m.close
"""
"""On bars of a minute it fills all the lines, fills and trades that are kept before the half that is measured."""


@dataclass(frozen=True)
class Look:
    """The engine's process at one moment. Memory in bytes, `at` seconds since the beginning."""

    at: float
    memory: int
    of_children: int
    descriptors: int
    threads: int
    children: int


def look(pid: int, at: float) -> Look:
    """Raises OSError when the process has ended."""
    children = _children(pid)
    return Look(
        at,
        _resident(pid),
        sum(_resident(child) for child in children),
        len(os.listdir(f"/proc/{pid}/fd")),
        len(os.listdir(f"/proc/{pid}/task")),
        len(children),
    )


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


class Operators:
    """What people and their tools do to an engine. `done` counts it, `faults` are answers that are nobody's mistake."""

    def __init__(self, client: ControlClient, state: Path, folder: Path, seed: int, port: int) -> None:
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        self._client = client
        self._state = state
        self._folder = folder
        self._port = port
        self._rng = random.Random(seed)
        self._failed: set[str] = set()
        self._deeds: list[Callable[[], Awaitable[None]]] = [
            self.restart_guest,
            self.change_guest,
            self.halt_and_resume,
            self.flatten,
            self.follow_frames,
            self.follow_lines,
            self.scrape,
            self.ask_about,
            self.dashboard,
            self.backtest,
            self.story,
        ]

    async def deploy_all(self) -> None:
        for file in sorted(self._folder.glob("*.qkt")):
            await self._give("deploy", path=str(file), name=file.stem)
        await self._give("deploy", path=str(BOOK), name="book")

    async def work(self) -> None:
        while True:
            await anyio.sleep(self._rng.expovariate(1 / PACE))
            deed = self._rng.choice(self._deeds)
            try:
                await deed()
            except (QktError, OSError) as refusal:
                self._fault(f"{deed.__name__}: {refusal}")
            self.done[deed.__name__] += 1

    async def count_fills(self) -> str:
        """How many fills the books of all sessions have, where the engine says so."""
        try:
            rows = (await self._client.snapshot()).tables.strategies.values()
        except QktError as refusal:
            self._fault(f"snapshot: {refusal}")
            return "?"
        return f"{sum(row.trades for row in rows if row.parent is None):,}"

    async def restart_guest(self) -> None:
        name = self._guest()
        await self._give("stop", name=name, flatten=True)
        await anyio.sleep(self._rng.random())
        await self._give("start", name=name)

    async def change_guest(self) -> None:
        name = self._guest()
        await self._give("flatten", name=name)
        params = {"slow": str(self._rng.randrange(21, 89))}
        await self._give("resync", path=str(self._folder / f"{name}.qkt"), name=name, params=params)

    async def halt_and_resume(self) -> None:
        name = self._rng.choice(("euro", "gold", "talker", "book"))
        await self._give("halt", name=name, reason="soaking")
        await anyio.sleep(self._rng.random())
        await self._give("resume", name=name)

    async def flatten(self) -> None:
        await self._give("flatten", name=self._rng.choice(("euro", "gold", "coin_guest")))

    async def follow_frames(self) -> None:
        tables = ("strategies", "positions", "orders", "fills", "market", "streams", "system")
        async with self._client.stream(Subscribe(tables=tables, after=0, rate=4, rules="euro")) as stream:
            with anyio.move_on_after(self._rng.uniform(0.5, 8)):
                async for _ in stream:
                    pass

    async def follow_lines(self) -> None:
        """A reader of lines over HTTP that does not say goodbye."""
        with anyio.move_on_after(self._rng.uniform(0.5, 5)):
            async with await anyio.connect_tcp("127.0.0.1", self._port) as stream:
                await stream.send(b"GET /logs?follow=1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
                while True:
                    await stream.receive()

    async def scrape(self) -> None:
        for path in ("metrics", "status", "health"):
            await anyio.to_thread.run_sync(_fetched, f"http://127.0.0.1:{self._port}/{path}")

    async def ask_about(self) -> None:
        client, name = self._client, self._rng.choice(("euro", "gold", "book", "book/gold_momentum"))
        await client.chart(name)
        await client.orders("euro")
        await client.equity(name, since=0)
        await client.fills(limit=500)
        await client.lines(0, limit=1000)
        await client.rules("euro")
        await client.snapshot()
        await client.digest(0)
        await client.check(CheckRequest(path=str(self._folder / "euro.qkt")))

    async def dashboard(self) -> None:
        keys = [self._rng.choice("1234567890") for _ in range(6)]
        await anyio.to_thread.run_sync(dashboard, self._state, keys, self._rng.random() < 0.5, abandon_on_cancel=True)

    async def backtest(self) -> None:
        """Begin one, unless one is under way. A run that failed is a fault."""
        runs = (await self._client.snapshot()).tables.runs.values()
        for row in runs:
            if row.state == "failed" and row.run not in self._failed:
                self._failed.add(row.run)
                self._fault(f"back-test {row.run}: {row.error}")
        if not any(row.state in ("queued", "running") for row in runs):
            quotes = self._folder / "data" / "eurusd-synthetic.csv.gz"
            await self._give("backtest", path=str(self._folder / "euro.qkt"), data=[f"BACKTEST:EURUSD={quotes}"])

    async def story(self) -> None:
        fills = await self._client.fills("guest")
        if fills:
            await self._client.story("guest", fill=fills[-1].number)
            await self._client.travel("guest", Way(stride="fill", number=fills[-1].number))

    def _guest(self) -> str:
        return self._rng.choice(("guest", "coin_guest"))

    async def _give(self, command: str, **values: object) -> None:
        word = ask.COMMAND.validate_python({"command": command, "id": new_id(), "author": "soak", **values})
        answer = await self._client.perform(word, wait=120)
        if isinstance(answer, Failed):
            self._fault(f"{command} {values.get('name', '')}: {answer.found}")

    def _fault(self, text: str) -> None:
        print(f"fault: {text}", flush=True)
        self.faults.append(text)


def free_port() -> int:
    """One of the loopback that nobody listens on now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _fetched(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return len(answer.read())
    except urllib.error.HTTPError as refusal:
        told = refusal.read()[:200].decode(errors="replace")
        raise OSError(f"{url.rpartition('/')[2]} is answered {refusal.code}: {told}") from None


def dashboard(state: Path, keys: list[str], politely: bool) -> None:
    """Attach the dashboard in a terminal of its own, look at some screens, and leave it, or lose the terminal."""
    import pty

    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
        os.execv(sys.executable, [sys.executable, "-m", "qkt.cli.main", "attach", "--state-dir", str(state)])
    try:
        end = time.monotonic() + 60
        _read(master, 4.0)
        for key in keys:
            os.write(master, key.encode())
            _read(master, 0.5)
        if politely:
            os.write(master, b"q")
            _read(master, 1.0)
        else:
            os.kill(pid, signal.SIGKILL)
        while time.monotonic() < end:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            _read(master, 0.2)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except OSError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    finally:
        os.close(master)


def _read(master: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([master], [], [], left)[0] and not os.read(master, 1 << 16):
            return


def trend(name: str, symbol: str, near: str, far: str, every: str = "15m") -> str:
    return TREND.format(name=name, symbol=symbol, near=near, far=far, every=every)


async def soak(arguments: argparse.Namespace, folder: Path) -> int:
    """Returns the exit code."""
    strategies, state = folder / "strategies", folder / "state"
    strategies.mkdir()
    texts = {
        "euro": trend("euro", "BACKTEST:EURUSD", "0.0008", "0.002"),
        "gold": trend("gold", "BACKTEST:XAUUSD", "2", "6"),
        "talker": trend("talker", "BACKTEST:EURUSD", "0.0006", "0.002", "1m") + TALKS,
        "guest": trend("guest", "BACKTEST:EURUSD", "0.0008", "0.002"),
        "coin_guest": trend("coin_guest", "BACKTEST:BTCUSDT", "80", "300"),
    }
    for name, text in texts.items():
        (strategies / f"{name}.qkt").write_text(text)
    speed = arguments.days * 86_400 / (arguments.minutes * 60)
    symbols = ", ".join(f'"{one}"' for one in SYMBOLS.split(","))
    config = folder / "qkt.toml"
    config.write_text(CONFIG.format(symbols=symbols, seed=arguments.seed, days=arguments.days * 2, speed=speed))
    subprocess.run(
        [sys.executable, "-m", "qkt.cli.main", "data", "synth", "--out", str(strategies / "data"), "--days", "5"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    port = free_port()
    command = [sys.executable, "-m", "qkt.cli.main", "up", "--config", str(config), "--state-dir", str(state)]
    command += ["--metrics-port", str(port)]
    with open(folder / "engine.txt", "wb") as said:
        engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    try:
        await wait_until_ready(state, 300)
        async with connect(state) as client:
            operators = Operators(client, state, strategies, arguments.seed, port)
            await operators.deploy_all()
            looks = await watch(engine, operators, arguments)
            print(f"{await operators.count_fills()} fills in the books")
            rows = (await client.snapshot()).tables
        lost = sum(row.dropped for row in rows.feeds.values())
        print(f"{lost} ticks lost")
        return told(looks, operators, lost, arguments.grows)
    finally:
        engine.terminate()
        try:
            engine.wait(60)
        except subprocess.TimeoutExpired:
            engine.kill()
            print("the engine did not end")


async def watch(engine: subprocess.Popen[bytes], operators: Operators, arguments: argparse.Namespace) -> list[Look]:
    """Look at the process until the time is over, while operators do what they do."""
    looks: list[Look] = []
    began = told_at = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(operators.work)
        while (now := time.monotonic() - began) < arguments.minutes * 60:
            await anyio.sleep(EVERY)
            if engine.poll() is not None:
                raise SystemExit(f"the engine ended with {engine.returncode}")
            looks.append(look(engine.pid, now))
            if time.monotonic() - told_at >= 60:
                told_at = time.monotonic()
                fills, one = await operators.count_fills(), looks[-1]
                print(
                    f"{now / 60:5.1f} min  {one.memory / 1e6:7.1f} MB"
                    f"  children {one.children} of {one.of_children / 1e6:.0f} MB"
                    f"  descriptors {one.descriptors}  threads {one.threads}  fills {fills}"
                    f"  deeds {sum(operators.done.values())}  faults {len(operators.faults)}",
                    flush=True,
                )
        tasks.cancel_scope.cancel()
    return looks


def told(looks: list[Look], operators: Operators, lost: int, grows: float) -> int:
    """Say what came of it; returns the exit code. What is at rest is the least that a stretch of the run had."""
    half = looks[len(looks) // 2 :]
    third = max(1, len(half) // 3)
    first, last = half[:third], half[-third:]
    hours = (statistics.mean(one.at for one in last) - statistics.mean(one.at for one in first)) / 3600
    growth = (statistics.median(o.memory for o in last) - statistics.median(o.memory for o in first)) / 1e6 / max(hours, 1e-9)
    print("; ".join(f"{name} {count}" for name, count in sorted(operators.done.items())))
    grown = growth > grows
    print(f"memory {statistics.median(o.memory for o in last) / 1e6:.1f} MB, {growth:+.1f} MB an hour in the second half")
    for name in ("descriptors", "threads", "children"):
        was, now = (min(getattr(one, name) for one in some) for some in (first, last))
        grown = grown or now > was
        print(f"{name} at rest {was}, then {now}")
    print("GROWS" if grown else "flat", f"{len(operators.faults)} faults", sep=", ")
    return int(grown or bool(operators.faults) or lost > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--grows", type=float, default=16.0, help="MB an hour that memory may grow")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its time"))  # not without the engine
    with tempfile.TemporaryDirectory(prefix="qkt-soak-") as folder:
        return anyio.run(soak, arguments, Path(folder))


if __name__ == "__main__":
    raise SystemExit(main())
