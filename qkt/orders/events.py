"""The stations of an order between a signal and its broker, and the commands a broker obeys."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import Event
from qkt.orders.order import Order


@dataclass(slots=True)
class OrderRequested(Event):
    """A signal became an order; risk has not seen it yet."""

    order: Order


@dataclass(slots=True)
class OrderApproved(Event):
    """Risk let the order pass."""

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
