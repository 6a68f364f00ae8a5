"""One simulated world: an engine that lives and dies in it, and everything that happens to it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import anyio

from qkt.brokers.dispatch import Request
from qkt.brokers.factory import BrokerKind
from qkt.core.errors import QktError
from qkt.risk import RiskLimits, VenueLimits
from qkt.runtime import engine as engine_room
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Answer, Done, Failed
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.operations import UNWRITTEN
from qkt.runtime.setup import Terms
from tests.runtime.samples import START
from tests.simulation.account import Account, LoopAccounts
from tests.simulation.disk import Died, Disk
from tests.simulation.loop import VirtualLoop, virtual_time
from tests.simulation.market import BreakingFeed, quotes

SECONDS = 600
"""How long a world exists; nothing goes wrong in its last CALM seconds, and nothing moves in the last STILL of them."""
CALM = 120
STILL = 20
NAME = "cross"
STRATEGY = """STRATEGY cross VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 5s
LET quick = ema(eu.close, 2),
    calm = ema(eu.close, 5)
RULES
    WHEN quick CROSSES ABOVE calm AND POSITION.eu = 0 AND OPEN_ORDERS.eu = 0
    THEN BUY eu SIZING 0.2 BRACKET { STOP LOSS TRAILING 0.0006 AFTER MFE >= 0.0003, TAKE PROFIT BY 0.0012 }
    WHEN quick CROSSES BELOW calm AND POSITION.eu = 0 AND OPEN_ORDERS.eu = 0
    THEN SELL eu SIZING 0.2 ORDER_TYPE = STOP AT eu.close - 0.0001 BRACKET { STOP LOSS BY 0.0008, TAKE PROFIT RR 2 }
    WHEN POSITION.eu.holding_duration > 120
    THEN CLOSE eu
"""
UNBOUND = RiskLimits(venue=VenueLimits(measured_usage_hours=0, measured_usage_max_qty=0))  # type: ignore[arg-type]


class Wall:
    """The loop's time as a date."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> int:
        return START + round(self._loop.now * 1000)


