"""The figures of a run: money in exact decimals, statistics of the equity curve in float64. Undefined values are None."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qkt.backtest import curve as curves
from qkt.backtest import drawdowns as falls
from qkt.backtest.curve import EquityCurve
from qkt.backtest.daily import Day, days_of
from qkt.backtest.daily_returns import DailyReturns, daily_returns
from qkt.backtest.drawdowns import Drawdown
from qkt.backtest.holding import holding_of
from qkt.backtest.outcomes import Outcomes, outcomes_of
from qkt.backtest.record import RunRecord
from qkt.backtest.seasons import Seasons, seasons_of
from qkt.core.calendars import calendar_for
from qkt.core.numbers import ZERO, exact, q8, total
from qkt.core.terms import Purpose, Side
from qkt.core.timeframe import DAY_MS, MINUTE_MS
from qkt.ledger import TradeRow

YEAR_MS = 365.25 * DAY_MS

# Annualising a shorter run says more about the exponent than about the strategy.
SHORTEST_FOR_CAGR_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading cost, account currency, charges positive.

    `spread_and_slippage` is what fills lost against the price that their orders were meant to get (the middle of the quote,
    or the level), None when the contract size of a traded symbol is not known. It is part of the prices already. `fees` are
    what a venue bills besides commission and swap.
    """

    commission: Decimal
    spread_and_slippage: Decimal | None
    swap: Decimal
    fees: Decimal = ZERO

    @property
    def total(self) -> Decimal | None:
        lost = self.spread_and_slippage
        return None if lost is None else total((self.commission, lost, self.swap, self.fees))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics(Outcomes):
    """The outcomes of all trades that the strategy closed (not those closed because the data ended), and:

    - `realized`, `unrealized`, `total_pnl` at the end; `return_fraction` is total P&L / starting balance
    - `fills`: executions; `long` and `short`: the outcomes by side
    - `sharpe`, `sortino`, `volatility`: of the returns between samples, annualised with `periods_per_year`,
      A = trading minutes a year of the first symbol's calendar / minutes of the finest timeframe
    - `drawdown`: the deepest in percent; `max_drawdown` its fraction of the peak, 0 without one; `max_drawdown_money`
      the largest fall in money; `longest_drawdown_ms` the longest time below a peak
    - `cagr`: (end / start) ^ (1 / years) - 1, from a run of 30 days on
    - `calmar`: return_fraction / max_drawdown, not annualised; `calmar_annual`: cagr / max_drawdown
    - `recovery_factor`: total P&L / max_drawdown_money
    - `max_daily_drawdown`: the largest fall within a UTC day, as a fraction of its first sample
    - `drawdowns`: all of 1 percent of the peak or more, deepest first; `time_under_water` the share of the run's time in falls
      of any depth; `ulcer_index`: sqrt(mean(fall^2)) over the samples, falls as fractions of the peak
    - `exposure`: share of the time in session during which at least one leg was open; `average_gross` and `peak_gross`: what
      the legs were worth at their entries, averaged over the time in session and at most; `turnover`: worth of all fills /
      starting balance
    - `daily`: statistics of the returns from trading day to trading day, which can be compared across timeframes
    - `seasons`: by month, by hour and weekday of entry
    - `buy_and_hold`: last close / first open - 1 of each traded symbol, where the run kept its prices
    """

    realized: Decimal
    unrealized: Decimal
    total_pnl: Decimal
    return_fraction: float | None
    fills: int
    long: Outcomes
    short: Outcomes
    costs: Costs
    periods_per_year: float
    sharpe: float | None
    sortino: float | None
    volatility: float | None
    drawdown: Drawdown | None
    max_drawdown: float
    max_drawdown_money: float
    max_daily_drawdown: float
    longest_drawdown_ms: int
    drawdowns: tuple[Drawdown, ...]
    time_under_water: float | None
    ulcer_index: float | None
    cagr: float | None
    calmar: float | None
    calmar_annual: float | None
    recovery_factor: float | None
    exposure: float | None
    average_gross: Decimal | None
    peak_gross: Decimal | None
    turnover: float | None
    daily: DailyReturns | None
    seasons: Seasons
    buy_and_hold: dict[str, float]
    days: tuple[Day, ...]


