"""A day at the desk, fixed to the last digit: its sessions, what they hold, wait for and have done, and their accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from qkt.runtime.control.rows import AccountRow, FillRow, OrderRow, PositionRow, StrategyRow

NOW = 1_700_654_671_000  # 2023-11-22 12:04:31 UTC
MINUTE = 60_000
ACCOUNT = "mt5:55120089"


def d(value: str | int) -> Decimal:
    return Decimal(value)


def at(clock: str) -> int:
    """A time of the fixed day."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return NOW - NOW % 86_400_000 + ((hours * 60 + minutes) * 60 + seconds) * 1000


def strategy(name: str, day: str, open_pnl: str, **rest: Any) -> StrategyRow:
    values: dict[str, Any] = {
        "state": "RUN",
        "account": ACCOUNT,
        "mode": "PAPER",
        "file": f"strategies/{name}.qkt",
        "started": NOW - 273_840_000,
        "symbols": ("MT5:XAUUSD",),
        "equity": d("10412.80"),
        "balance": d("10427.00"),
        "realised": d("427.00"),
        "drawdown_pct": d("-0.9"),
        "max_drawdown_pct": d("-3.4"),
        "positions": 0,
        "orders": 0,
        "trades": 214,
        "last_tick": NOW,
        "closed": 200,
        "wins": 92,
        "trend": [10_300 + (i * 7 + len(name) * 5) % 40 + i * (8 if Decimal(day) > 0 else -8) for i in range(24)],
    }
    return StrategyRow(name=name, day_pnl=d(day), open_pnl=d(open_pnl), **{**values, **rest})


STRATEGIES = (
    strategy("hedge_straddle", "142.10", "-24.30", positions=2, orders=3, last_fill=at("11:55:31")),
    strategy("ema_cross", "18.00", "0", drawdown_pct=d("-0.2"), last_fill=at("11:48:40"), trades=31),
    strategy(
        "momo_gold", "-47.70", "10.10", positions=1, orders=1, drawdown_pct=d("-1.8"), last_fill=at("12:01:05"), trades=88
    ),
    strategy(
        "us30_fade",
        "-210.00",
        "0",
        halt="daily",
        reason="max_daily_loss -210.00 <= -200.00",
        drawdown_pct=d("-4.1"),
        last_fill=at("12:04:28"),
        trades=12,
        symbols=("MT5:US30",),
    ),
    strategy(
        "metals_book",
        "96.40",
        "12.00",
        kind="portfolio",
        capital=d("50000"),
        trades=41,
        last_fill=at("11:20:00"),
        account="mt5:55120090",
        equity=d("50096.40"),
        balance=d("50084.40"),
    ),
    strategy(
        "metals_book/gold_trend",
        "80.00",
        "12.00",
        parent="metals_book",
        gate=True,
        weight=d("0.6"),
        capital=d("30000"),
        hold=False,
        trades=25,
        account="mt5:55120090",
    ),
    strategy(
        "metals_book/silver_fade",
        "16.40",
        "0",
        parent="metals_book",
        gate=False,
        weight=d("0.4"),
        capital=d("20000"),
        gate_reason="atr(silver, 14) < 0.2",
        hold=True,
        trades=16,
        account="mt5:55120090",
    ),
)


def position(
    session: str, leg: str, side: str, quantity: str, entry: str, mark: str, pnl: str, r: str, minutes: int, **rest: Any
) -> PositionRow:
    return PositionRow.model_validate(
        {
            "session": session,
            "account": ACCOUNT,
            "leg": leg,
            "symbol": "MT5:XAUUSD",
            "side": side,
            "quantity": quantity,
            "entry": entry,
            "opened": NOW - minutes * MINUTE,
            "mark": mark,
            "pnl": pnl,
            "digits": 2,
            "r": r,
            **rest,
        }
    )


