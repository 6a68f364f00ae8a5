"""What is allowed. Limits that are None do not bind; the others have defaults, so that not configured never means no limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from qkt.core.daily import UTC_MIDNIGHT, DailyBoundary

DrawdownBasis = Literal["static", "trailing"]
DailyBasis = Literal["balance", "equity"]
EquityBasis = Literal["venue", "modeled"]
HaltLength = Literal["persistent", "daily"]


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """Caps of one order: lots, notional in account currency, and percent between an explicit price and the last one.

    `max_account_position` caps what all strategies together may come to hold on one side of a symbol (lots), working entries
    included.
    """

    max_quantity: Decimal = Decimal(100)
    max_notional: Decimal = Decimal(250_000)
    price_collar_pct: Decimal = Decimal(25)
    max_account_position: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LossLimits:
    """How much may be lost before new entries are refused: since the day began (account currency, realized, after costs), in
    percent of the starting balance or of the equity's peak, and in percent since the day began. A value on the limit is
    allowed.
    """

    max_daily_loss: Decimal | None = None
    max_drawdown_pct: Decimal | None = None
    max_daily_drawdown_pct: Decimal | None = None

    @property
    def of_equity(self) -> bool:
        """Whether open profit counts for any of them."""
        return self.max_drawdown_pct is not None or self.max_daily_drawdown_pct is not None


@dataclass(frozen=True, slots=True)
class StrategyLimits:
    """What binds one strategy, judged on its own positions and money.

    `max_position` (lots) caps one side of a symbol, `max_open_positions` the symbols that are not flat, working entries
    included in both; `max_trades_per_day` its entries since the day began. After `cooldown_after` losing closes in a row no
    entry passes for `cooldown_ms`; after `loss_streak_halt` of them it is halted, for good or for the day. It is halted too
    after more closing fills within ten minutes than `runaway_round_trips`, or more rejections within one than
    `runaway_rejections`: nobody means to trade like that.
    """

    losses: LossLimits = LossLimits()
    max_position: Decimal | None = None
    max_open_positions: int | None = None
    max_trades_per_day: int | None = None
    cooldown_ms: int | None = None
    cooldown_after: int = 1
    loss_streak_halt: int | None = None
    loss_streak_halt_scope: HaltLength = "persistent"
    runaway_round_trips: int = 10
    runaway_rejections: int = 5


@dataclass(frozen=True, slots=True)
class VenueLimits:
    """What binds at real venues only.

    No entry passes while the account's margin level (percent) is below `margin_floor_pct`, and none of more than
    `measured_usage_max_qty` lots in the first `measured_usage_hours` after each start of the session; 0 switches either off.
    """

    margin_floor_pct: Decimal = Decimal(200)
    measured_usage_hours: Decimal = Decimal(24)
    measured_usage_max_qty: Decimal = Decimal("0.01")


NO_STRATEGIES: Mapping[str, StrategyLimits] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """Everything that a session is held to. `losses` are those of the account, `every_strategy` is for strategies that
    `strategies` does not name. `day` is when the day of all daily limits begins. `equity_basis` says whose equity the limits of
    an account at a real venue watch: that of the venue, or that of the session's books.
    """

    orders: OrderLimits = OrderLimits()
    losses: LossLimits = LossLimits(max_daily_loss=Decimal(1_000))
    drawdown_basis: DrawdownBasis = "static"
    daily_drawdown_basis: DailyBasis = "balance"
    equity_basis: EquityBasis = "venue"
    every_strategy: StrategyLimits = StrategyLimits()
    strategies: Mapping[str, StrategyLimits] = field(default_factory=lambda: NO_STRATEGIES)
    venue: VenueLimits = VenueLimits()
    day: DailyBoundary = UTC_MIDNIGHT

    def of(self, strategy: str) -> StrategyLimits:
        """What binds a strategy."""
        return self.strategies.get(strategy, self.every_strategy)

    def known_as(self, deployed: Mapping[str, str]) -> RiskLimits:
        """The same, where strategies that were deployed under other names are looked up by those first."""
        found = {name: self.strategies[alias] for name, alias in deployed.items() if alias in self.strategies}
        return replace(self, strategies=MappingProxyType({**self.strategies, **found})) if found else self
