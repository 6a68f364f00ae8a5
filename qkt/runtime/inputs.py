"""What a session can be given. Everything it does follows from these, in this order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from qkt.brokers.dispatch import Report
from qkt.core.events import Tick

LIVE = -1
"""The feed's number of a tick whose source cannot be read again."""


@dataclass(slots=True)
class TickInput:
    """A tick past the data gate. `number` is its place in a feed that can be read again, LIVE in any other. `history` warms
    the strategy up."""

    tick: Tick
    number: int = LIVE
    history: bool = False


@dataclass(frozen=True, slots=True)
class TimerInput:
    """The clock reached `ts` (epoch ms) before a tick did."""

    ts: int


@dataclass(frozen=True, slots=True)
class CommandInput:
    """Something decided outside: by an operator, or by the engine about itself. `ts` is the session's time (epoch ms)."""

    ts: int
    command: str
    author: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GapInput:
    """The market went on unseen: the process was down, or the feed was. Times epoch ms, `until` None when not known."""

    since: int
    until: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class VenueInput:
    """What a venue says of the session's orders and positions. `ts` is the session's time (epoch ms)."""

    ts: int
    report: Report


Input: TypeAlias = TickInput | TimerInput | CommandInput | GapInput | VenueInput
