"""What a session recorded, done again from its beginning for somebody who wants to look on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.engine import Stage
from qkt.runtime.errors import SessionError
from qkt.runtime.journal import FILE, Journal, Registration
from qkt.runtime.machine import SessionMachine
from qkt.runtime.recorder import tape_folder
from qkt.runtime.setup import Terms, load_strategy
from qkt.runtime.tape import read_tape


class SessionRecording:
    """The tape of a session's latest run. It is only read, an engine may go on writing it.

    Raises SessionError when no such session is registered in the state directory.
    """

    def __init__(self, state: Path, name: str) -> None:
        self.name = name
        self.length = 0
        self._state = state
        with opened(state) as journal:
            self._registration = registered(journal, state, name)
            run = self._registration.run
            self._kept = journal.kept(run)
            self._fills = [effect.value for _, effect in journal.of_kind(run, ["fill"], 1 << 31)]

    @property
    def fills(self) -> int:
        return len(self._fills)

    def fill(self, number: int) -> Mapping[str, Any]:
        return self._fills[number - 1]

    def play(self, attend: Callable[[Stage], None], until: int | None = None) -> None:
        registration = self._registration
        with TemporaryDirectory() as folder:
            terms = Terms.from_json(registration.settings)
            scratch = Path(folder)
            strategy = load_strategy(registration.file, registration.source, registration.params, scratch, terms.book)
            clock = EventClock()
            machine = SessionMachine(self.name, strategy, terms.settings(scratch), EventBus(clock), clock)
            number = 0
            attend(Stage(machine.session, machine.board, lambda: number))
            for number, item in read_tape(tape_folder(self._state, registration.run), self._kept):
                machine.handle(item)
                machine.effects.take()
                if number == until:
                    return
            self.length = number


@contextmanager
def opened(state: Path) -> Iterator[Journal]:
    """The journal of a state directory. Raises SessionError where there is none."""
    if not (state / FILE).exists():
        raise SessionError("no session is registered", where=str(state), expected="a state directory of an engine")
    journal = Journal(state)
    try:
        yield journal
    finally:
        journal.close()


def registered(journal: Journal, state: Path, name: str) -> Registration:
    """A session by its deploy name. Raises SessionError with the names that there are."""
    found = journal.find(name)
    if found is None:
        known = ", ".join(one.name for one in journal.registered()) or "none"
        raise SessionError(f"no session named '{name}'", where=str(state), expected=f"one of: {known}")
    return found
