"""Limits out of the values of a configuration, where what is None was left out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from qkt.core.daily import DailyBoundary
from qkt.risk.limits import LossLimits, OrderLimits, RiskLimits, StrategyLimits, VenueLimits

ORDERS = ("max_quantity", "max_notional", "price_collar_pct", "max_account_position")
VENUE = ("margin_floor_pct", "measured_usage_hours", "measured_usage_max_qty")
PACE = (
    "max_position",
    "max_open_positions",
    "max_trades_per_day",
    "loss_streak_halt",
    "loss_streak_halt_scope",
    "runaway_round_trips",
    "runaway_rejections",
)


def limits_of(values: Mapping[str, Any]) -> RiskLimits:
    """The limits of a `[risk]` section; what it leaves out has its default, a loss limit of 0 binds nothing."""
    default = RiskLimits()
    each = {name: value for name, value in values["each_strategy"].items() if value is not None}
    own = {
        name: _strategy(each | {key: value for key, value in given.items() if value is not None})
        for name, given in values["per_strategy"].items()
    }
    hour, minute = map(int, values["day_starts"].split(":"))
    return RiskLimits(
        orders=OrderLimits(**_given(values, ORDERS)),
        losses=_losses(values, default.losses.max_daily_loss),
        drawdown_basis=values["total_dd_basis"] or default.drawdown_basis,
        daily_drawdown_basis=values["daily_dd_basis"] or default.daily_drawdown_basis,
        equity_basis=values["live_equity_basis"] or default.equity_basis,
        every_strategy=_strategy(each),
        strategies=MappingProxyType(own),
        venue=VenueLimits(**_given(values, VENUE)),
        day=DailyBoundary(values["day_zone"], hour * 60 + minute),
    )


def _given(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


def _losses(values: Mapping[str, Any], daily: Decimal | None) -> LossLimits:
    loss = values.get("max_daily_loss")
    return LossLimits(
        (loss or None) if loss is not None else daily, values.get("max_drawdown_pct"), values.get("max_daily_drawdown_pct")
    )


def _strategy(values: Mapping[str, Any]) -> StrategyLimits:
    cooldown = _given(values, ("cooldown_after_loss", "cooldown_after_loss_after_consecutive"))
    names = {"cooldown_after_loss": "cooldown_ms", "cooldown_after_loss_after_consecutive": "cooldown_after"}
    paused = {names[key]: value for key, value in cooldown.items()}
    return StrategyLimits(losses=_losses(values, None), **_given(values, PACE), **paused)
