"""The lines that were told, and readers that follow them: a few, each with a queue of its own that forgets when its reader
does not keep up."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Literal

import anyio

KEPT = 20_000
"""Lines that are at hand for whoever asks for the past."""
MOST = 10
WAITING = 1000
KEEP_ALIVE = 15.0
"""Seconds of silence after which a reader is told that nothing has happened."""

Level = Literal["DEBUG", "INFO", "WARN", "ERROR"]
ORDER: tuple[Level, ...] = ("DEBUG", "INFO", "WARN", "ERROR")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of a session (or `engine`), of a level or above, of an event or a kind, of a trace, not before `since`."""

    session: str | None = None
    level: Level = "DEBUG"
    event: str | None = None
    trace: str | None = None
    since: int | None = None

    def takes(self, line: Said) -> bool:
        return (
            self.session in (None, line.scope)
            and ORDER.index(line.level) >= ORDER.index(self.level)
            and self.event in (None, line.event, line.kind)
            and self.trace in (None, line.trace)
            and (self.since is None or line.ts >= self.since)
        )


@dataclass(frozen=True, slots=True)
class Said:
    """A line as it is given out: its JSON, and what of it readers choose by."""

    text: str
    number: int
    ts: int
    level: Level
    kind: str
    scope: str
    event: str
    trace: str | None

    @classmethod
    def of(cls, text: str) -> Said:
        values = json.loads(text)
        return cls(text, *(values[one.name] for one in fields(cls)[1:]))

    @property
    def as_event(self) -> str:
        """The line as a server-sent event."""
        return f"id: {self.number}\ndata: {self.text}\n\n"


class Follower:
    """One reader's queue. `dropped` counts lines that it was too slow for."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._lines: deque[Said] = deque(maxlen=WAITING)
        self._news = anyio.Event()
        self._ended = False
        self.dropped = 0

    def offer(self, line: Said) -> None:
        if not self._wanted.takes(line):
            return
        if len(self._lines) == WAITING:
            self.dropped += 1
        self._lines.append(line)
        self._news.set()

    def end(self) -> None:
        """Let `batches` end."""
        self._ended = True
        self._news.set()

    async def batches(self) -> AsyncIterator[list[Said]]:
        """What has come since the last time; an empty list after a silence."""
        while not self._ended:
            with anyio.move_on_after(KEEP_ALIVE):
                await self._news.wait()
            self._news = anyio.Event()
            lines, self._lines = list(self._lines), deque(maxlen=WAITING)
            yield lines


class Followers:
    """The latest lines, and all readers there are."""

    def __init__(self) -> None:
        self._past: deque[Said] = deque(maxlen=KEPT)
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

    def offer(self, line: Said) -> None:
        """Keep a line and hand it to each reader."""
        self._past.append(line)
        for one in self._all:
            one.offer(line)

    def past(self, wanted: Wanted, after: int, limit: int) -> list[Said]:
        """Lines with a greater number, oldest first, the latest `limit` of them."""
        found: deque[Said] = deque()
        for line in reversed(self._past):
            if line.number <= after or len(found) >= limit:
                break
            if wanted.takes(line):
                found.appendleft(line)
        return list(found)

    @contextmanager
    def following(self, wanted: Wanted) -> Iterator[Follower]:
        follower = Follower(wanted)
        self._all.add(follower)
        try:
            yield follower
        finally:
            self._all.discard(follower)
            self._dropped += follower.dropped

    def end(self) -> None:
        """Let every reader go."""
        for one in self._all:
            one.end()
