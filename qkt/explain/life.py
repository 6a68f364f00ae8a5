"""The life of an order in words, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from qkt.core.events import (
    CancelFailed,
    Candle,
    Event,
    LogLine,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderModified,
    OrderMoved,
    OrderRejected,
    RiskRejected,
    RuleFired,
)
from qkt.core.numbers import plain
from qkt.explain.witness import Heard
from qkt.orders import Order, OrderApproved, OrderRequested, SubmitOrder
from qkt.portfolio import ChildGated, SignalSized, SignalSuppressed
from qkt.risk import Halted, HaltLifted

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
            steps.append(Step(last.at, f"moved {len(events)} times, {told(last)}"))
        else:
            steps += [Step(event.at, text) for event in events if (text := told(event)) is not None]
    return tuple(steps)


def told(event: Event) -> str | None:
    """An event in words, None for one that says nothing to people."""
    match event:
        case RuleFired(strategy=strategy, rule=rule):
            return f"rule {rule + 1} of {strategy} fires"
        case Candle(stream=stream, close=close):
            return f"a bar of {stream} closes at {close:.10g}"
        case LogLine(level=level, text=text):
            return f"{level} {text}"
        case SignalSuppressed(strategy=strategy, reason=reason):
            return f"{strategy} is suppressed: {reason}"
        case SignalSized(strategy=strategy, asked=asked, sized=sized):
            return f"the book gives {strategy} {lots(sized)} of {lots(asked)} lots"
        case ChildGated(strategy=strategy, active=active, reason=reason):
            return f"{strategy} {'may trade' if active else 'is out'}: {reason}"
        case Halted(halt=halt):
            return f"halted: {halt.reason}"
        case HaltLifted(halt=halt):
            return f"halt lifted: {halt.reason}"
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
            return None


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
