"""Brings a session back by doing again what it did: its tape goes through a new machine, and every effect is compared with
the journal. A difference refuses to start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from qkt.core.events import Tick
from qkt.runtime.effects import Effect
from qkt.runtime.errors import DivergenceError, StateError
from qkt.runtime.inputs import LIVE, CommandInput, GapInput, Input, TickInput, VenueInput
from qkt.runtime.journal import Journal
from qkt.runtime.machine import SessionMachine
from qkt.runtime.redoing import Redoing
from qkt.runtime.tape import read_runs
from qkt.runtime.tape_runs import TickRun

SHOWN = 6


@dataclass(slots=True)
class Recovered:
    """How far the tape went. `feed_number` is the place of its last tick in a feed that can be read again, `at_number` the
    ticks it has from there, `unsaved` the effects of inputs that had been recorded and not committed."""

    inputs: int = 0
    ticks: int = 0
    warmed: int = 0
    feed_number: int = LIVE
    at_number: list[Tick] = field(default_factory=list)
    commands: int = 0
    unsaved: list[tuple[int, list[Effect]]] = field(default_factory=list)


class Recovery:
    """Re-executes one session, ticks with which nothing can happen many at a time. Iterate to the end, `done` is then what
    was found; between two steps the process may do
    something else.

    Raises DivergenceError with the first difference, StateError when the recording is damaged or shorter than the journal.
    """

    def __init__(self, machine: SessionMachine, tape: Path, journal: Journal, run: int) -> None:
        self._machine = machine
        self._tape = tape
        self._journaled = journal.effects(run)
        self._committed = journal.last_input(run)
        self._kept = journal.kept(run)
        self._expected: tuple[int, list[Effect]] | None = None
        self.done = Recovered()

    def __iter__(self) -> Iterator[int]:
        machine, done = self._machine, self.done
        redoing = Redoing(machine)
        self._expected = next(self._journaled, None)
        for item in read_runs(self._tape, self._kept):
            run = item if isinstance(item, TickRun) else None
            for number, given in redoing.take(item, None if run is None else partial(self._due_in, run)):
                if run is None:
                    self._count(given)
                self._check(number, given)
                yield number
            if run is not None:
                self._count_run(run)
                yield done.inputs
        if done.inputs < self._committed:
            raise StateError(
                f"the journal knows input {self._committed} and the recording ends with {done.inputs}",
                where=str(self._tape),
                remedy="restore both from one backup, or deploy the strategy anew under another name",
            )

    def _due_in(self, run: TickRun) -> int:
        """At which place of a run something is journaled next, its length for none."""
        return len(run) if self._expected is None else min(len(run), self._expected[0] - run.first)

    def _check(self, number: int, item: Input) -> None:
        """What an input led to now, against what it led to then."""
        machine, done, expected = self._machine, self.done, self._expected
        done.inputs = number
        effects = machine.effects.take()
        if expected is not None and expected[0] == number:
            _compare(machine.name, number, item, expected[1], effects)
            self._expected = next(self._journaled, None)
        elif effects:
            if number <= self._committed:
                _compare(machine.name, number, item, [], effects)
            done.unsaved.append((number, effects))

    def run(self) -> Recovered:
        """All steps at once."""
        for _ in self:
            pass
        return self.done

    def _count_run(self, run: TickRun) -> None:
        done = self.done
        done.ticks += len(run)
        done.inputs = run.first + len(run) - 1
        last = int(run.rows["number"][-1])
        if last != LIVE:
            if last != done.feed_number:
                done.feed_number, done.at_number = last, []
            done.at_number += _place_of(run)

    def _count(self, item: Input) -> None:
        done = self.done
        if isinstance(item, TickInput):
            if item.history:
                done.warmed += 1
            else:
                done.ticks += 1
            if item.number != LIVE:
                if item.number != done.feed_number:
                    done.feed_number, done.at_number = item.number, []
                done.at_number.append(item.tick)
        elif isinstance(item, CommandInput):
            done.commands += 1


def _place_of(run: TickRun) -> Iterator[Tick]:
    """The ticks of a run's last place in its feed, the last first."""
    numbers = run.rows["number"]
    for at in range(len(run) - 1, -1, -1):
        if numbers[at] != numbers[-1]:
            return
        yield run.tick(at).tick


def _compare(name: str, number: int, item: Input, journaled: Sequence[Effect], rebuilt: Sequence[Effect]) -> None:
    if list(journaled) == list(rebuilt):
        return
    place = next(
        (at for at, (one, other) in enumerate(zip(journaled, rebuilt, strict=False)) if one != other),
        min(len(journaled), len(rebuilt)),
    )
    was = journaled[place] if place < len(journaled) else None
    now = rebuilt[place] if place < len(rebuilt) else None
    raise DivergenceError(
        f"input {number} ({told(item)}) led to another result: {difference(was, now)}",
        where=name,
        remedy="qkt replay shows it; use the program, the instruments and the settings that the session ran with",
    )


def difference(was: Effect | None, now: Effect | None) -> str:
    """The first difference of two effects in words: the journal's first, then what came out now."""
    if was is None or now is None:
        return f"journaled {_short(was)}, now {_short(now)}"
    if was.kind != now.kind:
        return f"journaled {_short(was)}, now {_short(now)}"
    old, new = was.value, now.value
    names = [name for name in (*old, *(n for n in new if n not in old)) if old.get(name) != new.get(name)]
    parts = [f"{name} was {old.get(name)!r}, now {new.get(name)!r}" for name in names[:SHOWN]]
    label = old.get("order_id")
    return f"{was.kind}{f' of {label}' if label else ''}: " + "; ".join(parts)


def told(item: Input) -> str:
    """An input in a few words."""
    if isinstance(item, TickInput):
        tick = item.tick
        return f"{tick.symbol} at {tick.ts}, price {tick.price}"
    if isinstance(item, CommandInput):
        return f"{item.command} by {item.author} at {item.ts}"
    if isinstance(item, GapInput):
        return f"gap since {item.since}"
    if isinstance(item, VenueInput):
        return f"{item.report.what} from the venue at {item.ts}"
    return f"timer at {item.ts}"


def _short(effect: Effect | None) -> str:
    if effect is None:
        return "nothing"
    value = json.loads(effect.data)
    return f"{effect.kind} {json.dumps(value, separators=(', ', ': '))[:160]}"
