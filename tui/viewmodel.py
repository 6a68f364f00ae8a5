"""Frames of the control API in, an immutable picture of the engine out, with what differs from the one before.

Nothing here draws, waits or reads a clock: time comes with the frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

from qkt.runtime import control
from tui.said import Said

if TYPE_CHECKING:
    from qkt.runtime.control.answers import Answer
    from qkt.runtime.control.frames import Delta, Frame, Hello, Lines, Snapshot, Tables

LINES_KEPT = 5_000
REPORTS_KEPT = 50

# How long a move of a price stays marked.
MOVE_HELD = 2_000


@dataclass(frozen=True, slots=True)
class Lost:
    """The link to the engine broke. `at` and `retry` are seconds of the screen's own clock."""

    reason: str
    at: float
    retry: float


@dataclass(frozen=True, slots=True)
class Move:
    """The price of a symbol and which way it went last, with when that was seen."""

    price: float
    sign: Literal[-1, 0, 1] = 0
    at: int = 0

    def now(self, ts: int) -> Literal[-1, 0, 1]:
        """The way it went, while that is fresh."""
        return self.sign if ts - self.at < MOVE_HELD else 0


@dataclass(frozen=True, slots=True)
class Report:
    """How a command fares."""

    author: str
    command: str
    answer: Answer
    ts: int


@dataclass(frozen=True, slots=True)
class View:
    """All that is known of an engine at one moment."""

    hello: Hello | None = None
    state: Snapshot | None = None
    ts: int = 0
    lines: tuple[Said, ...] = ()
    missed: int = 0
    reports: tuple[Report, ...] = ()
    moves: Mapping[str, Move] = field(default_factory=dict)
    lost: Lost | None = None
    ended: str | None = None

    @property
    def tables(self) -> Tables:
        return NOT_KNOWN if self.state is None else self.state.tables

    @property
    def version(self) -> int | None:
        """What a command that rests on this picture names as seen."""
        return None if self.state is None else self.state.version

    @property
    def linked(self) -> bool:
        return self.state is not None and self.lost is None and self.ended is None

    def digits(self, symbol: str) -> int | None:
        row = self.tables.market.get(symbol)
        return None if row is None else row.digits

    def present(self, session: str) -> int:
        """The time of a session: its feed's where that is the clock, else the engine's."""
        row = self.tables.strategies.get(session)
        return self.ts if row is None or row.clock is None else row.clock

    def move(self, symbol: str) -> Literal[-1, 0, 1]:
        found = self.moves.get(symbol)
        return 0 if found is None else found.now(self.ts)

    def report(self, command_id: str) -> Report | None:
        return next((one for one in reversed(self.reports) if one.answer.id == command_id), None)


class _Nothing:
    """Every table of an engine of which nothing is known yet."""

    def __getattr__(self, name: str) -> Mapping[str, object]:
        if name.startswith("_"):
            raise AttributeError(name)
        return {}

    def of(self, name: str) -> Mapping[str, object]:
        return {}


NOT_KNOWN = cast("Tables", _Nothing())


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a frame changed: keys by table (new, different or gone), whether all of it, and what stands outside tables."""

    rows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    everything: bool = False
    lines: int = 0
    reports: bool = False
    link: bool = False

    def touches(self, table: str) -> bool:
        return self.everything or table in self.rows


NOTHING = ChangeSet()


def fold(view: View, frame: Frame | Lost) -> tuple[View, ChangeSet]:
    """The picture after a frame. A delta of a state that is not ours changes nothing: the stream begins anew."""
    match frame:
        case control.frames.Hello():
            return replace(view, hello=frame, lost=None, ended=None), ChangeSet(link=True)
        case control.frames.Snapshot():
            return _with_state(view, frame), ChangeSet(everything=True, link=True)
        case control.frames.Delta():
            if view.state is None or frame.base != view.state.version:
                return view, NOTHING
            return _with_state(view, control.frames.fold(view.state, frame)), ChangeSet(rows=changed_keys(frame))
        case control.frames.Lines():
            return _with_lines(view, frame)
        case control.frames.Ack():
            report = Report(frame.author, frame.command, frame.answer, view.ts)
            others = tuple(one for one in view.reports if one.answer.id != frame.answer.id)
            return replace(view, reports=(*others, report)[-REPORTS_KEPT:]), ChangeSet(reports=True)
        case control.frames.Bye():
            return replace(view, ended=frame.reason), ChangeSet(link=True)
        case Lost():
            since = frame if view.lost is None else replace(frame, at=view.lost.at)  # tries in vain do not count anew
            return replace(view, lost=since), ChangeSet(link=True)


def changed_keys(delta: Delta) -> dict[str, frozenset[str]]:
    found = {}
    for name in control.frames.TABLES:
        keys = frozenset(delta.rows.of(name)) | frozenset(delta.gone.get(name, ()))
        if keys:
            found[name] = keys
    return found


def _with_state(view: View, state: Snapshot) -> View:
    return replace(view, state=state, ts=state.ts, moves=_moves(view.moves, state), lost=None)


def _with_lines(view: View, frame: Lines) -> tuple[View, ChangeSet]:
    last = view.lines[-1].number if view.lines else 0
    new = tuple(Said.of(line) for line in frame.lines if line.number > last)
    if not new and not frame.missed:
        return view, NOTHING
    kept = (*view.lines, *new)[-LINES_KEPT:]
    return replace(view, lines=kept, missed=view.missed + frame.missed), ChangeSet(lines=len(new))


def _moves(old: Mapping[str, Move], state: Snapshot) -> dict[str, Move]:
    moves: dict[str, Move] = {}
    for name, row in state.tables.market.items():
        quoted = row.bid if row.bid is not None else row.ask
        if quoted is None:
            continue
        price, known = float(quoted), old.get(name)
        if known is not None and known.price == price:
            moves[name] = known
        elif known is None:
            moves[name] = Move(price)
        else:
            moves[name] = Move(price, 1 if price > known.price else -1, state.ts)
    return moves
