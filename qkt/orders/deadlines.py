"""What is to happen at a time: one timetable for the expiry of held orders, time exits and pyramids."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from qkt.core.events import Tick, Timer
from qkt.core.watch import NEVER, Waits, Watch

NO_WATCHES: tuple[Watch, ...] = ()


class Phase(IntEnum):
    """In what order deadlines of one tick are kept."""

    EXPIRE = 0
    TIME_EXIT = 1
    LAYERS = 2
    CANCEL = 3


@dataclass(slots=True, order=True)
class Deadline:
    """Something to do on the first tick, of any symbol, at or after `time` (epoch ms)."""

    time: int
    phase: Phase
    number: int
    act: Callable[[], None] = field(compare=False)


class Deadlines:
    """Keeps deadlines of one scope. Implements `Waiting`; must hear ticks after the broker and before held orders."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._planned: list[Deadline] = []
        self._number = 0
        self.due = NEVER
        waits.add(self)

    def watches(self) -> tuple[Watch, ...]:
        return NO_WATCHES

    def plan(self, time: int, phase: Phase, act: Callable[[], None]) -> Deadline:
        """Call `act` once when the time has come."""
        deadline = Deadline(time, phase, self._number, act)
        self._number += 1
        insort(self._planned, deadline)
        self._replan()
        return deadline

    def drop(self, deadline: Deadline) -> None:
        """Forget it; nothing happens when it has passed already."""
        if deadline in self._planned:
            self._planned.remove(deadline)
            self._replan()

    def on_tick(self, tick: Tick | Timer) -> None:
        ts = tick.ts
        if ts < self.due:
            return
        reached = [deadline for deadline in self._planned if deadline.time <= ts]
        reached.sort(key=lambda deadline: deadline.phase)
        for deadline in reached:
            if deadline in self._planned:  # one before it may have dropped it
                self.drop(deadline)
                deadline.act()

    def _replan(self) -> None:
        self.due = self._planned[0].time if self._planned else NEVER
        self._waits.changed()
