"""Wires one session. The subscriptions below, in this order, are the semantics of a tick and of a fill.

Tick:  broker (expiry, triggers, fills) -> deadlines of held orders, time exits -> held orders (levels, triggers)
       -> strategy's own tick handler -> tiers -> latches -> excursions -> series of equity -> candles
       -> (per candle) latches, strategy -> strategy's timers
Fill:  books -> holdings -> order manager (exits, protection) -> siblings, children, layers, tiers
       -> of what the fill closed: layers, tiers, exit hooks -> strategy
Timer: deadlines of held orders, time exits -> strategy's timers
Signal -> desk -> OrderRequested -> risk -> OrderApproved -> order manager -> SubmitOrder -> broker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from qkt.brokers.factory import BrokerFactory
from qkt.brokers.paper import ExecutionSettings
from qkt.core.bus import EventBus, FaultHandler, Scope
from qkt.core.clock import EventClock
from qkt.core.errors import InstrumentError, StrategyError
from qkt.core.events import OrderFilled, Tick, Timer
from qkt.core.ids import OrderIds
from qkt.core.instruments import InstrumentRegistry
from qkt.core.watch import Waits
from qkt.engine.board import Board
from qkt.engine.candles import CandleFeed, TickCandles
from qkt.engine.context import SessionContext
from qkt.engine.equity import EquitySampler
from qkt.engine.equity_series import EquitySeries
from qkt.engine.runner import StrategyRunner
from qkt.engine.session import Session
from qkt.ledger import Books, Converter, Financing, LedgerAudit
from qkt.orders import (
    Deadlines,
    ExitHookCalls,
    FillChildren,
    HeldOrders,
    Holdings,
    Latches,
    OcoEntries,
    OrderManager,
    SignalDesk,
    Stacks,
    Tiers,
)
from qkt.risk import OrderLimits, RiskGate
from qkt.strategy import RunnableStrategy, StreamSpec, finest

CandleFactory = Callable[[Scope, Sequence[StreamSpec], int | None], CandleFeed]


@dataclass(frozen=True)
class SessionSettings:
    """Everything a session needs to know besides its strategy.

    `begin` (epoch ms) is when data was asked for from; candles whose window started before it are partial and dropped.
    `markets` are symbols with prices beyond those of the strategy, for currency conversion. `audit` checks the identities
    of the books after everything that was booked; the environment variable QKT_DEBUG_LEDGER=1 asks for it too.
    """

    balance: Decimal = Decimal(10_000)
    currency: str = "USD"
    instruments: InstrumentRegistry = field(default_factory=InstrumentRegistry.standard)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    limits: OrderLimits = field(default_factory=OrderLimits)
    begin: int | None = None
    markets: tuple[str, ...] = ()
    audit: bool = field(default_factory=lambda: os.environ.get("QKT_DEBUG_LEDGER") == "1")


def assemble(
    strategy: RunnableStrategy,
    settings: SessionSettings,
    bus: EventBus,
    clock: EventClock,
    board: Board,
    candles: CandleFactory = TickCandles,
    on_fault: FaultHandler | None = None,
    shared_as: str | None = None,
) -> Session:
    """Build a session in a new scope of the bus. `on_fault` hears of a strategy that raised.

    `shared_as` is the scope's name on a bus that serves other sessions too: then nobody hears this session's ticks but
    itself. Without it the scope has the strategy's name and ticks enter at the root.

    Raises StrategyError without streams, InstrumentError for a symbol without terms or without a conversion path.
    """
    if not strategy.streams:
        raise StrategyError("no stream is declared", where=strategy.name, remedy="declare one under SYMBOLS")
    fed = list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.fed))
    symbols = list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.traded))
    if not symbols:
        raise StrategyError("no market is declared", where=strategy.name, remedy="statistics and equity cannot be traded")
    converter = Converter(settings.currency, settings.instruments, board)
    for symbol in (*symbols, *settings.markets):
        converter.add_market(symbol)
    _check_conversion(symbols, converter)
    scope = bus.scope(shared_as or strategy.name, on_fault)
    for symbol in (*fed, *settings.markets):
        scope.follow(symbol)

    books = Books(scope, [strategy.name], settings.balance, settings.instruments, converter, board)
    if settings.audit:
        books.audit = LedgerAudit(books, settings.instruments).check
    waits = Waits()
    desk_ids = OrderIds()
    SignalDesk(scope, desk_ids)
    risk = RiskGate(scope, settings.limits, settings.instruments, books, board)
    deadlines = Deadlines(waits)
    # What follows an order hears of it before its manager sends it, and of its end in this order.
    OcoEntries(scope)
    FillChildren(scope)
    holdings = Holdings(scope, books)
    Stacks(scope, holdings, deadlines)
    tiers = Tiers(scope, desk_ids, holdings, waits)
    ExitHookCalls(scope)
    latches = Latches(scope, waits)
    held = HeldOrders(scope, waits, deadlines, board.last)
    orders = OrderManager(scope, books, held, deadlines)
    scope.subscribe(OrderFilled, holdings.settle)
    venues = BrokerFactory(scope, clock, board)
    broker = venues.broker(symbols, settings.instruments.resolve, books, settings.execution, waits)
    context = SessionContext(scope, strategy.name, books, orders, settings.instruments, board, strategy.rearm)

    scope.subscribe(Tick, broker.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, deadlines.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, held.on_tick, unless=waits.quiet)
    runner = StrategyRunner(scope, strategy, context, waits)
    scope.subscribe(Tick, tiers.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, latches.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, books.excursions.on_tick)
    own = [stream for stream in strategy.streams if not stream.fed]
    if own:
        series = EquitySeries(scope, own, books, books.strategies[strategy.name], settings.begin)
        scope.subscribe(Tick, series.on_tick)
    feed = candles(scope, strategy.streams, settings.begin)
    books.bars_closed = feed.closed
    scope.subscribe(Tick, feed.on_tick)
    scope.subscribe(Tick, runner.on_time)
    scope.subscribe(Timer, deadlines.on_tick)
    scope.subscribe(Timer, runner.on_time)

    return Session(
        bus=bus,
        scope=scope,
        clock=clock,
        board=board,
        books=books,
        orders=orders,
        broker=broker,
        risk=risk,
        candles=feed,
        runner=runner,
        equity=EquitySampler(books, finest(strategy.streams)),
        financing=Financing(books, settings.instruments, board, symbols),
        waits=waits,
        deadlines=deadlines,
        context=context,
        shared=shared_as is not None,
    )


def _check_conversion(symbols: Iterable[str], converter: Converter) -> None:
    for symbol in symbols:
        missing = converter.missing(symbol)
        if missing is not None:
            raise InstrumentError(
                f"results of {symbol} are in {converter.currency(symbol)} and the account is in {converter.account}",
                remedy=f"give the data of {missing} or of the inverse pair too",
            )
