"""Actions: what a rule asks for when it fires, after DEFAULTS and with every expression checked."""

from __future__ import annotations

from dataclasses import replace

from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.entries import EntryResolver
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.program import CancelOrders, CloseEverything, CloseOne, Deed, WriteLog
from qkt.lang.sizes import resolve_size

LATER = {tree.Resize: "RESIZE", tree.OcoEntry: "OCO_ENTRY", tree.Latch: "LATCH"}


class ActionResolver:
    """Turns the actions of one file's rules into deeds."""

    def __init__(self, resolver: Resolver, defaults: tree.Defaults | None) -> None:
        self._resolver = resolver
        self._problems: Problems = resolver.problems
        self._entries = EntryResolver(resolver, defaults)

    def resolve(self, action: tree.Action, place: Place) -> Deed | None:
        """The deed, None when there is something wrong with the action."""
        match action:
            case tree.Entry():
                return self._entries.resolve(action, place)
            case tree.Close():
                return self._close(action, place)
            case tree.CloseAll():
                return CloseEverything()
            case tree.Cancel():
                alias = self._resolver.tradeable(action.alias, place)
                return None if alias is None else CancelOrders(alias, action.including_protection)
            case tree.CancelAll():
                return CancelOrders(None, action.including_protection)
            case tree.Log():
                return self._log(action, place)
            case tree.Resize() | tree.OcoEntry() | tree.Latch():
                self._problems.refuse(action.span, LATER[type(action)])
                return None

    def _close(self, action: tree.Close, place: Place) -> Deed | None:
        alias = self._resolver.tradeable(action.alias, place)
        if action.sizing is None:
            return None if alias is None else CloseOne(alias, None)
        size = resolve_size(self._resolver, action.sizing, place, stop=None)
        return None if alias is None or size is None else CloseOne(alias, size)

    def _log(self, action: tree.Log, place: Place) -> Deed:
        quiet = replace(place, scanned=False)
        fields = tuple((name.text, self._resolver.value(value, quiet)) for name, value in action.fields)
        return WriteLog(action.level, action.text, fields)
