"""What an engine bears: twenty sessions on ten of fifty symbols each, candles and working orders, 20,000 ticks a second.

    python benchmarks/load.py [--seconds 60] [--rate 20000] [--sessions 20]

The engine is a real one with its journal and its tapes; sessions are deployed by command on one shared live feed, behind the
data gate. The ticks come over a socket from another process, which keeps its own time: it does not wait for an engine that is
slow. Exit code 1 when a tick was lost, the engine did not keep up, or memory grew beyond what trades take.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import socket
import struct
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import anyio
import anyio.abc
import anyio.to_thread

from qkt.core.events import Tick
from qkt.data.feeds import FeedHealth, FeedHub, FeedItem, FeedState, FeedTick
from qkt.risk import RiskLimits, StrategyLimits
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done
from qkt.runtime.engine import Engine
from qkt.runtime.figures import Durations
from qkt.runtime.markets import SharedFeed
from qkt.runtime.setup import Terms

SYMBOLS = [f"M{number:02d}" for number in range(50)]
WIRE = struct.Struct("<Hqqdd")
"""Symbol, time (epoch ms), when it was sent (monotonic, ns), bid, ask."""
TURN = 0.002
UNHURRIED = RiskLimits(every_strategy=StrategyLimits(runaway_round_trips=1_000_000, runaway_rejections=1_000_000))
"""These strategies are here to be busy."""
AT_ONCE = 64
HEAD = """STRATEGY s{number} VERSION 1
SYMBOLS
{streams}
LET {lets}
RULES
"""
STOPS = ("STOP LOSS BY 0.25", "STOP LOSS TRAILING 0.25 AFTER MFE >= 0.05")
RULES = """    WHEN q{n} CROSSES ABOVE c{n} AND POSITION.{n} = 0
    THEN BUY {n} SIZING 1 LIMIT AT {n}.close - 0.03 BRACKET {{ {stop}, TAKE PROFIT BY 0.4 }} TIF GTD UNTIL NOW + 10s
    WHEN q{n} CROSSES BELOW c{n} AND POSITION.{n} = 0
    THEN SELL {n} SIZING 1 STOP AT {n}.close - 0.05 BRACKET {{ {stop}, TAKE PROFIT BY 0.4 }} TIF GTD UNTIL NOW + 10s
    WHEN OPEN_ORDERS.{n} = 0
    THEN BUY {n} SIZING 1 ORDER_TYPE = LIMIT AT {n}.close * 0.9
"""


def strategy(number: int, candles: str) -> str:
    """Ten symbols, two crosses and a resting order on each."""
    names = [SYMBOLS[(number * 10 + number // 5 * 3 + place) % len(SYMBOLS)].lower() for place in range(10)]
    streams = "\n".join(f"    {name} = SIM:{name.upper()} EVERY {candles}" for name in names)
    quick, calm = 2 + number % 4, 6 + number % 7
    lets = ",\n    ".join(f"q{name} = ema({name}.close, {quick}), c{name} = ema({name}.close, {calm})" for name in names)
    rules = "".join(RULES.format(n=name, stop=STOPS[number % 2]) for name in names)
    return HEAD.format(number=number, streams=streams, lets=lets) + rules


def generate(wire: socket.socket, rate: int, seconds: float) -> None:
    """Ticks at a steady rate, a batch every two milliseconds, whoever keeps up."""
    rng = random.Random(1)
    middles = [100.0 + number for number in range(len(SYMBOLS))]
    count = max(1, round(rate * TURN))
    began = time.monotonic()
    for turn in range(round(seconds / TURN)):
        wait = began + turn * TURN - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        batch = bytearray()
        now = time.time_ns() // 1_000_000
        for _ in range(count):
            code = rng.randrange(len(SYMBOLS))
            middles[code] += rng.choice((-0.005, 0.0, 0.005))
            bid = round(middles[code], 3)
            batch += WIRE.pack(code, now, time.monotonic_ns(), bid, bid + 0.01)
        wire.sendall(batch)
    wire.close()


class WireFeed:
    """A live feed over a socket. `late` is how long ticks were on their way, the time in the socket's buffer included."""

    replayable = drives_clock = patient = False

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._stream: anyio.abc.SocketStream | None = None
        self._ready: deque[FeedItem] = deque()
        self._rest = b""
        self.late = Durations()
        self.ticks = 0

    def name_of(self, symbol: str) -> str:
        return symbol.partition(":")[2]

    def resume(self, after: int) -> None:
        raise NotImplementedError

    async def subscribe(self, symbols: Iterable[str]) -> None: ...

    async def unsubscribe(self, symbols: Iterable[str]) -> None: ...

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FeedItem:
        if self._stream is None:
            self._stream = await anyio.abc.SocketStream.from_socket(self._wire)
            return FeedHealth(FeedState.CONNECTED, 0)
        while not self._ready:
            try:
                data = self._rest + await self._stream.receive(WIRE.size * AT_ONCE)
            except anyio.EndOfStream:
                raise StopAsyncIteration from None
            whole = len(data) - len(data) % WIRE.size
            self._rest = data[whole:]
            now = time.monotonic_ns()
            for code, ts, _, bid, ask_ in WIRE.iter_unpack(data[:whole]):
                self._ready.append(FeedTick(Tick(SYMBOLS[code], ts, (bid + ask_) / 2, bid, ask_), arrived=now))
            if whole:
                self.late.add(now - WIRE.unpack_from(data)[2])
            self.ticks += whole // WIRE.size
        return self._ready.popleft()

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()


