"""What the journal remembers: the life of orders, and what happened while nobody looked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from qkt.core.numbers import ZERO
from qkt.portfolio import alias_of
from qkt.runtime.control.details import AccountDigest, Digest, OrderLife, OrderStep, SessionDigest
from qkt.runtime.effects import Effect
from qkt.runtime.equity import as_money
from qkt.runtime.views.sessions import account_of

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine
    from qkt.runtime.journal import Registration

STEPS = {
    "order": "approved",
    "submit": "submitted",
    "accepted": "accepted",
    "modified": "changed",
    "moved": "moved",
    "resize": "resized",
    "fill": "filled",
    "cancel": "cancelling",
    "cancel_failed": "not cancelled",
    "cancelled": "cancelled",
    "rejected": "rejected",
    "refused": "refused",
}
ENDS = {"cancelled": "CANCELLED", "rejected": "REJECTED", "refused": "REFUSED"}
EFFECTS_OF_AN_ORDER = 8
MOST_EFFECTS = 4_000
PAGES = 25
"""Pages of that many effects in which an order is looked for."""
OF_INTEREST = ("fill", "rejected", "refused", "halted")


def order_lives(engine: Engine, session: str | None, order: str | None, limit: int) -> list[OrderLife]:
    """What became of orders, the latest `limit`, oldest first."""
    lives: list[OrderLife] = []
    book, _, child = (session or "").partition("/")
    for name in engine.known() if session is None else [book]:
        lives += _lives_of(engine, engine.registration(name), order, limit, child or None)
    lives.sort(key=lambda life: life.placed)
    return lives[-limit:] if limit else []


def _lives_of(
    engine: Engine, registration: Registration, order: str | None, limit: int, child: str | None
) -> Iterator[OrderLife]:
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    most = min(limit * EFFECTS_OF_AN_ORDER, MOST_EFFECTS)
    if order is None:
        effects = [effect for _, effect in engine.journal.of_kind(registration.run, list(STEPS), most)]
    else:
        effects = _effects_of(engine, registration.run, order)
    for effect in effects:
        value = effect.value
        found.setdefault(value["order_id"], []).append((effect.kind, value))
    for events in found.values():
        whole = events[0][0] in ("order", "refused")  # the others begin before what was read
        if whole and child in (None, alias_of(events[0][1]["strategy"])):
            yield _life(registration.name, events)


def _effects_of(engine: Engine, run: int, order: str) -> list[Effect]:
    """What was journaled of one order, looked for from the newest back."""
    found: list[Effect] = []
    named, before = f'"{order}"', None
    for _ in range(PAGES):
        page = engine.journal.of_kind(run, list(STEPS), MOST_EFFECTS, before=before)
        own = [effect for _, effect in page if named in effect.data and effect.value["order_id"] == order]
        found = own + found
        if not page or any(effect.kind in ("order", "refused") for effect in own):
            break
        before = page[0][0]
    return found


def _life(name: str, events: list[tuple[str, dict[str, Any]]]) -> OrderLife:
    first = events[0][1]
    asked = next((value for kind, value in events if kind == "order"), None) or {}
    filled, status, ended, reason = ZERO, "SUBMITTED", None, None
    quantity = Decimal(asked.get("quantity", 0))
    steps = []
    for place, (kind, value) in enumerate(events):
        if kind == "order" and place:
            continue  # approved with its sibling, and once more when it was sent
        at = value.get("at", value.get("timestamp", value.get("created_at")))
        steps.append(OrderStep(ts=at, what=STEPS[kind], text=_said(kind, value)))
        if kind == "fill":
            filled += Decimal(value["quantity"])
            status, ended = ("FILLED", at) if value["complete"] else ("PARTIALLY_FILLED", None)
        elif kind == "modified":
            quantity = filled + Decimal(value["quantity"])
        elif kind == "accepted":
            status, quantity = "WORKING", Decimal(value["quantity"])
        elif kind in ENDS:
            status, ended, reason = ENDS[kind], at, value["reason"]
    leg, rule = asked.get("leg"), asked.get("rule", first.get("rule"))
    return OrderLife(
        session=name,
        order=first["order_id"],
        symbol=first["symbol"],
        side=asked.get("side"),
        kind=asked.get("order_type"),
        purpose=asked.get("purpose"),
        status=status,
        quantity=quantity,
        filled=filled,
        price=asked.get("limit"),
        stop=asked.get("stop"),
        placed=asked.get("created_at") or steps[0].ts or 0,
        ended=ended,
        rule=None if rule is None else rule + 1,
        parent=asked.get("parent") or None,
        leg=None if leg is None else str(leg),
        reason=reason,
        steps=tuple(steps),
    )


def _said(kind: str, value: dict[str, Any]) -> str:
    if kind == "fill":
        return f"{value['quantity']} at {value['price']}"
    if kind == "moved":
        return f"to {value['level']}"
    if kind in ("modified", "resize", "accepted"):
        return f"{value['quantity']} lots"
    return value.get("reason") or ""


def digest(engine: Engine, since: int) -> Digest:
    """What happened since a moment, by the clocks of the sessions."""
    sessions = [_session_digest(engine, engine.registration(name), since) for name in engine.known()]
    accounts = []
    for hosted in engine.hosted.values():
        machine = hosted.live.machine
        before = next((as_money(one.equity) for one in machine.history.samples.since(since)), None)
        currency = machine.settings.currency
        accounts.append(
            AccountDigest(account=account_of(hosted.live.registration), currency=currency, before=before, now=machine.equity())
        )
    return Digest(
        since=since,
        until=engine.wall.now(),
        starts=tuple(start for start in engine.operators.starts() if start >= since),
        sessions=tuple(one for one in sessions if one.fills or one.refused or one.halts),
        accounts=tuple(accounts),
    )


def _session_digest(engine: Engine, registration: Registration, since: int) -> SessionDigest:
    fills, refused, realised, halts = 0, 0, ZERO, []
    for _, effect in engine.journal.of_kind(registration.run, OF_INTEREST, MOST_EFFECTS):
        value = effect.value
        if value.get("at", value.get("timestamp", value.get("since", 0))) < since:
            continue
        if effect.kind == "fill":
            fills += 1
            realised += Decimal(value["realized"])
        elif effect.kind in ("rejected", "refused"):
            refused += 1
        elif value["lasts"] != "WHILE":
            halts.append(value["reason"])
    return SessionDigest(
        session=registration.name,
        account=account_of(registration),
        fills=fills,
        realised=realised,
        refused=refused,
        halts=tuple(halts),
    )