POSITIONS = (
    position(
        "hedge_straddle",
        "1",
        "LONG",
        "0.10",
        "2411.35",
        "2412.10",
        "7.50",
        "0.3",
        14,
        stop="2409.20",
        target="2418.20",
        protected="venue",
    ),
    position(
        "hedge_straddle", "2", "SHORT", "0.10", "2409.02", "2412.20", "-31.80", "-1.0", 9, stop="2413.40", target="2401.00"
    ),
    position(
        "momo_gold",
        "1",
        "LONG",
        "0.05",
        "2410.08",
        "2412.10",
        "10.10",
        "0.4",
        3,
        stop="2408.00",
        protected="engine",
        engine_held=("TRAILING_STOP 12",),
    ),
)


def order(
    session: str, number: str, side: str, kind: str, quantity: str, level: str, distance: str, minutes: int, **rest: Any
) -> OrderRow:
    limit = kind == "Limit"
    return OrderRow.model_validate(
        {
            "session": session,
            "account": ACCOUNT,
            "order": number,
            "symbol": "MT5:XAUUSD",
            "side": side,
            "kind": kind,
            "purpose": "ENTRY",
            "status": "WORKING",
            "quantity": quantity,
            "filled": "0",
            "price": level if limit else None,
            "stop": None if limit else level,
            "distance": distance,
            "time_in_force": "GTC",
            "placed": NOW - minutes * MINUTE,
            "digits": 2,
            **rest,
        }
    )


ORDERS = (
    order("hedge_straddle", "9971", "BUY", "Stop", "0.10", "2415.00", "2.80", 41, venue="venue"),
    order("hedge_straddle", "9972", "SELL", "Stop", "0.10", "2407.00", "-5.10", 41, venue="venue"),
    order(
        "hedge_straddle",
        "9976",
        "SELL",
        "Limit",
        "0.10",
        "2418.20",
        "6.10",
        14,
        purpose="TP",
        leg="1",
        protective=True,
        venue="venue",
    ),
    order(
        "momo_gold",
        "9982",
        "SELL",
        "TrailingStop",
        "0.05",
        "2408.00",
        "-4.10",
        3,
        purpose="STOP",
        leg="1",
        protective=True,
    ),
)


def fill(
    session: str,
    number: int,
    clock: str,
    side: str,
    quantity: str,
    price: str,
    realised: str,
    cost: str,
    order_id: str,
    **rest: Any,
) -> FillRow:
    return FillRow.model_validate(
        {
            "session": session,
            "account": ACCOUNT,
            "number": number,
            "ts": at(clock),
            "order": order_id,
            "symbol": "MT5:XAUUSD",
            "side": side,
            "quantity": quantity,
            "price": price,
            "realised": realised,
            "cost": cost,
            "purpose": "ENTRY",
            "digits": 2,
            **rest,
        }
    )


FILLS = (
    fill("hedge_straddle", 213, "11:50:12", "BUY", "0.10", "2411.35", "0", "0.35", "9975", slippage="0.02", leg="1"),
    fill("hedge_straddle", 214, "11:55:31", "SELL", "0.10", "2409.02", "0", "0.35", "9978", slippage="0.04", leg="2"),
    fill("momo_gold", 88, "12:01:05", "BUY", "0.05", "2410.08", "0", "0.18", "9981", slippage="0.00", leg="1"),
    fill(
        "us30_fade",
        12,
        "12:04:28",
        "SELL",
        "0.50",
        "38899.80",
        "-61.00",
        "0.50",
        "9984",
        symbol="MT5:US30",
        purpose="STOP",
    ),
)
ACCOUNTS = (
    AccountRow(
        account=ACCOUNT,
        venue="mt5",
        mode="PAPER",
        currency="USD",
        equity=d("10412.80"),
        balance=d("10427.00"),
        day_pnl=d("-97.60"),
        open_pnl=d("-14.20"),
        drawdown_pct=d("-1.8"),
        drawdown_limit_pct=d("-8"),
        margin_used_pct=d("12.4"),
    ),
    AccountRow(
        account="mt5:55120090",
        venue="mt5",
        mode="PAPER",
        currency="USD",
        equity=d("50096.40"),
        balance=d("50084.40"),
        day_pnl=d("96.40"),
        open_pnl=d("12.00"),
        drawdown_pct=d("-0.2"),
        drawdown_limit_pct=d("-8"),
        margin_used_pct=d("3.1"),
    ),
)
