"""The dashboard before a film of frames, in this process: what one frame takes, and how many bytes it sends.

The frames are those of an engine whose 30 symbols all move, as the control API sends them 4 times a second. `hosted` ones come
as objects, `attached` ones as JSON, so that reading them counts. They are made beforehand and no engine runs: the dashboard
alone is measured. Times are processor time, so that what else the machine does is not counted. The terminal takes everything.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from textual.drivers.headless_driver import HeadlessDriver

from qkt.runtime.control.commands import Command
from qkt.runtime.control.frames import FRAME, Delta, Frame, Hello, Lines, Snapshot, Subscribe, Tables, difference, table
from qkt.runtime.control.rows import AccountRow, Line, MarketRow, PositionRow, StrategyRow
from tui.app import Dashboard

SYMBOLS = 30
RATE = 4
WARM = 1.5  # seconds


class Terminal(HeadlessDriver):
    """Takes everything at once."""

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        """The app's meter counts it on the way."""


def state(step: int) -> Snapshot:
    """The engine after so many frames: every symbol has moved, a third of the positions with it."""
    ts = 1_700_000_000_000 + step * 1000 // RATE
    market = [
        MarketRow(
            symbol=f"V:SYM{i:02}",
            feed="bench",
            bid=Decimal(100_000 + (step * (7 + i)) % 997) / 100,
            ask=Decimal(100_010 + (step * (7 + i)) % 997) / 100,
            spread=Decimal("0.10"),
            day_pct=Decimal((step * 3 + i) % 200 - 100) / 100,
            ticks=step * 8,
            rate=Decimal(33),
            ts=ts,
            digits=2,
            recent=tuple(Decimal((step // 20 + j * i) % 17) for j in range(12)),
        )
        for i in range(SYMBOLS)
    ]
    strategies = [
        StrategyRow(
            name=f"strategy_{i}",
            state="RUN",
            account=f"paper:strategy_{i}",
            mode="PAPER",
            file=f"s{i}.qkt",
            started=1_699_000_000_000,
            symbols=(f"V:SYM{i:02}",),
            equity=Decimal(10_000 + step % 91),
            balance=Decimal(10_000),
            day_pnl=Decimal(step % 91 - 45),
            open_pnl=Decimal(step % 91 - 45),
            realised=Decimal(0),
            drawdown_pct=Decimal("-0.4"),
            max_drawdown_pct=Decimal("-1.2"),
            positions=1,
            orders=0,
            trades=step // 40,
            last_tick=ts,
        )
        for i in range(8)
    ]
    positions = [
        PositionRow(
            session=f"strategy_{i % 8}",
            account=f"paper:strategy_{i % 8}",
            leg=str(i),
            symbol=f"V:SYM{i:02}",
            side="LONG" if i % 2 else "SHORT",
            quantity=Decimal("0.10"),
            entry=Decimal("1000.00"),
            opened=1_699_999_000_000,
            mark=market[i].bid if (step + i) % 3 == 0 else market[i].ask,
            pnl=Decimal((step * (3 + i)) % 401 - 200) / 10,
            digits=2,
            protected="engine",
        )
        for i in range(12)
    ]
    accounts = [
        AccountRow(
            account=row.account,
            venue="paper",
            mode="PAPER",
            currency="USD",
            equity=row.equity,
            balance=row.balance,
            day_pnl=row.day_pnl,
            open_pnl=row.open_pnl,
            drawdown_pct=row.drawdown_pct,
        )
        for row in strategies
    ]
    tables = Tables(market=table(market), strategies=table(strategies), positions=table(positions), accounts=table(accounts))
    return Snapshot(version=step + 1, ts=ts, tables=tables)


def line(number: int) -> Lines:
    text = f"FILL BUY 0.10 SYM{number % SYMBOLS:02} @ {1000 + number % 90}.10"
    one = Line(number=number, ts=1_700_000_000_000 + number * 1000, level="INFO", kind="fill", scope="strategy_1", text=text)
    return Lines(lines=(one,))


@dataclass
class Film:
    """Frames in order, as objects or as JSON."""

    first: Sequence[Frame]
    frames: Sequence[Any]
    attached: bool

    def frame(self, at: int) -> Frame:
        found = self.frames[at % len(self.frames)]
        return FRAME.validate_json(found) if self.attached else found


def film(count: int, *, attached: bool) -> Film:
    """A closed loop of frames: its last state leads to its first again."""
    states = [state(step) for step in range(count)]
    deltas = []
    for i, old in enumerate(states):
        new = states[(i + 1) % count]
        deltas.append(difference(old, new).model_copy(update={"base": old.version, "version": new.version}))
    hello = Hello(version="bench", pid=1, mode="PAPER", account="bench", started=1_699_000_000_000, state_dir="/tmp")
    frames: Sequence[Any] = [delta.model_dump_json(exclude_defaults=True) for delta in deltas] if attached else deltas
    if attached:
        frames = [json.dumps({"frame": "delta", **json.loads(text)}) for text in frames]
    return Film((hello, states[0], line(1)), frames, attached)


class FilmLink:
    """An engine that plays a film at the rate that is asked for."""

    hosted = False

    def __init__(self, film: Film) -> None:
        self.film = film
        self.rate: float = 0  # no frames until it is set
        self.at = 0
        self.last_frame_s = 0.0

    @asynccontextmanager
    async def stream(self, wanted: Subscribe) -> AsyncIterator[Any]:
        yield self

    async def want(self, wanted: Subscribe) -> None:
        if self.rate:
            self.rate = wanted.rate

    async def __aiter__(self) -> AsyncIterator[Frame]:
        for frame in self.film.first:
            yield frame
        number = 1
        while True:
            if not self.rate:
                await asyncio.sleep(0.05)
                continue
            await asyncio.sleep(1 / self.rate)
            skipped = max(round(RATE / self.rate), 1)
            for _ in range(skipped - 1):  # a slower reader gets the sum of what it has not seen
                self.at += 1
            frame = self.film.frame(self.at)
            if isinstance(frame, Delta) and skipped > 1:
                yield state_of(self.film, self.at)
            else:
                yield frame
            self.at += 1
            if self.at % RATE == 0:
                number += 1
                yield line(number)

    async def perform(self, command: Command, *, wait: float = 30.0) -> Any:
        raise NotImplementedError

    async def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[Any]:
        return []

    async def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[Any]:
        return []


def state_of(film: Film, at: int) -> Snapshot:
    """The whole state after a frame, which a reader at a lower rate compares by itself."""
    return state((at + 1) % len(film.frames))


class Gaps:
    """The most processor time between two turns of the loop: so long nothing else in it could go on."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            self.worst = max(self.worst, time.thread_time() - before)
            await asyncio.sleep(0.0005)

    def taken(self) -> float:
        worst, self.worst = self.worst, 0.0
        return worst * 1000


@asynccontextmanager
async def running(link: FilmLink, size: tuple[int, int]) -> AsyncIterator[Dashboard]:
    app = Dashboard(link, driver_class=Terminal, ascii_only=False)  # type: ignore[arg-type]
    task = asyncio.create_task(app.run_async(size=size, mouse=False))
    while not (app.is_running and app.view.state is not None):
        await asyncio.sleep(0.005)
    try:
        with app._context():
            yield app
    finally:
        app.exit("left")
        with suppress(asyncio.CancelledError):
            await task


async def spent(seconds: float) -> float:
    """Processor time of the process over a while, percent of one core."""
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.perf_counter() - wall) * 100


Figures = list[tuple[str, float, float, str]]


async def measured(seconds: float, *, attached: bool) -> Figures:
    kind = "attached" if attached else "hosted"
    figures: Figures = []
    roll = film(240, attached=attached)
    gc.freeze()
    link = FilmLink(roll)
    began = time.process_time()
    async with running(link, (160, 48)) as app:
        figures.append((f"first paint, {kind}", time.process_time() - began, 0.8, "s"))
        await asyncio.sleep(WARM)
        figures.append((f"idle CPU, {kind}", await spent(seconds / 4), 1, "%"))
        link.rate = RATE
        await asyncio.sleep(WARM)
        gaps = Gaps()
        watch = asyncio.create_task(gaps.watch())
        await asyncio.sleep(seconds / 4)
        figures.append((f"loop blocked by a frame, {kind}", gaps.taken(), 10, "ms"))
        for name in ("market", "orders", "risk", "logs", "strategy", "overview"):
            await app.bring(name)  # the first time makes the screen
            await asyncio.sleep(0.3)
        gaps.taken()
        for name in ("market", "orders", "risk", "logs", "strategy", "overview"):
            await app.bring(name)
            await asyncio.sleep(0.3)
        figures.append((f"loop blocked by a screen switch, {kind}", gaps.taken(), 50, "ms"))
        watch.cancel()
        await asyncio.sleep(WARM)
        written = app.meter.written
        figures.append((f"1,000 ticks/s on 30 symbols, {kind}", await spent(seconds), 6, "%"))
        figures.append((f"to the terminal at 4/s, {kind}", (app.meter.written - written) / seconds / 1000, 25, "kB/s"))
        app.set_thrifty(True)
        await asyncio.sleep(WARM)
        written = app.meter.written
        await asyncio.sleep(seconds / 2)
        figures.append((f"low bandwidth 160x48, {kind}", (app.meter.written - written) / (seconds / 2) / 1000, 5, "kB/s"))
    link = FilmLink(roll)
    link.rate = RATE
    async with running(link, (80, 24)) as app:
        app.set_thrifty(True)
        await asyncio.sleep(WARM)
        written = app.meter.written
        await asyncio.sleep(seconds / 2)
        figures.append((f"low bandwidth 80x24, {kind}", (app.meter.written - written) / (seconds / 2) / 1000, 2.5, "kB/s"))
    return figures
