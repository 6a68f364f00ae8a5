"""Why a figure of a run is missing: a ratio of nothing is not zero, and too little data says nothing."""

from __future__ import annotations

from qkt.backtest.daily_returns import FEWEST_DAYS
from qkt.backtest.metrics import SHORTEST_FOR_CAGR_MS, Metrics
from qkt.core.timeframe import DAY_MS

NO_TRADE = "no trade was closed with a profit or a loss"
NO_WIN = "no trade was won"
NO_LOSS = "no trade was lost"
NO_RISK = "no closed trade had a stop from its entry on"
NO_VARIANCE = "fewer than two returns, or all of them equal"
NO_DOWNSIDE = "equity never fell from one sample to the next"
NO_DRAWDOWN = "equity never fell below a peak"
TOO_SHORT = f"the run is shorter than {SHORTEST_FOR_CAGR_MS // DAY_MS} days"
FEW_DAYS = f"fewer than {FEWEST_DAYS} daily returns"
NO_TIME = "the run has no time in session"
NO_SIZE = "the contract size of a traded symbol is not known"
NO_PRICES = "the run kept no prices"

REASONS = {
    "win_rate": NO_TRADE,
    "profit_factor": NO_LOSS,
    "expectancy": NO_TRADE,
    "expectancy_r": NO_RISK,
    "payoff_ratio": "it needs a trade that was won and one that was lost",
    "average_win": NO_WIN,
    "average_loss": NO_LOSS,
    "largest_win": NO_WIN,
    "largest_loss": NO_LOSS,
    "average_seconds": "no trade was closed",
    "sharpe": NO_VARIANCE,
    "volatility": "fewer than two returns",
    "sortino": NO_DOWNSIDE,
    "drawdown": NO_DRAWDOWN,
    "time_under_water": "the run has no duration",
    "ulcer_index": "equity was never sampled",
    "cagr": TOO_SHORT,
    "calmar": NO_DRAWDOWN,
    "recovery_factor": NO_DRAWDOWN,
    "exposure": NO_TIME,
    "average_gross": NO_SIZE,
    "peak_gross": NO_SIZE,
    "turnover": NO_SIZE,
    "daily": FEW_DAYS,
}


def undefined(metrics: Metrics) -> dict[str, str]:
    """The figures that are None, by name, each with the reason; those within `daily` under `daily.NAME`."""
    missing = {name: reason for name, reason in REASONS.items() if getattr(metrics, name) is None}
    if metrics.calmar_annual is None:
        missing["calmar_annual"] = TOO_SHORT if metrics.cagr is None else NO_DRAWDOWN
    if metrics.costs.spread_and_slippage is None:
        missing["costs.spread_and_slippage"] = missing["costs.total"] = NO_SIZE
    if not metrics.buy_and_hold:
        missing["buy_and_hold"] = NO_PRICES
    if metrics.average_gross is None and metrics.peak_gross is not None:
        missing["average_gross"] = NO_TIME
    if metrics.daily is not None:
        reasons = {"sortino": "no day had a loss", "tail_ratio": "the 5th percentile of the daily returns is 0"}
        for name in ("sharpe", "sharpe_error", "sharpe_confidence", "sortino", "volatility", "skew", "kurtosis", "tail_ratio"):
            if getattr(metrics.daily, name) is None:
                missing[f"daily.{name}"] = reasons.get(name, "all daily returns are equal")
    return missing
