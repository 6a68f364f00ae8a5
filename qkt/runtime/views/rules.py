"""Rules as written, with what they are worth now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.rows import RuleRow, RuleTerms
from qkt.runtime.session import LiveSession

if TYPE_CHECKING:
    from qkt.engine import Runnable
    from qkt.portfolio import ChildState


def rule_rows(live: LiveSession) -> list[RuleRow]:
    """The rules of a session in the language; a strategy in Python has none."""
    strategy = live.machine.strategy
    return _rows(live, strategy.name, strategy, live.name, live.registration.source)


def child_rule_rows(live: LiveSession, state: ChildState) -> list[RuleRow]:
    """The rules of one child of a portfolio."""
    child = state.child
    return _rows(live, child.id, child.strategy, f"{live.name}/{child.alias}", child.source)


def _rows(live: LiveSession, owner: str, strategy: Runnable, name: str, source: str) -> list[RuleRow]:
    texts: Sequence[str] = getattr(strategy, "rules", ())
    lines = _lines_of_rules(source) if texts else ()
    fired = live.machine.fired
    return [_rule(name, strategy, index, text, lines, fired.get((owner, index), (None, 0))) for index, text in enumerate(texts)]


def rule_terms(session: str, rows: Sequence[RuleRow], number: int) -> RuleTerms:
    """One rule, from 1. Raises ControlError for one that the session has not."""
    if not 1 <= number <= len(rows):
        raise ControlError(f"there is no rule {number}", where=session, expected=f"one of {len(rows)} rules, from 1")
    return RuleTerms(rule=rows[number - 1], terms=())


def _rule(
    name: str, strategy: Runnable, index: int, text: str, lines: Sequence[int], firings: tuple[int | None, int]
) -> RuleRow:
    memory = getattr(strategy, "memory", None)
    last, count = firings
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
