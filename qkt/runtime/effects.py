"""What an input led to, as plain records: the part of a session's life that is journaled and compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from qkt.brokers.dispatch import VenueRequest
from qkt.core.events import (
    CancelFailed,
    Event,
    LogLine,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    RiskRejected,
    Trade,
)
from qkt.core.latest import read
from qkt.engine import Session
from qkt.orders import CancelOrder, Order, OrderApproved, ResizeOrder, SubmitOrder
from qkt.portfolio import BookRiskChanged, ChildGated, RegimeChosen, SignalSized, SignalSuppressed
from qkt.risk import Halt, Halted, HaltLifted

STAMPS = {"seq", "scope"}
"""What the bus gives an event besides its time."""
SEND = "send"
"""The kind of an effect that leaves for a venue once it is durable."""


class Effect(NamedTuple):
    """`kind` names the sort of record, `data` is its JSON."""

    kind: str
    data: str

    @property
    def value(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.data)
        return loaded


class EffectLog:
    """Collects the effects of the input being handled. Intents come before what the venue answers. `nights` is how many rows of
    financing are taken: the one thing that books write without an event."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.pending: list[Effect] = []
        self._trips = 0
        self.nights = 0
        read(session.books.round_trips, 0)  # from the first on they wait for `settle`
        read(session.books.financing, 0)
        scope = session.scope
        scope.subscribe_first(OrderApproved, self._on_approved)
        scope.subscribe_first(SubmitOrder, lambda command: self._command("submit", command))
        scope.subscribe_first(CancelOrder, lambda command: self._command("cancel", command, reason=command.reason))
        scope.subscribe_first(ResizeOrder, lambda command: self._command("resize", command, quantity=command.quantity))
        scope.subscribe(VenueRequest, lambda event: self.pending.append(Effect(SEND, _json(event.request.as_json()))))
        scope.subscribe_first(Trade, self._on_trade)
        scope.subscribe_first(Halted, lambda event: self.add("halted", **halt_record(event.halt)))
        scope.subscribe_first(
            HaltLifted, lambda event: self.add("lifted", **halt_record(event.halt), by=event.author, why=event.reason)
        )
        for kind, name in (
            (OrderAccepted, "accepted"),
            (OrderRejected, "rejected"),
            (OrderCancelled, "cancelled"),
            (OrderModified, "modified"),
            (OrderMoved, "moved"),
            (CancelFailed, "cancel_failed"),
            (RiskRejected, "refused"),
            (LogLine, "log"),
            (ChildGated, "gated"),
            (RegimeChosen, "regime"),
            (BookRiskChanged, "book_risk"),
            (SignalSized, "sized"),
            (SignalSuppressed, "suppressed"),
        ):
            scope.subscribe(kind, self._writer(name))

    def add(self, kind: str, **data: Any) -> None:
        """Take a record of the engine's own."""
        self.pending.append(Effect(kind, _json(data)))

    def settle(self) -> None:
        """Take what the books wrote since the last time: closed trades and financing."""
        books = self._session.books
        if len(books.round_trips) > self._trips:
            self.pending += [Effect("round_trip", _json(_told(row))) for row in read(books.round_trips, self._trips)]
            self._trips = len(books.round_trips)
        if len(books.financing) > self.nights:
            self.pending += [Effect("financing", _json(_told(row))) for row in read(books.financing, self.nights)]
            self.nights = len(books.financing)

    def take(self) -> list[Effect]:
        """Hand out what was collected."""
        taken, self.pending = self.pending, []
        return taken

    def _writer(self, name: str) -> Callable[[Event], None]:
        return lambda event: self.pending.append(Effect(name, _json(_told(event))))

    def _on_approved(self, event: OrderApproved) -> None:
        for order in (event.order, event.sibling):
            if order is not None:
                self.pending.append(Effect("order", _json(order_record(order))))

    def _command(self, kind: str, command: SubmitOrder | CancelOrder | ResizeOrder, **more: Any) -> None:
        self.pending.append(Effect(kind, _json({"at": command.at, "order_id": command.order.id, **more})))

    def _on_trade(self, trade: Trade) -> None:
        fill = trade.fill
        row = _told(self._session.books.trades[-1])
        row |= {"leg_opened": fill.opened_leg, "leg_closed": fill.closed_leg, "complete": fill.complete}
        self.pending.append(Effect("fill", _json(row)))


def order_record(order: Order) -> dict[str, Any]:
    """An order as its record shows it: what was asked for, without what it brings along."""
    return {
        "order_id": order.id,
        "strategy": order.strategy,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "order_type": order.kind,
        "purpose": order.purpose,
        "created_at": order.created_at,
        "limit": order.limit,
        "stop": order.stop,
        "expires_at": order.expires_at,
        "leg": order.leg_id,
        "rule": order.rule,
        "parent": order.parent,
        "time_in_force": order.tif,
    }


def halt_record(halt: Halt) -> dict[str, Any]:
    """A halt as its record shows it."""
    return {field.name: getattr(halt, field.name) for field in fields(halt)}


def _told(item: object) -> dict[str, Any]:
    assert is_dataclass(item)
    told = {field.name: getattr(item, field.name) for field in fields(item) if field.name not in STAMPS}
    if told.get("refused") is False:  # records of engines that did not know it are the same
        del told["refused"]
    return told


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Enum):
        return str(value.value)
    raise TypeError(f"{type(value).__name__} cannot be journaled")
