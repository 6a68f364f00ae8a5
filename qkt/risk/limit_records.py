"""Limits as data that JSON has, and back: a session is registered with what it is held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

from qkt.core.daily import DailyBoundary
from qkt.risk.limits import LossLimits, OrderLimits, RiskLimits, StrategyLimits, VenueLimits

T = TypeVar("T")


def limits_json(limits: RiskLimits) -> dict[str, Any]:
    """Amounts as text, everything else as it is."""
    told: dict[str, Any] = _told(limits)
    return told


def limits_from_json(value: Mapping[str, Any]) -> RiskLimits:
    """The limits that were told so."""
    return RiskLimits(
        orders=_read(OrderLimits, value["orders"]),
        losses=_read(LossLimits, value["losses"]),
        drawdown_basis=value["drawdown_basis"],
        daily_drawdown_basis=value["daily_drawdown_basis"],
        equity_basis=value.get("equity_basis", "venue"),
        every_strategy=_strategy(value["every_strategy"]),
        strategies=MappingProxyType({name: _strategy(own) for name, own in value["strategies"].items()}),
        venue=_read(VenueLimits, value["venue"]),
        day=DailyBoundary(**value["day"]),
    )


def _told(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _told(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _told(one) for name, one in value.items()}
    return f"{value:f}" if isinstance(value, Decimal) else value


def _read(kind: type[T], value: Mapping[str, Any]) -> T:
    return kind(**{name: Decimal(one) if isinstance(one, str) else one for name, one in value.items()})


def _strategy(value: Mapping[str, Any]) -> StrategyLimits:
    plain = {name: one for name, one in value.items() if name not in ("losses", "max_position")}
    cap = value["max_position"]
    return StrategyLimits(_read(LossLimits, value["losses"]), None if cap is None else Decimal(cap), **plain)
