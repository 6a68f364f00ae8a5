"""Operators: arithmetic, AND, OR, NOT, CASE, comparisons and CROSSES."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from qkt.indicators import FUNCTIONS, same
from qkt.lang import tree
from qkt.lang.place import Place
from qkt.lang.values import (
    BROKEN,
    Both,
    Broken,
    Choice,
    Comparison,
    Const,
    Cross,
    Either,
    Expression,
    Math,
    Member,
    Missing,
    Negative,
    Opposite,
    Type,
    Within,
    parts,
)

if TYPE_CHECKING:
    from qkt.lang.expressions import Resolver

L = TypeVar("L", tree.Arithmetic, tree.Logic)


def arithmetic(resolver: Resolver, node: tree.Negate | tree.Arithmetic, place: Place) -> Expression:
    if isinstance(node, tree.Negate):
        value = resolver.number(node.value, place)
        if isinstance(value, Const):
            return resolver.one(Const(None if value.value is None else -_float(value)))
        return _whole(resolver, Negative(value))
    chain = _chain(node)
    left = resolver.number(chain[0].left, place)
    for link in chain:
        right = resolver.number(link.right, place)
        if isinstance(left, Const) and isinstance(right, Const) and left.value is not None and right.value is not None:
            left = _constant(resolver, link, _float(left), _float(right))
        else:
            left = _needing(resolver, Math(link.op, left, right), left, right)
    return left


def logic(resolver: Resolver, node: tree.Not | tree.Logic | tree.IsNull | tree.Case, place: Place) -> Expression:
    match node:
        case tree.Not(value=value):
            return _whole(resolver, Opposite(resolver.flag(value, place)))
        case tree.Logic():
            chain = _chain(node)
            left = resolver.flag(chain[0].left, place)
            for link in chain:
                right = resolver.flag(link.right, place)
                left = _whole(resolver, Both(left, right) if link.op == "AND" else Either(left, right))
            return left
        case tree.IsNull(value=value, negated=negated):
            missing = _whole(resolver, Missing(resolver.value(value, place)))
            return _whole(resolver, Opposite(missing)) if negated else missing
        case tree.Case():
            return _case(resolver, node, place)


def comparison(resolver: Resolver, node: tree.Compare | tree.Between | tree.In | tree.Crosses, place: Place) -> Expression:
    match node:
        case tree.Compare(op=op, left=left, right=right):
            _refuse_chain(resolver, node, place)
            a, b = resolver.number(left, place), resolver.number(right, place)
            if isinstance(a, Const) and isinstance(b, Const) and a.value is not None and b.value is not None:
                return resolver.one(Const(_compare(op, _float(a), _float(b))))
            return _needing(resolver, Comparison(op, a, b), a, b)
        case tree.Between(value=value, low=low, high=high, negated=negated):
            v, lo, hi = (resolver.number(part, place) for part in (value, low, high))
            return _negated(resolver, _needing(resolver, Within(v, lo, hi), v, lo, hi), negated)
        case tree.In(value=value, members=members, negated=negated):
            v = resolver.number(value, place)
            found = tuple(resolver.number(member, place) for member in members)
            if any(isinstance(member, Broken) for member in found):
                return BROKEN
            numbers = tuple(member for member in found if member.type is Type.NUMBER)
            return _negated(resolver, _needing(resolver, Member(v, numbers), v), negated)
        case tree.Crosses(above=above, left=left, right=right):
            a, b = resolver.number(left, place), resolver.number(right, place)
            return _needing(resolver, Cross(above, a, b, resolver.slot(place)), a, b)


def _chain(node: L) -> list[L]:
    """The operators of `a + b - c`, the first one first: a long chain is no deep nesting."""
    chain = [node]
    while isinstance(chain[-1].left, type(node)):
        chain.append(chain[-1].left)
    return chain[::-1]


def _case(resolver: Resolver, node: tree.Case, place: Place) -> Expression:
    inside = place.inside_case()
    branches = tuple((resolver.flag(when, place), resolver.value(then, inside)) for when, then in node.branches)
    otherwise = resolver.one(Const(None)) if node.otherwise is None else resolver.value(node.otherwise, inside)
    types = {value.type for value in (*(then for _, then in branches), otherwise)} - {Type.NOTHING}
    one_type = types.pop() if len(types) == 1 else Type.ANY if types else Type.NOTHING
    return _whole(resolver, Choice(branches, otherwise, one_type))


def _refuse_chain(resolver: Resolver, node: tree.Compare, place: Place) -> None:
    if place.kind not in ("condition", "gate") or place.series:
        return
    if any(isinstance(resolver.unwrapped(side, place), tree.Compare) for side in (node.left, node.right)):
        hint = "join two comparisons with AND, or use BETWEEN; a condition needs no '= TRUE'"
        resolver.problems.error("QKT0306", node.span, "a comparison is compared again", hint)


def _constant(resolver: Resolver, node: tree.Arithmetic, a: float, b: float) -> Expression:
    result: float | None
    match node.op:
        case "+":
            result = a + b
        case "-":
            result = a - b
        case "*":
            result = a * b
        case "/":
            result = a / b if b else None
        case "%":
            result = FUNCTIONS["MOD"].call(a, b)
    if result is None or not math.isfinite(result):
        hint = "its divisor is 0" if node.op in "/%" and not b else None
        resolver.problems.warning("QKT0508", node.span, "this is always Undefined", hint)
        result = None
    return resolver.one(Const(result))


def _negated(resolver: Resolver, value: Expression, negated: bool) -> Expression:
    return _needing(resolver, Opposite(value), value) if negated else value


def _whole(resolver: Resolver, value: Expression) -> Expression:
    return BROKEN if BROKEN in parts(value) else resolver.one(value)


def _needing(resolver: Resolver, value: Expression, *needed: Expression) -> Expression:
    """The value, but Undefined at once when something that it needs always is."""
    if BROKEN in parts(value):
        return BROKEN
    for part in needed:
        if part.type is Type.NOTHING:
            return resolver.one(Const(None))
    return resolver.one(value)


def _float(value: Const) -> float:
    assert isinstance(value.value, float)
    return value.value


def _compare(op: str, a: float, b: float) -> bool:
    tied = same(a, b)
    match op:
        case "=":
            return tied
        case "!=":
            return not tied
        case "<":
            return a < b and not tied
        case ">":
            return a > b and not tied
        case "<=":
            return a < b or tied
        case _:
            return a > b or tied
