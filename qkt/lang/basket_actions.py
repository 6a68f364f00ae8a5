"""Actions on a basket: its members are traded together, for equal parts of an amount of money."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from qkt.lang import tree
from qkt.lang.deeds import EnterBasket
from qkt.lang.expressions import Resolver
from qkt.lang.modifiers import modifiers
from qkt.lang.place import Place
from qkt.lang.scope import StreamInfo, StreamKind


def named_basket(resolver: Resolver, ident: tree.Ident, place: Place) -> StreamInfo | None:
    """The basket that a name in the place of a stream means, None where it means something else."""
    info = resolver.scope.streams.get(place.alias_of(ident))
    return info if info is not None and info.kind is StreamKind.BASKET else None


def resolve_basket_entry(
    resolver: Resolver, entry: tree.Entry, basket: StreamInfo, place: Place, defaults: tree.Defaults
) -> EnterBasket | None:
    """BUY or SELL of a basket, None after reporting what is wrong."""
    outer = replace(place, loop=MappingProxyType({}), symbol=basket.alias, in_defaults=True)
    fits = _check_clauses(resolver, entry, defaults)
    sizing, size_place = (entry.sizing, place) if entry.sizing is not None else (defaults.sizing, outer)
    problems = resolver.problems
    if sizing is None:
        hint = "add SIZING … USD to the action or to DEFAULTS"
        problems.error("QKT0401", entry.alias.span, f"{entry.side} '{entry.alias.text}' has no SIZING", hint)
        return None
    if sizing.form != "money":
        span = sizing.span if entry.sizing is not None else entry.alias.span
        where = "" if entry.sizing is not None else " of DEFAULTS"
        problems.error("QKT0417", span, f"the SIZING{where} does not fit a basket", "a basket is sized in USD: SIZING 600 USD")
        return None
    money = resolver.number(sizing.value, size_place)
    return EnterBasket(entry.side, basket.alias, basket.members, money) if fits else None


def _check_clauses(resolver: Resolver, entry: tree.Entry, defaults: tree.Defaults) -> bool:
    """Whether the entry is a plain market order, also after DEFAULTS."""
    problems = resolver.problems
    fits = True
    for name, span in modifiers(entry):
        if name == "ON_FILL":
            problems.warning("QKT0509", span, "ON_FILL has no effect on a basket")
        else:
            problems.error("QKT0417", span, f"an order on a basket cannot carry {name}", "name its members one by one")
            fits = False
    order = entry.order_type or defaults.order_type or defaults.trailing
    if order is not None and order.kind != "MARKET":
        span = entry.alias.span if entry.order_type is None else order.span
        problems.error("QKT0417", span, f"a basket is bought at market, not at {order.kind}", "ORDER_TYPE = MARKET")
        fits = False
    clauses = {"TIF": defaults.tif, "STOP_LOSS": defaults.stop_loss, "TAKE_PROFIT": defaults.take_profit}
    for name, clause in clauses.items():
        if clause is not None and not (name == "TIF" and entry.tif is not None):
            message = f"an order on a basket cannot carry {name}, which DEFAULTS gives it"
            problems.error("QKT0417", entry.alias.span, message, "leave it out of DEFAULTS")
            fits = False
    return fits
