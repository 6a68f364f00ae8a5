"""Signals in, orders out: this room builds orders, owns every order's life and keeps exits bound to the legs they protect.

It must not know how a venue fills, what money is, or where the clock comes from; legs it sees through a read-only view.
"""

from qkt.orders.children import FillChildren
from qkt.orders.deadlines import Deadlines, Phase
from qkt.orders.desk import SignalDesk
from qkt.orders.events import (
    CancelOrder,
    LeaveLevel,
    Leaving,
    MoveOrder,
    OrderApproved,
    OrderEnded,
    OrderRequested,
    ResizeOrder,
    SubmitOrder,
    WithdrawOrder,
)
from qkt.orders.exits import first_stop
from qkt.orders.held import HeldOrders
from qkt.orders.holdings import Holdings
from qkt.orders.hooks import ExitHookCalls
from qkt.orders.initial_risk import initial_risk
from qkt.orders.latches import Latches
from qkt.orders.legs import LegView
from qkt.orders.manager import OrderManager
from qkt.orders.oco import OcoEntries
from qkt.orders.order import Order
from qkt.orders.protection import GuardedLeg
from qkt.orders.stacks import Stacks
from qkt.orders.tiers import Tiers

__all__ = [
    "CancelOrder",
    "Deadlines",
    "ExitHookCalls",
    "FillChildren",
    "GuardedLeg",
    "HeldOrders",
    "Holdings",
    "Latches",
    "LeaveLevel",
    "Leaving",
    "LegView",
    "MoveOrder",
    "OcoEntries",
    "Order",
    "OrderApproved",
    "OrderEnded",
    "OrderManager",
    "OrderRequested",
    "Phase",
    "ResizeOrder",
    "SignalDesk",
    "Stacks",
    "SubmitOrder",
    "Tiers",
    "WithdrawOrder",
    "first_stop",
    "initial_risk",
]
