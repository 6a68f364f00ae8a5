"""What sessions, strategies and the books of portfolios are held to."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from qkt.config.values import Count, Number, Percent, Positive, Section, Span, TimeOfDay, Zone

if TYPE_CHECKING:
    from qkt.portfolio import BookSettings
    from qkt.risk import RiskLimits


class Losses(Section):
    """How much may be lost: in account currency since the day began, and in percent."""

    max_daily_loss: Annotated[Number, Field(ge=0)] | None = None
    max_drawdown_pct: Percent | None = None
    max_daily_drawdown_pct: Percent | None = None


class StrategyRisk(Losses):
    """What binds one strategy."""

    max_position: Positive | None = None
    max_open_positions: Count | None = None
    max_trades_per_day: Count | None = None
    cooldown_after_loss: Span | None = None
    cooldown_after_loss_after_consecutive: Count | None = None
    loss_streak_halt: Count | None = None
    loss_streak_halt_scope: Literal["persistent", "daily"] | None = None
    runaway_round_trips: Count | None = None
    runaway_rejections: Count | None = None


class Risk(Losses):
    """What sessions are held to. A cap of orders or of the day's loss that is left out has the default of the engine, not none.

    `day_zone` and `day_starts` say when the day of daily limits begins. What `each_strategy` says holds for every strategy
    unless `per_strategy` says otherwise under its name.
    """

    max_quantity: Positive | None = None
    max_notional: Positive | None = None
    price_collar_pct: Percent | None = None
    max_account_position: Positive | None = None
    total_dd_basis: Literal["static", "trailing"] | None = None
    daily_dd_basis: Literal["balance", "equity"] | None = None
    live_equity_basis: Literal["venue", "modeled"] | None = None
    margin_floor_pct: Annotated[Number, Field(ge=0)] | None = None
    measured_usage_hours: Annotated[Number, Field(ge=0)] | None = None
    measured_usage_max_qty: Annotated[Number, Field(ge=0)] | None = None
    day_zone: Zone = "UTC"
    day_starts: TimeOfDay = "00:00"
    each_strategy: StrategyRisk = StrategyRisk()
    per_strategy: dict[str, StrategyRisk] = Field(default_factory=dict)

    def limits(self) -> RiskLimits:
        from qkt.risk.configured import limits_of

        return limits_of(self.model_dump())


def _multiple(value: Decimal) -> Decimal:
    if not 0 < value <= 100:
        raise ValueError("expected a multiple of the capital, more than 0 and at most 100: 3 is three times as much")
    return value


# An amount of money, taken for a multiple of the capital, would switch a cap off.
Multiple = Annotated[Number, AfterValidator(_multiple)]


class BookLimits(Section):
    """Caps on what the book of a portfolio holds, as multiples of its capital: 3 is three times as much."""

    max_gross_exposure: Multiple | None = None
    max_net_exposure: Multiple | None = None
    max_symbol_concentration: Multiple | None = None


class LadderRung(Section):
    """From a `drawdown` (fraction of the peak) on, new risk counts `factor` of itself; 0 holds for `cooldown_bars` longer."""

    drawdown: Annotated[Number, Field(gt=0, le=1)]
    factor: Annotated[Number, Field(ge=0, le=1)]
    cooldown_bars: Annotated[int, Field(ge=0)] = 0


class DeRisk(Section):
    ladder: tuple[LadderRung, ...] = ()

    @field_validator("ladder")
    @classmethod
    def _descends(cls, rungs: tuple[LadderRung, ...]) -> tuple[LadderRung, ...]:
        for rung, deeper in pairwise(sorted(rungs, key=lambda one: one.drawdown)):
            if deeper.drawdown == rung.drawdown or deeper.factor > rung.factor:
                raise ValueError("a deeper drawdown needs a factor that is not larger, and each drawdown stands once")
        return rungs


class BookAllocation(Section):
    """How risk is divided between the children of a portfolio. `target_vol` is a fraction of the capital a year."""

    method: Literal["FIXED", "INVERSE_VOL", "ERC"] = "FIXED"
    target_vol: Annotated[float, Field(gt=0, le=10)] | None = None
    rebalance_every_bars: Annotated[int, Field(ge=0)] = 0
    max_leverage: Annotated[float, Field(gt=0, le=100)] = 4.0


class BookRisk(Section):
    """The book of portfolios. `capital` is theirs unless it is given here."""

    capital: Positive | None = None
    limits: BookLimits = BookLimits()
    de_risk: DeRisk = DeRisk()
    allocation: BookAllocation = BookAllocation()

    def settings(self) -> BookSettings:
        from qkt.portfolio import BookSettings, ExposureCaps, Method, Rung

        caps, chosen = self.limits, self.allocation
        return BookSettings(
            self.capital,
            Method(chosen.method),
            chosen.rebalance_every_bars,
            chosen.target_vol,
            chosen.max_leverage,
            tuple(Rung(one.drawdown, one.factor, one.cooldown_bars) for one in self.de_risk.ladder),
            ExposureCaps(caps.max_gross_exposure, caps.max_net_exposure, caps.max_symbol_concentration),
        )
