"""BUY and SELL with their modifiers and the DEFAULTS of the file."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from qkt.core.terms import OrderKind, TimeInForce
from qkt.lang import tree
from qkt.lang.deeds import Enter, Order, Protection, StopLoss, TakeProfit
from qkt.lang.expressions import Resolver
from qkt.lang.modifiers import check_modifiers
from qkt.lang.place import Place
from qkt.lang.protection import check_trail, resolve_stop, resolve_target
from qkt.lang.sizes import resolve_size
from qkt.lang.stacks import Pyramid, fixed_stop, resolve_stack, resolve_tier
from qkt.lang.values import ExitRead, Expression, Math, Read
from qkt.strategy import ExitForm

T = TypeVar("T")

KINDS = {
    "MARKET": OrderKind.MARKET,
    "LIMIT": OrderKind.LIMIT,
    "STOP": OrderKind.STOP,
    "STOP_LIMIT": OrderKind.STOP_LIMIT,
}
NO_DEFAULTS = tree.Defaults(tree.Span(1, 1, 1, 1))


class EntryResolver:
    """Makes entries of one file: each clause is the action's own or that of DEFAULTS. `bracketed` are the markets whose
    entries carry protection."""

    def __init__(self, resolver: Resolver, defaults: tree.Defaults | None) -> None:
        self._resolver = resolver
        self._problems = resolver.problems
        self.defaults = defaults or NO_DEFAULTS
        self.bracketed: set[str] = set()

    def resolve(self, entry: tree.Entry, place: Place) -> Enter | None:
        """An entry as an action of its own; what hangs on it (ON_FILL, exit hooks) is added by others."""
        return self._entry(entry, place, self.defaults, own=True)

    def child(self, entry: tree.Entry, place: Place) -> Enter | None:
        """The same without DEFAULTS, for entries that follow another one."""
        return self._entry(entry, place, NO_DEFAULTS, own=False)

    def _entry(self, entry: tree.Entry, place: Place, defaults: tree.Defaults, *, own: bool) -> Enter | None:
        alias = self._resolver.tradeable(entry.alias, place)
        for clause in entry.duplicates:
            self._problems.warning("QKT0507", entry.span, f"{clause} is written twice; the last one counts")
        outer = replace(place, loop=MappingProxyType({}), symbol=alias, in_defaults=True, entry=None, knows=frozenset())
        check_modifiers(self._problems, entry, defaults)
        pyramid = resolve_stack(self._resolver, entry, place)
        stop, target = self._protection(entry, place, outer, defaults)
        if alias is not None and (stop is not None or target is not None):
            self.bracketed.add(self._resolver.scope.streams[alias].market)
        order = self._order(entry, place, outer, defaults, pyramid)
        tiers = [resolve_tier(self._resolver, one, place) for one in entry.stack_at]
        sizing, size_place = self._own_or(entry.sizing, defaults.sizing, place, outer)
        if pyramid is not None and pyramid.seed is not None:
            sizing, size_place = pyramid.seed, place
        if sizing is None:
            hint = "add SIZING to the action or to DEFAULTS" if own else "DEFAULTS do not apply here"
            self._problems.error("QKT0401", entry.alias.span, f"{entry.side} '{entry.alias.text}' has no SIZING", hint)
            return None
        size = resolve_size(self._resolver, sizing, size_place, has_stop=stop is not None)
        layers = None if pyramid is None else pyramid.layers(self._resolver, place, has_stop=stop is not None)
        if alias is None or size is None:
            return None
        return Enter(
            entry.side,
            alias,
            size,
            order,
            stop if pyramid is None else fixed_stop(self._resolver, stop, _stop_span(entry)),
            target,
            layers,
            tuple(tier for tier in tiers if tier is not None),
            time_exit_ms=entry.time_exit_ms,
        )

    @staticmethod
    def _own_or(own: T | None, default: T | None, place: Place, outer: Place) -> tuple[T | None, Place]:
        return (own, place) if own is not None else (default, outer)

    # ---------------------------------------------------------------- what it waits for

    def _order(self, entry: tree.Entry, place: Place, outer: Place, defaults: tree.Defaults, pyramid: Pyramid | None) -> Order:
        order, order_place = self._own_or(entry.order_type, defaults.order_type or defaults.trailing, place, outer)
        priced = self._priced(order, order_place) if pyramid is None else pyramid.first
        tif, tif_place = self._own_or(entry.tif, defaults.tif, place, outer)
        if tif is None:
            return priced
        until = None if tif.until is None else self._resolver.number(tif.until, tif_place)
        if tif.kind == "GTD" and priced.kind is OrderKind.MARKET:
            span = tif.span if entry.tif is not None else entry.alias.span
            where = "" if entry.tif is not None else " (from DEFAULTS)"
            self._problems.error(
                "QKT0404", span, f"GTD{where} on a market order, which never waits", "use LIMIT or STOP, or drop TIF"
            )
        return replace(priced, tif=TimeInForce(tif.kind), until=until)

    def _priced(self, order: tree.OrderType | None, place: Place) -> Order:
        if order is None or order.price is None:
            return Order()
        if isinstance(order.price, tree.Relative):
            return Order(KINDS[order.kind], self._from_exit(order.price, place))
        if order.kind == "TRAILING_BY":
            distance = check_trail(self._resolver, ExitForm.BY, order.price, place)
            return Order(OrderKind.TRAILING_STOP, distance, trail=ExitForm.BY)
        if order.kind == "TRAILING_PCT":
            percent = check_trail(self._resolver, ExitForm.PCT, order.price, place)
            return Order(OrderKind.TRAILING_STOP, percent, trail=ExitForm.PCT)
        limit = None if order.limit is None else self._resolver.number(order.limit, place)
        return Order(KINDS[order.kind], self._resolver.number(order.price, place), limit)

    def _from_exit(self, relative: tree.Relative, place: Place) -> Expression:
        """EXIT.price plus or minus a distance: WITH goes on in the direction of the closing fill."""
        distance = self._resolver.number(relative.distance, place)
        if "EXIT" not in place.knows:
            hint = "outside ON_STOP, ON_TP and ON_CLOSE write AT and a price"
            self._problems.error("QKT0409", relative.span, f"{relative.direction} has no exit to start from here", hint)
            return distance
        one = self._resolver.one
        moved = one(Math("*", one(ExitRead("direction")), distance))
        return one(Math("+" if relative.direction == "WITH" else "-", one(ExitRead("price")), moved))

    # ---------------------------------------------------------------- protection

    def _protection(
        self, entry: tree.Entry, place: Place, outer: Place, defaults: tree.Defaults
    ) -> tuple[StopLoss | None, TakeProfit | None]:
        if entry.oco is not None and entry.bracket is None and entry.stack is None:
            stop_price = self._resolver.number(entry.oco.stop, place)
            limit_price = self._resolver.number(entry.oco.limit, place)
            return Protection(ExitForm.AT, stop_price), Protection(ExitForm.AT, limit_price)
        own_stop = entry.bracket.stop_loss if entry.bracket is not None else None
        own_target = entry.bracket.take_profit if entry.bracket is not None else None
        stop = own_stop or defaults.stop_loss
        target = own_target or defaults.take_profit
        return (
            resolve_stop(self._resolver, stop, place if own_stop else outer),
            resolve_target(self._resolver, target, place if own_target else outer, has_stop=stop is not None),
        )


def _stop_span(entry: tree.Entry) -> tree.Span:
    own = entry.bracket.stop_loss if entry.bracket is not None else None
    return entry.alias.span if own is None else own.span


def estimate(resolver: Resolver, deed: Enter) -> Expression:
    """The price an entry is expected to get, as far as it can be told when it is sent."""
    if deed.order.kind in (OrderKind.LIMIT, OrderKind.STOP, OrderKind.STOP_LIMIT) and deed.order.price is not None:
        return deed.order.price
    return resolver.one(Read(deed.alias, "close"))


def bare_market(deed: Enter) -> bool:
    """Whether the entry is a market order of a plain quantity and nothing more."""
    return (
        deed.order.kind is OrderKind.MARKET
        and deed.size.form == "units"
        and deed.stop_loss is None
        and deed.take_profit is None
    )
