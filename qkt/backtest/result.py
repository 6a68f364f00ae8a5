"""What `qkt.backtest(...)` returns: the run, its figures, and the same as data."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qkt.backtest.book import BookMetrics, BookRun, book_metrics, child_record
from qkt.backtest.caveats import caveats
from qkt.backtest.curve import EquityCurve
from qkt.backtest.metrics import Metrics, measure
from qkt.backtest.output import as_text
from qkt.backtest.record import RunRecord
from qkt.backtest.undefined import undefined
from qkt.core.events import Event, OrderRejected, RiskRejected
from qkt.ledger import FinancingRow, RoundTrip, TradeRow
from qkt.risk import HaltSpan, limits_json

if TYPE_CHECKING:
    import pyarrow as pa

    from qkt.backtest.frames import Library, What

SCHEMA = "qkt.backtest/1"
CURVE_POINTS = 10_000
REFUSED_ROWS = 1_000


@dataclass(frozen=True)
class BacktestResult:
    """The result of one run: what it did (`record`) and its figures (`metrics`). `print` it to read it.

    Of a portfolio `children` has the figures of each child alone, by alias, and `book` what each contributed; None where
    there are too few children or samples to tell.
    """

    record: RunRecord
    metrics: Metrics
    children: Mapping[str, Metrics] = field(default_factory=dict)
    book: BookMetrics | None = None

    @classmethod
    def of(cls, record: RunRecord, contract_sizes: Mapping[str, Decimal] | None = None) -> BacktestResult:
        """Measure a run. `contract_sizes` (units a lot, by market id) lets the metrics put a price on slippage."""
        runs = () if record.book is None else record.book.children
        children = {child.alias: measure(child_record(record, child), contract_sizes) for child in runs}
        return cls(record, measure(record, contract_sizes), children, book_metrics(record))

    @cached_property
    def equity(self) -> EquityCurve:
        """`times` (epoch ms) and `values` at full resolution."""
        return EquityCurve.of(self.record)

    @cached_property
    def warnings(self) -> list[str]:
        return caveats(self.record, self.metrics)

    @property
    def trades(self) -> list[TradeRow]:
        """Every fill, in order."""
        return self.record.trades

    @property
    def round_trips(self) -> list[RoundTrip]:
        """Every closed trade, in the order of closing."""
        return self.record.round_trips

    @property
    def financing(self) -> list[FinancingRow]:
        """What every rollover booked on every leg, in order."""
        return self.record.financing

    @property
    def interrupted(self) -> bool:
        return self.record.interrupted

    def log_lines(self) -> list[str]:
        """What the strategy and the engine logged, with time (UTC) and level."""
        return [f"{iso(line.at)} {line.level:<5} {line.text}" for line in self.record.logs]

    @property
    def summary(self) -> dict[str, str | int | float | Decimal | None]:
        """The headline figures by name."""
        m = self.metrics
        return {
            "strategy": self.record.strategy,
            "total_pnl": m.total_pnl,
            "return_fraction": m.return_fraction,
            "fills": m.fills,
            "closed_trades": m.closed_trades,
            "win_rate": m.win_rate,
            "profit_factor": m.profit_factor,
            "expectancy": m.expectancy,
            "sharpe": m.sharpe,
            "sortino": m.sortino,
            "max_drawdown": m.max_drawdown,
            "max_drawdown_money": m.max_drawdown_money,
            "exposure": m.exposure,
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data: decimals are strings, times epoch ms. Equal runs differ in `timing` only."""
        record = self.record
        curve = self.equity.thinned(CURVE_POINTS)
        return {
            "schema": SCHEMA,
            "strategy": record.strategy,
            "recipe": None if record.recipe is None else record.recipe.as_json(),
            "params": dict(record.params),
            "symbols": list(record.symbols),
            "interrupted": record.interrupted,
            "period": {
                "start": record.first_ts,
                "end": record.last_ts,
                "start_iso": iso(record.first_ts),
                "end_iso": iso(record.last_ts),
                "ticks": record.ticks,
                "timeframe_ms": record.timeframe_ms,
                "unfinished_bars": record.unfinished_bars,
            },
            "settings": {
                "balance": as_text(record.balance),
                "currency": record.currency,
                "fills": record.execution.fills,
                "replay": record.replay,
                "execution": as_data(record.execution),
                "limits": limits_json(record.limits),
            },
            "bars": as_data(record.bars),
            "metrics": metrics_data(self.metrics),
            "warnings": list(self.warnings),
            "data": {symbol: report.as_dict() for symbol, report in record.data.items()},
            "conversions": as_data(record.conversions),
            "trade_count": len(record.trades),
            "trades": as_data(record.trades),
            "round_trips": as_data(record.round_trips),
            "financing": as_data(record.financing),
            "open_positions": as_data(record.open_positions),
            "working_orders": as_data(record.working_orders),
            "rejections": _refused(record.rejections),
            "refusals": _refused(record.refusals),
            "halts": [halt_data(span) for span in record.halts],
            "equity": {"samples": len(self.equity), "times": curve.times.tolist(), "values": curve.values.tolist()},
            **({} if record.book is None else {"book": self._book_data(record.book)}),
            "timing": as_data(record.timing),
        }

    def _book_data(self, book: BookRun) -> dict[str, Any]:
        """What is a portfolio's alone."""
        children = [
            {
                "strategy": child.strategy,
                "alias": child.alias,
                "weight": as_data(child.weight),
                "balance": as_text(child.balance),
                "suppressed": child.suppressed,
                "reduced": child.reduced,
                "failure": next((as_data(one) for one in book.failures if one.strategy == child.strategy), None),
                "metrics": metrics_data(self.children[child.alias]),
                "equity": self._thinned(child.equity_values),
            }
            for child in book.children
        ]
        return {
            "capital": as_data(book.capital),
            "analytics": as_data(self.book),
            "children": children,
            "gross": self._thinned(book.gross),
            "net": self._thinned(book.net),
            "decisions": {
                "count": len(book.decisions),
                "rows": [_decision(event) for event in book.decisions[:REFUSED_ROWS]],
            },
        }

    def _thinned(self, values: Sequence[float]) -> list[float]:
        """A column of the equity curve's times, thinned as that is."""
        curve = EquityCurve(self.equity.times, np.array(values, dtype=np.float64).round(8))
        thinned: list[float] = curve.thinned(CURVE_POINTS).values.tolist()
        return thinned

    def to_json(self) -> str:
        """`as_dict` as one JSON document."""
        return json.dumps(self.as_dict(), allow_nan=False, separators=(",", ":"))

    def table(self, what: What) -> pa.Table:
        """`trades`, `round_trips`, `equity`, `days`, `months` or `financing` as an Arrow table: money as float64, times as UTC
        timestamps."""
        from qkt.backtest.frames import table

        return table(self, what)

    def frame(self, what: What, library: Library | None = None) -> Any:
        """The same as a frame of `polars`, or of `pandas` where only that is installed or asked for."""
        from qkt.backtest.frames import frame

        return frame(self, what, library)

    def _repr_html_(self) -> str:
        from qkt.backtest.card import card

        return card(self)

    def __str__(self) -> str:
        from qkt.backtest.render import plain_report

        return plain_report(self)

    def __repr__(self) -> str:
        m = self.metrics
        pnl = f"{m.total_pnl:+.2f} {self.record.currency}"
        return f"<BacktestResult {self.record.strategy}: {pnl}, {m.closed_trades} closed trades>"


