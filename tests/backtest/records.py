"""Records of runs made by hand."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from qkt.backtest.record import OpenPosition, RunRecord, Timing
from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import LogLine, OrderRejected, RiskRejected
from qkt.core.terms import Side
from qkt.core.timeframe import MINUTE_MS
from qkt.ledger import RoundTrip, TradeRow
from qkt.risk import RiskLimits

# Wednesday 2024-01-10 08:00 UTC, in the middle of the FX week.
START = 1_704_873_600_000
SYMBOL = "BACKTEST:EURUSD"


def minutes(n: float) -> int:
    """The instant n minutes after the start."""
    return START + round(n * MINUTE_MS)


def trip(net: str, *, side: Side = Side.BUY, entered: float = 1, left: float = 2, **changes: Any) -> RoundTrip:
    """A closed trade by its net result, free of costs, between two minutes of the run."""
    values: dict[str, Any] = {
        "strategy": "crosses",
        "symbol": SYMBOL,
        "side": side,
        "quantity": Decimal("0.10"),
        "entry_time": minutes(entered),
        "entry_price": Decimal("1.09500000"),
        "exit_time": minutes(left),
        "exit_price": Decimal("1.09512000"),
        "gross": Decimal(net),
        "commission": Decimal(0),
        "swap": Decimal(0),
        "net": Decimal(net),
        "mfe": Decimal("0.0003"),
        "mae": Decimal("0.0001"),
        "exit_reason": "TP",
    }
    return RoundTrip(**(values | changes))


def fill(at: float = 1, **changes: Any) -> TradeRow:
    """A fill at a minute of the run."""
    values: dict[str, Any] = {
        "timestamp": minutes(at),
        "strategy": "crosses",
        "symbol": SYMBOL,
        "side": Side.BUY,
        "quantity": Decimal("0.10"),
        "price": Decimal("1.09500000"),
        "realized": Decimal("0E-8"),
        "position_effect": "OPEN_LONG",
        "order_type": "Market",
        "order_id": "ORD-0",
        "purpose": "ENTRY",
        "commission": Decimal(0),
        "slippage": Decimal("0.00002"),
        "gross": Decimal("0E-8"),
        "native_currency": "USD",
        "fx_rate": Decimal(1),
        "position_before": Decimal(0),
        "position_after": Decimal("0.10"),
    }
    return TradeRow(**(values | changes))


def record(equity: Sequence[float] = (10_000.0,), **changes: Any) -> RunRecord:
    """A run whose equity has these values, one a minute from the start on."""
    times = changes.pop("equity_times", [minutes(n) for n in range(len(equity))])
    values: dict[str, Any] = {
        "strategy": "crosses",
        "symbols": (SYMBOL,),
        "timeframe_ms": MINUTE_MS,
        "currency": "USD",
        "balance": Decimal(10_000),
        "execution": ExecutionSettings(),
        "replay": "fast",
        "first_ts": times[0] if times else 0,
        "last_ts": times[-1] if times else 0,
        "ticks": 60 * len(equity),
        "trades": [],
        "round_trips": [],
        "equity_times": array("q", times),
        "equity_values": array("d", equity),
        "realized": Decimal(0),
        "unrealized": Decimal(0),
        "commission": Decimal(0),
        "swap": Decimal(0),
        "fees": Decimal(0),
        "financing": [],
        "open_positions": [],
        "working_orders": [],
        "unfinished_bars": 1,
        "rejections": [],
        "halts": [],
        "limits": RiskLimits(),
        "refusals": [],
        "conversions": [],
        "logs": [],
        "data": {},
        "timing": Timing(0.5, 120.0),
    }
    return RunRecord(**(values | changes))


def open_leg(since: float, unrealized: str = "5") -> OpenPosition:
    return OpenPosition(
        SYMBOL, Side.BUY, Decimal("0.10"), Decimal("1.095"), minutes(since), Decimal("1.0955"), Decimal(unrealized)
    )


def rejection(reason: str, at: float = 1) -> RiskRejected:
    event = RiskRejected("ORD-1", "crosses", SYMBOL, reason)
    event.at = minutes(at)
    return event


def refusal(reason: str, at: float = 1) -> OrderRejected:
    event = OrderRejected("ORD-2", "crosses", SYMBOL, reason)
    event.at = minutes(at)
    return event


def logged(text: str, at: float = 1) -> LogLine:
    line = LogLine("crosses", "INFO", text)
    line.at = minutes(at)
    return line
