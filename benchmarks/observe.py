"""What it costs to be looked at, and whether those who look can do harm.

    python benchmarks/observe.py [--pairs 8] [--runs 10]

Cost: two engines of four sessions read the same recorded tape as fast as they can, one alone, one with everything that usually
looks at an engine: log files, a reader who follows the lines, metrics and status asked for every five seconds. Both run at the
same time on the same core, which the system gives them in turn every few milliseconds, so that whatever else the machine does
weighs on both alike. What counts is the processor time of each engine, its threads and what receives its visitors included,
and the median over pairs. Part of it is paid by the second, whatever an engine does: that part is measured on engines that have
nothing to do, and counted for the seconds that the tape takes with half a core. So a machine that is busy otherwise, and gives
an engine less, does not make looking dearer than it is.

Harm: an engine at a steady rate, in turn left alone and beset by a channel of alerts that is dead, ten followers that never
read, and a scraper that asks for metrics 100 times a second. While it is left alone the same scraper asks a stand-in in another
process, so that the machine has the same to do. The trades must be the same, and no percentile of the time from a tick to its
durable intent may grow by more than noise: its median over the runs, by more than it would in 99 of 100 cases if calm and beset
runs that follow each other were confounded.

Exit code 1 when the cost is above three percent, a percentile grew by more than noise, or a trade differs.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import socket
import statistics
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
from typing import Any, Self

import anyio
import anyio.lowlevel
import anyio.to_thread

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
HALF = 0.5
IDLE = 10
"""Ticks, one a second, of an engine that has next to nothing to do."""
START = 1_704_844_800_000
STEP = 1200
EVERY = 5.0
DEALS = 4000
SETTLE = 0.5
"""Seconds that those who look get to begin."""
TEXT = """STRATEGY looked_at VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
RULES
    WHEN ema(eu.close, 9) CROSSES ABOVE ema(eu.close, 21) AND POSITION.eu = 0
    THEN BUY eu SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
    WHEN ema(eu.close, 9) CROSSES BELOW ema(eu.close, 21) AND POSITION.eu = 0
    THEN SELL eu SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
"""


TALKING = (
    TEXT
    + """    WHEN eu.close > ema(eu.close, 3) THEN LOG "above" price=eu.close
    WHEN eu.close < ema(eu.close, 3) THEN LOG "below" price=eu.close
"""
)
"""The same, with something to be made durable and to be told every few bars."""


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
    """The ticks of a list, `rate` a second or as fast as they are read."""

    replayable = drives_clock = patient = True

    def __init__(self, ticks: list[Tick], rate: float | None) -> None:
        self._ticks = ticks
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
        if self._at < len(self._ticks):
            self._at += 1
            return FeedTick(self._ticks[self._at - 1], self._at)
        if self._told:
            raise StopAsyncIteration
        self._told = True
        return FeedHealth(FeedState.ENDED, 0)

    async def aclose(self) -> None: ...


class Exact(Durations):
    """Durations, each of them kept."""

    __slots__ = ("all",)

    def __init__(self) -> None:
        super().__init__()
        self.all: list[int] = []

    def add(self, took: int) -> None:
        super().add(took)
        self.all.append(took)


@dataclass
class Run:
    """What an engine came to. Processor time and time in seconds; `intents` are nanoseconds from a tick to its durable intent,
    ascending, and `asked` is how often a page was given out."""

    cpu: float
    wall: float
    trades: list[tuple[Any, ...]]
    intents: list[int]
    asked: int

    def quantile(self, share: float) -> float:
        """Milliseconds that this share of all stayed at or under."""
        return self.intents[min(len(self.intents) - 1, int(share * len(self.intents)))] / 1e6


@asynccontextmanager
async def alone(engine: Engine, folder: Path) -> AsyncIterator[None]:  # noqa: ARG001
    """Nobody."""
    yield


@asynccontextmanager
async def watched(engine: Engine, folder: Path) -> AsyncIterator[None]:
    """Everything that usually looks at an engine."""
    files = LogFiles(folder / "logs", "info", megabytes=20, files=5)
    with logging_to(files):
        async with observing(engine, Config(observe=Observe(port=0)), files) as observer:
            address = await served(observer)
            async with aside(ask, address, ["/metrics", "/status"], EVERY) as asked, aside(follow, address) as read:
                while asked.value < 2 or not read.value:
                    await anyio.sleep(0.01)
                yield


@asynccontextmanager
async def calm(engine: Engine, folder: Path) -> AsyncIterator[Any]:  # noqa: ARG001
    """Nobody, on a machine that has as much to do as when it is beset."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with aside(stand_in, bound), aside(ask, address, ["/metrics"], 0.01) as scraper:
            await anyio.sleep(SETTLE)
            yield scraper


