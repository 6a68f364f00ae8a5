"""Signals in, orders out: this room builds orders, owns every order's life and keeps exits bound to the legs they protect.

It must not know how a venue fills, what money is, or where the clock comes from; legs it sees through a read-only view.
"""

from qkt.orders.deadlines import Deadlines
from qkt.orders.desk import SignalDesk
from qkt.orders.events import CancelOrder, OrderApproved, OrderRequested, ResizeOrder, SubmitOrder
from qkt.orders.held import HeldOrders
from qkt.orders.initial_risk import initial_risk
from qkt.orders.legs import LegView
from qkt.orders.manager import OrderManager
from qkt.orders.order import Order

__all__ = [
    "CancelOrder",
    "Deadlines",
    "HeldOrders",
    "LegView",
    "Order",
    "OrderApproved",
    "OrderManager",
    "OrderRequested",
    "ResizeOrder",
    "SignalDesk",
    "SubmitOrder",
    "initial_risk",
]
