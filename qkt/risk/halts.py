"""Halts as state: why no entry may pass, since when, and until when.

A halt stands until its time is over, its cause is gone or an operator clears it. Exits never wait for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from qkt.core.bus import Scope
from qkt.core.events import Event
from qkt.core.watch import NEVER

KEPT = 1_000


class Lasts(StrEnum):
    """How long a halt stands: until the next day begins, until an operator clears it, or while its cause lasts."""

    DAILY = "DAILY"
    PERSISTENT = "PERSISTENT"
    WHILE = "WHILE"


class Cause:
    """What may halt. An operator's are HALT, KILL, STOPPING, which a start ends, and RESYNC, which ends when the session is not
    replaced after all. STORAGE and FEED last while what they name
    is out of order, BOOK is a portfolio's over all of its children. The others are rules."""

    HALT = "operator"
    KILL = "kill"
    STOPPING = "stopping"
    RESYNC = "resync"
    FAULT = "fault"
    STORAGE = "storage"
    FEED = "feed"
    BOOK = "book"
    DAILY_LOSS = "daily loss"
    DRAWDOWN = "drawdown"
    DAILY_DRAWDOWN = "daily drawdown"
    LOSS_STREAK = "loss streak"
    ROUND_TRIPS = "round trips"
    REJECTIONS = "rejections"
    RULES = "rule failure"


@dataclass(frozen=True, slots=True)
class Halt:
    """Why no entry may pass. `strategy` is whose entries, None for all of the session; `author` who put it there.

    `since` is epoch ms, and so is `until`, the first instant at which a DAILY one stands no more.
    """

    cause: str
    reason: str
    lasts: Lasts
    since: int
    until: int | None = None
    strategy: str | None = None
    author: str = "engine"

    @property
    def key(self) -> Key:
        return self.strategy, self.cause

    @property
    def entry_only(self) -> bool:
        """Whether it leaves working entries where they are: what passes by itself cancels nothing."""
        return self.lasts is Lasts.WHILE

    @property
    def told(self) -> str:
        """What a refused order hears."""
        return f"{'blocked' if self.lasts is Lasts.WHILE else 'halted'}: {self.reason}"


Key = tuple[str | None, str]


@dataclass(slots=True)
class Halted(Event):
    """A halt stands from now on."""

    halt: Halt


@dataclass(slots=True)
class HaltLifted(Event):
    """A halt stands no more. `author` is who cleared it, `reason` why; "engine" when its time or its cause was over."""

    halt: Halt
    author: str
    reason: str


@dataclass(slots=True)
class HaltSpan:
    """A halt and when it was lifted (epoch ms), None while it stands; `by` whom and `why`."""

    halt: Halt
    lifted: int | None = None
    by: str | None = None
    why: str | None = None


STRENGTH = {Lasts.PERSISTENT: 0, Lasts.DAILY: 1, Lasts.WHILE: 2}


class Halts:
    """The halts that stand, oldest first: at most one of a cause for the account and for each strategy. Iterable.

    `history` are all that ever stood, the latest `KEPT` of them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._standing: dict[Key, Halt] = {}
        self.history: deque[HaltSpan] = deque(maxlen=KEPT)
        # The first instant at which one of them stands no more (epoch ms).
        self.due = NEVER

    def __iter__(self) -> Iterator[Halt]:
        return iter(list(self._standing.values()))

    def __len__(self) -> int:
        return len(self._standing)

    def get(self, cause: str, strategy: str | None = None) -> Halt | None:
        """The one of a cause."""
        return self._standing.get((strategy, cause))

    def over(self, strategy: str | None) -> Halt | None:
        """The halt that binds a strategy (or only the account): one that needs an operator before one of the day before one
        that passes by itself, the oldest of equal ones."""
        if not self._standing:
            return None
        binding = [halt for halt in self._standing.values() if halt.strategy in (None, strategy)]
        return min(binding, key=lambda halt: STRENGTH[halt.lasts], default=None)

    def put(self, halt: Halt) -> bool:
        """Let it stand, and tell. The first of a cause stays, unless it would end before the new one does."""
        old = self._standing.get(halt.key)
        if old is not None and STRENGTH[old.lasts] <= STRENGTH[halt.lasts]:
            return False
        if old is not None:
            self._end(old, halt.since, halt.author, "a longer one stands in its place")
        self._standing[halt.key] = halt
        self.history.append(HaltSpan(halt))
        self._plan()
        self._scope.publish(Halted(halt))
        return True

    def lift(self, halt: Halt, author: str, reason: str) -> None:
        """Take it away, and tell."""
        if self._standing.get(halt.key) is halt:
            del self._standing[halt.key]
            self._plan()
            lifted = HaltLifted(halt, author, reason)
            self._scope.publish(lifted)
            self._end(halt, lifted.at, author, reason)

    def expire(self, ts: int) -> None:
        """Lift what stands no longer than to this instant."""
        for halt in self:
            if halt.until is not None and halt.until <= ts:
                self.lift(halt, "engine", "the day is over")

    def _end(self, halt: Halt, ts: int, by: str, why: str) -> None:
        span = next((span for span in reversed(self.history) if span.halt is halt), None)
        if span is not None:
            span.lifted, span.by, span.why = ts, by, why

    def _plan(self) -> None:
        self.due = min((halt.until for halt in self._standing.values() if halt.until is not None), default=NEVER)
