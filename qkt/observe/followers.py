"""Readers that follow the lines: a few, each with a queue of its own that forgets when its reader does not keep up."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import anyio

from qkt.runtime.control.rows import Level, Line

MOST = 10
WAITING = 1000
KEEP_ALIVE = 15.0
"""Seconds of silence after which a reader is told that nothing has happened."""

ORDER: tuple[Level, ...] = ("DEBUG", "INFO", "WARN", "ERROR")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of a session (or `engine`), of a level or above, of an event or a kind, of a trace, not before `since`."""

    session: str | None = None
    level: Level = "DEBUG"
    event: str | None = None
    trace: str | None = None
    since: int | None = None

    def takes(self, line: Line) -> bool:
        return (
            self.session in (None, line.scope)
            and ORDER.index(line.level) >= ORDER.index(self.level)
            and self.event in (None, line.event, line.kind)
            and self.trace in (None, line.trace)
            and (self.since is None or line.ts >= self.since)
        )


class Event:
    """A line as a server-sent event, worded once for all who follow."""

    def __init__(self, line: Line) -> None:
        self.line = line

    @cached_property
    def text(self) -> str:
        return f"id: {self.line.number}\ndata: {self.line.model_dump_json()}\n\n"


class Follower:
    """One reader's queue. `dropped` counts lines that it was too slow for."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._events: deque[Event] = deque(maxlen=WAITING)
        self._news = anyio.Event()
        self.dropped = 0

    def offer(self, event: Event) -> None:
        if not self._wanted.takes(event.line):
            return
        if len(self._events) == WAITING:
            self.dropped += 1
        self._events.append(event)
        self._news.set()

    async def batches(self) -> AsyncIterator[list[Event]]:
        """What has come since the last time; an empty list after a silence."""
        while True:
            with anyio.move_on_after(KEEP_ALIVE):
                await self._news.wait()
            self._news = anyio.Event()
            events, self._events = list(self._events), deque(maxlen=WAITING)
            yield events


class Followers:
    """All readers there are. `offer` hands a line to each of them."""

    def __init__(self) -> None:
        self._all: set[Follower] = set()
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def full(self) -> bool:
        return len(self._all) >= MOST

    @property
    def dropped(self) -> int:
        """Lines that readers were too slow for, those included that have gone."""
        return self._dropped + sum(one.dropped for one in self._all)

    def offer(self, line: Line) -> None:
        if self._all:
            event = Event(line)
            for one in self._all:
                one.offer(event)

    @contextmanager
    def following(self, wanted: Wanted) -> Iterator[Follower]:
        follower = Follower(wanted)
        self._all.add(follower)
        try:
            yield follower
        finally:
            self._all.discard(follower)
            self._dropped += follower.dropped
