"""What it costs to be looked at, and whether those who look can do harm.

    python benchmarks/observe.py [--seconds 10] [--runs 5]

First what an engine of four sessions, which replays as fast as it can, spends on being looked at: log files, a follower,
metrics and status asked for every five seconds. It is measured within one run, by looking after every two milliseconds of
processor time where the loop stands and by the clock of the thread that writes the log, since two runs on a machine that
others use differ by more than what is sought. What looks costs by the second and not by the tick, so its share is that of a
core that the engine has to itself. Then an engine at a steady rate, alone and with a channel of alerts that is dead, ten
followers that never read, and a scraper that asks 100 times a second: its trades must be the same, and its latencies are
printed beside each other; of the runs of each kind the best counts. Exit code 1 when the share is above three percent or a
trade differs.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import Any, Self

import anyio
import anyio.lowlevel

from qkt.config import Channel as ChannelSettings
from qkt.config import Config, Observe
from qkt.core.events import Tick
from qkt.data.feeds import FeedHealth, FeedItem, FeedState, FeedTick
from qkt.observe.channel import Channel
from qkt.observe.logs import LogFiles, logging_to
from qkt.observe.observer import Observer, observing
from qkt.runtime.engine import Engine
from qkt.runtime.figures import Durations
from qkt.runtime.markets import OwnFeeds

SESSIONS = 4
FOLLOWERS = 10
ALLOWED = 0.03
START = 1_704_844_800_000
STEP = 1200
EVERY = 5.0
LOOKING = ("/qkt/observe/", "/uvicorn/", "/starlette/", "/h11/", "/prometheus_client/")
"""Where the code stands that serves those who look."""
TEXT = """STRATEGY looked_at VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN ema(eu.close, 9) CROSSES ABOVE ema(eu.close, 21) AND POSITION.eu = 0
    THEN BUY eu SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
    WHEN ema(eu.close, 9) CROSSES BELOW ema(eu.close, 21) AND POSITION.eu = 0
    THEN SELL eu SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
