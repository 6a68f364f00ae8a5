"""A day at the desk, fixed to the last digit: the state, lines and answers that the dashboard's tests are shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from qkt.runtime.control.frames import Hello, Lines, Snapshot, Tables, table
from qkt.runtime.control.rows import (
    AccountRow,
    AlertRow,
    ExposureRow,
    FeedRow,
    FillRow,
    HaltRow,
    LimitRow,
    Line,
    MarketRow,
    OrderRow,
    PositionRow,
    RuleRow,
    RunRow,
    StrategyRow,
    StreamRow,
    SystemRow,
)

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


def market(symbol: str, bid: str, ask: str, spread: str, day: str, rate: str, digits: int, **rest: Any) -> MarketRow:
    return MarketRow.model_validate(
        {
            "symbol": f"MT5:{symbol}",
            "feed": "mt5",
            "bid": bid,
            "ask": ask,
            "spread": spread,
            "day_pct": day,
            "rate": rate,
            "digits": digits,
            "ticks": 104_233,
            "ts": NOW,
            "recent": [Decimal(bid) * (1 + Decimal((i * 5) % 7 - 3) / 10_000) for i in range(12)],
            **rest,
        }
    )


MARKET = (
    market("XAUUSD", "2412.10", "2412.20", "0.10", "0.41", "38", 2),
    market("US30", "38901.20", "38902.60", "1.40", "-0.12", "22", 2),
    market("EURUSD", "1.08412", "1.08419", "0.00007", "0.05", "2", 5, ts=NOW - 1000),
    market("BTCUSD", "64210.00", "64222.00", "12.00", "1.90", "0", 2, ts=NOW - 47_000, stale=True),
)

LIMITS = (
    LimitRow(scope="book", rule="max_daily_loss", now=d("-97.60"), limit=d("-300"), used_pct=d("33"), unit="money"),
    LimitRow(scope="book", rule="max_drawdown", now=d("-1.8"), limit=d("-8"), used_pct=d("22"), unit="percent"),
    LimitRow(scope="us30_fade", rule="max_daily_loss", now=d("-210"), limit=d("-200"), used_pct=d("105"), unit="money"),
    LimitRow(scope="book", rule="orders_per_minute", now=d("3"), limit=d("30"), used_pct=d("10"), unit="count"),
)

HALTS = (
    HaltRow(
        scope="us30_fade",
        kind="daily",
        reason="max_daily_loss -210.00 <= -200.00",
        since=at("12:04:29"),
        until=at("12:00:00") + 43_200_000,
        clears="qkt resume us30_fade",
    ),
)
ALERTS = (AlertRow(number=7, ts=at("12:04:29"), level="ERROR", scope="us30_fade", text="halted for the day"),)
FEEDS = (
    FeedRow(feed="mt5", state="connected", since=NOW - 273_840_000, symbols=4, sessions=5, ticks=1_204_233, lag_ms=12),
    FeedRow(
        feed="crypto",
        state="stale",
        since=NOW - 3_600_000,
        symbols=1,
        sessions=1,
        ticks=88_104,
        lag_ms=None,
        reason="silent for 47 s",
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
RULES = (
    RuleRow(
        session="hedge_straddle",
        number=1,
        line=12,
        text="WHEN atr(gold, 14) > 1.2 THEN OCO straddle",
        value="1.34",
        true=True,
        last_fired=at("11:23:05"),
        count=3,
    ),
    RuleRow(
        session="hedge_straddle",
        number=2,
        line=18,
        text="WHEN POSITION.gold <> 0 AND age > 60m THEN CLOSE gold",
        value="FALSE",
        true=False,
        last_fired=at("10:02:00"),
        count=1,
    ),
)
LINES = tuple(
    Line.model_validate({"number": number, "ts": at(clock), "level": level, "kind": kind, "scope": scope, "text": text})
    for number, (clock, level, kind, scope, text) in enumerate(
        (
            ("10:02:00", "INFO", "log", "hedge_straddle", "rule 2 fired: position open for 60m"),
            ("11:20:00", "INFO", "engine", "metals_book", "gate of silver_fade closed: atr(silver, 14) < 0.2"),
            ("11:23:05", "INFO", "log", "hedge_straddle", "rule 1 fired: atr 1.34 > 1.2"),
            ("11:23:05", "INFO", "order", "hedge_straddle", "BUY STOP 0.10 XAUUSD @ 2415.00 order 9971"),
            ("11:50:12", "INFO", "fill", "hedge_straddle", "FILL BUY 0.10 XAUUSD @ 2411.35 order 9975"),
            ("11:55:31", "INFO", "fill", "hedge_straddle", "FILL SELL 0.10 XAUUSD @ 2409.02 order 9978"),
            ("12:01:05", "INFO", "fill", "momo_gold", "FILL BUY 0.05 XAUUSD @ 2410.08 order 9981"),
            ("12:02:10", "INFO", "operator", "momo_gold", "eva moved the stop of leg 1 to 2408.00"),
            ("12:03:44", "WARN", "feed", "crypto", "BTCUSD silent for 30 s, marked stale"),
            ("12:04:28", "INFO", "fill", "us30_fade", "FILL SELL 0.50 US30 @ 38899.80 order 9984"),
            ("12:04:29", "WARN", "halt", "us30_fade", "HALT daily: max_daily_loss -210.00 <= -200.00"),
            ("12:04:29", "INFO", "order", "us30_fade", "cancelled 2 working orders"),
        ),
        1,
    )
)

HELLO = Hello(version="0.1.0", pid=4711, mode="PAPER", account=ACCOUNT, started=NOW - 273_840_000, state_dir="/var/lib/qkt")


EXPOSURE = (
    ExposureRow(
        account=ACCOUNT,
        symbol="MT5:XAUUSD",
        net=d("0.05"),
        gross=d("0.25"),
        notional=d("12060"),
        equity_pct=d("115.8"),
        limit=d("29400"),
        used_pct=d("41"),
    ),
)
STREAMS = (
    StreamRow(
        session="ema_cross", stream="gold", symbol="MT5:XAUUSD", timeframe="5m", closed=at("12:00:00"), due=at("12:05:00")
    ),
    StreamRow(
        session="hedge_straddle", stream="gold", symbol="MT5:XAUUSD", timeframe="5m", closed=at("12:00:00"), due=at("12:05:00")
    ),
    StreamRow(session="us30_fade", stream="dow", symbol="MT5:US30", timeframe="1m", due=at("12:04:00"), overdue=True),
)
RUNS = (
    RunRow(
        run="1",
        file="strategies/ema_cross.qkt",
        name="ema_cross 9/21",
        author="eva",
        state="done",
        asked=at("11:00:00"),
        started=at("11:00:00"),
        ended=at("11:00:04"),
        ticks=38_112_004,
        symbols=("MT5:XAUUSD",),
        first=NOW - 320 * 86_400_000,
        last=NOW - 10 * 86_400_000,
        net=d("1842.10"),
        return_pct=d("18.4"),
        cagr_pct=d("18.4"),
        sharpe=d("1.31"),
        max_drawdown_pct=d("-6.2"),
        trades=214,
        win_pct=d("46"),
        profit_factor=d("1.42"),
    ),
    RunRow(
        run="2",
        file="strategies/hedge_straddle.qkt",
        name="hedge_straddle",
        author="eva",
        state="running",
        asked=at("12:03:00"),
        started=at("12:03:00"),
        progress_pct=d("42"),
        at=NOW - 200 * 86_400_000,
        symbols=("MT5:XAUUSD",),
    ),
    RunRow(run="3", file="strategies/momo_gold.qkt", name="momo_gold", author="eva", state="queued", asked=at("12:04:00")),
)


def snapshot(version: int = 100, ts: int = NOW, **tables: Any) -> Snapshot:
    """The state of the day; tables can be given in the place of its own."""
    rows: dict[str, Any] = {
        "strategies": STRATEGIES,
        "positions": POSITIONS,
        "orders": ORDERS,
        "fills": FILLS,
        "market": MARKET,
        "limits": LIMITS,
        "halts": HALTS,
        "alerts": ALERTS,
        "feeds": FEEDS,
        "accounts": ACCOUNTS,
        "rules": RULES,
        "exposure": EXPOSURE,
        "streams": STREAMS,
        "runs": RUNS,
        "system": (
            SystemRow(
                latency_p50_us=180,
                latency_p99_us=1920,
                subscribers=1,
                cpu_pct=d("3.4"),
                memory_bytes=88_400_000,
                loop_lag_ms=4,
                clock_skew_ms=3,
                journal_writes=120_334,
                ticks_per_second=d("62"),
            ),
        ),
        **tables,
    }
    return Snapshot(version=version, ts=ts, tables=Tables(**{name: table(found) for name, found in rows.items()}))


FRAMES = (HELLO, snapshot(), Lines(lines=LINES))
