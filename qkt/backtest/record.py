"""What a run leaves behind: plain values, complete, without the session that made them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from qkt.backtest.bar_paths import BarReplay
from qkt.backtest.book import BookRun
from qkt.backtest.prices import Prices
from qkt.backtest.recipe import Recipe
from qkt.backtest.stops import StopPath
from qkt.brokers import QuoteBoard
from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import LogLine, OrderRejected, RiskRejected
from qkt.core.numbers import q8, to_decimal
from qkt.core.terms import Side
from qkt.data import DataReport
from qkt.engine import Session, SessionSettings
from qkt.ledger import Conversion, FinancingRow, RoundTrip, TradeRow
from qkt.risk import HaltSpan, RiskLimits
from qkt.strategy import Tradable, finest


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """A leg that was open at the end; `unrealized` in account currency at the last price."""

    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal
    opened_at: int
    last_price: Decimal
    unrealized: Decimal
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order that was still working at the end."""

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: str
    purpose: str
    limit: Decimal | None
    stop: Decimal | None
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall-clock seconds, the only part of a result that differs between two equal runs."""

    total: float
    ticks_per_second: float


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One finished (or interrupted) run of one strategy. Times epoch ms UTC, money in `currency`.

    `equity_times` and `equity_values` are the equity curve: the start, the end of every window of the finest timeframe that
    had a tick, the end. `symbols` are market ids in order of declaration, `bars` what a replay of bars had to guess, `book`
    what only a portfolio has, `recipe` how a run from a file is done again, `prices` the candles to draw by market id and
    `stops` how the stops of legs moved, where they were asked for.
    """

    strategy: str
    symbols: tuple[str, ...]
    timeframe_ms: int
    currency: str
    balance: Decimal
    execution: ExecutionSettings
    limits: RiskLimits
    replay: Literal["fast", "every-tick", "bars"]
    first_ts: int
    last_ts: int
    ticks: int
    trades: list[TradeRow]
    round_trips: list[RoundTrip]
    equity_times: array[int]
    equity_values: array[float]
    realized: Decimal
    unrealized: Decimal
    commission: Decimal
    swap: Decimal
    fees: Decimal
    financing: list[FinancingRow]
    open_positions: list[OpenPosition]
    working_orders: list[WorkingOrder]
    unfinished_bars: int
    rejections: list[RiskRejected]
    halts: list[HaltSpan]
    refusals: list[OrderRejected]
    conversions: list[Conversion]
    logs: list[LogLine]
    data: dict[str, DataReport]
    timing: Timing
    params: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    interrupted: bool = False
    bars: BarReplay | None = None
    late_cancels: int = 0
    book: BookRun | None = None
    recipe: Recipe | None = None
    prices: dict[str, Prices] = field(default_factory=dict)
    stops: list[StopPath] = field(default_factory=list)


def write_record(
    *,
    session: Session,
    board: QuoteBoard,
    strategy: Tradable,
    settings: SessionSettings,
    reports: dict[str, DataReport],
    replay: Literal["fast", "every-tick", "bars"],
    refusals: list[OrderRejected],
    params: dict[str, str],
    seconds: float,
    warnings: list[str],
    bars: BarReplay | None,
    late_cancels: int,
    interrupted: bool,
    book: BookRun | None,
    prices: dict[str, Prices],
    stops: list[StopPath],
) -> RunRecord:
    """Copy what the session holds at its end."""
    books = session.books
    return RunRecord(
        strategy=strategy.name,
        symbols=tuple(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.traded)),
        timeframe_ms=finest(strategy.streams).ms,
        currency=settings.currency,
        balance=settings.balance,
        execution=settings.execution,
        limits=settings.limits,
        replay=replay,
        first_ts=session.first_ts or 0,
        last_ts=session.last_ts,
        ticks=session.ticks,
        trades=list(books.trades),
        round_trips=list(books.round_trips),
        equity_times=session.equity.times,
        equity_values=session.equity.values,
        realized=sum((book.realized for book in books.strategies.values()), Decimal(0)),
        unrealized=books.unrealized(session.last_ts),
        commission=books.commission,
        fees=books.fees,
        swap=books.swap,
        financing=list(books.financing),
        open_positions=_open_positions(session, board),
        working_orders=[
            WorkingOrder(o.id, o.symbol, o.side, o.remaining, o.kind.value, o.purpose.value, o.limit, o.stop, o.strategy)
            for o in session.orders.live_orders()
            if not (o.leg_id is not None and books.leg_quantity(o.leg_id) == 0)  # its cancel was still on its way
        ],
        unfinished_bars=session.candles.unfinished(),
        rejections=list(session.risk.rejections),
        halts=list(session.risk.halts.history),
        refusals=refusals,
        conversions=books.converter.used,
        logs=list(session.logs),
        data=reports,
        timing=Timing(seconds, session.ticks / seconds if seconds > 0 else 0.0),
        params=params,
        warnings=warnings,
        bars=bars,
        late_cancels=late_cancels,
        interrupted=interrupted,
        book=book,
        prices=prices,
        stops=stops,
    )


def compared(adverse: RunRecord, favourable: RunRecord) -> RunRecord:
    """The first of two replays of the same bars, with what the other order of their extremes came to."""
    assert adverse.bars is not None
    totals = [one.realized + one.unrealized for one in (adverse, favourable)]
    return replace(adverse, bars=replace(adverse.bars, adverse=totals[0], favourable=totals[1]))


def _open_positions(session: Session, board: QuoteBoard) -> list[OpenPosition]:
    found = []
    books = session.books
    for book in books.strategies.values():
        for legs in book.open_books():
            price = to_decimal(board.last(legs.symbol) or 0.0)
            for leg in legs:
                open_profit = books.converter.value(q8(books.open_profit(leg, price)), legs.symbol, price)
                found.append(
                    OpenPosition(
                        legs.symbol, leg.side, leg.quantity, leg.entry, leg.opened_at, q8(price), open_profit, book.strategy
                    )
                )
    return found
