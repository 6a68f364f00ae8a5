"""The accessors of state and clock: ACCOUNT, STREAK, TRADES, COOLDOWN, EXIT, POSITION, OPEN_ORDERS, NOW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qkt.lang import tree
from qkt.lang.fields import EXIT_FIELDS, NOW_FIELDS, POSITION_FIELDS, STATE_FIELDS
from qkt.lang.place import Place
from qkt.lang.suggest import did_you_mean
from qkt.lang.values import (
    BROKEN,
    AccountRead,
    BasketPosition,
    Clock,
    ExitRead,
    Expression,
    Math,
    OrdersRead,
    PositionRead,
)

if TYPE_CHECKING:
    from qkt.lang.expressions import Resolver


def resolve(resolver: Resolver, node: tree.State | tree.Position | tree.OpenOrders | tree.Now, place: Place) -> Expression:
    match node:
        case tree.State():
            return _state(resolver, node, place)
        case tree.Position():
            return _position(resolver, node, place)
        case tree.OpenOrders(alias=ident):
            alias = resolver.stream(ident, place)
            return BROKEN if alias is None else resolver.one(OrdersRead(alias))
        case tree.Now(field=field):
            name = "epoch_ms" if field is None else field.text.lower()
            if name not in NOW_FIELDS:
                return _unknown(resolver, "NOW", node if field is None else field, name, NOW_FIELDS)
            return resolver.one(Clock(name))


def _state(resolver: Resolver, node: tree.State, place: Place) -> Expression:
    if node.group == "EXIT" and "EXIT" in place.knows:
        attribute = EXIT_FIELDS.get(node.field.text.lower())
        return BROKEN if attribute is None else resolver.one(ExitRead(attribute))  # the parser has reported an unknown field
    if node.group == "EXIT":
        hint = "it stands for the closing fill inside ON_STOP, ON_TP and ON_CLOSE"
        resolver.problems.error("QKT0209", node.span, "'EXIT' means nothing here", hint)
        return BROKEN
    known = STATE_FIELDS[node.group]
    if node.field.text not in known:
        return _unknown(resolver, node.group, node.field, node.field.text, known)
    return resolver.one(AccountRead(known[node.field.text]))


def _position(resolver: Resolver, node: tree.Position, place: Place) -> Expression:
    alias = resolver.stream(node.alias, place)
    name = "quantity" if node.field is None else node.field.text
    if name not in POSITION_FIELDS:
        return _unknown(resolver, "POSITION", node, name, POSITION_FIELDS)
    if alias is None:
        return BROKEN
    attribute = POSITION_FIELDS[name]
    members = resolver.scope.streams[alias].members
    if members:
        if attribute == "quantity":
            return resolver.one(BasketPosition(alias, members))
        hint = f"POSITION.{alias} is 1, -1 or 0; ask its members for more"
        resolver.problems.error("QKT0206", node.span, f"the position of a basket has no field '{name}'", hint)
        return BROKEN
    if attribute is not None:
        return resolver.one(PositionRead(alias, attribute))
    realized = resolver.one(AccountRead("realized_pnl"))
    if name == "realized_pnl":
        return realized
    return resolver.one(Math("+", realized, resolver.one(PositionRead(alias, "unrealized_pnl"))))


def _unknown(resolver: Resolver, group: str, at: tree.Node, name: str, known: Iterable[str]) -> Expression:
    hint = did_you_mean(name, known, f"fields of {group}")
    resolver.problems.error("QKT0206", at.span, f"{group} has no field '{name}'", hint)
    return BROKEN
