"""The field's words as types: sides, order kinds, time in force, legs, reasons."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """`sign` is +1 for BUY, -1 for SELL."""

    BUY = "BUY"
    SELL = "SELL"

    def __init__(self, name: str) -> None:
        self.sign = 1 if name == "BUY" else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    """What an order waits for. The values are the spelling of trade files.

    The trailing family below IF_TOUCHED is held by the engine and becomes a market order when it triggers.
    """

    MARKET = "Market"
    LIMIT = "Limit"
    STOP = "Stop"
    STOP_LIMIT = "StopLimit"
    IF_TOUCHED = "IfTouched"
    TRAILING_STOP = "TrailingStop"
    TRAILING_STOP_LIMIT = "TrailingStopLimit"
    ARMED_TRAILING_STOP = "ArmedTrailingStop"
    STEPPED_STOP = "SteppedStop"
    TIME_TIGHTENING_STOP = "TimeTighteningStop"


class TimeInForce(StrEnum):
    """How long an order may live: till cancelled, till a time, at once what is possible, at once whole, this session."""

    GTC = "GTC"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"
    DAY = "DAY"

    @property
    def immediate(self) -> bool:
        """Whether what cannot be traded on arrival is cancelled."""
        return self in (TimeInForce.IOC, TimeInForce.FOK)


class Purpose(StrEnum):
    """Why an order exists. Only an ENTRY can open or grow a position; every other purpose is reduce-only."""

    ENTRY = "ENTRY"
    STOP_LOSS = "STOP"
    TAKE_PROFIT = "TP"
    CLOSE = "CLOSE"
    END_OF_DATA = "END_OF_DATA"

    @property
    def protective(self) -> bool:
        return self is Purpose.STOP_LOSS or self is Purpose.TAKE_PROFIT


class LegRole(StrEnum):
    """PRIMARY nets with later entries of its strategy and symbol; the others live their own lives."""

    PRIMARY = "PRIMARY"
    STACK = "STACK"
    INDEPENDENT = "INDEPENDENT"


class CostKind(StrEnum):
    """What a venue charges for."""

    COMMISSION = "COMMISSION"
    FEE = "FEE"
    SWAP = "SWAP"


class OrderState(StrEnum):
    """Life of an order. The last three are sinks: `terminal`."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    WORKING = "WORKING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    def __init__(self, name: str) -> None:
        self.terminal = name in ("FILLED", "CANCELLED", "REJECTED")
