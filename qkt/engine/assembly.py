"""Wires one session, of a strategy or of a portfolio. Its subscriptions, in this order, are what a tick and a fill mean.

Tick:  broker (expiry, triggers, fills) -> deadlines of held orders, time exits -> held orders (levels, triggers)
       -> strategies' own tick handlers -> tiers -> latches -> excursions -> limits of equity -> series of equity -> candles
       -> (per candle) a portfolio's gates, its children one by one, or the strategy; latches before the strategy
       -> strategies' timers
Fill:  books -> halt rules -> holdings -> order manager (exits, protection) -> siblings, children, layers, tiers
       -> of what the fill closed: layers, tiers, exit hooks -> entries that a halt takes back, fills of what is being left
       -> strategy
Timer: deadlines of held orders, time exits -> strategy's timers
Signal -> a portfolio's risk router -> desk -> OrderRequested -> risk -> OrderApproved -> order manager -> SubmitOrder -> broker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from qkt.brokers.factory import BrokerFactory, VenueTerms
from qkt.brokers.paper import ExecutionSettings
from qkt.core.bus import EventBus, FaultHandler, Scope
from qkt.core.clock import EventClock
from qkt.core.errors import InstrumentError, StrategyError
from qkt.core.events import Candle, OrderFilled, Tick, Timer
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
from qkt.engine.traders import ChildFault, SharedCandles, Trader
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
from qkt.portfolio import BookHalt, BookRisk, ExposureRules, GateContext, Portfolio, RiskRouter, Supervisor, book_value
from qkt.risk import RiskEngine, RiskGate, RiskLimits, WayOut
from qkt.strategy import RunnableStrategy, StreamSpec, finest

Runnable: TypeAlias = RunnableStrategy | Portfolio
CandleFactory = Callable[[Scope, Sequence[StreamSpec], int | None], CandleFeed]


KEPT = 500
"""Rows of each sort that are kept of a session which may live for years: fills, closed trades, nights, lines, refusals."""


@dataclass(frozen=True)
class SessionSettings:
    """Everything a session needs to know besides its strategy.

    `begin` (epoch ms) is when data was asked for from; candles whose window started before it are partial and dropped.
    `markets` are symbols with prices beyond those of the strategy, for currency conversion. `real` tells that orders
    go to a real venue, whose rules bind then; `venue` says which. `audit` checks the identities of the books after everything
    that was booked; the environment variable QKT_DEBUG_LEDGER=1 asks for it too.
    """

    balance: Decimal = Decimal(10_000)
    currency: str = "USD"
    instruments: InstrumentRegistry = field(default_factory=InstrumentRegistry.standard)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    limits: RiskLimits = field(default_factory=RiskLimits)
    begin: int | None = None
    markets: tuple[str, ...] = ()
    real: bool = False
    venue: VenueTerms = field(default_factory=VenueTerms)
    audit: bool = field(default_factory=lambda: os.environ.get("QKT_DEBUG_LEDGER") == "1")


def assemble(
    strategy: Runnable,
    settings: SessionSettings,
    bus: EventBus,
    clock: EventClock,
    board: Board,
    candles: CandleFactory = TickCandles,
    on_fault: FaultHandler | None = None,
    shared_as: str | None = None,
    on_child_fault: ChildFault | None = None,
) -> Session:
    """Build a session in a new scope of the bus. `on_fault` hears of a strategy that raised, `on_child_fault` of the child of a
    portfolio, which is out then while the others go on; without it a child's failure is the session's.

    `shared_as` is the scope's name on a bus that serves other sessions too: then nobody hears this session's ticks but
    itself, and of what it books the latest `KEPT` rows stay, since it may live for years. Without it the scope has the
    strategy's name and ticks enter at the root.

    Raises StrategyError without streams, InstrumentError for a symbol without terms or without a conversion path.
    """
    if not strategy.streams:
        raise StrategyError("no stream is declared", where=strategy.name, remedy="declare one under SYMBOLS")
    fed = list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.fed))
    portfolio = strategy if isinstance(strategy, Portfolio) else None
    symbols = list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.traded))
    if not symbols:
        raise StrategyError("no market is declared", where=strategy.name, remedy="statistics and equity cannot be traded")
    kept = None if shared_as is None else KEPT
    converter = Converter(settings.currency, settings.instruments, board, kept)
    for symbol in (*symbols, *settings.markets):
        converter.add_market(symbol)
    _check_conversion(symbols if portfolio is None else portfolio.traded(), converter)
    scope = bus.scope(shared_as or strategy.name, on_fault)
    for symbol in (*fed, *settings.markets):
        scope.follow(symbol)

    runs = _runs(strategy, scope, on_child_fault)
    balances = (
        {} if portfolio is None else {child.id: child.balance for child in portfolio.children if child.balance is not None}
    )
    limits = settings.limits if shared_as is None else settings.limits.known_as(_deployed(strategy, runs, shared_as))
    books = Books(scope, runs, settings.balance, settings.instruments, converter, board, balances, limits.day, kept)
    if settings.audit:
        books.audit = LedgerAudit(books, settings.instruments).check
    waits = Waits()
    desk_ids = OrderIds()
    SignalDesk(scope, desk_ids)
    deadlines = Deadlines(waits)
    late = settings.execution.delayed
    risk = RiskEngine(
        scope,
        limits,
        settings.instruments,
        books,
        board,
        waits,
        deadlines,
        real=settings.real,
        late=late,
        whole=portfolio is None,
    )
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
    held.barred = risk.gate.barred
    scope.subscribe(OrderFilled, holdings.settle)
    scope.subscribe(OrderFilled, risk.on_filled)
    way_out = WayOut(scope, books, orders, clock)
    venues = BrokerFactory(scope, clock, board, strategy.name, settings.venue)
    broker = venues.broker(
        symbols,
        settings.instruments.resolve,
        books,
        settings.execution,
        waits,
        settings.balance,
        settings.currency,
        risk.gate.barred,
    )
    supervisor = None
    if portfolio is not None:
        gates = GateContext(scope, portfolio.name, settings.instruments, board)
        supervisor = Supervisor(scope, portfolio, books, way_out, gates)
        _weigh(portfolio, supervisor, scope, settings.instruments, books, risk.gate, board)
        BookHalt(scope, supervisor, risk)
        router = RiskRouter(scope, supervisor, books, orders, settings.instruments)
        SharedCandles(scope, {n: [(runs[c.id][1], a) for c, a in heirs] for n, heirs in portfolio.heirs().items()})

    if waits.has(broker):
        scope.subscribe(Tick, broker.on_tick, unless=waits.quiet)
    else:
        scope.subscribe(Tick, broker.on_tick)
    scope.subscribe(Tick, deadlines.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, held.on_tick, unless=waits.quiet)
    traders = []
    for name, (one, own) in runs.items():
        context = SessionContext(scope, name, books, orders, settings.instruments, board, one.rearm)
        if portfolio is not None:
            context.route, context.worth = router.route, partial(book_value, portfolio, books)
        own.subscribe(Candle, partial(latches.on_candle, name))
        traders.append(Trader(name, own, one, context, StrategyRunner(scope, own, one, context, waits)))
    scope.subscribe(Tick, tiers.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, latches.on_tick, unless=waits.quiet)
    scope.subscribe(Tick, books.excursions.on_tick)
    scope.subscribe(Tick, risk.on_tick)
    for trader in traders:
        unfed = [stream for stream in trader.strategy.streams if not stream.fed]
        if unfed:
            series = EquitySeries(trader.scope, unfed, books, books.strategies[trader.name], settings.begin)
            scope.subscribe(Tick, series.on_tick if portfolio is None else trader.scope.guarded(series.on_tick))
    feed = candles(scope, strategy.streams, settings.begin)
    books.bars_closed = feed.closed
    scope.subscribe(Tick, feed.on_tick)
    scope.subscribe(Timer, deadlines.on_tick)
    for trader in traders:
        trader.runner.listen(scope)

    return Session(
        bus=bus,
        scope=scope,
        clock=clock,
        board=board,
        books=books,
        orders=orders,
        broker=broker,
        risk=risk,
        way_out=way_out,
        candles=feed,
        traders=traders,
        supervisor=supervisor,
        equity=EquitySampler(books, finest(strategy.streams), books.kept),
        financing=Financing(books, settings.instruments, board, symbols),
        waits=waits,
        deadlines=deadlines,
        shared=shared_as is not None,
    )


def _weigh(
    portfolio: Portfolio,
    supervisor: Supervisor,
    scope: Scope,
    instruments: InstrumentRegistry,
    books: Books,
    risk: RiskGate,
    board: Board,
) -> None:
    """What is configured for the book of a portfolio with capital."""
    book, capital = portfolio.book, portfolio.capital
    if capital is None:
        return
    if book.ladder or book.weighs:
        supervisor.risk = BookRisk(scope, portfolio, capital, books, portfolio.samples_per_year)
    if book.caps:
        risk.of_book = ExposureRules(book.caps, capital, instruments, books, risk.reserved, board).refusals


def _deployed(strategy: Runnable, owners: Iterable[str], name: str) -> dict[str, str]:
    """Under what name each owner of positions was deployed: the session's, or behind it the child's alias."""
    child = isinstance(strategy, Portfolio)
    return {owner: f"{name}/{owner.rpartition(':')[2]}" if child else name for owner in owners}


def _runs(strategy: Runnable, scope: Scope, on_fault: ChildFault | None) -> dict[str, tuple[RunnableStrategy, Scope]]:
    """What trades, by the name that owns it, and the scope of its candles."""
    if not isinstance(strategy, Portfolio):
        return {strategy.name: (strategy, scope)}
    return {
        child.id: (child.strategy, scope.child(child.alias, None if on_fault is None else partial(on_fault, child.id)))
        for child in strategy.children
    }


def _check_conversion(symbols: Iterable[str], converter: Converter) -> None:
    for symbol in symbols:
        missing = converter.missing(symbol)
        if missing is not None:
            raise InstrumentError(
                f"results of {symbol} are in {converter.currency(symbol)} and the account is in {converter.account}",
                remedy=f"give the data of {missing} or of the inverse pair too",
            )
