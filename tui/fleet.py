"""All engines that this dashboard can show, each looked at from time to time: whose account it is, how it fares, when it was
last heard. What was last known of an engine stays when its line is lost, and is marked old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qkt.runtime.control.link import Fleet, Station
from tui.listener import Listener
from tui.viewmodel import Lost, View, fold

if TYPE_CHECKING:
    from qkt.runtime.control.frames import Frame
    from qkt.runtime.control.rows import AccountRow, StrategyRow

RATE = 0.5
"""Frames a second of each engine, at most."""
TABLES = ("accounts", "strategies")

BOARD = "board:"
"""What a dashboard ends with to have another engine's begin; the engine's name follows."""

State = Literal["ok", "...", "LOST", "ENDED"]


class Post:
    """One engine and the last that was heard of it. `heard` is in seconds of the dashboard's clock."""

    def __init__(self, station: Station, clock: Callable[[], float]) -> None:
        self.station = station
        self.view = View()
        self.heard: float | None = None
        self._clock = clock
        self.listener = Listener(station.link, self._take, clock, rate=RATE, tables=TABLES, lines=False)

    def _take(self, frame: Frame | Lost) -> None:
        self.view, _ = fold(self.view, frame)
        if not isinstance(frame, Lost):
            self.heard = self._clock()

    @property
    def state(self) -> State:
        if self.view.ended is not None:
            return "ENDED"
        if self.view.lost is not None:
            return "LOST"
        return "ok" if self.view.state is not None else "..."

    @property
    def silent_ms(self) -> int | None:
        """How long ago it was last heard."""
        return None if self.heard is None else int((self._clock() - self.heard) * 1000)


@dataclass(frozen=True, slots=True)
class Berth:
    """An account of an engine, as a row; without one where nothing is deployed, or nothing was heard yet."""

    post: Post
    money: AccountRow | None
    here: bool

    @property
    def key(self) -> str:
        return f"{self.post.station.name}/{'' if self.money is None else self.money.account}"

    @property
    def sessions(self) -> list[StrategyRow]:
        """Of this account, children of portfolios not counted: their book is."""
        account = None if self.money is None else self.money.account
        rows = self.post.view.tables.strategies.values()
        return [row for row in rows if row.parent is None and account in (None, row.account)]

    @property
    def oldest_ms(self) -> int | None:
        """How long the quietest of its running sessions has had no quote, by that session's own clock."""
        view = self.post.view
        running = [row for row in self.sessions if row.state == "RUN" and row.last_tick is not None]
        return max((view.present(row.name) - (row.last_tick or 0) for row in running), default=None)


class Watches:
    """Looks at every engine of a fleet once somebody wants to see them. `at` is the one that the dashboard shows."""

    def __init__(self, fleet: Fleet, clock: Callable[[], float]) -> None:
        self.fleet = fleet
        self.at = fleet.home
        self.posts = [Post(station, clock) for station in fleet.stations]

    @property
    def away(self) -> bool:
        """Whether the dashboard shows another engine than that of the machine and process it began with."""
        return self.at.away or self.at is not self.fleet.home

    @property
    def name(self) -> str:
        """What the engine that is shown is called where it matters which one it is."""
        return self.at.name if self.away else ""

    def elsewhere(self, command: str) -> str:
        """A command of qkt as it is to be typed in another terminal to reach the engine that is shown."""
        return f"{command} {self.at.reach}".rstrip() if command.startswith("qkt ") else command

    def berths(self) -> Iterator[Berth]:
        """A row for each engine and account, never a sum."""
        for post in self.posts:
            here = post.station is self.at
            accounts = post.view.tables.accounts
            if not accounts:
                yield Berth(post, None, here)
            for name in sorted(accounts):
                yield Berth(post, accounts[name], here)

    def station(self, name: str) -> Station:
        return next(one for one in self.fleet.stations if one.name == name)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for post in self.posts:
                tasks.create_task(post.listener.run())
