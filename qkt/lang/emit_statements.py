"""What must be written as statements before an expression: memories that advance, and values used more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from qkt.lang.code import Code, all_of
from qkt.lang.emit import Emitter
from qkt.lang.emit_compare import compare
from qkt.lang.frame import Frame, Local
from qkt.lang.values import (
    STATE,
    Captured,
    Choice,
    Clock,
    Const,
    Cross,
    Expression,
    Indicator,
    InstrumentRead,
    Missing,
    Past,
    Read,
    SinceOpen,
    Type,
    parts,
)

LEAVES = (Const, Read, Indicator, Past, InstrumentRead, Clock, *STATE)
# Evaluated elsewhere, whatever they are made of.
ELSEWHERE = (Indicator, Past, Captured, SinceOpen)
# Python nests brackets only so deep.
TALLEST = 25


def prepare(frame: Frame, *roots: Expression) -> None:
    """Write the statements that the roots need; afterwards an Emitter can write each of them as pure text."""
    order = _evaluated(roots)
    uses = Counter(part for value in order for part in _parts(value))
    heights: dict[Expression, int] = {}
    for value in order:
        heights[value] = 1 + max((heights.get(part, 0) for part in _parts(value)), default=0)
        if value in frame.kept or isinstance(value, LEAVES):
            continue
        if isinstance(value, Cross):
            _cross(frame, value)
        elif isinstance(value, Choice) and _remembers(value):
            _choice(frame, value)
        elif heights[value] >= TALLEST or (uses[value] > 1 and not isinstance(value, Missing)):
            _keep(frame, value)
        else:
            continue
        heights[value] = 0


def _evaluated(roots: Iterable[Expression]) -> list[Expression]:
    """The values evaluated here, inner before outer. Some values are evaluated elsewhere, the bodies of a CASE
    that keeps a memory only when they are chosen."""
    done: dict[Expression, None] = {}
    todo: list[tuple[Expression, bool]] = [(root, False) for root in reversed(list(roots))]
    while todo:
        value, entered = todo.pop()
        if value in done:
            continue
        if entered:
            done[value] = None
        else:
            todo.append((value, True))
            todo.extend((part, False) for part in reversed(_parts(value)))
    return list(done)


def _parts(value: Expression) -> list[Expression]:
    if isinstance(value, ELSEWHERE):
        return []
    if isinstance(value, Choice) and _remembers(value):
        return [when for when, _ in value.branches]
    return list(parts(value))


def _remembers(value: Choice) -> bool:
    """Whether a body of the CASE holds a CROSSES."""
    bodies = [then for _, then in value.branches] + [value.otherwise]
    seen: set[Expression] = set()
    while bodies:
        body = bodies.pop()
        if isinstance(body, Cross):
            return True
        if body not in seen and not isinstance(body, ELSEWHERE):
            seen.add(body)
            bodies.extend(parts(body))
    return False


def _cross(frame: Frame, value: Cross) -> None:
    emitter = Emitter(frame)
    place = frame.module.crossing(value)
    local = frame.module.names.numbered("crosses")
    guards, (left, right) = emitter.operands(value.left, value.right)
    above = compare(">", left, right, frame.temporary)
    body = frame.body
    if not guards:
        _advance(frame, value, local, place, above)
    else:
        with body.suite(f"if {all_of(guards).text}:"):
            _advance(frame, value, local, place, above)
        with body.suite("else:"):
            body.add(f"{local} = None")
    body.add(f"met[{place}] = {local}")
    frame.kept[value] = Local(local, True)


def _advance(frame: Frame, value: Cross, local: str, place: int, above: Code) -> None:
    frame.body.add(f"before, crossed[{place}] = crossed[{place}], (above := {above.text})")
    if value.above:
        frame.body.add(f"{local} = None if before is None else above and not before")
    else:
        frame.body.add(f"{local} = before and not above")


def _choice(frame: Frame, value: Choice) -> None:
    """A CASE whose bodies keep memories: only the chosen body is evaluated."""
    local = frame.module.names.numbered("case")
    word = "if"
    for when, then in value.branches:
        with frame.body.suite(f"{word} {Emitter(frame).true(when).text}:"):
            _assign_inside(frame, local, then)
        word = "elif"
    with frame.body.suite("else:"):
        _assign_inside(frame, local, value.otherwise)
    frame.kept[value] = Local(local, True)


def _assign_inside(frame: Frame, local: str, value: Expression) -> None:
    outside = dict(frame.kept)
    prepare(frame, value)
    frame.body.add(f"{local} = {Emitter(frame).value(value).text}")
    frame.kept = outside


def _keep(frame: Frame, value: Expression) -> None:
    emitter = Emitter(frame)
    local = frame.module.names.numbered("value" if value.type is Type.NUMBER else "test")
    if value.type is Type.NUMBER:
        guarded = emitter.number(value)
        text, maybe = guarded.or_none(), bool(guarded.guards)
    else:
        text, maybe = emitter.value(value), emitter.can_be_none(value)
    frame.body.add(f"{local} = {text.text}")
    frame.kept[value] = Local(local, maybe)
