"""Random limits, tight enough to be broken by random traders."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from qkt.core.daily import DailyBoundary
from qkt.risk import LossLimits, RiskLimits, StrategyLimits

UNHURRIED = RiskLimits(every_strategy=StrategyLimits(runaway_round_trips=100_000, runaway_rejections=100_000))
"""The defaults, for traders who trade faster than any breaker lets them."""

LOSSES = st.builds(
    LossLimits,
    max_daily_loss=st.sampled_from([None, Decimal("0.5"), Decimal(5)]),
    max_drawdown_pct=st.sampled_from([None, None, Decimal("0.005"), Decimal("0.05")]),
    max_daily_drawdown_pct=st.sampled_from([None, None, Decimal("0.003"), Decimal("0.03")]),
)

LIMITS = st.builds(
    RiskLimits,
    losses=LOSSES,
    drawdown_basis=st.sampled_from(["static", "trailing"]),
    daily_drawdown_basis=st.sampled_from(["balance", "equity"]),
    every_strategy=st.builds(
        StrategyLimits,
        losses=LOSSES,
        max_position=st.sampled_from([None, Decimal("0.1")]),
        max_open_positions=st.sampled_from([None, None, 1]),
        max_trades_per_day=st.sampled_from([None, None, 20]),
        cooldown_ms=st.sampled_from([None, 45_000]),
        cooldown_after=st.sampled_from([1, 2]),
        loss_streak_halt=st.sampled_from([None, 3]),
        loss_streak_halt_scope=st.just("daily"),
        runaway_round_trips=st.sampled_from([3, 10, 100_000, 100_000]),
        runaway_rejections=st.sampled_from([1, 100_000]),
    ),
    day=st.sampled_from([DailyBoundary(), DailyBoundary("America/New_York", 17 * 60), DailyBoundary("UTC", 617)]),
)
