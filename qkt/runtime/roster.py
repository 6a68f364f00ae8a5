"""Who is there: the sessions of an engine by name, those that run and those that rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from qkt.portfolio import ChildState
from qkt.runtime.control.errors import UnknownSessionError
from qkt.runtime.control.rows import Fidelity, StrategyRow
from qkt.runtime.control.values import NAME
from qkt.runtime.errors import SessionError
from qkt.runtime.journal import Registration
from qkt.runtime.pump import Pump
from qkt.runtime.session import LiveSession
from qkt.runtime.venues import Seat
from qkt.runtime.views.standing import Standing


@dataclass(slots=True)
class Hosted:
    """A session of this process with what feeds it, and what is counted of it for show."""

    live: LiveSession
    pump: Pump
    seat: Seat | None = None
    standing: Standing = field(default_factory=Standing)
    # In how many things the session and its venue differ, seen twice.
    differing: int = 0
    # How faithful it is to its recording, None while nobody looks.
    fidelity: Fidelity | None = None
    # The same of each child of a portfolio, by its id.
    of_children: dict[str, Fidelity] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Raises SessionError for what cannot name a session."""
    if not re.fullmatch(NAME, name):
        expected = "letters, digits, hyphens and underscores, 64 at most"
        raise SessionError(f"'{name}' cannot name a session", expected=expected, remedy="choose a name with --as")


class Roster:
    """Registered sessions by name."""

    def __init__(self) -> None:
        self.hosted: dict[str, Hosted] = {}
        # Those that do not run: stopped ones, and those that could not be brought back, with the reason.
        self.resting: dict[str, tuple[Registration, str | None]] = {}
        # What is shown of sessions that rest; it is read out of the journal once.
        self.rest_rows: dict[str, StrategyRow] = {}
        self._coming: set[str] = set()
        self._changing: set[str] = set()

    def known(self) -> list[str]:
        """The names of all registered sessions."""
        return [*self.hosted, *self.resting]

    def taken(self, name: str) -> bool:
        """Whether a session has this name, or is about to."""
        return name in self.hosted or name in self.resting or name in self._coming

    @contextmanager
    def deploying(self, name: str) -> Iterator[None]:
        """A session of this name is being made for as long as this is entered."""
        self._coming.add(name)
        try:
            yield
        finally:
            self._coming.discard(name)

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """A session comes, goes or is replaced for as long as this is entered. Raises SessionError while another command is at
        that."""
        if name in self._changing:
            raise SessionError(
                "is being started, stopped or replaced by another command", where=name, remedy="wait for its end"
            )
        self._changing.add(name)
        try:
            yield
        finally:
            self._changing.discard(name)

    def find(self, name: str) -> LiveSession:
        """A session that runs. Raises UnknownSessionError, SessionError for one that does not run."""
        hosted = self.hosted.get(name)
        if hosted is not None:
            return hosted.live
        if name in self.resting:
            raise SessionError("is not running", where=name, remedy=f"qkt start {name}")
        book = name.partition("/")[0]
        if book != name and book in self.hosted:
            remedy = f"name {book}; stop, start and flatten take a child"
            raise SessionError(f"is no session of its own but a child of {book}", where=name, remedy=remedy)
        raise UnknownSessionError(name, self.known())

    def find_child(self, name: str) -> tuple[LiveSession, ChildState]:
        """The child of a portfolio, by `book/child`. Raises UnknownSessionError, SessionError for one that does not run."""
        book, _, alias = name.partition("/")
        live = self.find(book)
        supervisor = live.machine.session.supervisor
        state = None if supervisor is None else supervisor.of(alias)
        if supervisor is None or state is None:
            children = [] if supervisor is None else [f"{book}/{one.child.alias}" for one in supervisor.children.values()]
            raise UnknownSessionError(name, children or self.known())
        return live, state

    def registration(self, name: str) -> Registration:
        """What was deployed under a name. Raises UnknownSessionError."""
        hosted = self.hosted.get(name)
        if hosted is not None:
            return hosted.live.registration
        if name in self.resting:
            return self.resting[name][0]
        raise UnknownSessionError(name, self.known())