def iso(ts: int) -> str:
    """Epoch ms as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ts % 1000:03d}Z"


def as_data(value: Any) -> Any:
    """Dataclasses, decimals, enums and dates as what JSON knows."""
    if is_dataclass(value):
        return {f.name: as_data(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return as_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: as_data(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(one) for one in value]
    return value


def metrics_data(metrics: Metrics) -> dict[str, Any]:
    """All figures as plain data. `undefined` says why one is missing."""
    return {**as_data(metrics), "costs": _costs(metrics), "undefined": undefined(metrics)}


def _decision(event: Event) -> dict[str, Any]:
    told = {f.name: as_data(getattr(event, f.name)) for f in fields(event) if f.name not in ("at", "seq", "scope")}
    return {"timestamp": event.at, "kind": type(event).__name__, **told}


def _costs(metrics: Metrics) -> dict[str, Any]:
    return {**as_data(metrics.costs), "total": as_data(metrics.costs.total)}


def halt_data(span: HaltSpan) -> dict[str, Any]:
    """A halt as one flat row."""
    told: dict[str, Any] = as_data(span.halt)
    return told | {"lifted": span.lifted, "lifted_by": span.by, "lifted_why": span.why}


def _refused(events: Sequence[RiskRejected | OrderRejected]) -> dict[str, Any]:
    """How many there were, and the first of them."""
    return {"count": len(events), "rows": [_event(event) for event in events[:REFUSED_ROWS]]}


def _event(event: RiskRejected | OrderRejected) -> dict[str, Any]:
    return {
        "timestamp": event.at,
        "strategy": event.strategy,
        "symbol": event.symbol,
        "order_id": event.order_id,
        "reason": event.reason,
    }
