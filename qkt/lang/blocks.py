"""SYNCHRONIZE, SEQUENCE and SCHEDULE, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qkt.lang import tree
from qkt.lang.actions import ActionResolver
from qkt.lang.codes import Problems
from qkt.lang.excerpt import on_one_line
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.program import CheckedClause, CheckedGroup, CheckedSequence, CheckedStage
from qkt.lang.recurrence import Daily, Hourly, Recurrence
from qkt.lang.scope import Scope
from qkt.lang.walk import streams_mentioned

# Units of places, below those of rules.
STAGES, CLAUSES = -1_000, -1_000_000


def check_groups(syncs: Iterable[tree.Synchronize], scope: Scope, problems: Problems) -> tuple[CheckedGroup, ...]:
    """The groups. A stream stands in one of them, and all members of one have candles of the same length."""
    taken: set[str] = set()
    groups = []
    for sync in syncs:
        members = []
        for ident in sync.members:
            alias = ident.text
            if alias not in scope.streams:
                if alias not in scope.refused:
                    scope.unknown_stream(problems, ident)
            elif alias in taken:
                problems.error("QKT0218", ident.span, f"'{alias}' is in a group already", "a stream can wait in one group only")
            else:
                members.append(alias)
                _check_length(ident, scope, members[0], problems)
            taken.add(alias)
        groups.append(CheckedGroup(tuple(members), sync.within_ms))
    return tuple(groups)


def _check_length(ident: tree.Ident, scope: Scope, first: str, problems: Problems) -> None:
    own, expected = scope.streams[ident.text].timeframe, scope.streams[first].timeframe
    if own.ms != expected.ms:
        message = f"'{ident.text}' has candles of {own.text} and '{first}' of {expected.text}"
        problems.error("QKT0218", ident.span, message, "streams that wait for each other need one timeframe")


def name_sequences(sequences: Iterable[tree.Sequence], scope: Scope, problems: Problems) -> None:
    """Make the sequences and their stages known, so that they can be read anywhere."""
    for sequence in sequences:
        name = sequence.name.text
        if name in scope.sequences:
            problems.error("QKT0219", sequence.name.span, f"there is a sequence '{name}' already")
        stages: list[str] = []
        for stage in sequence.stages:
            if stage.name.text in stages:
                problems.error("QKT0219", stage.name.span, f"'{name}' has a stage '{stage.name.text}' already")
            stages.append(stage.name.text)
        scope.sequences[name] = tuple(stages)


def check_sequences(sequences: Iterable[tree.Sequence], resolver: Resolver) -> tuple[CheckedSequence, ...]:
    """The sequences; their conditions are evaluated at the closes of their own stream."""
    found = []
    unit = STAGES
    for sequence in sequences:
        stages = []
        alias = resolver.stream(sequence.alias, Place("condition", unit, None))
        for stage in sequence.stages:
            unit -= 1
            place = Place("condition", unit, alias)
            condition = resolver.guarded(stage.condition.span, resolver.flag, stage.condition, place)
            if condition is not None:
                stages.append(CheckedStage(stage.name.text, stage.within_ms, condition))
        if alias is not None:
            mentioned = [alias, *(ident.text for ident in streams_mentioned(sequence.stages))]
            mentions = tuple(name for name in dict.fromkeys(mentioned) if name in resolver.scope.streams)
            found.append(CheckedSequence(sequence.name.text, alias, tuple(stages), mentions))
    return tuple(found)


def check_schedules(
    clauses: Sequence[tree.ScheduleClause], resolver: Resolver, actions: ActionResolver, lines: Sequence[str]
) -> tuple[CheckedClause, ...]:
    """The clauses of SCHEDULE. Their indicators do not count for warm-up."""
    found = []
    first = next(iter(resolver.scope.streams), None)
    for number, clause in enumerate(clauses):
        target = next(streams_mentioned(clause.action), None) if not isinstance(clause.action, tree.Log) else None
        anchor = target.text if target is not None and target.text in resolver.scope.streams else first
        place = Place("action", CLAUSES - number, anchor, scanned=False)
        deed = resolver.guarded(clause.action.span, actions.resolve, clause.action, place)
        if deed is not None:
            found.append(CheckedClause(_recurrence(clause), deed, on_one_line(lines, clause.span)))
    return tuple(found)


def _recurrence(clause: tree.ScheduleClause) -> Recurrence:
    if clause.every == "HOUR" or clause.zone is None:
        return Hourly(clause.minute or 0)
    return Daily(tuple(time.seconds for time in clause.times), clause.zone, clause.every == "WEEKDAY")
