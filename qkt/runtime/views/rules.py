"""Rules as written, with what they are worth now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.rows import RuleRow, RuleTerms
from qkt.runtime.session import LiveSession

if TYPE_CHECKING:
    from qkt.runtime.machine import SessionMachine


def rule_rows(live: LiveSession) -> list[RuleRow]:
    """The rules of a session in the language; a strategy in Python has none."""
    machine = live.machine
    texts: Sequence[str] = getattr(machine.strategy, "rules", ())
    lines = _lines_of_rules(live.registration.source) if texts else ()
    return [_rule(live.name, machine, index, text, lines) for index, text in enumerate(texts)]


def rule_terms(live: LiveSession, number: int) -> RuleTerms:
    """One rule, from 1. Raises ControlError for one that the session has not."""
    rows = rule_rows(live)
    if not 1 <= number <= len(rows):
        raise ControlError(f"there is no rule {number}", where=live.name, expected=f"one of {len(rows)} rules, from 1")
    return RuleTerms(rule=rows[number - 1], terms=())


def _rule(name: str, machine: SessionMachine, index: int, text: str, lines: Sequence[int]) -> RuleRow:
    memory = getattr(machine.strategy, "memory", None)
    last, count = machine.fired.get(index, (None, 0))
    fired = None if memory is None else bool(memory.fired[index])
    return RuleRow(
        session=name,
        number=index + 1,
        line=lines[index] if index < len(lines) else 0,
        text=text,
        value=None if fired is None else str(fired).upper(),
        true=fired,
        last_fired=last,
        count=count,
        armed=None if fired is None else not fired,
    )


@lru_cache(maxsize=64)
def _lines_of_rules(source: str) -> tuple[int, ...]:
    from qkt.lang import tree
    from qkt.lang.parser import parse

    file = parse(source, "").file
    return tuple(rule.span.line for rule in file.rules) if isinstance(file, tree.Strategy) else ()
