"""The figures of a page as rows of text, ready to be set: (label, value, tone)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from qkt.backtest.autocorrelation import Continuation
from qkt.backtest.metrics import Metrics
from qkt.backtest.phrases import DASH, amount, duration, factor, minute, percent, second, size, timeframe
from qkt.backtest.render import FILLS, REPLAYS
from qkt.backtest.result import BacktestResult, as_data
from qkt.backtest.seasons import Month, Slot
from qkt.backtest.undefined import undefined
from qkt.core.instruments import bare
from qkt.core.numbers import plain
from qkt.ledger import RoundTrip
from qkt.report.chance import Chance
from qkt.research.confidence import Confidence
from qkt.research.execution_study import ExecutionStudy
from qkt.research.monte_carlo import Quantiles, Simulation

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_FALLS = 10
MOST_ROWS = 200
GOOD, BAD, PLAIN = "good", "bad", ""


@dataclass(frozen=True, slots=True)
class Cell:
    """`key` names the value in result.json (a path of names within `metrics`), so that both can be held against each other;
    `raw` is that value, `why` says why there is none."""

    label: str
    text: str
    tone: str = PLAIN
    key: str = ""
    raw: str = ""
    why: str = ""


def headline(result: BacktestResult) -> list[Cell]:
    """The figures that are looked at first."""
    m = result.metrics
    daily = m.daily
    cells = [
        _money(m, "Net P&L", "total_pnl", signed=True),
        _cell(m, "Return", "return_fraction", percent(m.return_fraction, signed=True), tone(m.return_fraction)),
        _cell(m, "Max drawdown", "max_drawdown", percent(m.max_drawdown)),
        _cell(m, "Profit factor", "profit_factor", factor(m.profit_factor)),
        _cell(m, "Win rate", "win_rate", percent(m.win_rate)),
        _cell(m, "Closed trades", "closed_trades", f"{m.closed_trades:,}"),
        _money(m, "Expectancy", "expectancy", signed=True),
    ]
    if daily is None:
        cells.append(Cell("Sharpe, daily", DASH, why=undefined(m)["daily"]))
    else:
        spread = "" if daily.sharpe_error is None else f" ± {factor(daily.sharpe_error)}"
        cells.append(_cell(m, "Sharpe, daily", "daily.sharpe", factor(daily.sharpe) + spread))
    return cells


def trades(m: Metrics) -> list[Cell]:
    return [
        _cell(m, "fills", "fills", f"{m.fills:,}"),
        _cell(m, "closed trades", "closed_trades", f"{m.closed_trades:,}"),
        _cell(m, "won / lost", "wins", f"{m.wins:,} / {m.losses:,}"),
        _cell(m, "win rate", "win_rate", percent(m.win_rate)),
        _money(m, "gross profit", "gross_profit"),
        _money(m, "gross loss", "gross_loss"),
        _cell(m, "profit factor", "profit_factor", factor(m.profit_factor)),
        _money(m, "expectancy", "expectancy", signed=True),
        _money(m, "expectancy in R", "expectancy_r", signed=True),
        _cell(m, "payoff ratio", "payoff_ratio", factor(m.payoff_ratio)),
        _money(m, "average win", "average_win"),
        _money(m, "average loss", "average_loss"),
        _money(m, "largest win", "largest_win"),
        _money(m, "largest loss", "largest_loss"),
        _cell(m, "longest run of wins", "max_consecutive_wins", f"{m.max_consecutive_wins}"),
        _cell(m, "longest run of losses", "max_consecutive_losses", f"{m.max_consecutive_losses}"),
        _cell(m, "average holding time", "average_seconds", duration(m.average_seconds)),
    ]


def risk(m: Metrics) -> list[Cell]:
    return [
        _cell(m, "max drawdown", "max_drawdown", percent(m.max_drawdown)),
        _money(m, "largest fall in money", "max_drawdown_money"),
        _cell(m, "largest fall within a day", "max_daily_drawdown", percent(m.max_daily_drawdown)),
        _cell(m, "longest below a peak", "longest_drawdown_ms", duration(m.longest_drawdown_ms / 1000)),
        _cell(m, "time below a peak", "time_under_water", percent(m.time_under_water)),
        _cell(m, "ulcer index", "ulcer_index", percent(m.ulcer_index)),
        _cell(m, f"Sharpe, of samples (A = {m.periods_per_year:,.0f})", "sharpe", factor(m.sharpe)),
        _cell(m, "Sortino, of samples", "sortino", factor(m.sortino)),
        _cell(m, "volatility a year", "volatility", percent(m.volatility)),
        _cell(m, "growth a year (CAGR)", "cagr", percent(m.cagr, signed=True)),
        _cell(m, "Calmar (return / drawdown)", "calmar", factor(m.calmar)),
        _cell(m, "Calmar, annual", "calmar_annual", factor(m.calmar_annual)),
        _cell(m, "recovery factor", "recovery_factor", factor(m.recovery_factor)),
        _cell(m, "time in the market", "exposure", percent(m.exposure)),
        _money(m, "average gross exposure", "average_gross"),
        _money(m, "peak gross exposure", "peak_gross"),
        _cell(m, "turnover, times the balance", "turnover", factor(m.turnover)),
        *(
            Cell(f"buy and hold {bare(symbol)}", percent(gain, signed=True), tone(gain))
            for symbol, gain in m.buy_and_hold.items()
        ),
    ]


def daily(m: Metrics) -> list[Cell]:
    """Of the returns from day to day."""
    d = m.daily
    if d is None:
        return [Cell("daily returns", DASH, why=undefined(m)["daily"])]
    rows = (
        ("trading days", "days", f"{d.days:,}"),
        ("Sharpe a year", "sharpe", factor(d.sharpe)),
        ("its standard error", "sharpe_error", factor(d.sharpe_error)),
        ("probability that it is above 0", "sharpe_confidence", percent(d.sharpe_confidence)),
        ("Sortino a year", "sortino", factor(d.sortino)),
        ("volatility a year", "volatility", percent(d.volatility)),
        ("skewness", "skew", factor(d.skew)),
        ("excess kurtosis", "kurtosis", factor(d.kurtosis)),
        ("tail ratio", "tail_ratio", factor(d.tail_ratio)),
        ("best day", "best", percent(d.best, signed=True)),
        ("worst day", "worst", percent(d.worst, signed=True)),
        ("days above 0", "positive", percent(d.positive)),
    )
    return [_cell(m, label, f"daily.{key}", text) for label, key, text in rows]


def sides(m: Metrics) -> list[list[str]]:
    return [
        [
            name,
            f"{o.closed_trades:,}",
            percent(o.win_rate),
            factor(o.profit_factor),
            amount(o.expectancy, signed=True),
            amount(o.net, signed=True),
        ]
        for name, o in (("long", m.long), ("short", m.short), ("all", m))
    ]


def costs(m: Metrics) -> list[Cell]:
    return [
        _money(m, "commission", "costs.commission"),
        _money(m, "spread and slippage", "costs.spread_and_slippage"),
        _money(m, "swap", "costs.swap"),
        _money(m, "fees", "costs.fees"),
        _money(m, "total", "costs.total"),
    ]


def months(found: Sequence[Month]) -> list[tuple[int, list[tuple[str, float]], str]]:
    """For each year its twelve months (percent and the fraction to be coloured by) and what they compound to."""
    years: dict[int, list[tuple[str, float]]] = {}
    grown: dict[int, float | None] = {}
    for month in found:
        row = years.setdefault(month.year, [("", 0.0)] * 12)
        row[month.month - 1] = (percent(month.fraction, signed=True).removesuffix(" %"), month.fraction or 0.0)
        before = grown.get(month.year, 1.0)
        grown[month.year] = None if before is None or month.fraction is None else before * (1.0 + month.fraction)
    return [(year, row, percent(None if (g := grown[year]) is None else g - 1.0, signed=True)) for year, row in years.items()]


def slots(found: Sequence[Slot], names: Sequence[str]) -> list[tuple[str, float]]:
    """All names from the first to the last that has a trade, with what their trades netted."""
    net = {slot.number: float(slot.net) for slot in found}
    return [(names[n], net.get(n, 0.0)) for n in range(min(net), max(net) + 1)] if net else []


def falls(m: Metrics) -> list[list[str]]:
    return [
        [
            percent(fall.fraction),
            amount(fall.money),
            minute(fall.peak),
            minute(fall.trough),
            "not yet" if fall.recovery is None else minute(fall.recovery),
            duration(fall.duration_ms / 1000),
        ]
        for fall in m.drawdowns[:MOST_FALLS]
    ]


def simulated(chance: Chance) -> list[list[str]]:
    """A row for each way to draw."""
    drawn: list[tuple[str, Simulation | ExecutionStudy]] = [(one.method, one) for one in chance.simulations]
    if chance.executions is not None:
        drawn.append(("executions", chance.executions))
    return [
        [
            name,
            f"{one.runs:,}",
            *(amount(value) for value in (one.final.p5, one.final.p50, one.final.p95)),
            *(percent(value) for value in (one.drawdown.p50, one.drawdown.p95)),
            percent(one.loss),
            percent(one.ruin),
        ]
        for name, one in drawn
    ]


def sure(m: Metrics, found: Confidence) -> list[list[str]]:
    """The figures as they came, and how they are spread over histories of days drawn anew."""
    rows: list[tuple[str, str, Quantiles | None, Callable[[float], str]]] = [
        ("Sharpe a year, daily", factor(None if m.daily is None else m.daily.sharpe), found.sharpe, factor),
        ("growth a year (CAGR)", percent(m.cagr, signed=True), found.cagr, lambda value: percent(value, signed=True)),
        ("deepest drawdown, of daily closes", percent(found.observed_drawdown), found.drawdown, percent),
    ]
    return [
        [name, came, *([DASH] * 5 if spread is None else [say(value) for value in asdict(spread).values()])]
        for name, came, spread, say in rows
    ]


def goes_on(found: Sequence[Continuation]) -> list[tuple[str, list[tuple[str, float]]]]:
    """For each symbol two rows, the calm and the wild candles, of the correlation in each hour of the day."""
    return [
        (
            f"{bare(one.symbol)} {timeframe(one.timeframe_ms)}, {name}",
            [("", 0.0) if value is None else (f"{value:+.2f}".replace("0.", ".", 1), value) for value in values],
        )
        for one in found
        for name, values in (("calm", one.calm), ("wild", one.wild))
    ]


def closed(trips: Sequence[RoundTrip]) -> list[list[str]]:
    """The last closed trades, the newest first."""
    return [
        [
            second(trip.exit_time),
            trip.strategy,
            bare(trip.symbol),
            "long" if trip.side.sign > 0 else "short",
            size(trip.quantity),
            plain(trip.entry_price),
            DASH if trip.stop is None else plain(trip.stop),
            plain(trip.exit_price),
            trip.exit_reason.lower(),
            duration(float(trip.holding_seconds)),
            DASH if trip.r_multiple is None else amount(trip.r_multiple, signed=True),
            amount(trip.net, signed=True),
        ]
        for trip in reversed(trips[-MOST_ROWS:])
    ]


def book(result: BacktestResult) -> list[list[str]]:
    """Of each child what it did, and its shares of the book's return, risk and deepest fall."""
    assert result.record.book is not None
    parts = {} if result.book is None else {part.alias: part for part in result.book.children}
    rows = []
    for child in result.record.book.children:
        m, part = result.children[child.alias], parts.get(child.alias)
        rows.append(
            [
                child.alias,
                DASH if child.weight is None else percent(float(child.weight)),
                amount(child.realized + child.unrealized, signed=True),
                f"{m.closed_trades:,}",
                percent(m.win_rate),
                factor(m.profit_factor),
                percent(m.max_drawdown),
                DASH if m.daily is None else factor(m.daily.sharpe),
                *([DASH] * 3 if part is None else [percent(part.contribution), percent(part.risk), percent(part.drawdown)]),
                f"{child.suppressed:,} / {child.reduced:,}",
            ]
        )
    return rows