"""


def market(count: int, step: int = STEP) -> list[Tick]:
    """Quotes that wander, about fifty a minute or one every `step` milliseconds, the same every time."""
    rng = random.Random(7)
    ticks, middle = [], 1.1
    for n in range(count):
        middle += rng.choice((-0.00002, -0.00001, 0.0, 0.00001, 0.00002))
        bid, ask = round(middle - 0.00003, 5), round(middle + 0.00003, 5)
        ticks.append(Tick("SIM:EURUSD", START + n * step, round((bid + ask) / 2, 6), bid, ask, 1.0))
    return ticks


class Replay:
    """The ticks of a list, `rate` a second or as fast as they are read; `endless` begins anew at their end, later."""

    replayable = drives_clock = patient = True

    def __init__(self, ticks: list[Tick], rate: float | None, endless: bool = False) -> None:
        self._ticks = ticks
        self._endless = endless
        self._rate = rate
        self._at = 0
        self._began = 0.0
        self._told = False

    def name_of(self, symbol: str) -> str:
        return symbol

    def resume(self, after: int) -> None:
        self._at = after

    async def subscribe(self, symbols: Iterable[str]) -> None: ...

    async def unsubscribe(self, symbols: Iterable[str]) -> None: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        if not self._began:
            self._began = anyio.current_time()
        if self._rate is not None:
            ahead = self._began + self._at / self._rate - anyio.current_time()
            if ahead > 0:
                await anyio.sleep(ahead)
        if self._at % 100 == 0:
            await anyio.lowlevel.checkpoint()
        if self._at < len(self._ticks) or self._endless:
            round_, place = divmod(self._at, len(self._ticks))
            tick, later = self._ticks[place], round_ * len(self._ticks) * STEP
            self._at += 1
            return FeedTick(Tick(tick.symbol, tick.ts + later, tick.price, tick.bid, tick.ask, tick.volume), self._at)
        if self._told:
            raise StopAsyncIteration
        self._told = True
        return FeedHealth(FeedState.ENDED, 0)

    async def aclose(self) -> None: ...


@dataclass
class Run:
    """What an engine came to. Processor time in seconds, of its whole process."""

    cpu: float
    trades: list[tuple[Any, ...]]
    intent: Durations
    lag: Durations


@asynccontextmanager
async def watched(engine: Engine, folder: Path) -> AsyncIterator[Observer]:
    """Everything that usually looks at an engine."""
    files = LogFiles(folder / "logs", "info", megabytes=20, files=5)
    with logging_to(files):
        async with observing(engine, Config(observe=Observe(port=0)), engine.snapshot, files) as observer:
            address = await served(observer)
            with aside(ask, address, ["/metrics", "/status"], EVERY), aside(follow, address):
                yield observer


@asynccontextmanager
async def beset(engine: Engine, _: Path) -> AsyncIterator[Observer]:
    """Everybody who could do harm."""
    stuck = threading.Event()
    settings = ChannelSettings.model_validate({"url": "json://localhost", "events": ("started", "halted", "rejected", "error")})
    channel = Channel("dead", settings, lambda *_: stuck.wait(3600))
    async with AsyncExitStack() as stack:
        stack.callback(stuck.set)
        config = Config(observe=Observe(port=0))
        observer = await stack.enter_async_context(observing(engine, config, engine.snapshot, channels=[channel]))
        address = await served(observer)
        for _follower in range(FOLLOWERS):
            stack.enter_context(stuck_follower(address))
        stack.enter_context(aside(ask, address, ["/metrics"], 0.01))
        yield observer


async def served(observer: Observer) -> str:
    """Where it is, once it is."""
    while observer.address is None:
        await anyio.sleep(0.01)
    return observer.address


@contextmanager
def aside(work: Any, *arguments: Any) -> Iterator[None]:
    """Have something done in another process meanwhile; its start is over before this is entered."""
    context = get_context("spawn")
    ready, end = context.Event(), context.Event()
    process = context.Process(target=begin, args=(work, arguments, ready, end), daemon=True)
    process.start()
    ready.wait()
    try:
        yield
    finally:
        end.set()
        process.join(2)
        process.kill()


def begin(work: Any, arguments: tuple[Any, ...], ready: Event, end: Event) -> None:
    ready.set()
    work(*arguments, end)


def ask(address: str, pages: list[str], every: float, end: Event) -> None:
    """Ask for pages at a steady rate."""
    due = time.monotonic()
    while not end.is_set():
        for page in pages:
            with urllib.request.urlopen(address + page, timeout=30) as answer:
                answer.read()
        due += every
        end.wait(max(0.0, due - time.monotonic()))


def follow(address: str, end: Event) -> None:
    """Read the lines as they come."""
    with urllib.request.urlopen(f"{address}/logs?follow=1", timeout=30) as answer:
        while not end.is_set() and answer.readline():
            pass


@contextmanager
def stuck_follower(address: str) -> Iterator[None]:
    """Ask for the lines and never read one."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        wire.connect((host, int(port)))
        wire.sendall(b"GET /logs?follow=1&limit=5000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield


async def run(ticks: list[Tick], rate: float | None, look: Any) -> Run:
    """An engine of a few sessions over these ticks, looked at or not."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        folder = Path(name)
        path = folder / "looked_at.qkt"
        path.write_text(TEXT)
        async with Engine(folder / "state", OwnFeeds(lambda: Replay(ticks, rate))) as engine, AsyncExitStack() as stack:
            if look is not None:
                await stack.enter_async_context(look(engine, folder))
                engine.figures.lag = Durations()  # waiting for the others to begin is not theirs
            began = time.process_time()
            for number in range(SESSIONS):
                await engine.deploy(path, f"s{number}", {})
            for hosted in list(engine.hosted.values()):
                await hosted.pump.ended.wait()
            cpu = time.process_time() - began
            intent = Durations()
            trades: list[tuple[Any, ...]] = []
            for hosted in engine.hosted.values():
                add(intent, hosted.live.figures.intent)
                rows = hosted.live.machine.session.books.trades
                trades += [
                    (hosted.live.name, row.timestamp, row.order_id, row.quantity, row.price, row.realized) for row in rows
                ]
            return Run(cpu, trades, intent, engine.figures.lag)


def add(to: Durations, other: Durations) -> None:
    to.count += other.count
    to.total += other.total
    to.worst = max(to.worst, other.worst)
    to.classes = [a + b for a, b in zip(to.classes, other.classes, strict=True)]


def spread(took: Durations) -> str:
    return " ".join(f"{name} {took.quantile(share) / 1e6:.2f}" for name, share in QUANTILES) + " ms"


QUANTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


class Sampler:
    """Looks at where the loop stands after every two milliseconds of processor time. `looking` and `busy` count the looks at
    which it served those who look, and at which it did anything."""

    looking = busy = 0

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        files = []
        while frame is not None:
            files.append(frame.f_code.co_filename)
            frame = frame.f_back
        if not files[0].endswith("selectors.py"):
            self.busy += 1
            self.looking += any(place in file for file in files for place in LOOKING)


async def looked_at(ticks: list[Tick], seconds: float) -> tuple[float, float, int, int]:
    """Processor time of the process and of what looks at it, in seconds, ticks of sessions, lines."""
    loop = threading.get_ident()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        folder = Path(name)
        path = folder / "looked_at.qkt"
        path.write_text(TEXT)
        async with (
            Engine(folder / "state", OwnFeeds(lambda: Replay(ticks, None, endless=True))) as engine,
            watched(engine, folder),
        ):
            for number in range(SESSIONS):
                await engine.deploy(path, f"s{number}", {})
            await anyio.sleep(2)  # what is imported and opened once is over
            log = next(thread.ident for thread in threading.enumerate() if thread.name == "log") or 0
            began = time.process_time(), clock(loop), clock(log), done(engine), engine.lines_book.number
            with Sampler() as sampler:
                await anyio.sleep(seconds)
            cpu, own, writing = time.process_time() - began[0], clock(loop) - began[1], clock(log) - began[2]
            spent = own * sampler.looking / max(sampler.busy, 1) + writing
            return cpu, spent, done(engine) - began[3], engine.lines_book.number - began[4]


def clock(thread: int) -> float:
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def done(engine: Engine) -> int:
    return sum(hosted.live.figures.ticks_done for hosted in engine.hosted.values())


def cost(given: argparse.Namespace) -> bool:
    cpu, spent, ticks, lines = anyio.run(looked_at, market(50_000), given.seconds)
    share = spent / max(cpu, given.seconds)
    print(f"{ticks:,} ticks of {SESSIONS} sessions, {lines:,} lines, {cpu:.2f} s of processor time in {given.seconds:g} s")
    print(f"looking took {spent:.3f} s: {spent / cpu:.1%} of what the engine got, {share:.1%} of a core of its own", flush=True)
    return share < ALLOWED


def harm(given: argparse.Namespace) -> bool:
    ticks = market(round(given.rate * given.seconds), 8 * STEP)
    calm, storm = [], []
    for _ in range(given.runs):
        calm.append(anyio.run(run, ticks, given.rate, None))
        storm.append(anyio.run(run, ticks, given.rate, beset))
        for name, one in (("calm", calm[-1]), ("beset", storm[-1])):
            print(f"{name:6} tick to intent {spread(one.intent)}, loop lag {spread(one.lag)}", flush=True)
    for name, runs in (("calm", calm), ("beset", storm)):
        best = [min(one.intent.quantile(share) for one in runs) / 1e6 for _, share in QUANTILES]
        print(
            f"best of {name:6} " + " ".join(f"{label} {value:.2f}" for (label, _), value in zip(QUANTILES, best, strict=True))
        )
    same = all(one.trades == calm[0].trades for one in (*calm, *storm))
    print(f"trades {len(calm[0].trades):,}, {'the same' if same else 'DIFFERENT'}")
    return same and len(calm[0].trades) > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=500, help="ticks a second of each session")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    cheap = cost(given)
    harmless = harm(given)
    return 0 if cheap and harmless else 1


if __name__ == "__main__":
    sys.exit(main())
