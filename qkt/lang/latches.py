"""LATCH: wires around a price, and what is entered when one of them breaks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind
from qkt.lang import tree
from qkt.lang.constants import Folding, positive
from qkt.lang.deeds import ArmLatch, LatchEnter
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.sizes import resolve_size
from qkt.strategy import Confirmation

ARM_MS = 300_000
KINDS = {"MARKET": OrderKind.MARKET, "LIMIT": OrderKind.LIMIT, "STOP": OrderKind.STOP}


def resolve_latch(resolver: Resolver, latch: tree.Latch, place: Place, after: Place) -> ArmLatch | None:
    """The checked latch, None after reporting what is wrong. `after` is the place of what is evaluated when it breaks."""
    place, after = replace(place, scanned=False), replace(after, scanned=False)
    alias = resolver.market(latch.alias, place)
    offset = resolver.number(latch.offset, place)
    reference = None if latch.reference is None else resolver.number(latch.reference, place)
    confirm = None if latch.confirm is None else _confirmation(resolver, latch.confirm, place)
    entries = [_entry(resolver, entry, alias, after) for entry in latch.entries]
    known = tuple(entry for entry in entries if entry is not None)
    if alias is None or len(known) < len(entries) or (latch.confirm is not None and confirm is None):
        return None
    return ArmLatch(alias, offset, reference, ARM_MS if latch.arm_ms is None else latch.arm_ms, confirm, known)


def _confirmation(resolver: Resolver, confirm: tree.Confirm, place: Place) -> Confirmation | None:
    distance: Decimal | None = ZERO
    if confirm.distance is not None:
        what = "the distance of RETEST_HOLD"
        distance = positive(resolver, confirm.distance, Folding(resolver, place).number(confirm.distance, what), what)
    return None if distance is None else Confirmation(confirm.kind, confirm.within_ms or 0, distance)


def _entry(resolver: Resolver, entry: tree.LatchEntry, watched: str | None, place: Place) -> LatchEnter | None:
    on = watched if entry.on is None else resolver.market(entry.on, place)
    price = ZERO if entry.price is None else _offset(resolver, entry.price, place)
    stop = None if entry.stop_loss is None else _offset(resolver, entry.stop_loss, place)
    target = None if entry.take_profit is None else _offset(resolver, entry.take_profit, place)
    one_leg = (entry.stop_loss is None) is not (entry.take_profit is None)
    if one_leg:
        missing = "STOP LOSS" if entry.stop_loss is None else "TAKE PROFIT"
        resolver.problems.error("QKT0415", entry.span, f"the bracket of ENTER has no {missing}", "it needs both exits")
    if price is not None and stop is not None and stop >= price and entry.stop_loss is not None:
        hint = "AGAINST is behind the break, WITH ahead of it; such an entry is never sent"
        resolver.problems.warning("QKT0505", entry.stop_loss.span, "this stop is on the wrong side of the entry", hint)
    size = None
    if entry.sizing is not None:
        size = resolve_size(resolver, entry.sizing, place, has_stop=entry.stop_loss is not None)
    if on is None or price is None or one_leg or (entry.sizing is not None and size is None):
        return None
    if (entry.stop_loss is not None and stop is None) or (entry.take_profit is not None and target is None):
        return None
    elsewhere = watched is None or resolver.scope.streams[on].market != resolver.scope.streams[watched].market
    return LatchEnter(on, elsewhere, KINDS[entry.kind], price, stop, target, size, entry.expire_ms)


def _offset(resolver: Resolver, relative: tree.Relative, place: Place) -> Decimal | None:
    """The distance with its sign: positive in the direction of the break."""
    distance = Folding(resolver, place).number(relative.distance, f"the distance of {relative.direction}")
    if distance is None:
        return None
    return distance if relative.direction == "WITH" else -distance