def settings(result: BacktestResult) -> Iterator[tuple[str, str]]:
    """What the run was told."""
    record = result.record
    yield "balance", f"{amount(record.balance)} {record.currency}"
    yield "timeframe of the samples", timeframe(record.timeframe_ms)
    yield "replay", REPLAYS[record.replay]
    yield "fills", FILLS[record.execution.fills]
    for name, value in as_data(record.execution).items():
        if name != "fills":
            yield f"execution: {name.replace('_', ' ')}", DASH if value is None else str(value)
    for name, value in record.params.items():
        yield f"parameter {name}", value
    for name, value in _flat(as_data(record.limits)):
        yield f"limit: {name.replace('_', ' ')}", value


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Values within values by the path to each, without those that are not set."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, f"{name}: {key}" if name else key)
    elif value not in (None, [], ""):
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def data(result: BacktestResult) -> list[list[str]]:
    """How much of each symbol's data was good."""
    return [
        [
            bare(symbol),
            f"{report.rows:,}",
            f"{report.good:,}",
            f"{report.bad:,}",
            f"{report.reordered:,}",
            f"{report.gap_count:,}",
            duration(report.gaps[0].open_ms / 1000) if report.gaps else DASH,
            report.layout,
        ]
        for symbol, report in result.record.data.items()
    ]


def missing(m: Metrics) -> list[tuple[str, str]]:
    return [(name.replace("_", " ").replace(".", ": "), why) for name, why in undefined(m).items()]


def tone(value: Decimal | float | None) -> str:
    return PLAIN if not value else GOOD if value > 0 else BAD


def _money(m: Metrics, label: str, key: str, *, signed: bool = False) -> Cell:
    value = _value(m, key)
    return _cell(m, label, key, amount(value, signed=signed), tone(value) if signed else PLAIN)


def _cell(m: Metrics, label: str, key: str, text: str, tone: str = PLAIN) -> Cell:
    value = _value(m, key)
    return Cell(
        label, text, tone, key, "" if value is None else str(as_data(value)), undefined(m).get(key, "") if value is None else ""
    )


def _value(m: Metrics, key: str) -> Any:
    value: Any = m
    for name in key.split("."):
        value = getattr(value, name)
    return value
