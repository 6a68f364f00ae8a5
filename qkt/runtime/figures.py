"""How a process keeps up, in plain integers: what came, what was lost, how long it took. Nothing here is an input of a session.

Whoever shows them (status, snapshot, metrics) reads them whenever it likes; counting costs the hot path an addition.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from math import ceil

# Upper bounds of the classes of a duration, nanoseconds: from 50 microseconds to 26 seconds, each a fifth above the last.
BOUNDS = tuple(round(50_000 * 1.2**n) for n in range(73))


@dataclass(slots=True)
class Durations:
    """How long something took, nanoseconds: how often, in all, at worst, and how often in each class of `BOUNDS`.

    The last class holds what took longer than every bound.
    """

    count: int = 0
    total: int = 0
    worst: int = 0
    classes: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, took: int) -> None:
        self.count += 1
        self.total += took
        if took > self.worst:
            self.worst = took
        self.classes[bisect_left(BOUNDS, took)] += 1

    def quantile(self, share: float) -> int:
        """The duration that this share of all stayed at or under, at most a fifth too long; 0 when there was none."""
        wanted, seen = ceil(share * self.count), 0
        for bound, count in zip(BOUNDS, self.classes, strict=False):
            seen += count
            if seen >= wanted:
                return min(bound, self.worst)
        return self.worst


@dataclass(slots=True)
class SessionFigures:
    """One session since this process began it.

    `ticks_in` counts what its feed gave and the gate let pass, `ticks_done` what it has handled, `ticks_dropped` what it did
    not read in time, `queue_peak` the most that ever waited, `arrived` is when the last one came (nanoseconds of the monotonic
    clock, 0 before the first). `handling` is how long the bus and all who hear a tick took for it, of a sample. `intent` is
    the time from a tick's arrival to the moment at which what it led to was durable, for ticks that led to something.
    """

    ticks_in: int = 0
    ticks_done: int = 0
    ticks_dropped: int = 0
    queue_peak: int = 0
    arrived: int = 0
    handling: Durations = field(default_factory=Durations)
    intent: Durations = field(default_factory=Durations)

    @property
    def queue(self) -> int:
        """Ticks that wait to be handled."""
        return self.ticks_in - self.ticks_done - self.ticks_dropped


@dataclass(slots=True)
class EngineFigures:
    """The process since it began.

    `lag` is how much later than asked for the loop came back to a task that slept, `commit` how long transactions of the
    journal took that succeeded (their number is `commit.count`), `commit_failures` counts those that did not.
    """

    lag: Durations = field(default_factory=Durations)
    commit: Durations = field(default_factory=Durations)
    commit_failures: int = 0
