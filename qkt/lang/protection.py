"""Stops and targets of an entry."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.core.numbers import ZERO
from qkt.lang import tree
from qkt.lang.constants import literal, positive
from qkt.lang.deeds import Parts, Protection, StopLoss, TakeProfit, Trailing
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.ranges import LEAST_PERCENT, STOP_PERCENT_LIMIT, TRAIL_PERCENT_LIMIT
from qkt.lang.values import Const, Expression
from qkt.strategy import ExitForm, SteppedExit, StopStep, TighteningExit, Trail, TrailingExit

TrailForm: TypeAlias = Literal[ExitForm.BY, ExitForm.PCT]


def resolve_stop(resolver: Resolver, stop: tree.StopLoss | None, place: Place) -> StopLoss | None:
    """The checked stop. One with an error is still a stop, so that nobody misses it."""
    match stop:
        case None:
            return None
        case tree.ArmedTrail():
            checked: StopLoss | None = _armed_trail(resolver, stop, place)
        case tree.TrailingStop():
            form: TrailForm = ExitForm.BY if stop.form == "BY" else ExitForm.PCT
            checked = Trailing(form, check_trail(resolver, form, stop.value, place))
        case tree.SteppedStop():
            checked = _stepped(resolver, stop, place)
        case tree.TighteningStop():
            checked = _tightening(resolver, stop, place)
        case tree.Exit(form="RR"):
            hint = "RR is a multiple of the stop's distance; give the stop AT, BY or PCT"
            resolver.problems.error("QKT0410", stop.span, "a STOP LOSS cannot be RR", hint)
            checked = None
        case tree.Exit():
            checked = _protection(resolver, stop, place, STOP_PERCENT_LIMIT)
    return checked or Protection(ExitForm.BY, resolver.one(Const(1.0)))


def resolve_target(resolver: Resolver, target: tree.TakeProfit | None, place: Place, *, has_stop: bool) -> TakeProfit | None:
    match target:
        case None:
            return None
        case tree.Exit():
            return _target(resolver, target, place, has_stop)
        case tree.ScaleOut():
            parts = [(leg.fraction, _target(resolver, leg.price, place, has_stop)) for leg in target.legs]
            return Parts(tuple(parts))


def _target(resolver: Resolver, target: tree.Exit, place: Place, has_stop: bool) -> Protection:
    if target.form == "RR" and not has_stop:
        hint = "add a STOP LOSS, or give the target AT, BY or PCT"
        resolver.problems.error("QKT0405", target.span, "TAKE PROFIT RR needs a STOP LOSS to measure", hint)
    return _protection(resolver, target, place, None)


def _protection(resolver: Resolver, exit_: tree.Exit, place: Place, limit: float | None) -> Protection:
    protection = Protection(ExitForm(exit_.form), resolver.number(exit_.value, place))
    if exit_.form == "PCT":
        check_percent(resolver, exit_.span, protection.value, limit)
    return protection


def check_percent(resolver: Resolver, span: tree.Span, value: Expression, limit: float | None) -> None:
    """Report a known percentage below 0.01 or, with a limit, not below it."""
    if not isinstance(value, Const) or not isinstance(value.value, float):
        return
    percent = value.value
    if percent < LEAST_PERCENT or (limit is not None and percent >= limit):
        expected = f"at least {LEAST_PERCENT}" + ("" if limit is None else f" and less than {limit:g}")
        found = Decimal(f"{percent:.12g}")
        resolver.problems.error("QKT0406", span, f"{found:f} percent is out of range", f"expected {expected} (percent points)")


# ---------------------------------------------------------------- stops that move


def check_trail(resolver: Resolver, form: ExitForm, distance: tree.Expr, place: Place) -> Expression:
    """The distance of a trail, BY price units or PCT of the price; a known one must be above zero, a share below 100."""
    value = resolver.number(distance, place)
    if isinstance(value, Const) and isinstance(value.value, float):
        if form is ExitForm.PCT and not 0.0 < value.value < TRAIL_PERCENT_LIMIT:
            found = f"{Decimal(f'{value.value:.12g}'):f} percent is out of range"
            resolver.problems.error("QKT0406", distance.span, found, "expected more than 0 and less than 100 (percent points)")
        elif form is ExitForm.BY:
            positive(resolver, distance, Decimal(f"{value.value:.12g}"), "the trail's distance")
    return value


def _armed_trail(resolver: Resolver, stop: tree.ArmedTrail, place: Place) -> TrailingExit | None:
    distance = _distance(resolver, stop.distance, place, "the trail's distance")
    threshold = _distance(resolver, stop.threshold, place, "the threshold", zero=True)
    if distance is None or threshold is None:
        return None
    return TrailingExit(Trail(ExitForm.BY, distance), threshold)


def _stepped(resolver: Resolver, stop: tree.SteppedStop, place: Place) -> SteppedExit | None:
    distance = _distance(resolver, stop.distance, place, "the stop's distance")
    steps: list[StopStep] = []
    for step in stop.steps:
        offset = ZERO if step.offset is None else _distance(resolver, step.offset, place, "the step's offset", zero=True)
        threshold = _distance(resolver, step.threshold, place, "the step's threshold", zero=True)
        if offset is None or threshold is None:
            return None
        if steps and threshold <= steps[-1].threshold:
            message = f"the threshold {threshold:f} is not above the one before it, {steps[-1].threshold:f}"
            resolver.problems.error("QKT0412", step.threshold.span, message, "steps come in the order of their thresholds")
            return None
        steps.append(StopStep(threshold, offset))
    return None if distance is None else SteppedExit(distance, tuple(steps))


def _tightening(resolver: Resolver, stop: tree.TighteningStop, place: Place) -> TighteningExit | None:
    distance = _distance(resolver, stop.distance, place, "the stop's distance")
    by = _distance(resolver, stop.by, place, "the tightening")
    floor = _distance(resolver, stop.floor, place, "FLOOR")
    if distance is None or by is None or floor is None:
        return None
    if floor > distance:
        message = f"FLOOR {floor:f} is wider than the stop's distance, {distance:f}"
        resolver.problems.error("QKT0412", stop.floor.span, message, "a floor is where tightening ends")
        return None
    return TighteningExit(distance, by, stop.every_ms, floor)


def _distance(resolver: Resolver, node: tree.Expr, place: Place, what: str, *, zero: bool = False) -> Decimal | None:
    return positive(resolver, node, literal(resolver, node, place, what), what, zero=zero)
