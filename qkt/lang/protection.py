"""Stops and targets of an entry."""

from __future__ import annotations

from decimal import Decimal

from qkt.lang import tree
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.program import Protection
from qkt.lang.values import Const
from qkt.strategy import ExitForm

LEAST_PERCENT = 0.01
STOP_PERCENT_LIMIT = 50.0
MANAGED = {
    tree.ArmedTrail: "an armed trailing stop",
    tree.TrailingStop: "TRAILING_STOP",
    tree.SteppedStop: "a stepped stop",
    tree.TighteningStop: "a tightening stop",
}


def resolve_stop(resolver: Resolver, stop: tree.StopLoss | None, place: Place) -> Protection | None:
    if stop is None:
        return None
    if not isinstance(stop, tree.Exit):
        resolver.problems.refuse(stop.span, MANAGED[type(stop)])
        # Risk sizing must not complain about a stop that is there.
        return Protection(ExitForm.BY, resolver.one(Const(1.0)))
    if stop.form == "RR":
        hint = "RR is a multiple of the stop's distance; give the stop AT, BY or PCT"
        resolver.problems.error("QKT0410", stop.span, "a STOP LOSS cannot be RR", hint)
    protection = Protection(ExitForm(stop.form), resolver.number(stop.value, place))
    _check_percent(resolver, stop, protection, STOP_PERCENT_LIMIT)
    return protection


def resolve_target(resolver: Resolver, target: tree.TakeProfit | None, place: Place, *, has_stop: bool) -> Protection | None:
    if target is None:
        return None
    if not isinstance(target, tree.Exit):
        resolver.problems.refuse(target.span, "a TAKE PROFIT in parts")
        return None
    if target.form == "RR" and not has_stop:
        hint = "add a STOP LOSS, or give the target AT, BY or PCT"
        resolver.problems.error("QKT0405", target.span, "TAKE PROFIT RR needs a STOP LOSS to measure", hint)
    protection = Protection(ExitForm(target.form), resolver.number(target.value, place))
    _check_percent(resolver, target, protection, None)
    return protection


def _check_percent(resolver: Resolver, exit_: tree.Exit, protection: Protection, limit: float | None) -> None:
    if exit_.form != "PCT" or not isinstance(protection.value, Const) or not isinstance(protection.value.value, float):
        return
    percent = protection.value.value
    if percent < LEAST_PERCENT or (limit is not None and percent >= limit):
        expected = f"at least {LEAST_PERCENT}" + ("" if limit is None else f" and less than {limit:g}")
        found = Decimal(f"{percent:.12g}")
        resolver.problems.error(
            "QKT0406", exit_.span, f"{found:f} percent is out of range", f"expected {expected} (percent points)"
        )
