"""A checked strategy: everything resolved, ready to be compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from qkt.core.terms import Side
from qkt.lang.deeds import Deed, deed_values, later_values
from qkt.lang.recurrence import Recurrence
from qkt.lang.values import Expression
from qkt.strategy import StreamSpec


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """`mentions` are the aliases whose warm-up the rule waits for; `text` is the rule as written, on one line. `captures` is
    the side of its primary action when that is an entry: what snapshots a firing takes."""

    index: int
    anchor: str
    condition: Expression
    deeds: tuple[Deed, ...]
    mentions: tuple[str, ...]
    text: str
    captures: Side | None = None

    def values(self) -> Iterator[Expression]:
        """The expressions of the rule and of what follows its actions, condition first, in the order of the text."""
        yield self.condition
        for deed in self.deeds:
            yield from deed_values(deed)
            yield from later_values(deed)


@dataclass(frozen=True, slots=True)
class CheckedStage:
    name: str
    within_ms: int | None
    condition: Expression


@dataclass(frozen=True, slots=True)
class CheckedSequence:
    """Advances at the closes of `alias`; `mentions` are the aliases whose warm-up it waits for."""

    name: str
    alias: str
    stages: tuple[CheckedStage, ...]
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedClause:
    """A clause of SCHEDULE; `text` is the clause as written, on one line."""

    when: Recurrence
    deed: Deed
    text: str

    def values(self) -> Iterator[Expression]:
        yield from deed_values(self.deed)
        yield from later_values(self.deed)


@dataclass(frozen=True, slots=True)
class CheckedGroup:
    """SYNCHRONIZE: members in the order of the clause."""

    members: tuple[str, ...]
    within_ms: int | None


@dataclass(frozen=True, slots=True)
class CheckedStrategy:
    """`streams` are all that the file declares; `baskets` names the members of those that are baskets. `params` holds the value
    used of every PARAM and of every LET that was given from outside. `wants_ticks` tells that an indicator is fed by every
    tick."""

    name: str
    version: int
    streams: tuple[StreamSpec, ...]
    rules: tuple[CheckedRule, ...]
    params: Mapping[str, Decimal | bool | str]
    wants_volume: bool
    wants_ticks: bool = False
    baskets: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    groups: tuple[CheckedGroup, ...] = ()
    sequences: tuple[CheckedSequence, ...] = ()
    schedules: tuple[CheckedClause, ...] = ()

    def values(self) -> Iterator[Expression]:
        """The expressions of everything that is evaluated."""
        for sequence in self.sequences:
            yield from (stage.condition for stage in sequence.stages)
        for rule in self.rules:
            yield from rule.values()
        for clause in self.schedules:
            yield from clause.values()


@dataclass(frozen=True, slots=True)
class CheckedPortfolio:
    """`gates` evaluates the portfolio's conditions, each as a rule without actions on every stream.

    `conditions` is their number; those of one stream stand together, from `first_rule` of its alias on, in the order of
    `states` (name and number of the condition, None for DEFAULT) and then `runs` (the conditions of each child, None for
    a RUN without WHEN).
    """

    gates: CheckedStrategy
    conditions: int
    first_rule: Mapping[str, int]
    states: tuple[tuple[str, int | None], ...]
    runs: Mapping[str, tuple[int | None, ...]]