async def load(folder: Path, given: argparse.Namespace) -> bool:
    """Run it and print what came of it. Returns whether it is good."""
    here, there = socket.socketpair()
    feed = WireFeed(here)
    started = time.perf_counter(), time.process_time()
    async with anyio.create_task_group() as tasks:
        market = SharedFeed(FeedHub(tasks, held=True), "wire", lambda: feed)
        hub = market._hub
        async with Engine(folder / "state", market, terms=Terms(limits=UNHURRIED)) as engine:
            for number in range(given.sessions):
                path = folder / f"s{number}.qkt"
                path.write_text(strategy(number, given.candles))
                command = ask.Deploy(id=f"load-{number:08d}", author="load", path=str(path))
                answer = await engine.perform(command, lambda _: None)
                assert isinstance(answer, Done), answer
            process = get_context("fork").Process(target=generate, args=(there, given.rate, given.seconds))
            process.start()
            there.close()
            hub.release()
            began = time.perf_counter(), time.process_time()
            memory = []
            while time.perf_counter() - began[0] < given.seconds:
                await anyio.sleep(1)
                memory.append(resident())
                if given.verbose:
                    print(len(memory), f"{memory[-1]:.1f} MB", feed.ticks, time.process_time() - began[1], flush=True)
            await anyio.to_thread.run_sync(process.join)  # later than it should when the engine is slow
            with anyio.move_on_after(10):
                for hosted in engine.hosted.values():
                    await hosted.pump.ended.wait()
            took, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
            good = report(engine, feed, memory, took, cpu, given, began[0] - started[0])
        tasks.cancel_scope.cancel()
    return good


def report(
    engine: Engine, feed: WireFeed, memory: list[float], took: float, cpu: float, given: argparse.Namespace, deploying: float
) -> bool:
    lives = [hosted.live for hosted in engine.hosted.values()]
    figures = engine.figures
    wanted = round(given.seconds / TURN) * max(1, round(given.rate * TURN))
    intent = Durations()
    for live in lives:
        add(intent, live.figures.intent)
    done, dropped = (sum(getattr(live.figures, name) for live in lives) for name in ("ticks_done", "ticks_dropped"))
    kinds = Counter[str]()
    for live in lives:
        for _, effects in engine.journal.effects(live.registration.run):
            kinds.update(effect.kind for effect in effects)
    trades = sum(len(live.machine.session.books.trades) for live in lives)
    slope = growth(memory[len(memory) // 3 :])
    tape = sum(path.stat().st_size for path in engine.state.rglob("*.tape"))
    say("machine", f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    say("deploying", f"{len(lives)} sessions in {deploying:.1f} s")
    say("ticks", f"{feed.ticks:,} of {wanted:,} sent, {feed.ticks / took:,.0f} a second")
    say("session-ticks", f"{done:,}, {done / took:,.0f} a second, {done / cpu:,.0f} per second of processor time")
    say("dropped", f"{dropped:,}; refused by the gate {sum(h.pump.refused for h in engine.hosted.values()):,}")
    say("queue", f"at most {max(live.figures.queue_peak for live in lives):,} ticks of one session")
    say("processor", f"{cpu / took:.0%} of one core")
    told = f"{memory[0]:.0f} to {memory[-1]:.0f} MB, {slope:+.2f} MB a minute in the last two thirds"
    say("memory", f"{told}; {trades:,} fills are kept")
    say("effects", ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(8)))
    say("tick to intent", f"{spread(intent)} ({intent.count:,} ticks that led to something)")
    say("on the wire", spread(feed.late))
    say("loop lag", spread(figures.lag))
    say("commits", f"{figures.commit.count:,}, {spread(figures.commit)}, {figures.commit_failures} failed")
    say("tapes", f"{tape / 1e6:.1f} MB, {tape / max(done, 1):.1f} bytes a tick")
    failed = [live.name for live in lives if live.machine.failed is not None]
    if failed:
        say("FAILED", ", ".join(failed))
    return not dropped and not failed and feed.ticks == wanted and done > 0 and slope < given.growth


def add(to: Durations, other: Durations) -> None:
    to.count += other.count
    to.total += other.total
    to.worst = max(to.worst, other.worst)
    to.classes = [a + b for a, b in zip(to.classes, other.classes, strict=True)]


def spread(took: Durations) -> str:
    return (
        " ".join(
            f"{name} {took.quantile(share) / 1e6:.2f}"
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
        )
        + " ms"
    )


def say(name: str, text: str) -> None:
    print(f"{name:15} {text}", flush=True)


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth(memory: list[float]) -> float:
    """Least-squares slope of samples a second apart, MB a minute."""
    n = len(memory)
    if n < 3:
        return 0.0
    middle, mean = (n - 1) / 2, sum(memory) / n
    spread_ = sum((place - middle) ** 2 for place in range(n))
    return 60 * sum((place - middle) * (value - mean) for place, value in enumerate(memory)) / spread_


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=20_000, help="ticks a second")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--candles", default="5s", help="timeframe of every stream")
    parser.add_argument("--growth", type=float, default=15.0, help="MB a minute that trades may take")
    parser.add_argument("--folder", type=Path, default=None, help="where the state is kept; a temporary one is used otherwise")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--profile", type=Path, default=None, help="write a profile of the engine's process here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        if given.profile is None:
            good = anyio.run(load, Path(name), given)
        else:
            import cProfile

            profile = cProfile.Profile()
            good = profile.runcall(anyio.run, load, Path(name), given)
            profile.dump_stats(given.profile)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
