"""The limits of one strategy as rows: what each is called, how much it allows, and where that is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from qkt.cli.tables import exact
from qkt.config import Risk
from qkt.risk import LossLimits, RiskLimits, StrategyLimits

DEFAULT = "default"
SECONDS = {86_400: "d", 3_600: "h", 60: "m", 1: "s"}


class LimitLine(NamedTuple):
    """`binds` is the account, the name of a strategy, each order or the venue; `limit` None where nothing is limited."""

    binds: str
    rule: str
    key: str
    limit: str | None
    then: str
    source: str


Source = Callable[[str], str]
"""Where the value of a key is written."""


class LimitSheet:
    """Everything that a session is held to. `currency` is that of its account."""

    def __init__(self, risk: Risk, limits: RiskLimits, currency: str) -> None:
        self._risk = risk
        self._limits = limits
        self._currency = currency

    def lines(self, owners: Mapping[str, Sequence[str]]) -> list[LimitLine]:
        """`owners` are the strategies, with the names that each is looked up under."""
        found = list(self._losses("account", self._limits.losses, self._of_section))
        for owner, names in owners.items():
            own = next((name for name in names if name in self._risk.per_strategy), None)
            limits = self._limits.every_strategy if own is None else self._limits.strategies[own]
            source = partial(self._of_strategy, own)
            found += self._losses(owner, limits.losses, source)
            found += self._pace(owner, limits, source)
        return [*found, *self._orders(), *self._venue()]

    def _losses(self, binds: str, losses: LossLimits, source: Source) -> Iterator[LimitLine]:
        static = self._limits.drawdown_basis == "static"
        began = self._limits.daily_drawdown_basis
        yield LimitLine(
            binds,
            "loss of a day",
            "max_daily_loss",
            self._money(losses.max_daily_loss),
            "halts for the day",
            source("max_daily_loss"),
        )
        yield LimitLine(
            binds,
            f"drawdown from the {'starting balance' if static else 'peak'}",
            "max_drawdown_pct",
            _pct(losses.max_drawdown_pct),
            "halts until resumed",
            source("max_drawdown_pct"),
        )
        yield LimitLine(
            binds,
            f"drawdown from the day's {began}",
            "max_daily_drawdown_pct",
            _pct(losses.max_daily_drawdown_pct),
            "halts for the day",
            source("max_daily_drawdown_pct"),
        )

    def _pace(self, binds: str, own: StrategyLimits, source: Source) -> Iterator[LimitLine]:
        halts = "halts for the day" if own.loss_streak_halt_scope == "daily" else "halts until resumed"
        after = f" after {own.cooldown_after} losses in a row" if own.cooldown_after > 1 else " after a loss"
        rows = (
            ("position on a side of a symbol", "max_position", _lots(own.max_position), "refuses"),
            ("symbols open at once", "max_open_positions", _count(own.max_open_positions), "refuses"),
            ("entries a day", "max_trades_per_day", _count(own.max_trades_per_day), "refuses"),
            (f"pause{after}", "cooldown_after_loss", _span(own.cooldown_ms), "refuses"),
            ("losses in a row", "loss_streak_halt", _count(own.loss_streak_halt), halts),
            ("closing fills within 10m", "runaway_round_trips", _count(own.runaway_round_trips), "halts until resumed"),
            ("rejections within 1m", "runaway_rejections", _count(own.runaway_rejections), "halts until resumed"),
        )
        for rule, key, limit, then in rows:
            yield LimitLine(binds, rule, key, limit, then, source(key))

    def _orders(self) -> Iterator[LimitLine]:
        orders = self._limits.orders
        rows = (
            ("quantity", "max_quantity", _lots(orders.max_quantity)),
            ("notional", "max_notional", self._money(orders.max_notional)),
            ("price away from the last", "price_collar_pct", _pct(orders.price_collar_pct)),
            ("position of all strategies", "max_account_position", _lots(orders.max_account_position)),
        )
        for rule, key, limit in rows:
            yield LimitLine("order", rule, key, limit, "refuses", self._of_section(key))

    def _venue(self) -> Iterator[LimitLine]:
        venue = self._limits.venue
        hours = exact(venue.measured_usage_hours)
        rows = (
            ("margin level at least", "margin_floor_pct", _pct(venue.margin_floor_pct or None)),
            (f"quantity in the first {hours} h", "measured_usage_max_qty", _lots(venue.measured_usage_max_qty or None)),
        )
        for rule, key, limit in rows:
            yield LimitLine("venue", rule, key, limit, "refuses", self._of_section(key))

    # ----------------------------------------------------------------- sources

    def _of_section(self, key: str) -> str:
        if f"QKT_RISK__{key.upper()}" in os.environ:
            return f"QKT_RISK__{key.upper()}"
        return "[risk]" if getattr(self._risk, key) is not None else DEFAULT

    def _of_strategy(self, own: str | None, key: str) -> str:
        if own is not None and getattr(self._risk.per_strategy[own], key) is not None:
            return f"[risk.per_strategy.{own}]"
        return "[risk.each_strategy]" if getattr(self._risk.each_strategy, key) is not None else DEFAULT

    def _money(self, amount: Decimal | None) -> str | None:
        return None if amount is None else f"{exact(amount)} {self._currency}"


def _pct(value: Decimal | None) -> str | None:
    return None if value is None else f"{exact(value)} %"


def _lots(value: Decimal | None) -> str | None:
    return None if value is None else f"{exact(value)} lots"


def _count(value: int | None) -> str | None:
    return None if value is None else str(value)


def _span(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    seconds = milliseconds // 1_000
    size = next((size for size in SECONDS if seconds and seconds % size == 0), None)
    return f"{milliseconds} ms" if size is None or milliseconds % 1_000 else f"{seconds // size}{SECONDS[size]}"