@asynccontextmanager
async def beset(engine: Engine, folder: Path) -> AsyncIterator[Any]:  # noqa: ARG001
    """Everybody who could do harm."""
    stuck = threading.Event()
    settings = ChannelSettings.model_validate({"url": "json://localhost", "events": ("started", "halted", "rejected", "error")})
    channel = Channel("dead", settings, lambda *_: stuck.wait(3600))
    async with AsyncExitStack() as stack:
        stack.callback(stuck.set)
        config = Config(observe=Observe(port=0))
        observer = await stack.enter_async_context(observing(engine, config, channels=[channel]))
        address = await served(observer)
        for _follower in range(FOLLOWERS):
            stack.enter_context(stuck_follower(address))
        scraper = await stack.enter_async_context(aside(ask, address, ["/metrics"], 0.01))
        await anyio.sleep(SETTLE)
        yield scraper


async def served(observer: Observer) -> str:
    """Where it is, once it is."""
    while observer.address is None:
        await anyio.sleep(0.01)
    return observer.address


@asynccontextmanager
async def aside(work: Any, *arguments: Any) -> AsyncIterator[Any]:
    """Have something done in another process for as long as this is entered; its start is over before that. Gives the count of
    what it has done. Raises RuntimeError when it gave up before the end: nobody was looking any more."""
    context = get_context("spawn")
    ready, count = context.Event(), context.Value("q", 0)
    process = context.Process(target=begin, args=(work, arguments, ready, count), daemon=True)
    process.start()
    await anyio.to_thread.run_sync(ready.wait)
    try:
        yield count
        if process.exitcode is not None:
            raise RuntimeError(f"whoever was to {work.__name__} gave up")
    finally:
        process.kill()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(process.join)


def begin(work: Any, arguments: tuple[Any, ...], ready: Event, count: Any) -> None:
    ready.set()
    work(*arguments, count)


def ask(address: str, pages: list[str], every: float, count: Any) -> None:
    """Ask for pages at a steady rate."""
    due = time.monotonic()
    while True:
        for page in pages:
            with urllib.request.urlopen(address + page, timeout=30) as answer:
                answer.read()
            count.value += 1
        due += every
        time.sleep(max(0.0, due - time.monotonic()))


def stand_in(bound: socket.socket, count: Any) -> None:  # noqa: ARG001
    """Answer as an engine would, with as much."""

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self._transport = transport

        def data_received(self, data: bytes) -> None:  # noqa: ARG002
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\nConnection: close\r\n\r\n" + b"#" * 40_000)
            self._transport.close()

    async def answer() -> None:
        async with await asyncio.get_running_loop().create_server(Answer, sock=bound) as server:
            await server.serve_forever()

    asyncio.run(answer())


def follow(address: str, count: Any) -> None:
    """Read the lines as they come."""
    with urllib.request.urlopen(f"{address}/logs?follow=1", timeout=30) as answer:
        while answer.readline():
            count.value += 1


@contextmanager
def stuck_follower(address: str) -> Iterator[None]:
    """Ask for the lines and never read one."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        wire.connect((host, int(port)))
        wire.sendall(b"GET /logs?follow=1&limit=5000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield


async def run(text: str, ticks: list[Tick], rate: float | None, look: Any, start: Any = None) -> Run:
    """An engine of a few sessions over these ticks, looked at or not; `start` is called before the first."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        folder = Path(name)
        path = folder / "looked_at.qkt"
        path.write_text(text)
        async with Engine(folder / "state", OwnFeeds(lambda: Replay(ticks, rate))) as engine, look(engine, folder) as scraper:
            before = 0 if scraper is None else scraper.value
            gc.collect()
            if start is not None:
                start()
            began, since = spent(), time.monotonic()
            exact = [Exact() for _ in range(SESSIONS)]
            for number in range(SESSIONS):
                live = await engine.deploy(path, f"s{number}", {})
                live.figures.intent = exact[number]
            for hosted in list(engine.hosted.values()):
                await hosted.pump.ended.wait()
            cpu, wall = spent() - began, time.monotonic() - since
            trades: list[tuple[Any, ...]] = []
            for hosted in engine.hosted.values():
                rows = hosted.live.machine.session.books.trades
                trades += [
                    (hosted.live.name, row.timestamp, row.order_id, row.quantity, row.price, row.realized) for row in rows
                ]
            intents = sorted(took for one in exact for took in one.all)
            return Run(cpu, wall, trades, intents, 0 if scraper is None else scraper.value - before)


def spent() -> float:
    """Seconds of processor time of this process and of the one that receives who looks at it."""
    found = time.process_time()
    for child in Path("/proc/self/task").glob("*/children") if sys.platform == "linux" else ():
        for pid in child.read_text().split():
            if b"reception_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
                found += sum(int(one.read_text().split()[0]) for one in threads) / 1e9
    return found


QUANTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))


