"""The state and the lines of that day which the dashboard's tests are shown."""

from __future__ import annotations

from typing import Any

from qkt.runtime.control.frames import Hello, Lines, Snapshot, Tables, table
from qkt.runtime.control.rows import (
    AlertRow,
    ExposureRow,
    FeedRow,
    HaltRow,
    LimitRow,
    Line,
    MarketRow,
    RuleRow,
    RunRow,
    StreamRow,
    SystemRow,
)
from tests.tui.holdings import ACCOUNT, ACCOUNTS, FILLS, NOW, ORDERS, POSITIONS, STRATEGIES, at, d


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
            "recent": [d(bid) * (1 + d((i * 5) % 7 - 3) / 10_000) for i in range(12)],
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
