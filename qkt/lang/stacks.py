"""Pyramids: STACK, whose layers wait for the fill of the first, and STACK_AT, which follows a position's excursion."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.formula import Formula
from qkt.core.numbers import EXACT, ONE, ZERO
from qkt.core.terms import OrderKind, Side
from qkt.lang import tree
from qkt.lang.constants import Folding, line, positive
from qkt.lang.deeds import Layer, Layers, Order, Protection, StopLoss, Trailing
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.sizes import resolve_size
from qkt.lang.values import Const, Expression
from qkt.strategy import ExitForm, SteppedExit, Tier, TighteningExit, TrailingExit

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Step:
    """A layer after the seed; without a size it repeats the seed's."""

    sizing: tree.Sizing | None
    kind: OrderKind
    price: Formula
    limit: Formula | None = None


@dataclass(frozen=True, slots=True)
class Pyramid:
    """STACK: what the first layer waits for and the later ones. `seed` is the first layer's own size, None in the compact
    form, where the action's size counts for all."""

    seed: tree.Sizing | None
    first: Order
    steps: tuple[Step, ...]
    within_ms: int

    def layers(self, resolver: Resolver, place: Place, *, has_stop: bool) -> Layers | None:
        """The layers with their sizes, None when the pyramid is its seed alone."""
        made = []
        for step in self.steps:
            size = None if step.sizing is None else resolve_size(resolver, step.sizing, place, has_stop=has_stop)
            made.append(Layer(size, step.kind, step.price, step.limit))
        return Layers(tuple(made), self.within_ms) if made else None


def resolve_stack(resolver: Resolver, entry: tree.Entry, place: Place) -> Pyramid | None:
    """The entry's pyramid, None without one. Errors are reported; what is left of it is only good for more checks."""
    stack = entry.stack
    if stack is None:
        return None
    within = DAY_MS if stack.within_ms is None else stack.within_ms
    if isinstance(stack.plan, tree.StackSpacing):
        return Pyramid(None, Order(), _spaced(resolver, entry.side, stack.plan, place), within)
    first, *rest = stack.plan
    steps = tuple(step for layer in rest if (step := _step(resolver, entry.side, layer, place)) is not None)
    return Pyramid(first.sizing, _first(resolver, first, place), steps, within)


def _spaced(resolver: Resolver, side: Side, plan: tree.StackSpacing, place: Place) -> tuple[Step, ...]:
    spacing = Folding(resolver, place, "entry").formula(plan.spacing, "SPACING")
    if spacing is None:
        return ()
    if not spacing.unknown and positive(resolver, plan.spacing, spacing.at(ZERO), "SPACING") is None:
        return ()
    with_the_trade = plan.direction is None or (plan.direction == "ABOVE") is (side is Side.BUY)
    above = (side is Side.BUY) is with_the_trade
    kind = OrderKind.STOP if with_the_trade else OrderKind.LIMIT
    steps = []
    for number in range(1, plan.count):
        if spacing.unknown:
            distance = (*spacing.code, Decimal(number), "*")
        else:
            distance = (EXACT.multiply(spacing.at(ZERO), Decimal(number)),)
        steps.append(Step(None, kind, Formula(("x", *distance, "+" if above else "-"))))
    return tuple(steps)


def _first(resolver: Resolver, layer: tree.StackLayer, place: Place) -> Order:
    """The seed's own order, whose prices cannot depend on its fill."""
    if layer.price is None:
        return Order()
    folding = Folding(resolver, place, "entry")
    price = positive(resolver, layer.price, folding.number(layer.price, "the first layer's price"), "the price")
    limit = None
    if layer.limit is not None:
        limit = positive(resolver, layer.limit, folding.number(layer.limit, "the first layer's limit"), "the limit")
    kind = {"AT": OrderKind.IF_TOUCHED, "LIMIT": OrderKind.LIMIT}.get(layer.trigger or "", OrderKind.STOP)
    if layer.limit is not None:
        kind = OrderKind.STOP_LIMIT
    return Order(kind, _number(resolver, price), None if limit is None else _number(resolver, limit))