def measured(look: Any, ticks: int, together: Any, out: Any) -> None:
    """One of a pair: what it spends on its tape, and while hardly anything happens, told to `out`."""
    tape = market(ticks)
    anyio.run(run, TEXT, tape[: ticks // 10], None, look)  # what is imported and opened once is over

    def start() -> None:
        if sys.platform == "linux":
            for thread in os.listdir("/proc/self/task"):
                os.sched_setaffinity(int(thread), {max(os.sched_getaffinity(0))})
        together.wait()

    one = anyio.run(run, TEXT, tape, None, look, start)
    out.put((look.__name__, one, anyio.run(run, TEXT, tape[:IDLE], 1.0, look)))


def pair(ticks: int) -> dict[str, tuple[Run, Run]]:
    """An engine alone and one that is looked at, each over its tape and with next to nothing to do."""
    context = get_context("spawn")
    together, out = context.Barrier(2), context.SimpleQueue()
    both = [context.Process(target=measured, args=(look, ticks, together, out)) for look in (alone, watched)]
    for one in both:
        one.start()
    found = {name: (one, idle) for name, one, idle in (out.get() for _ in both)}
    for one in both:
        one.join()
    return found


def cost(given: argparse.Namespace) -> bool:
    shares, spent, same = [], [], True
    for _ in range(given.pairs):
        found = pair(given.ticks)
        (a, idle), (b, watched_idle) = found["alone"], found["watched"]
        second = watched_idle.cpu / watched_idle.wall - idle.cpu / idle.wall
        longer = max(0.0, b.wall - b.cpu / HALF)
        shares.append((b.cpu - second * longer) / a.cpu - 1)
        spent.append(a.cpu)
        same &= a.trades == b.trades
        told = f"alone {a.cpu:.3f} s, looked at {b.cpu:.3f} s of processor time: {b.cpu / a.cpu - 1:+.2%}"
        paid = f"{1000 * second:.1f} ms by the second, with {b.cpu / b.wall:.0%} of a core"
        print(f"{told} ({paid}), {shares[-1]:+.2%} with half a core", flush=True)
    share, count = statistics.median(shares), SESSIONS * given.ticks
    rate = count / statistics.median(spent)
    print(f"{count:,} ticks of {SESSIONS} sessions, {rate:,.0f} a second of processor time, {len(shares)} pairs")
    print(f"cost of being looked at: median {share:+.2%}, from {min(shares):+.2%} to {max(shares):+.2%}", flush=True)
    return share < ALLOWED and same


def harm(given: argparse.Namespace) -> bool:
    ticks = market(round(given.rate * given.seconds), 8 * STEP)
    runs: dict[Any, list[Run]] = {calm: [], beset: []}
    for number in range(2 * given.runs):
        look = (calm, beset, beset, calm)[number % 4]
        one = anyio.run(run, TALKING, ticks, given.rate, look)
        runs[look].append(one)
        name = look.__name__
        told = " ".join(f"{quantile} {one.quantile(share):.2f}" for quantile, share in QUANTILES)
        print(f"{name:5} tick to intent {told} ms, {one.asked / given.seconds:.0f} pages a second", flush=True)
    harmless = True
    for name, share in QUANTILES:
        usual, then = ([one.quantile(share) for one in runs[look]] for look in (calm, beset))
        a, b, most = statistics.median(usual), statistics.median(then), noise(usual, then)
        told = f"{name} calm {a:.2f} ms ({min(usual):.2f} to {max(usual):.2f}), beset {b:.2f} ms"
        print(f"{told} ({min(then):.2f} to {max(then):.2f}): {b - a:+.2f}, noise {most:.2f}")
        harmless &= b - a <= most
    first = runs[calm][0].trades
    same = all(one.trades == first for one in (*runs[calm], *runs[beset]))
    print(f"trades {len(first):,}, {'the same' if same else 'DIFFERENT'}")
    return harmless and same and len(first) > 0


def noise(usual: list[float], then: list[float]) -> float:
    """What the medians would differ by in 99 of 100 cases if it made no difference whether an engine is beset: neighbours in
    time trade places at random (a permutation test within pairs)."""
    rng, pairs = random.Random(7), list(zip(usual, then, strict=True))
    found: list[float] = []
    for _deal in range(DEALS):
        dealt = [rng.sample(pair, 2) for pair in pairs]
        one, other = zip(*dealt, strict=True)
        found.append(statistics.median(other) - statistics.median(one))
    return sorted(found)[DEALS * 99 // 100]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=8, help="pairs of runs for the cost")
    parser.add_argument("--ticks", type=int, default=60_000, help="ticks of each session for the cost")
    parser.add_argument("--runs", type=int, default=10, help="pairs of runs for the harm")
    parser.add_argument("--seconds", type=float, default=8, help="how long each of them takes")
    parser.add_argument("--rate", type=float, default=500, help="ticks a second of each session meanwhile")
    given = parser.parse_args()
    cheap = cost(given) if given.pairs else True
    harmless = harm(given) if given.runs else True
    return 0 if cheap and harmless else 1


if __name__ == "__main__":
    sys.exit(main())