def measure(record: RunRecord, contract_sizes: Mapping[str, Decimal] | None = None) -> Metrics:
    """All figures of a run. `contract_sizes` (units a lot, by market id) puts a price on slippage and exposure."""
    curve = EquityCurve.of(record)
    calendar = calendar_for(record.symbols[0])
    per_year = calendar.minutes_per_year * MINUTE_MS / record.timeframe_ms
    r = curves.returns(curve.values)
    trips = [trip for trip in record.round_trips if trip.exit_reason != Purpose.END_OF_DATA]
    everything = outcomes_of(trips)
    total_pnl = record.realized + record.unrealized
    gained = float(total_pnl / record.balance) if record.balance else None
    drawdown = falls.deepest_drawdown(curve)
    depth = drawdown.fraction if drawdown else 0.0
    fall = falls.largest_fall(curve.values)
    growth = _cagr(gained, record.last_ts - record.first_ts)
    holding = holding_of(record, calendar, contract_sizes or {})
    return Metrics(
        **{field.name: getattr(everything, field.name) for field in dataclasses.fields(everything)},
        realized=record.realized,
        unrealized=record.unrealized,
        total_pnl=total_pnl,
        return_fraction=gained,
        fills=len(record.trades),
        long=outcomes_of([trip for trip in trips if trip.side is Side.BUY]),
        short=outcomes_of([trip for trip in trips if trip.side is Side.SELL]),
        costs=Costs(record.commission, _slippage(record.trades, contract_sizes or {}), -record.swap, record.fees),
        periods_per_year=per_year,
        sharpe=curves.sharpe(r, per_year),
        sortino=curves.sortino(r, per_year),
        volatility=curves.volatility(r, per_year),
        drawdown=drawdown,
        max_drawdown=depth,
        max_drawdown_money=fall,
        max_daily_drawdown=falls.largest_daily_fall(curve),
        longest_drawdown_ms=falls.longest_under_water(curve),
        drawdowns=falls.drawdowns(curve),
        time_under_water=falls.time_under_water(curve),
        ulcer_index=falls.ulcer_index(curve.values),
        cagr=growth,
        calmar=gained / depth if gained is not None and depth > 0 else None,
        calmar_annual=growth / depth if growth is not None and depth > 0 else None,
        recovery_factor=float(total_pnl) / fall if fall > 0 else None,
        exposure=holding.exposure,
        average_gross=holding.average_gross,
        peak_gross=holding.peak_gross,
        turnover=holding.turnover,
        daily=daily_returns(curve, calendar),
        seasons=seasons_of(curve, trips),
        buy_and_hold={symbol: float(p.close[-1] / p.open[0]) - 1.0 for symbol, p in record.prices.items() if p.open[0] > 0},
        days=days_of(curve, record.trades, record.financing),
    )


def _slippage(trades: Sequence[TradeRow], sizes: Mapping[str, Decimal]) -> Decimal | None:
    """Sum of slippage * quantity * contract size * conversion rate over the fills."""
    if any(row.slippage and row.symbol not in sizes for row in trades):
        return None
    lost = (exact(row.slippage, row.quantity, sizes[row.symbol], row.fx_rate) for row in trades if row.slippage)
    return q8(total(lost))


def _cagr(gained: float | None, duration_ms: int) -> float | None:
    if gained is None or duration_ms < SHORTEST_FOR_CAGR_MS:
        return None
    if gained <= -1.0:
        return -1.0
    return float((1.0 + gained) ** (YEAR_MS / duration_ms)) - 1.0