def _step(resolver: Resolver, side: Side, layer: tree.StackLayer, place: Place) -> Step | None:
    if layer.price is None:  # reported by the parser
        return None
    folding = Folding(resolver, place, "entry")
    price = folding.formula(layer.price, "a layer's price")
    limit = None if layer.limit is None else folding.formula(layer.limit, "a layer's limit")
    if price is None or (layer.limit is not None and limit is None):
        return None
    if not price.unknown:
        positive(resolver, layer.price, price.at(ZERO), "the price")
    if layer.trigger == "LIMIT":
        return Step(layer.sizing, OrderKind.LIMIT, price)
    if layer.limit is not None:
        return Step(layer.sizing, OrderKind.STOP_LIMIT, price, limit)
    if layer.trigger == "STOP" or _ahead(side, price):
        return Step(layer.sizing, OrderKind.STOP, price)
    message = "this layer waits until its price is touched from either side; the published engine sends a stop"
    resolver.differs(layer.price.span, f"{message}, which fires at once when the price lies behind the seed's fill")
    return Step(layer.sizing, OrderKind.IF_TOUCHED, price)


def _ahead(side: Side, price: Formula) -> bool:
    """Whether the price lies in the direction of the trade wherever the seed is filled."""
    straight = line(price)
    if straight is None:
        return False
    slope, offset = EXACT.multiply(straight[0] - ONE, Decimal(side.sign)), straight[1] * side.sign
    return slope >= ZERO and offset >= ZERO and (slope > ZERO or offset > ZERO)


def fixed_stop(resolver: Resolver, stop: StopLoss | None, span: tree.Span) -> StopLoss | None:
    """The stop of a pyramid's layers, which does not move: one that would stands at its first distance."""
    match stop:
        case None | Protection():
            return stop
        case Trailing(form=form, value=value):
            fixed = Protection(form, value)
        case TrailingExit(trail=trail):
            fixed = Protection(trail.form, _number(resolver, trail.value))
        case SteppedExit(distance=distance) | TighteningExit(distance=distance):
            fixed = Protection(ExitForm.BY, _number(resolver, distance))
    _stands_still(resolver, span, "the stop of a STACK layer")
    return fixed


def _stands_still(resolver: Resolver, span: tree.Span, what: str) -> None:
    resolver.problems.warning("QKT0509", span, f"{what} does not move: it stays at its first distance")


def _number(resolver: Resolver, value: Decimal | None) -> Expression:
    return resolver.one(Const(1.0 if value is None else float(value)))


# ---------------------------------------------------------------- conditional positions


def resolve_tier(resolver: Resolver, clause: tree.StackAt, place: Place) -> Tier | None:
    """STACK_AT with its constants, None after reporting what is wrong."""
    folding = Folding(resolver, place, short=True)
    what = f"the {clause.excursion} threshold"
    threshold = positive(resolver, clause.threshold, folding.number(clause.threshold, what), what, zero=True)
    recover = None
    if clause.recover is not None:
        recover = positive(resolver, clause.recover, folding.number(clause.recover, "RECOVER"), "RECOVER", zero=True)
    quantity = _tier_quantity(resolver, clause.sizing, place)
    stop = _tier_distance(resolver, folding, clause.bracket, clause.bracket.stop_loss, "STOP LOSS")
    target = _tier_distance(resolver, folding, clause.bracket, clause.bracket.take_profit, "TAKE PROFIT")
    if threshold is None or quantity is None or stop is None or target is None:
        return None
    if clause.recover is not None and recover is None:
        return None
    return Tier(threshold, recover, clause.within_ms, quantity, stop, target)


def _tier_quantity(resolver: Resolver, sizing: tree.Sizing, place: Place) -> Formula | None:
    if sizing.form not in ("units", "position"):
        hint = "give it lots: a number, or a share of ENTRY_QTY"
        resolver.problems.error("QKT0414", sizing.span, "the size of STACK_AT is no plain quantity", hint)
        return None
    formula = Folding(resolver, place, "ENTRY_QTY", short=True).formula(sizing.value, "the size of STACK_AT")
    if formula is not None and not formula.unknown and positive(resolver, sizing.value, formula.at(ZERO), "the size") is None:
        return None
    return formula


def _tier_distance(
    resolver: Resolver,
    folding: Folding,
    bracket: tree.Bracket,
    leg: tree.StopLoss | tree.TakeProfit | None,
    name: str,
) -> Decimal | None:
    match leg:
        case tree.Exit(form="BY", value=node):
            pass
        case tree.SteppedStop(distance=node) | tree.TighteningStop(distance=node):
            _stands_still(resolver, leg.span, "the stop of STACK_AT")
        case None:
            resolver.problems.error("QKT0415", bracket.span, f"the bracket of STACK_AT has no {name}", "it needs both exits")
            return None
        case _:
            resolver.problems.error("QKT0410", leg.span, f"the {name} of STACK_AT is given BY a distance and in no other form")
            return None
    what = f"the distance of the {name}"
    return positive(resolver, node, folding.number(node, what), what)
