"""What an engine answers on the fixed day when it is asked for more than its frames tell: a chart, lives of orders, runs."""

from __future__ import annotations

from decimal import Decimal

from qkt.runtime.control.details import (
    AccountDigest,
    CandleRow,
    Chart,
    CheckReport,
    Digest,
    FileRow,
    OrderLife,
    OrderStep,
    ParamRow,
    Problem,
    RunPoint,
    RunResult,
    RunTrade,
    SessionDigest,
)
from qkt.runtime.control.rows import (
    EquityPoint,
    RuleTerms,
    Term,
)
from tests.tui.holdings import ACCOUNT, FILLS, MINUTE, NOW, ORDERS, at, d
from tests.tui.samples import RULES, RUNS

TERMS = RuleTerms(
    rule=RULES[0],
    terms=(
        Term(text="atr(gold, 14) > 1.2", value="TRUE"),
        Term(text="atr(gold, 14)", value="1.34", depth=1),
        Term(text="1.2", value="1.2", depth=1),
    ),
)


def candles(count: int = 120) -> tuple[CandleRow, ...]:
    """Bars that wander without chance, the last one open."""
    bars = []
    close = 2400.0
    for i in range(count):
        opened = close
        close = opened + ((i * 37) % 23 - 11) * 0.18 + (0.6 if (i // 17) % 2 else -0.35)
        high, low = max(opened, close) + (i * 13) % 7 * 0.15, min(opened, close) - (i * 11) % 5 * 0.2
        start = NOW - NOW % 300_000 - (count - 1 - i) * 300_000
        bars.append(
            CandleRow(
                start=start, end=start + 300_000, open=opened, high=high, low=low, close=close, volume=100, closed=i < count - 1
            )
        )
    return tuple(bars)


def chart() -> Chart:
    bars = candles()
    bought = FILLS[0].model_copy(update={"ts": bars[-20].start, "price": Decimal(f"{bars[-20].close:.2f}")})
    sold = FILLS[1].model_copy(update={"ts": bars[-8].start, "price": Decimal(f"{bars[-8].high:.2f}")})
    last = Decimal(f"{bars[-1].close:.2f}")
    return Chart(
        session="hedge_straddle",
        stream="gold",
        symbol="MT5:XAUUSD",
        timeframe="5m",
        digits=2,
        candles=bars,
        fills=(bought, sold),
        orders=(
            ORDERS[0].model_copy(update={"stop": last + 3}),
            ORDERS[1].model_copy(update={"stop": last - 4}),
            ORDERS[2].model_copy(update={"price": last + 5}),
        ),
        streams=("gold", "gold_h1"),
    )


LIVES = (
    OrderLife(
        session="hedge_straddle",
        order="9975",
        symbol="MT5:XAUUSD",
        side="BUY",
        kind="Stop",
        purpose="ENTRY",
        status="filled",
        quantity=d("0.10"),
        filled=d("0.10"),
        stop=d("2411.30"),
        placed=at("11:23:05"),
        ended=at("11:50:12"),
        rule=1,
        leg="1",
        steps=(
            OrderStep(ts=at("11:23:05"), what="submitted", text="BUY STOP 0.10 @ 2411.30 by rule 1"),
            OrderStep(ts=at("11:23:05"), what="accepted"),
            OrderStep(ts=at("11:50:12"), what="filled", text="0.10 @ 2411.35, slippage 0.05, cost 0.35"),
        ),
    ),
    OrderLife(
        session="us30_fade",
        order="9985",
        symbol="MT5:US30",
        side="SELL",
        kind="Market",
        purpose="ENTRY",
        status="rejected",
        quantity=d("0.50"),
        filled=d("0"),
        placed=at("12:04:30"),
        ended=at("12:04:30"),
        rule=2,
        reason="us30_fade is halted for the day",
        steps=(OrderStep(ts=at("12:04:30"), what="rejected", text="us30_fade is halted for the day"),),
    ),
)
FILES = (
    FileRow(
        path="/srv/qkt/strategies/breakout.qkt",
        name="breakout",
        folder="/srv/qkt/strategies",
        kind="qkt",
        modified=NOW,
        size=900,
    ),
    FileRow(
        path="/srv/qkt/strategies/ema_cross.qkt",
        name="ema_cross",
        folder="/srv/qkt/strategies",
        kind="qkt",
        modified=NOW,
        size=420,
        deployed=("ema_cross",),
    ),
    FileRow(path="/srv/qkt/strategies/typo.qkt", name="typo", folder="/srv/qkt/strategies", kind="qkt", modified=NOW, size=300),
)


def checked(path: str) -> CheckReport:
    """What the checker finds: one of the files has a mistake."""
    if not path.endswith(".qkt"):
        return CheckReport(path=path, ok=False, error=f"{path} is not there")
    if path.endswith("typo.qkt"):
        problem = Problem(
            code="QKT0203",
            severity="error",
            line=7,
            column=14,
            end_line=7,
            end_column=19,
            message="no stream named 'goldd'",
            hint="did you mean 'gold'?",
        )
        return CheckReport(path=path, ok=False, problems=(problem,))
    return CheckReport(
        path=path,
        ok=True,
        kind="strategy",
        symbols=("MT5:XAUUSD",),
        params=(ParamRow(name="fast", value="9"), ParamRow(name="slow", value="21")),
    )


def run_result(run: str) -> RunResult:
    row = next(row for row in RUNS if row.run == run)
    if row.state != "done":
        return RunResult(row=row)
    curve, peak, equity = [], 10_000.0, 10_000.0
    for i in range(200):
        equity += ((i * 31) % 17 - 7.2) * 9
        peak = max(peak, equity)
        curve.append(RunPoint(ts=NOW - (200 - i) * 86_400_000, equity=equity, drawdown_pct=(equity / peak - 1) * 100))
    trades = [
        RunTrade(
            number=i,
            symbol="MT5:XAUUSD",
            side="LONG" if i % 3 else "SHORT",
            quantity=d("0.10"),
            opened=NOW - (200 - i * 9) * 86_400_000,
            closed=NOW - (200 - i * 9) * 86_400_000 + i * 900_000,
            entry=d("1900.00") + i,
            exit=d("1900.00") + i + (i * 7) % 11 - 5,
            pnl=d("10") * ((i * 7) % 11 - 5),
            r=d((i * 7) % 11 - 5) / 2,
            reason="TARGET" if (i * 7) % 11 > 5 else "STOP",
        )
        for i in range(1, 20)
    ]
    return RunResult(row=row, metrics={"sharpe": 1.31, "trades": 214}, curve=tuple(curve), trades=tuple(trades))


DIGEST = Digest(
    since=NOW - 8 * 3_600_000,
    until=NOW,
    starts=(NOW - 5 * 3_600_000,),
    sessions=(
        SessionDigest(session="hedge_straddle", account=ACCOUNT, fills=6, realised=d("142.10")),
        SessionDigest(
            session="us30_fade", account=ACCOUNT, fills=4, realised=d("-210.00"), refused=1, halts=("max_daily_loss",)
        ),
    ),
    accounts=(AccountDigest(account=ACCOUNT, currency="USD", before=d("10480.70"), now=d("10412.80")),),
)


def equity(minutes: int = 240) -> list[EquityPoint]:
    """A curve that rises, falls and rises, without chance."""
    value, points = 10_300.0, []
    for i in range(minutes):
        value += ((i * 37) % 23 - 11) * 0.6 + (1.4 if (i // 60) % 3 != 1 else -1.9)
        equity = Decimal(f"{value:.2f}")
        points.append(EquityPoint(ts=NOW - (minutes - i) * MINUTE, equity=equity, balance=equity))
    return points
