"""Rules as written, with what they are worth now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from qkt.lang.compiled import CompiledStrategy
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.rows import RuleRow, RuleTerms, Term
from qkt.runtime.machine import SessionMachine
from qkt.runtime.session import LiveSession

if TYPE_CHECKING:
    from qkt.core.events import Candle
    from qkt.lang.looking import LookedAt
    from qkt.portfolio import ChildState


class Ruled(NamedTuple):
    """Whose rules are looked at: a session's or those of a child of its portfolio. A strategy in Python has none."""

    name: str
    owner: str
    machine: SessionMachine
    strategy: CompiledStrategy | None
    source: str


def ruled(live: LiveSession, state: ChildState | None = None) -> Ruled:
    """The rules of a session, or of one child of it."""
    strategy = live.machine.strategy
    name, owner, source = live.name, strategy.name, live.registration.source
    found: object = strategy
    if state is not None:
        child = state.child
        name, owner, source, found = f"{live.name}/{child.alias}", child.id, child.source, child.strategy
    return Ruled(name, owner, live.machine, found if isinstance(found, CompiledStrategy) else None, source)


class LookedRules:
    """Rules at their last closed bars: looked at again when a bar has closed, a rule has fired or something was traded."""

    def __init__(self) -> None:
        self._at: tuple[object, ...] = ()
        self._rows: list[RuleRow] = []

    def of(self, whose: Ruled) -> list[RuleRow]:
        """All rules with their values."""
        strategy, machine = whose.strategy, whose.machine
        if strategy is None:
            return []
        bars = tuple(candle.end for candle in machine.candles.last.values())
        fired = tuple(strategy.memory.fired), tuple(machine.fired.values())
        at = (strategy, bars, fired, len(machine.session.books.trades))
        if at != self._at:
            self._at = at
            lines = _lines_of_rules(whose.source)
            self._rows = [_rule(whose, strategy, index, lines) for index in range(len(strategy.rules))]
        return self._rows


def rule_terms(whose: Ruled, number: int) -> RuleTerms:
    """One rule, from 1. Raises ControlError for one that there is not."""
    strategy = whose.strategy
    count = 0 if strategy is None else len(strategy.rules)
    if strategy is None or not 1 <= number <= count:
        raise ControlError(f"there is no rule {number}", where=whose.name, expected=f"one of {count} rules, from 1")
    terms = _terms(whose, strategy, number - 1)
    row = _rule(whose, strategy, number - 1, _lines_of_rules(whose.source))
    return RuleTerms(rule=row, terms=tuple(Term(text=one.text, value=one.value, depth=one.depth) for one in terms))


def _terms(whose: Ruled, strategy: CompiledStrategy, index: int) -> tuple[LookedAt, ...]:
    return strategy.look(index, _candles(whose.machine, strategy), whose.machine.last_ts)


def _candles(machine: SessionMachine, strategy: CompiledStrategy) -> Mapping[str, Candle]:
    """The latest bars under the strategy's own names: a child's markets have others in its portfolio."""
    shared = {(one.symbol, one.timeframe): one.alias for one in machine.strategy.streams}
    names = {one.alias: shared.get((one.symbol, one.timeframe), one.alias) for one in strategy.streams}
    return {alias: machine.candles.last[name] for alias, name in names.items() if name in machine.candles.last}


def _rule(whose: Ruled, strategy: CompiledStrategy, index: int, lines: Sequence[int]) -> RuleRow:
    terms = _terms(whose, strategy, index)
    last, count = whose.machine.fired.get((whose.owner, index), (None, 0))
    condition = terms[0].value if terms else None
    return RuleRow(
        session=whose.name,
        number=index + 1,
        line=lines[index] if index < len(lines) else 0,
        text=strategy.rules[index],
        value=_leading(terms),
        true=None if condition is None else condition == "TRUE",
        last_fired=last,
        count=count,
        armed=not strategy.memory.fired[index],
    )


def _leading(terms: Sequence[LookedAt]) -> str | None:
    """The value of the first term that is no condition, else that of the condition."""
    found = (one.value for one in terms if one.value not in (None, "TRUE", "FALSE"))
    return next(found, terms[0].value if terms else None)


@lru_cache(maxsize=64)
def _lines_of_rules(source: str) -> tuple[int, ...]:
    from qkt.lang import tree
    from qkt.lang.parser import parse

    file = parse(source, "").file
    return tuple(rule.span.line for rule in file.rules) if isinstance(file, tree.Strategy) else ()
