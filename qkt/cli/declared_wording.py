"""What a strategy declares beside its rules, as sentences: baskets, groups, sequences, schedules."""

from __future__ import annotations

from collections.abc import Iterator

from qkt.backtest.phrases import duration
from qkt.cli.deed_wording import deed_words
from qkt.cli.wording import words
from qkt.lang.program import CheckedClause, CheckedGroup, CheckedSequence, CheckedStrategy
from qkt.lang.recurrence import Daily, Recurrence

Line = tuple[str, int]
"""A sentence and how far it is indented."""


def declared_words(program: CheckedStrategy) -> Iterator[Line]:
    for alias, members in program.baskets.items():
        yield f"{alias} is the equally weighted index of {', '.join(members)}", 2
    for group in program.groups:
        yield _group(group), 2
    if program.sequences:
        yield "", 0
        yield "Sequences: stages that become true one after the other", 0
        for sequence in program.sequences:
            yield from _sequence(sequence)
    if program.schedules:
        yield "", 0
        yield "Schedules: each one acts when its time comes", 0
        for clause in program.schedules:
            yield from _clause(clause)


def _group(group: CheckedGroup) -> str:
    limit = "" if group.within_ms is None else f", for {duration(group.within_ms / 1000)} at most"
    return f"{', '.join(group.members)} wait for each other's bar{limit}"


def _sequence(sequence: CheckedSequence) -> Iterator[Line]:
    yield f"{sequence.name} on {sequence.alias}", 2
    for stage in sequence.stages:
        limit = "" if stage.within_ms is None else f", within {duration(stage.within_ms / 1000)}"
        yield f"{stage.name}{limit}: {words(stage.condition)}", 4


def _clause(clause: CheckedClause) -> Iterator[Line]:
    yield _moments(clause.when), 2
    first, *details = deed_words(clause.deed)
    yield first, 4
    for detail in details:
        yield detail, 6


def _moments(when: Recurrence) -> str:
    if not isinstance(when, Daily):
        return f"every hour at :{when.minute:02}"
    times = ", ".join(_time(seconds) for seconds in when.seconds)
    return f"every {'weekday' if when.weekdays else 'day'} at {times} {when.zone}"


def _time(seconds: int) -> str:
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text
