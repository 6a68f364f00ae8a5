"""The stations of an order between a signal and its broker, and the commands a broker obeys."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import Event, OrderFilled
from qkt.orders.order import Order


@dataclass(slots=True)
class OrderRequested(Event):
    """A signal became an order; risk has not seen it yet. A `sibling`, of which at most one shall fill, is judged with it:
    both may pass or neither."""

    order: Order
    sibling: Order | None = None


@dataclass(slots=True)
class OrderApproved(Event):
    """Risk let the order pass, and its sibling, which is sent once the order works."""

    order: Order
    sibling: Order | None = None


@dataclass(slots=True)
class WithdrawOrder(Event):
    """To the order manager: cancel this order as soon as its venue can, unless it is terminal by then."""

    order: Order
    reason: str


@dataclass(slots=True)
class Leaving(Event):
    """Everything of a strategy, or of all, is being closed, on one symbol or on all: what waits for a position ends."""

    strategy: str | None
    symbol: str | None


@dataclass(slots=True)
class OrderWorking(Event):
    """The venue has acknowledged the order and nobody has asked to cancel it."""

    order: Order


@dataclass(slots=True)
class OrderExecuted(Event):
    """A slice of a live order was filled; books and exits are settled. The order's state tells whether it is done."""

    order: Order
    fill: OrderFilled


@dataclass(slots=True)
class OrderEnded(Event):
    """The order is terminal, told once; its state tells how."""

    order: Order


@dataclass(slots=True)
class SubmitOrder(Event):
    """To the broker of the order's symbol: place this order."""

    order: Order


@dataclass(slots=True)
class CancelOrder(Event):
    """To the broker: take the order off the book."""

    order: Order
    reason: str


@dataclass(slots=True)
class ResizeOrder(Event):
    """To the broker: the working order shall stand at this remaining quantity (lots)."""

    order: Order
    quantity: Decimal


@dataclass(slots=True)
class LeaveLevel(Event):
    """To the broker: who holds this stop is about to leave, so its last level shall stand at the venue where that can be."""

    order: Order


@dataclass(slots=True)
class MoveOrder(Event):
    """To the broker: the working order shall wait for this price (quote currency). A broker that cannot says nothing."""

    order: Order
    level: Decimal
