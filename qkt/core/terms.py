"""The field's words as types: sides, order kinds, time in force, legs, reasons."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1


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
    """Life of an order. The last three are sinks."""

    CREATED = "CREATED"
    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    WORKING = "WORKING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    @property
    def terminal(self) -> bool:
        return self in (OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED)
