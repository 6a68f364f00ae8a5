"""What a strategy is: it gets candles, ticks and fills through a read-only context and answers with signals.

Candles, ticks and fills flow in, `Signal`s flow out. It must not know orders, brokers, money books or how time is driven:
a strategy written in the language and one written in Python look the same to the rest of the house.
"""

from qkt.strategy.context import AccountView, Context, LegSize, PositionView
from qkt.strategy.protocol import RunnableStrategy, StreamSpec
from qkt.strategy.python import Strategy, at, by, parts, pct, rr, trailing
from qkt.strategy.signals import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    Confirmation,
    EnterSignal,
    ExitForm,
    ExitHooks,
    ExitPrice,
    LatchSignal,
    OcoEntrySignal,
    ScaleOut,
    ScaleOutPart,
    Signal,
    StackLayer,
    StackPlan,
    SteppedExit,
    StopSpec,
    StopStep,
    TargetSpec,
    Tier,
    TighteningExit,
    Trail,
    TrailingExit,
)

__all__ = [
    "AccountView",
    "BracketSpec",
    "CancelSignal",
    "CloseSignal",
    "Confirmation",
    "Context",
    "EnterSignal",
    "ExitForm",
    "ExitHooks",
    "ExitPrice",
    "LatchSignal",
    "LegSize",
    "OcoEntrySignal",
    "PositionView",
    "RunnableStrategy",
    "ScaleOut",
    "ScaleOutPart",
    "Signal",
    "StackLayer",
    "StackPlan",
    "SteppedExit",
    "StopSpec",
    "StopStep",
    "Strategy",
    "StreamSpec",
    "TargetSpec",
    "Tier",
    "TighteningExit",
    "Trail",
    "TrailingExit",
    "at",
    "by",
    "parts",
    "pct",
    "rr",
    "trailing",
]
