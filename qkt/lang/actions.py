"""Actions: what a rule asks for when it fires, after DEFAULTS and with every expression checked."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from qkt.lang import tree
from qkt.lang.basket_actions import named_basket, resolve_basket_entry
from qkt.lang.codes import Problems
from qkt.lang.deeds import CancelOrders, CloseEverything, CloseOne, Deed, Enter, EnterOne, ResizePosition, WriteLog
from qkt.lang.entries import EntryResolver, bare_market
from qkt.lang.expressions import Resolver
from qkt.lang.followers import resolve_hooks, resolve_on_fill
from qkt.lang.latches import resolve_latch
from qkt.lang.modifiers import refuse
from qkt.lang.place import Place
from qkt.lang.sizes import RISK_FORMS, resolve_size

UNWANTED_IN_OCO = ("STACK", "STACK_AT")
# Units of evaluation below this number are functions that run after their action, each one on its own.
AFTERWARDS = -10


class ActionResolver:
    """Turns the actions of one file's rules and schedules into deeds."""

    def __init__(self, resolver: Resolver, defaults: tree.Defaults | None) -> None:
        self._resolver = resolver
        self._problems: Problems = resolver.problems
        self._entries = EntryResolver(resolver, defaults)
        self._resizes: list[tuple[tree.Span, str]] = []
        self._later = count(AFTERWARDS, -1)

    def resolve(self, action: tree.Action, place: Place) -> Deed | None:
        """The deed, None when there is something wrong with the action."""
        match action:
            case tree.Entry():
                return self._enter(action, place)
            case tree.Close():
                return self._close(action, place)
            case tree.CloseAll():
                return CloseEverything()
            case tree.Cancel():
                alias = self._resolver.tradeable(action.alias, place)
                members = self._members(action.alias, place)
                return None if alias is None else CancelOrders(alias, action.including_protection, members)
            case tree.CancelAll():
                return CancelOrders(None, action.including_protection)
            case tree.Log():
                return self._log(action, place)
            case tree.Resize():
                return self._resize(action, place)
            case tree.OcoEntry():
                return self._enter_one(action, place)
            case tree.Latch():
                return self._latch(action, place)

    def finish(self) -> None:
        """What can be told only after all actions: RESIZE knows nothing of exits and must not meet any."""
        for span, alias in self._resizes:
            if self._resolver.scope.streams[alias].market in self._entries.bracketed:
                hint = "leave the protection out of every entry on it, or close and enter anew"
                message = f"RESIZE of '{alias}', whose entries carry protective exits of a fixed size"
                self._problems.error("QKT0416", span, message, hint)

    # ---------------------------------------------------------------- entries

    def _enter(self, action: tree.Entry, place: Place) -> Deed | None:
        basket = named_basket(self._resolver, action.alias, place)
        if basket is not None:
            return resolve_basket_entry(self._resolver, action, basket, place, self._entries.defaults)
        deed = self._entries.resolve(action, place)
        return None if deed is None else self._with_followers(action, deed, place)

    def _with_followers(self, action: tree.Entry, deed: Enter, place: Place) -> Enter | None:
        if action.on_fill is not None:
            children = resolve_on_fill(self._resolver, self._entries, action, deed, place)
            if children is None:
                return None
            deed = replace(deed, on_fill=children)
        if any(hook is not None for hook in (action.on_stop, action.on_tp, action.on_close)):
            hooks = resolve_hooks(self._resolver, self._entries, self._log, action, self._afterwards(place))
            if hooks is None:
                return None
            deed = replace(deed, hooks=hooks)
        return deed

    def _afterwards(self, place: Place) -> Place:
        """The place of what runs on its own later on: a unit of evaluation of its own."""
        return replace(place, unit=next(self._later))

    def _enter_one(self, action: tree.OcoEntry, place: Place) -> Deed | None:
        first, second = self._leg(action.first, place), self._leg(action.second, place)
        return None if first is None or second is None else EnterOne(first, second)

    def _leg(self, leg: tree.Entry, place: Place) -> Enter | None:
        if self._resolver.market(leg.alias, place) is None:
            return None
        refused = refuse(self._problems, leg, UNWANTED_IN_OCO, "a leg of OCO_ENTRY")
        deed = self._entries.resolve(leg, place)
        if deed is None or refused:
            return None
        if bare_market(deed):
            hint = "give it LIMIT, STOP or TRAILING: a market order is filled before the other leg could be cancelled"
            self._problems.error("QKT0413", leg.span, "a leg of OCO_ENTRY that waits for nothing", hint)
            return None
        return self._with_followers(leg, deed, place)

    def _latch(self, action: tree.Latch, place: Place) -> Deed | None:
        deed = resolve_latch(self._resolver, action, place, self._afterwards(place))
        if deed is not None:
            self._tell_anchor("LATCH", action.alias, deed.alias, place)
            for entry in deed.entries:
                if entry.stop_loss is not None or entry.take_profit is not None:
                    self._entries.bracketed.add(self._resolver.scope.streams[entry.on].market)
        return deed

    # ---------------------------------------------------------------- the rest

    def _tell_anchor(self, what: str, written: tree.Ident, alias: str, place: Place) -> None:
        """A rule that such an action wakes on its own stream wakes on the first one in the published engine."""
        first = next(iter(self._resolver.scope.streams))
        if place.anchor == alias != first:
            message = f"{what} is evaluated on the closes of '{alias}'; the published engine takes '{first}', the first stream"
            self._resolver.differs(written.span, message)

    def _close(self, action: tree.Close, place: Place) -> Deed | None:
        if action.sizing is None:
            alias = self._resolver.tradeable(action.alias, place)
            return None if alias is None else CloseOne(alias, None, self._members(action.alias, place))
        alias = self._resolver.market(action.alias, place)
        size = resolve_size(self._resolver, action.sizing, place, has_stop=False)
        return None if alias is None or size is None else CloseOne(alias, size)

    def _members(self, ident: tree.Ident, place: Place) -> tuple[str, ...]:
        basket = named_basket(self._resolver, ident, place)
        return () if basket is None else basket.members

    def _resize(self, action: tree.Resize, place: Place) -> Deed | None:
        alias = self._resolver.market(action.alias, place)
        min_step = None if action.min_step is None else self._resolver.number(action.min_step, place)
        if action.sizing.form in RISK_FORMS:
            hint = "give the target in lots, money or a share of the account"
            self._problems.error("QKT0402", action.sizing.span, "RESIZE has no stop whose distance could be risked", hint)
            return None
        size = resolve_size(self._resolver, action.sizing, place, has_stop=False)
        if alias is None or size is None:
            return None
        self._tell_anchor("RESIZE", action.alias, alias, place)
        self._resizes.append((action.span, alias))
        return ResizePosition(alias, size, min_step)

    def _log(self, action: tree.Log, place: Place) -> Deed:
        quiet = replace(place, scanned=False)
        fields = tuple((name.text, self._resolver.value(value, quiet)) for name, value in action.fields)
        return WriteLog(action.level, action.text, fields)
