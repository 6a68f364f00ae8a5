"""What a strategy is: it gets candles, ticks and fills through a read-only context and answers with signals.

Candles, ticks and fills flow in, `Signal`s flow out. It must not know orders, brokers, money books or how time is driven:
a strategy written in the language and one written in Python look the same to the rest of the house.
"""

from qkt.strategy.context import AccountView, Context, LegSize, PositionView
from qkt.strategy.protocol import RunnableStrategy, StreamSpec
from qkt.strategy.python import Strategy, at, by, pct, rr
from qkt.strategy.signals import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    EnterSignal,
    ExitForm,
    ExitPrice,
    Signal,
)

__all__ = [
    "AccountView",
    "BracketSpec",
    "CancelSignal",
    "CloseSignal",
    "Context",
    "EnterSignal",
    "ExitForm",
    "ExitPrice",
    "LegSize",
    "PositionView",
    "RunnableStrategy",
    "Signal",
    "Strategy",
    "StreamSpec",
    "at",
    "by",
    "pct",
    "rr",
]
