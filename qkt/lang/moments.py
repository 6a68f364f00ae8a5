"""What looks at other moments than the bar at hand: snapshots of LETs, aggregates SINCE, how far a SEQUENCE has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from qkt.lang import tree
from qkt.lang.place import Place
from qkt.lang.suggest import did_you_mean
from qkt.lang.values import (
    BROKEN,
    Broken,
    Captured,
    Const,
    Expression,
    Indicator,
    Past,
    SequenceRead,
    SinceOpen,
    Type,
)

if TYPE_CHECKING:
    from qkt.lang.expressions import Resolver

# Aggregates of the last values are the windows of the same name.
WINDOWS = {"SUM": "SUM", "MEAN": "AVG", "MIN": "MIN_OVER", "MAX": "MAX_OVER"}
SEQUENCE_FIELDS = ("stage", "complete")
STAGE_FIELDS = ("price", "time")
NOT_IN = {
    "action": "in an action, which is evaluated after the moment has passed",
    "gate": "in a portfolio, which keeps no moments",
    "snapshot": "in a LET of which a snapshot is taken",
}


def snapshot(resolver: Resolver, node: tree.Snapshot, place: Place) -> Expression:
    """`name@BUY` and the like: what a LET was worth."""
    name = node.name.text
    if name in resolver.scope.params:
        return resolver.any(resolver.scope.params[name], place)
    if name not in resolver.scope.lets:
        hint = did_you_mean(name, resolver.scope.lets, "LETs")
        resolver.problems.error("QKT0201", node.name.span, f"no LET named '{name}'", hint)
        return BROKEN
    if not _allowed(resolver, node, place, "a snapshot"):
        return BROKEN
    alias = place.anchor
    written = tree.Name(node.name.span, name)
    value = resolver.value(written, place.inside_snapshot())
    if isinstance(value, Broken) or alias is None:
        return BROKEN
    if node.moment == "T":
        return resolver.one(Past(value, node.bars or 1, alias))
    if value.type is Type.ANY:
        value = resolver.number(written, place.inside_snapshot())
    if value.type is not Type.NUMBER:
        resolver.problems.warning("QKT0508", node.span, f"'{name}' is never a number, so no snapshot of it is kept")
        return resolver.one(Const(None))
    return _captured(resolver, alias, name, node.moment, value)


def _captured(
    resolver: Resolver, alias: str, name: str, moment: Literal["BUY", "SELL", "OPEN"], value: Expression
) -> Expression:
    """One place for each LET, moment and alias."""
    key = (alias, name, moment)
    if key not in resolver.captured:
        resolver.captured[key] = Captured(alias, name, moment, value)
    return resolver.captured[key]


def since(resolver: Resolver, node: tree.Since, place: Place) -> Expression:
    """`MAX(e) SINCE OPEN`, `SUM(e) SINCE T-n`."""
    if not _allowed(resolver, node, place, "an aggregate"):
        return BROKEN
    alias = place.anchor
    if alias is None:
        return BROKEN
    value = resolver.number(node.value, place.inside_aggregate(alias))
    if isinstance(value, Broken):
        return BROKEN
    if value.type is Type.NOTHING:
        return resolver.one(Const(None))
    if node.bars is None:
        return resolver.one(SinceOpen(node.fn, value, alias))
    return resolver.one(Indicator(WINDOWS[node.fn], (value,), (float(node.bars),), alias))


def sequence_field(resolver: Resolver, node: tree.SequenceField, place: Place) -> Expression:
    """`SEQUENCE.s.stage`, `SEQUENCE.s.complete`, `SEQUENCE.s.<stage>.price|time`."""
    if place.kind == "gate" or (place.series and not place.sampled):
        where = NOT_IN["gate"] if place.kind == "gate" else "as the input of an indicator"
        resolver.problems.error("QKT0311", node.span, f"a sequence cannot stand {where}")
        return BROKEN
    name = node.sequence.text
    stages = resolver.scope.sequences.get(name)
    if stages is None:
        hint = did_you_mean(name, resolver.scope.sequences, "sequences")
        resolver.problems.error("QKT0220", node.sequence.span, f"no sequence named '{name}'", hint)
        return BROKEN
    first, second = node.first.text, node.second
    if second is None:
        match first:
            case "stage":
                return resolver.one(SequenceRead(name, "stage"))
            case "complete":
                return resolver.one(SequenceRead(name, "complete"))
            case _ if first in stages:
                return _no_field(resolver, node.first, f"the stage '{first}' needs a field", STAGE_FIELDS)
            case _:
                return _no_field(resolver, node.first, f"a sequence has no field '{first}'", (*SEQUENCE_FIELDS, *stages))
    if first not in stages:
        hint = did_you_mean(first, stages, f"stages of '{name}'")
        resolver.problems.error("QKT0220", node.first.span, f"'{name}' has no stage '{first}'", hint)
        return BROKEN
    match second.text:
        case "price":
            return resolver.one(SequenceRead(name, "price", first, stages.index(first)))
        case "time":
            return resolver.one(SequenceRead(name, "time", first, stages.index(first)))
        case field:
            return _no_field(resolver, second, f"a stage has no field '{field}'", STAGE_FIELDS)


def _no_field(resolver: Resolver, at: tree.Ident, message: str, known: tuple[str, ...]) -> Expression:
    resolver.problems.error("QKT0206", at.span, message, did_you_mean(at.text, known, "its fields"))
    return BROKEN


def _allowed(resolver: Resolver, node: tree.Expr, place: Place, what: str) -> bool:
    if place.series and not place.sampled:
        hint = "feed it a stream field or a LET"
        resolver.problems.error("QKT0311", node.span, f"{what} cannot feed an indicator", hint)
        return False
    where = NOT_IN.get(place.kind)
    if where is not None:
        resolver.problems.error("QKT0311", node.span, f"{what} cannot stand {where}")
        return False
    return True
