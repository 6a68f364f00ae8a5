"""What a run leaves behind: plain values, complete, without the session that made them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from qkt.core.events import LogLine, RiskRejected
from qkt.core.terms import Side
from qkt.data import DataReport
from qkt.ledger import Conversion, RoundTrip, TradeRow


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A leg that was open at the end; `unrealized` in account currency at the last price."""

    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    opened_at: int
    last_price: Decimal
    unrealized: Decimal


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order that was still working at the end."""

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    purpose: str
    limit: Decimal | None
    stop: Decimal | None


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall-clock seconds, the only part of a result that differs between two equal runs."""

    total: float
    ticks_per_second: float


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One finished (or interrupted) run of one strategy. Times epoch ms UTC, money in `currency`.

    `equity_times` and `equity_values` are the equity curve: the start, the end of every window of the finest timeframe that
    had a tick, the end. `symbols` are market ids in order of declaration.
    """

    strategy: str
    symbols: tuple[str, ...]
    timeframe_ms: int
    currency: str
    balance: Decimal
    fills: Literal["quotes", "mid"]
    replay: Literal["fast", "every-tick", "bars"]
    first_ts: int
    last_ts: int
    ticks: int
    trades: list[TradeRow]
    round_trips: list[RoundTrip]
    equity_times: array[int]
    equity_values: array[float]
    realized: Decimal
    unrealized: Decimal
    commission: Decimal
    swap: Decimal
    open_positions: list[OpenPosition]
    working_orders: list[WorkingOrder]
    unfinished_bars: int
    rejections: list[RiskRejected]
    refusals: list[str]
    conversions: list[Conversion]
    logs: list[LogLine]
    data: dict[str, DataReport]
    timing: Timing
    params: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    interrupted: bool = False
