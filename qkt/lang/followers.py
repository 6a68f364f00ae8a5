"""What hangs on an entry: ON_FILL, whose children are sent when it is filled, and the hooks that answer its exit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qkt.core.terms import Purpose
from qkt.lang import tree
from qkt.lang.deeds import Deed, Enter, Hooks
from qkt.lang.entries import EntryResolver, estimate
from qkt.lang.expressions import Resolver
from qkt.lang.modifiers import HOOKS, refuse
from qkt.lang.place import Place

UNWANTED_IN_HOOKS = ("OCO", "STACK", "STACK_AT", "ON_FILL", *HOOKS)
UNWANTED_ON_FILL = ("BRACKET", "TIF", *UNWANTED_IN_HOOKS)
PURPOSES = {"ON_STOP": Purpose.STOP_LOSS, "ON_TP": Purpose.TAKE_PROFIT, "ON_CLOSE": Purpose.CLOSE}

LogResolver = Callable[[tree.Log, Place], Deed]


def resolve_on_fill(
    resolver: Resolver, entries: EntryResolver, entry: tree.Entry, parent: Enter, place: Place
) -> tuple[Enter, ...] | None:
    """The children of a parent, None after reporting what is wrong. `entry` is the parent's price in them."""
    inside = replace(place, entry=estimate(resolver, parent))
    children = []
    for child in entry.on_fill or ():
        if not isinstance(child, tree.Entry):
            resolver.problems.error("QKT0413", child.span, "ON_FILL takes BUY and SELL only", "other actions need a rule")
            continue
        if resolver.market(child.alias, place) is None:
            continue
        refuse(resolver.problems, child, UNWANTED_ON_FILL, "an entry of ON_FILL")
        deed = entries.child(child, inside)
        if deed is not None:
            children.append(deed)
    return tuple(children) if len(children) == len(entry.on_fill or ()) else None


def resolve_hooks(
    resolver: Resolver, entries: EntryResolver, log: LogResolver, entry: tree.Entry, after: Place
) -> Hooks | None:
    """The hooks of an entry, None after reporting what is wrong. `after` is the place of what the exit evaluates."""
    inside = after.knowing("EXIT")
    written = {"ON_STOP": entry.on_stop, "ON_TP": entry.on_tp, "ON_CLOSE": entry.on_close}
    hooks = []
    complete = True
    for name, children in written.items():
        if children is None:
            continue
        deeds: list[Deed] = []
        for child in children:
            deed = _hook_child(resolver, entries, log, name, child, inside)
            complete = complete and deed is not None
            if deed is not None:
                deeds.append(deed)
        hooks.append((PURPOSES[name], tuple(deeds)))
    return Hooks(tuple(hooks)) if complete else None


def _hook_child(
    resolver: Resolver, entries: EntryResolver, log: LogResolver, name: str, child: tree.Action, place: Place
) -> Deed | None:
    if isinstance(child, tree.Log):
        return log(child, place)
    if not isinstance(child, tree.Entry):
        resolver.problems.error("QKT0413", child.span, f"{name} takes BUY, SELL and LOG only", "other actions need a rule")
        return None
    if resolver.market(child.alias, place) is None:
        return None
    refuse(resolver.problems, child, UNWANTED_IN_HOOKS, f"an entry of {name}")
    return entries.child(child, place)