class World:
    """`real` worlds trade on an account that fails, the others on paper. What happened is told in `diary`."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.folder = folder
        self.state = folder / "state"
        self.real = self.random.random() < 0.5
        self.account = Account(seed, trouble=True) if self.real else None
        self.disk = Disk(Random(seed + 1))
        self.disk.mortal = self._dies_here
        self.diary: list[str] = []
        self.lives = self.deaths = 0
        # Whether an operator was told that it is halted; None where that is not known.
        self.halted: bool | None = False
        self.complaints: list[str] = []
        self.problems: list[str] = []
        self.engine: Engine | None = None
        self._quotes = quotes(seed)
        self._quote = next(self._quotes)
        self._second = 0
        self._feeds: list[BreakingFeed] = []
        self._fatal: dict[str, int] = {}
        self._passed = 0
        self._commands = 0
        self._loop: VirtualLoop
        self._now = 0.0

    # ------------------------------------------------------------------- lives

    def run(self, at_end: Callable[[World], None]) -> None:
        """Life after life until the world's end; `at_end` is called in the last one, when everything is at rest."""
        (self.folder / "cross.qkt").write_text(STRATEGY)
        with ExitStack() as stack:
            stack.enter_context(self.disk.attached())
            stack.enter_context(patch.object(engine_room, "StateLock", lambda _: nullcontext()))
            stack.enter_context(patch.object(engine_room, "BEAT", 5.0))
            stack.enter_context(patch("qkt.runtime.venues.secrets", self.random))
            while self._second < SECONDS:
                self._live(at_end)

    def _live(self, at_end: Callable[[World], None]) -> None:
        self.lives += 1
        self.disk.begin_life()
        self._passed, self._fatal = 0, self._fate()
        self._loop = VirtualLoop(self._now)
        self.disk.on_death = self._loop.die
        with virtual_time(self._loop):
            try:
                # By hand: a runner would let the tasks of a process that is gone end in good order.
                self._loop.run_until_complete(self._life(at_end))
                self._loop.close()
            except Died as death:
                self.deaths += 1
                self._tell(f"dies {death}")
                self._bury()
        self._now = self._loop.now

    def _bury(self) -> None:
        """The dead do nothing any more: no finally of theirs runs, nothing of theirs is written."""
        self._hear_alerts()
        GRAVES.extend(asyncio.all_tasks(self._loop))
        for task in GRAVES[-50:]:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        if self.account is not None:
            self.account.terminal.shutdown()
        down = self.random.randint(1, 30)
        self._loop.now += down
        while self._second < self._loop.now:  # the market goes on
            self._move()

    async def _life(self, at_end: Callable[[World], None]) -> None:
        loop_wall = Wall(self._loop)
        terms = Terms(broker=BrokerKind.MT5 if self.real else BrokerKind.PAPER, limits=UNBOUND)
        self._feeds = []
        async with anyio.create_task_group() as group:
            accounts = None
            if self.account is not None:
                accounts = LoopAccounts(self.account, loop_wall, lambda link: group.start_soon(link.serve), self._sent)
            feeds = OwnFeeds(self._new_feed)
            async with Engine(self.state, feeds, terms=terms, venues=accounts, wall=loop_wall) as engine:
                self.engine = engine
                while self._second < SECONDS:
                    await self._to_next_second()
                    await self._second_of(engine)
                at_end(self)
                self._hear_alerts()
            group.cancel_scope.cancel()

    async def _to_next_second(self) -> None:
        """The market waits for nobody: what passed while a command was waited for is made up for."""
        await anyio.sleep(max(0.0, self._second + 1 - self._loop.now))
        while self._second < min(self._loop.now, SECONDS):
            self._move()

    def _move(self) -> None:
        self._second += 1
        if self._second < SECONDS - STILL:
            self._quote = next(self._quotes)
        bid, ask_ = self._quote
        if self.account is not None:
            self.account.quote(START + self._second * 1000, bid, ask_)
        for feed in self._feeds:
            feed.hand(START + self._second * 1000, bid, ask_)

    def _new_feed(self) -> BreakingFeed:
        self._feeds.append(BreakingFeed())
        return self._feeds[-1]

    # --------------------------------------------------------------- what happens

    @property
    def calm(self) -> bool:
        return self._second >= SECONDS - CALM

    def _fate(self) -> dict[str, int]:
        """At which write this life ends, if it does."""
        return {} if self.calm or self.random.random() < 0.3 else {"write": self.random.randint(1, 160)}

    def _dies_here(self, point: str) -> bool:
        self._passed += 1
        return not self.calm and self._passed == self._fatal.get("write") and point != ""

    async def _second_of(self, engine: Engine) -> None:
        """What one second brings besides its quote."""
        now, chance = START + self._second * 1000, self.random.random
        if self.calm:
            self.disk.full = False
            for feed in self._feeds:
                feed.come_back(now)
            if self.account is not None:
                self.account.package.faults.stop()
            if NAME not in engine.hosted and self._second < SECONDS - CALM // 2:
                await self._ask(engine, "start" if NAME in engine.known() else "deploy")
            return
        if NAME not in engine.known():
            await self._ask(engine, "deploy")
        elif NAME not in engine.hosted and chance() < 0.2:
            await self._ask(engine, "start")
        for feed in self._feeds:
            if chance() < 0.01:
                feed.lose(now)
            elif chance() < 0.2:
                feed.come_back(now)
        if chance() < 0.01:
            feed_bad = self.random.choice([(1.2, 1.19), (0.0, 0.0), (1.9, 1.9001)])
            for feed in self._feeds:
                feed.hand(now, *feed_bad)
        if chance() < 0.008:
            self.disk.full = True
            self._tell("the disk is full")
        elif self.disk.full and chance() < 0.2:
            self.disk.full = False
            self._tell("the disk takes records again")
        if chance() < 0.02:
            await self._ask(engine, self.random.choice(["halt", "resume", "resume", "flatten", "cancel", "stop", "kill"]))

    async def _ask(self, engine: Engine, word: str) -> None:
        """Have a command done as an operator would. What was answered as done must hold, whoever dies then."""
        self._commands += 1
        head = {"id": f"{word}-{self.seed}-{self._commands}", "author": "sim"}
        command: Any = {
            "deploy": lambda: ask.Deploy(**head, path=str(self.folder / "cross.qkt"), name=NAME),
            "start": lambda: ask.Start(**head, name=NAME),
            "stop": lambda: ask.Stop(**head, name=NAME, flatten=self.random.random() < 0.5, leave_unprotected=True),
            "halt": lambda: ask.Halt(**head, name=NAME),
            "resume": lambda: ask.Resume(**head, name=NAME),
            "flatten": lambda: ask.Flatten(**head, name=NAME),
            "cancel": lambda: ask.Cancel(**head, name=NAME),
            "kill": lambda: ask.Kill(**head, name=NAME, flatten=True),
        }[word]()
        if word in ("halt", "kill", "resume"):
            self.halted = None
        answer: Answer | None = None
        with anyio.move_on_after(20):
            try:
                answer = await engine.perform(command, lambda step: None)
            except QktError as problem:
                self._tell(f"{word}: refused, {problem}")
                return
        found = answer.found if isinstance(answer, Failed) else ""
        self._tell(f"{word}: {'no answer' if answer is None else answer.answer} {found}".rstrip())
        if isinstance(answer, Done) and word in ("halt", "kill", "resume") and UNWRITTEN not in answer.text:
            self.halted = word != "resume"

    def _sent(self, request: Request) -> None:
        """A request leaves for the venue: it must have been written down for good before."""
        with sqlite3.connect(self.state / "journal.sqlite") as db:
            known = db.execute("select count(*) from effects where kind = 'send' and instr(data, ?)", (request.token,))
            if not known.fetchone()[0]:
                self.complaints.append(f"{request.token} is sent before it is durable")

    def _hear_alerts(self) -> None:
        """What no world excuses."""
        for row in () if self.engine is None else self.engine.alerts:
            if any(words in row.text for words in ("defect", "led to another result", "its books are not what the venue has")):
                self.complaints.append(f"life {self.lives}: {row.text}")

    def _tell(self, text: str) -> None:
        self.diary.append(f"{self._second:>4} s, life {self.lives}: {text}")


GRAVES: list[Any] = []
"""Tasks of lives that are over: they must not be finalised, for a process that is killed finalises nothing."""


def simulate(seed: int, check: Callable[[World], Iterable[str]], record: Callable[[World], Iterable[str]]) -> World:
    """One world from its beginning to its end. `check` looks at it when it is at rest, `record` at what it leaves behind;
    `problems` has what they found."""
    logging.disable()
    try:
        with tempfile.TemporaryDirectory(prefix="world", dir=MEMORY) as name:
            world = World(seed, Path(name))
            world.run(lambda rested: world.problems.extend(check(rested)))
            world.problems += record(world)
            return world
    finally:
        logging.disable(logging.NOTSET)


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
