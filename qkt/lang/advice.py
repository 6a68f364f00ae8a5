"""Warnings: what is allowed but hardly meant."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qkt.core.terms import OrderKind
from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.deeds import Enter, Parts, Protection
from qkt.lang.program import CheckedRule
from qkt.lang.scope import Scope
from qkt.lang.values import (
    AccountRead,
    Both,
    Const,
    Either,
    Expression,
    Math,
    Negative,
    Opposite,
    OrdersRead,
    PositionRead,
    Read,
    Type,
    below,
    contains,
)
from qkt.lang.walk import names_used
from qkt.strategy import ExitForm

if TYPE_CHECKING:
    from qkt.lang.checker import BoundRule


def unused(file: tree.Strategy, scope: Scope, problems: Problems, inherited: Container[str] = ()) -> None:
    """LETs, PARAMs and streams of its own that nothing reads, directly or through a LET that is used."""
    parts = (file.defaults, file.syncs, file.schedules, file.sequences, file.rules, file.declarations)
    used = unused_names(file, parts, scope, problems)
    for declaration in file.declarations:
        alias = declaration.alias
        if alias.text not in used and alias.text not in inherited and not _reads_first_stream(file, declaration):
            problems.warning("QKT0503", alias.span, f"stream '{alias.text}' is never used")


def unused_names(file: tree.File, parts: object, scope: Scope, problems: Problems) -> set[str]:
    """LETs and PARAMs that none of these parts of the file reads; the names that they do read come back."""
    used: set[str] = set()
    todo = list(names_used(parts))
    while todo:
        name = todo.pop()
        if name not in used:
            used.add(name)
            if name in scope.lets:
                todo.extend(names_used(scope.lets[name]))
    for let in file.lets:
        if let.name.text not in used:
            problems.warning("QKT0501", let.name.span, f"LET '{let.name.text}' is never used")
    for param in file.params:
        if param.name.text not in used:
            problems.warning("QKT0502", param.name.span, f"PARAM '{param.name.text}' is never used")
    return used


def _reads_first_stream(file: tree.Strategy, declaration: tree.Declaration) -> bool:
    """The first stream wakes rules whose actions name none."""
    return bool(file.rules or file.schedules) and declaration is file.declarations[0]


def doubtful(bound: Sequence[BoundRule], rules: Iterable[CheckedRule], problems: Problems) -> None:
    """Rules that can never fire, protection on the wrong side, entries that can pile up."""
    by_index = {one.index: one.rule for one in bound}
    for rule in rules:
        written = by_index[rule.index]
        if never(rule.condition):
            problems.warning("QKT0504", written.condition.span, "this rule can never fire: its condition is never TRUE")
        for deed, action in zip(rule.deeds, written.actions, strict=True):
            if isinstance(deed, Enter) and isinstance(action, tree.Entry):
                _wrong_side(deed, action, problems)
                _piles_up(rule, deed, action, problems)


def never(condition: Expression) -> bool:
    """True when the condition cannot be TRUE, whatever the market does."""
    hopeless: set[Expression] = set()
    for value in below(condition, inside=_joined):
        match value:
            case Const(value=known):
                dead = known is not True
            case Opposite(value=Const(value=known)):
                dead = known is not False
            case Both(left=left, right=right):
                dead = left in hopeless or right in hopeless
            case Either(left=left, right=right):
                dead = left in hopeless and right in hopeless
            case _:
                dead = value.type not in (Type.FLAG, Type.ANY)
        if dead:
            hopeless.add(value)
    return condition in hopeless


def _joined(value: Expression) -> Iterable[Expression]:
    return (value.left, value.right) if isinstance(value, Both | Either) else ()


def _piles_up(rule: CheckedRule, deed: Enter, action: tree.Entry, problems: Problems) -> None:
    if not contains(lambda value: _knows_position(value, deed.alias), *rule.values()):
        hint = f"add AND POSITION.{deed.alias} = 0 if it should not"
        message = f"this {deed.side} can fire again and add to an open position"
        problems.warning("QKT0506", action.alias.span, message, hint)


def _knows_position(value: Expression, alias: str) -> bool:
    if isinstance(value, AccountRead):
        return value.attribute == "open_positions_count"
    return isinstance(value, PositionRead | OrdersRead) and value.alias == alias


# ---------------------------------------------------------------- wrong sides


PRICED = (OrderKind.LIMIT, OrderKind.STOP, OrderKind.STOP_LIMIT)


@dataclass(frozen=True, slots=True)
class Line:
    """`factor * base + offset`; a plain number has no base."""

    base: Expression | None
    factor: float
    offset: float


def _wrong_side(deed: Enter, action: tree.Entry, problems: Problems) -> None:
    entry = deed.order.price if deed.order.kind in PRICED else Read(deed.alias, "close")
    if entry is None:
        return
    targets = [leg for _, leg in deed.take_profit.parts] if isinstance(deed.take_profit, Parts) else [deed.take_profit]
    for leg, what, sign in ((deed.stop_loss, "stop", -1), *((target, "target", 1) for target in targets)):
        if isinstance(leg, Protection) and _is_wrong(leg, _line(entry), sign * deed.side.sign):
            side = ("below", "above")[(sign * deed.side.sign + 1) // 2]
            span = _leg_span(action, what)
            hint = f"the {what} of a {deed.side} belongs {side} its entry"
            problems.warning("QKT0505", span, f"this {what} is on the wrong side of the entry", hint)


def _is_wrong(leg: Protection, entry: Line | None, direction: int) -> bool:
    level = _line(leg.value)
    if level is None:
        return False
    if leg.form is not ExitForm.AT:
        return level.base is None and level.offset < 0
    if entry is None or not _same_base(level.base, entry.base):
        return False
    if level.factor == entry.factor:
        return (level.offset - entry.offset) * direction < 0
    positive = isinstance(level.base, Read) and level.offset == entry.offset == 0
    return positive and (level.factor - entry.factor) * direction < 0


def _same_base(a: Expression | None, b: Expression | None) -> bool:
    return a is b or (isinstance(a, Read) and isinstance(b, Read) and (a.alias, a.field) == (b.alias, b.field))


def _line(value: Expression) -> Line | None:
    match value:
        case Const(value=float(number)):
            return Line(None, 0.0, number)
        case Read():
            return Line(value, 1.0, 0.0)
        case Negative(value=inner):
            line = _line(inner)
            return line and Line(line.base, -line.factor, -line.offset)
        case Math(op=op, left=left, right=right):
            return _combined(op, _line(left), _line(right))
        case _:
            return Line(value, 1.0, 0.0)


def _combined(op: str, a: Line | None, b: Line | None) -> Line | None:
    if a is None or b is None:
        return None
    if op in "+-":
        if a.base is not None and b.base is not None:
            return None
        sign = 1.0 if op == "+" else -1.0
        return Line(a.base or b.base, a.factor + sign * b.factor, a.offset + sign * b.offset)
    if op == "*" and (a.base is None or b.base is None):
        line, number = (b, a.offset) if a.base is None else (a, b.offset)
        return Line(line.base, line.factor * number, line.offset * number)
    if op == "/" and b.base is None and b.offset:
        return Line(a.base, a.factor / b.offset, a.offset / b.offset)
    return None


def _leg_span(action: tree.Entry, what: str) -> tree.Span:
    bracket, oco = action.bracket, action.oco
    leg: tree.Node | None = None
    if oco is not None:
        leg = oco.stop if what == "stop" else oco.limit
    elif bracket is not None:
        leg = bracket.stop_loss if what == "stop" else bracket.take_profit
    return action.alias.span if leg is None else leg.span
