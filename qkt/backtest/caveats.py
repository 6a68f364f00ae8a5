"""What the reader of a result should know before believing it, one sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from qkt.backtest.metrics import Metrics
from qkt.backtest.phrases import minute
from qkt.backtest.record import RunRecord
from qkt.core.events import OrderRejected, RiskRejected
from qkt.core.terms import OrderKind, Purpose
from qkt.data import DataReport
from qkt.ledger import TradeRow

FEW_TRADES = 30
# Ambiguous bars as a share of the trades above which results on bars should not be believed.
UNRELIABLE = 0.05


def caveats(record: RunRecord, metrics: Metrics) -> list[str]:
    """Warnings about how the run ended, its assumptions, its sample size and its data, in this order."""
    return [
        *_ending(record),
        *record.warnings,
        *_halts(record),
        *_refused("risk rules refused", record.rejections),
        *_refused("the broker rejected", record.refusals),
        *_bars(record, metrics),
        *_assumptions(record),
        *_sample(record, metrics),
        *(text for symbol, report in record.data.items() for text in _data(symbol, report)),
    ]


def _ending(record: RunRecord) -> Iterator[str]:
    if record.interrupted:
        yield f"the run was interrupted after {record.ticks:,} ticks: the result is partial"
    if any(value <= 0 for value in record.equity_values):
        yield "equity fell to zero or below: a real account would have been closed out, what follows is not tradable"
    if record.open_positions:
        open_profit = f"{record.unrealized:+,.2f} {record.currency}"
        yield f"{_count(len(record.open_positions), 'position')} still open at the end, {open_profit} at the last price"
    forced = [trip for trip in record.round_trips if trip.exit_reason == Purpose.END_OF_DATA]
    if forced:
        net = f"{sum(trip.net for trip in forced):+,.2f} {record.currency}"
        yield f"{_count(len(forced), 'position')} closed because the data ended ({net}), not counted among the closed trades"
    if record.late_cancels:
        yield f"{_count(record.late_cancels, 'cancel')} came too late: the order was done before"
    if record.working_orders:
        yield f"{_count(len(record.working_orders), 'order')} still working at the end"


def _halts(record: RunRecord) -> Iterator[str]:
    """The first halt, and how many more there were."""
    if not record.halts:
        return
    first = record.halts[0]
    whose = f"{first.halt.strategy} was" if first.halt.strategy else "entries were"
    end = "to the end" if first.lifted is None else f"until {minute(first.lifted)}"
    more = f"; {_count(len(record.halts) - 1, 'more halt')}" if len(record.halts) > 1 else ""
    yield f"{whose} halted on {minute(first.halt.since)} {end}: {first.halt.reason}{more}"


def _refused(who: str, events: Sequence[RiskRejected | OrderRejected]) -> Iterator[str]:
    if events:
        reason, times = Counter(event.reason for event in events).most_common(1)[0]
        often = f", most often ({times:,}x)" if len(events) > 1 else ""
        yield f"{who} {_count(len(events), 'order')}{often}: {reason}"


def _bars(record: RunRecord, metrics: Metrics) -> Iterator[str]:
    """How much the unknown order of prices inside bars matters."""
    if record.bars is None:
        return
    count, adverse, favourable = record.bars.ambiguous_bars, record.bars.adverse, record.bars.favourable
    if adverse is not None and favourable is not None:
        yield (
            f"the order of prices inside bars is worth {abs(favourable - adverse):,.2f} {record.currency}: "
            f"{adverse:+,.2f} with the adverse extreme first, {favourable:+,.2f} with the favourable one"
        )
    if count > UNRELIABLE * metrics.closed_trades:
        share = f" ({count / metrics.closed_trades:.0%} of the trades)" if metrics.closed_trades else ""
        text = f"{_count(count, 'bar')} held both the stop and the target of a position{share}"
        yield f"{text}: results on bars are unreliable here, use ticks"


def _assumptions(record: RunRecord) -> Iterator[str]:
    if not record.trades:
        return
    if record.execution.fills == "mid":
        yield "optimistic fills: they take the middle price, no spread and no slippage is paid"
    elif record.execution.preset == "fast":
        yield "optimistic fills: the fast preset has no latency and no slippage"
    elif all(row.slippage <= 0 for row in record.trades if _crosses_the_spread(row)):
        yield "no fill paid a spread or slippage: the data has no quotes with a spread, the instruments model neither"
    if record.commission == 0:
        yield "no commission was charged: the instruments have none"


def _crosses_the_spread(row: TradeRow) -> bool:
    return row.order_type not in (OrderKind.LIMIT, OrderKind.STOP_LIMIT)


def _sample(record: RunRecord, metrics: Metrics) -> Iterator[str]:
    if not record.trades:
        yield "the strategy never traded"
    elif metrics.closed_trades < FEW_TRADES:
        count = _count(metrics.closed_trades, "closed trade")
        yield f"{count}: too few for the statistics to mean much (fewer than {FEW_TRADES})"


def _data(symbol: str, report: DataReport) -> Iterator[str]:
    if report.bad:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.skipped.items()))
        yield f"{symbol}: {_count(report.bad, 'bad row')} of {report.rows:,} skipped ({reasons})"
    if report.gap_count:
        largest = f"the largest {report.gaps[0].open_ms / 60_000:,.0f} minutes"
        yield f"{symbol}: {_count(report.gap_count, 'gap')} of more than 5 minutes while the market was open, {largest}"
    for text in report.warnings:
        yield f"{symbol}: {text}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
