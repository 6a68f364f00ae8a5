"""BUY and SELL with their modifiers and the DEFAULTS of the file."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from qkt.core.terms import OrderKind
from qkt.lang import tree
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.program import Enter, Protection
from qkt.lang.protection import resolve_stop, resolve_target
from qkt.lang.sizes import resolve_size
from qkt.lang.values import Expression
from qkt.strategy import ExitForm

T = TypeVar("T")

KINDS = {
    "MARKET": OrderKind.MARKET,
    "LIMIT": OrderKind.LIMIT,
    "STOP": OrderKind.STOP,
    "STOP_LIMIT": OrderKind.STOP_LIMIT,
}


class EntryResolver:
    """Makes entries of one file: each clause is the action's own or that of DEFAULTS."""

    def __init__(self, resolver: Resolver, defaults: tree.Defaults | None) -> None:
        self._resolver = resolver
        self._problems = resolver.problems
        self._defaults = defaults or tree.Defaults(tree.Span(1, 1, 1, 1))

    def resolve(self, entry: tree.Entry, place: Place) -> Enter | None:
        alias = self._resolver.tradeable(entry.alias, place)
        self._refuse_unsupported(entry)
        for clause in entry.duplicates:
            self._problems.warning("QKT0507", entry.span, f"{clause} is written twice; the last one counts")
        outer = replace(place, loop=MappingProxyType({}), symbol=alias, in_defaults=True)
        defaults = self._defaults
        order, order_place = self._own_or(entry.order_type, defaults.order_type or defaults.trailing, place, outer)
        kind, price, limit = self._order(order, order_place)
        tif, tif_place = self._own_or(entry.tif, defaults.tif, place, outer)
        until = self._expiry(tif, tif_place, kind, entry)
        stop, target = self._protection(entry, place, outer)
        sizing, size_place = self._own_or(entry.sizing, defaults.sizing, place, outer)
        if sizing is None:
            if entry.stack is None:
                hint = "add SIZING to the action or to DEFAULTS"
                self._problems.error("QKT0401", entry.alias.span, f"{entry.side} '{entry.alias.text}' has no SIZING", hint)
            return None
        size = resolve_size(self._resolver, sizing, size_place, stop)
        if alias is None or size is None:
            return None
        return Enter(entry.side, alias, size, kind, price, limit, until, stop, target)

    @staticmethod
    def _own_or(own: T | None, default: T | None, place: Place, outer: Place) -> tuple[T | None, Place]:
        return (own, place) if own is not None else (default, outer)

    def _order(self, order: tree.OrderType | None, place: Place) -> tuple[OrderKind, Expression | None, Expression | None]:
        if order is None or order.kind == "MARKET":
            return OrderKind.MARKET, None, None
        if isinstance(order.price, tree.Relative):
            hint = "outside ON_STOP, ON_TP and ON_CLOSE write AT and a price"
            self._problems.error("QKT0409", order.price.span, f"{order.price.direction} has no exit to start from here", hint)
            return OrderKind.MARKET, None, None
        if order.kind not in KINDS:
            self._problems.refuse(order.span, "a TRAILING entry")
            return OrderKind.MARKET, None, None
        price = None if order.price is None else self._resolver.number(order.price, place)
        limit = None if order.limit is None else self._resolver.number(order.limit, place)
        return KINDS[order.kind], price, limit

    def _expiry(self, tif: tree.Tif | None, place: Place, kind: OrderKind, entry: tree.Entry) -> Expression | None:
        if tif is None or tif.kind == "GTC":
            return None
        if tif.kind != "GTD" or tif.until is None:
            self._problems.refuse(tif.span, f"TIF {tif.kind}")
            return None
        until = self._resolver.number(tif.until, place)
        if kind is OrderKind.MARKET:
            span = tif.span if entry.tif is not None else entry.alias.span
            where = "" if entry.tif is not None else " (from DEFAULTS)"
            self._problems.error(
                "QKT0404", span, f"GTD{where} on a market order, which never waits", "use LIMIT or STOP, or drop TIF"
            )
        return until

    def _protection(self, entry: tree.Entry, place: Place, outer: Place) -> tuple[Protection | None, Protection | None]:
        if entry.oco is not None:
            if entry.bracket is not None:
                self._problems.error("QKT0407", entry.oco.span, "OCO and BRACKET exclude each other", "keep one of them")
            return self._oco(entry.oco, place)
        own_stop = entry.bracket.stop_loss if entry.bracket is not None else None
        own_target = entry.bracket.take_profit if entry.bracket is not None else None
        stop = own_stop or self._defaults.stop_loss
        target = own_target or self._defaults.take_profit
        return (
            resolve_stop(self._resolver, stop, place if own_stop else outer),
            resolve_target(self._resolver, target, place if own_target else outer, has_stop=stop is not None),
        )

    def _oco(self, oco: tree.Oco, place: Place) -> tuple[Protection, Protection]:
        stop = self._resolver.number(oco.stop, place)
        limit = self._resolver.number(oco.limit, place)
        return Protection(ExitForm.AT, stop), Protection(ExitForm.AT, limit)

    def _refuse_unsupported(self, entry: tree.Entry) -> None:
        if entry.stack is not None:
            self._problems.refuse(entry.stack.span, "STACK")
        for stack_at in entry.stack_at:
            self._problems.refuse(stack_at.span, "STACK_AT")
        hooks = {"ON_FILL": entry.on_fill, "ON_STOP": entry.on_stop, "ON_TP": entry.on_tp, "ON_CLOSE": entry.on_close}
        for name, children in hooks.items():
            if children is not None:
                self._problems.refuse(children[0].span if children else entry.span, name)
        if entry.time_exit_ms is not None:
            self._problems.refuse(entry.span, "TIME_EXIT")
