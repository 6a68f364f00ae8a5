"""What the simulated broker offers, and the records it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qkt.brokers.mt5.constants import Execution, Reason, State, TradeMode
from qkt.core.numbers import ZERO


@dataclass(slots=True)
class SimSymbol:
    """Terms of a symbol. `commission` is account currency a lot and deal; `open` tells whether its market is."""

    name: str
    digits: int = 5
    contract_size: Decimal = Decimal(100_000)
    base: str = "EUR"
    profit: str = "USD"
    volume_min: Decimal = Decimal("0.01")
    volume_max: Decimal = Decimal(100)
    volume_step: Decimal = Decimal("0.01")
    volume_limit: Decimal = ZERO
    tick_size: Decimal | None = None
    stops_level: int = 0
    freeze_level: int = 0
    filling_mode: int = 3
    expiration_mode: int = 15
    order_mode: int = 127
    trade_mode: int = TradeMode.FULL
    execution: int = Execution.MARKET
    commission: Decimal = ZERO
    open: bool = True
    shown: bool = False
    bid: Decimal | None = None
    ask: Decimal | None = None
    quoted_at: int = 0

    @property
    def point(self) -> Decimal:
        return Decimal(1).scaleb(-self.digits)


@dataclass(slots=True)
class SimPosition:
    """An open position; `side` is +1 or -1. Reads show it from `visible` on."""

    ticket: int
    symbol: str
    side: int
    volume: Decimal
    price: Decimal
    time: int
    magic: int
    comment: str
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    swap: Decimal = ZERO
    visible: int = 0


@dataclass(slots=True)
class SimOrder:
    ticket: int
    symbol: str
    type: int
    volume: Decimal
    left: Decimal
    price: Decimal
    time: int
    magic: int
    comment: str
    stoplimit: Decimal = ZERO
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    filling: int = 2
    lifetime: int = 0
    expires: int = 0
    state: State = State.PLACED
    position: int = 0
    reason: Reason = Reason.EXPERT
    done: int = 0
    visible: int = 0


@dataclass(slots=True)
class SimDeal:
    ticket: int
    order: int
    symbol: str
    side: int
    entry: int
    volume: Decimal
    price: Decimal
    time: int
    position: int
    magic: int
    comment: str
    reason: Reason
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    profit: Decimal = ZERO
    visible: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to a request: prices and volume are zero where it says none."""

    code: int
    deal: int = 0
    order: int = 0
    volume: Decimal = field(default=ZERO)
    price: Decimal = field(default=ZERO)
    text: str = ""
