"""One session done again as it goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from qkt.brokers.factory import BrokerKind
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Trade
from qkt.runtime.effects import Effect
from qkt.runtime.fidelity.fills import Pairs, Slippage
from qkt.runtime.inputs import Input, VenueInput
from qkt.runtime.journal import JournalReading, Registration
from qkt.runtime.machine import SessionMachine
from qkt.runtime.recorder import tape_folder
from qkt.runtime.recovery import difference, told
from qkt.runtime.redoing import Redoing
from qkt.runtime.setup import Terms, load_strategy
from qkt.runtime.tape_following import TapeFollower
from qkt.runtime.tape_runs import TickRun

MOST = 20_000
"""Inputs whose effects may wait for the journal; then the tape waits too."""


class Shadow:
    """Goes through a session's tape while it is written, and compares what comes of it with what the session journaled.

    Of a session at a venue a second machine gets the same inputs without what the venue said, and trades them on paper.
    """

    def __init__(self, state: Path, journal: JournalReading, registration: Registration, scratch: Path) -> None:
        self._journal = journal
        self._run = registration.run
        terms = Terms.from_json(registration.settings)
        self._machine = _machine(registration, terms, scratch / "same")
        self._redoing = Redoing(self._machine)
        self._paper: tuple[SessionMachine, Redoing] | None = None
        on_paper = self._machine
        if terms.broker is not BrokerKind.PAPER:
            on_paper = _machine(registration, replace(terms, broker=BrokerKind.PAPER), scratch / "paper")
            self._paper = on_paper, Redoing(on_paper)
        owners = list(self._machine.session.books.strategies)
        # Of the whole session, and of each child of a portfolio.
        self._whole = Comparison(Slippage(self._machine))
        self._children = {one: Comparison(Slippage(self._machine, one)) for one in owners if self._machine.children}
        self._pairs = Pairs(self._machine)
        on_paper.session.scope.subscribe(Trade, self._pairs.on_paper)
        self._tape = TapeFollower(tape_folder(state, registration.run))
        self._steps: Iterator[None] | None = None
        self._number = 0
        self._committed = 0
        self._settled = 0
        # What came of inputs now and is not compared yet; what the journal has of them, and the next of that.
        self._now: deque[tuple[int, Input, int, list[Effect]]] = deque()
        self._then: Iterator[tuple[int, list[Effect]]] = iter(())
        self._next: tuple[int, list[Effect]] | None = None

    def advance(self, deadline: float) -> bool:
        """Go on until the recording ends or the time has come (monotonic seconds). Returns whether it ended.

        Raises StateError for a recording that is damaged.
        """
        self._committed = self._journal.last_input(self._run)
        self._then = self._journal.effects(self._run, self._settled + 1)
        self._next = next(self._then, None)
        ended = True
        self._settle()
        if self._steps is None:
            self._steps = self._all()
        for _ in self._steps:
            if monotonic() > deadline or len(self._now) > MOST:
                ended = False
                break
        else:
            self._steps = None
        self._settle()
        self._then, self._next = iter(()), None
        self._pairs.settle(self._as_of())
        return ended

    def as_json(self) -> dict[str, Any]:
        """The figures as of now."""
        children = {child: self._figures(found, child) for child, found in self._children.items()}
        return {**self._figures(self._whole, None), "children": children}

    def _figures(self, found: Comparison, owner: str | None) -> dict[str, Any]:
        pairs = self._pairs
        return {
            "inputs": self._number,
            "as_of": self._as_of(),
            "records": found.records,
            "equal": found.equal,
            "difference": found.difference,
            "fills": found.slippage.decision.fills,
            "missed": pairs.missed.total() if owner is None else pairs.missed[owner],
            "extra": pairs.extra.total() if owner is None else pairs.extra[owner],
            "decision": found.slippage.decision.as_json(),
            "quote": found.slippage.quote.as_json(),
            "paper": pairs.against_paper[owner].as_json() if self._paper is not None else None,
        }

    def _as_of(self) -> int:
        """The session's time up to which everything is compared (epoch ms)."""
        return self._now[0][2] if self._now else self._machine.last_ts

    def _all(self) -> Iterator[None]:
        for item in self._tape.read():
            if self._paper is not None:
                yield from self._on_paper(*self._paper, item)
            for number, given in self._redoing.take(item, partial(self._due_in, item)):
                self._take(number, given)
                yield
            if isinstance(item, TickRun):
                self._number = item.first + len(item) - 1
            self._settle()
            yield

    def _on_paper(self, machine: SessionMachine, redoing: Redoing, item: TickRun | tuple[int, Input]) -> Iterator[None]:
        if not isinstance(item, TickRun) and isinstance(item[1], VenueInput):
            return
        for _ in redoing.take(item):
            machine.effects.take()
            yield

    def _due_in(self, item: TickRun | tuple[int, Input]) -> int:
        """At which place of a run the journal has something next."""
        assert isinstance(item, TickRun)
        return len(item) if self._next is None else min(len(item), max(0, self._next[0] - item.first))

    def _take(self, number: int, given: Input) -> None:
        self._number = number
        effects = self._machine.effects.take()
        if effects:
            self._now.append((number, given, self._machine.last_ts, effects))
        if effects or (self._next is not None and self._next[0] == number):
            self._settle()

    def _settle(self) -> None:
        """Compare what both sides have by now, in the order of the inputs."""
        now = self._now
        while True:
            mine = now[0][0] if now and now[0][0] <= self._committed else None
            theirs = self._next[0] if self._next is not None and self._next[0] <= min(self._number, self._committed) else None
            if mine is None and theirs is None:
                return
            number = min(one for one in (mine, theirs) if one is not None)
            rebuilt = now.popleft() if mine == number else None
            journaled: list[Effect] = []
            if theirs == number:
                assert self._next is not None
                journaled, self._next = self._next[1], next(self._then, None)
            self._compare(number, None if rebuilt is None else rebuilt[1], journaled, [] if rebuilt is None else rebuilt[3])
            self._settled = number

    def _compare(self, number: int, given: Input | None, journaled: list[Effect], rebuilt: list[Effect]) -> None:
        count = max(len(journaled), len(rebuilt))
        pairs = [(_at(journaled, place), _at(rebuilt, place)) for place in range(count)]
        label = "" if given is None else f" ({told(given)})"
        for was, now in pairs:
            concerned = [self._whole, *self._child_of(was or now)]
            for found in concerned:
                found.add(was, now, f"input {number}{label}")
        for effect in journaled:
            if effect.kind == "fill":
                self._pairs.real(effect.value)

    def _child_of(self, effect: Effect | None) -> list[Comparison]:
        """The child that a record names, if any."""
        found = self._children and effect is not None and self._children.get(effect.value.get("strategy", ""))
        return [found] if found else []


@dataclass(slots=True)
class Comparison:
    """Records that were compared, how many of them are equal, and the first `difference` in words."""

    slippage: Slippage
    records: int = 0
    equal: int = 0
    difference: str | None = None

    def add(self, was: Effect | None, now: Effect | None, label: str) -> None:
        self.records += 1
        if was == now:
            self.equal += 1
        elif self.difference is None:
            self.difference = f"{label}: {difference(was, now)}"


def _at(effects: list[Effect], place: int) -> Effect | None:
    return effects[place] if place < len(effects) else None


def _machine(registration: Registration, terms: Terms, folder: Path) -> SessionMachine:
    folder.mkdir(parents=True, exist_ok=True)
    strategy = load_strategy(registration.file, registration.source, registration.params, folder, terms.book)
    clock = EventClock()
    return SessionMachine(registration.name, strategy, terms.settings(folder), EventBus(clock), clock)
