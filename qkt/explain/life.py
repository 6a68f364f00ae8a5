"""The life of an order in words, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from qkt.core.events import (
    CancelFailed,
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    RiskRejected,
)
from qkt.core.numbers import plain
from qkt.explain.witness import Heard
from qkt.orders import Order, OrderApproved, OrderRequested, SubmitOrder

TOLD_MOVES = 3
"""A level that moves more often at a stretch is told by its last place."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to an order, at `at` (epoch ms)."""

    at: int
    text: str


def life(heard: Sequence[Heard]) -> tuple[Step, ...]:
    """Everything that happened to one order, in order."""
    steps: list[Step] = []
    for moved, group in groupby(heard, lambda one: isinstance(one.event, OrderMoved)):
        events = [one.event for one in group]
        if moved and len(events) > TOLD_MOVES:
            last = events[-1]
            steps.append(Step(last.at, f"moved {len(events)} times, {_told(last)}"))
        else:
            steps += [Step(event.at, _told(event)) for event in events]
    return tuple(steps)


def _told(event: Event) -> str:
    match event:
        case OrderRequested(order=order):
            return f"asked for: {order_words(order)}"
        case OrderApproved():
            return "risk lets it pass"
        case RiskRejected(reason=reason):
            return f"risk refuses it: {reason}"
        case SubmitOrder(order=order):
            return f"sent: {order_words(order)}"
        case OrderAccepted(quantity=quantity):
            return f"working at the venue, {lots(quantity)} lots"
        case OrderRejected(reason=reason):
            return f"the venue refuses it: {reason}"
        case OrderMoved(level=level):
            return f"now waits for {price(level)}"
        case OrderModified(quantity=quantity):
            return f"now stands at {lots(quantity)} lots"
        case OrderCancelled(reason=reason):
            return f"cancelled: {reason}"
        case CancelFailed(reason=reason):
            return f"its cancel came too late: {reason}"
        case OrderFilled(quantity=quantity, price=got, complete=complete):
            return f"filled: {lots(quantity)} lots at {price(got)}{'' if complete else ', more to come'}"
        case _:
            return type(event).__name__


def order_words(order: Order) -> str:
    """What an order asks for."""
    level = order.stop if order.stop is not None else order.limit
    at = "" if level is None else f" at {price(level)}"
    kind = order.kind.value.lower()
    return f"{order.side} {lots(order.quantity)} {order.symbol}, {kind}{at} ({order.purpose.value.lower()})"


def lots(quantity: Decimal) -> str:
    return plain(quantity.normalize())


def price(value: Decimal) -> str:
    return plain(value.normalize())
