"""Sessions and their accounts, halts, and the pulse of all of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from qkt.brokers.factory import BrokerKind
from qkt.core.numbers import ZERO, q8, quotient
from qkt.portfolio import Portfolio
from qkt.risk import Cause, Halt, Lasts
from qkt.runtime.control.engine import Health, SessionHealth
from qkt.runtime.control.frames import Hello
from qkt.runtime.control.rows import AccountRow, ExposureRow, HaltRow, Mode, PositionRow, SessionState, StrategyRow
from qkt.runtime.equity import EquityHistory
from qkt.runtime.session import LiveSession, State

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine
    from qkt.runtime.journal import Registration
    from qkt.runtime.roster import Hosted

HUNDRED = Decimal(100)
STATES: dict[State, SessionState] = {
    State.STARTING: "WARM",
    State.WARMING: "WARM",
    State.RUNNING: "RUN",
    State.HALTED: "RUN",
    State.FAULT: "FAULT",
    State.STOPPING: "STOPPING",
    State.STOPPED: "STOPPED",
}


def venue_of(registration: Registration) -> str:
    """Who executes what a session asks for: `paper`, or the kind of a real or simulated venue."""
    return str(registration.settings.get("broker", BrokerKind.PAPER))


def mode_of(registration: Registration) -> Mode:
    """LIVE is what a real venue executes, whoever's money that is."""
    return "LIVE" if venue_of(registration) == BrokerKind.MT5 else "PAPER"


def account_of(registration: Registration) -> str:
    """The books of a session count as an account of its own, also where several sessions share one at a venue."""
    return f"{venue_of(registration)}:{registration.name}"


class Worth(NamedTuple):
    """What a session that runs is worth at the last prices, in account currency; falls as in its row."""

    equity: Decimal
    balance: Decimal
    day_pnl: Decimal
    open_pnl: Decimal
    drawdown_pct: Decimal
    max_drawdown_pct: Decimal

    @classmethod
    def of(cls, history: EquityHistory) -> Worth:
        equity, balance = history.account.equity(), history.account.balance()
        fall = history.drawdown(equity)
        day = equity - history.day_start if history.samples else ZERO
        return cls(equity, balance, day, equity - balance, fall, min(history.worst, fall))


def strategy_row(hosted: Hosted, worth: Worth) -> StrategyRow:
    """A session that runs."""
    live = hosted.live
    machine = live.machine
    books, history = machine.session.books, machine.history
    halt, other = live.halted, machine.blocked
    strategy = machine.strategy
    return StrategyRow(
        name=live.name,
        kind="portfolio" if isinstance(strategy, Portfolio) else "strategy",
        capital=strategy.capital if isinstance(strategy, Portfolio) else None,
        state=STATES[live.state],
        halt=None if halt is None else halt_kind(halt),
        reason=None if halt is None else halt.reason,
        account=account_of(live.registration),
        mode=mode_of(live.registration),
        file=live.registration.file,
        started=live.started_at,
        symbols=live.symbols,
        **worth._asdict(),
        realised=worth.balance - books.starting,
        positions=sum(1 for book in books.strategies.values() for legs in book.open_books() for _ in legs),
        orders=len(machine.session.orders.live_orders()),
        trades=len(books.trades),
        last_fill=books.trades[-1].timestamp if books.trades else None,
        last_tick=machine.last_ts or None,
        queue=len(live.inbox),
        dropped=live.inbox.dropped,
        blocked=None if other is None else other.reason,
        closed=len(books.round_trips),
        wins=sum(book.won for book in books.strategies.values()),
        trend=hosted.standing.trend(history.samples),
        clock=machine.last_ts if hosted.pump.drives_clock else None,
        fidelity=hosted.fidelity,
    )


def ended_row(hosted: Hosted, defect: str | None = None) -> StrategyRow:
    """What a session came to that has just ended, by itself or by a defect. It rests from now on; what it holds is still its
    own."""
    over = dict.fromkeys(("halt", "blocked", "last_tick", "clock"))
    state = "DOWN" if defect else "STOPPED"
    row = strategy_row(hosted, Worth.of(hosted.live.machine.history))
    return row.model_copy(update={**over, "state": state, "reason": defect, "orders": 0, "queue": 0})


def child_rows(hosted: Hosted, parent: StrategyRow) -> Iterator[StrategyRow]:
    """The children of a portfolio, from its own row."""
    live = hosted.live
    machine = live.machine
    supervisor = machine.session.supervisor
    if supervisor is None:
        return
    books = machine.session.books
    owned = Counter(order.strategy for order in machine.session.orders.live_orders())
    for name, state in supervisor.children.items():
        child, book, history = state.child, books.strategies[name], machine.children[name]
        yield StrategyRow(
            name=f"{live.name}/{child.alias}",
            parent=live.name,
            state="FAULT" if state.failure is not None and parent.state == "RUN" else parent.state,
            halt=parent.halt,
            reason=parent.reason if state.failure is None else state.failure,
            account=parent.account,
            mode=parent.mode,
            file=str(child.path),
            started=live.started_at,
            symbols=tuple(dict.fromkeys(s.symbol for s in child.strategy.streams if s.traded)),
            **Worth.of(history)._asdict(),
            realised=book.realized,
            positions=supervisor.legs(state),
            orders=owned[name],
            trades=book.fills,
            last_fill=book.last_fill,
            gate=state.gate,
            gate_reason=state.obstacle,
            weight=child.weight,
            factor=supervisor.share(name).factor,
            capital=child.balance,
            hold=child.hold,
            operator_stopped=state.stopped_by is not None,
            last_tick=machine.last_ts or None,
            clock=parent.clock,
            blocked=parent.blocked,
            closed=book.closed,
            wins=book.won,
            fidelity=hosted.of_children.get(name, hosted.fidelity),
        )


def resting_row(engine: Engine, name: str) -> StrategyRow:
    """A session that does not run; it is read out of the journal once."""
    row = engine.rest_rows.get(name)
    if row is None:
        row = engine.rest_rows[name] = _resting(engine, *engine.resting[name])
    return row


def _resting(engine: Engine, registration: Registration, problem: str | None) -> StrategyRow:
    """What the journal tells of it, which has no prices."""
    fills = _journaled(engine, registration, "fill")
    trips = _journaled(engine, registration, "round_trip")
    nights = _journaled(engine, registration, "financing")
    opened = {fill["leg_opened"] for fill in fills} - {None}
    gains = [Decimal(fill["realized"]) for fill in fills] + [Decimal(night["amount"]) for night in nights]
    realised = sum(gains, ZERO)
    balance = Decimal(registration.settings["balance"]) + realised
    held = len(opened) - len(trips)
    return StrategyRow(
        name=registration.name,
        state="DOWN" if problem else "STOPPED",
        reason=problem,
        account=account_of(registration),
        mode=mode_of(registration),
        file=registration.file,
        started=registration.created_at,
        symbols=(),
        equity=None if held else balance,
        balance=balance,
        day_pnl=None,
        open_pnl=None if held else ZERO,
        realised=realised,
        drawdown_pct=None,
        max_drawdown_pct=None,
        positions=held,
        orders=0,
        trades=len(fills),
        last_fill=fills[-1]["timestamp"] if fills else None,
        closed=len(trips),
        wins=sum(Decimal(trip["net"]) > 0 for trip in trips),
    )


def _journaled(engine: Engine, registration: Registration, kind: str) -> list[dict[str, Any]]:
    """All that a session did of one kind, oldest first."""
    return [effect.value for _, effect in engine.journal.of_kind(registration.run, [kind], 1 << 31)]


def halt_kind(halt: Halt) -> Literal["daily", "persistent", "operator"]:
    if halt.cause in (Cause.HALT, Cause.KILL, Cause.STOPPING, Cause.RESYNC):
        return "operator"
    return "daily" if halt.lasts is Lasts.DAILY else "persistent"


def halt_rows(live: LiveSession) -> Iterator[HaltRow]:
    shared = len(live.machine.session.books.strategies) > 1
    for halt in live.machine.halts:
        if halt.lasts is not Lasts.WHILE:
            yield HaltRow(
                scope=f"{live.name} {halt.strategy}" if shared and halt.strategy else live.name,
                kind=halt_kind(halt),
                reason=halt.reason,
                since=halt.since,
                until=halt.until,
                author=halt.author,
                clears=f"qkt resume {live.name}",
            )


def account_row(live: LiveSession, row: StrategyRow, worth: Worth, stakes: list[ExposureRow]) -> AccountRow:
    """The account of one session, from its row, what it is worth and what it has at stake."""
    start = live.machine.history.day_start
    notional = [one.notional for one in stakes if one.notional is not None]
    return AccountRow(
        account=row.account,
        venue=venue_of(live.registration),
        mode=row.mode,
        currency=live.machine.settings.currency,
        equity=worth.equity,
        balance=worth.balance,
        day_pnl=worth.day_pnl,
        open_pnl=worth.open_pnl,
        drawdown_pct=worth.drawdown_pct,
        day_pct=q8(quotient(HUNDRED * worth.day_pnl, start)) if start > 0 else None,
        gross=sum((abs(one) for one in notional), ZERO),
        net=sum(notional, ZERO),
        positions=row.positions,
        orders=row.orders,
        sessions=1,
    )


def exposure_rows(live: LiveSession, legs: list[PositionRow], equity: Decimal) -> Iterator[ExposureRow]:
    """What a session's legs come to, symbol by symbol."""
    machine = live.machine
    books, limit = machine.session.books, machine.settings.limits.orders.max_notional
    for symbol in dict.fromkeys(leg.symbol for leg in legs):
        own = [leg for leg in legs if leg.symbol == symbol]
        net = sum((leg.quantity if leg.side == "LONG" else -leg.quantity for leg in own), ZERO)
        mark = own[0].mark
        notional = None
        if mark is not None:
            size = machine.settings.instruments.resolve(symbol).contract_size
            notional = books.converter.value(q8(net * size * mark), symbol, mark)
        yield ExposureRow(
            account=account_of(live.registration),
            symbol=symbol,
            net=net,
            gross=sum((leg.quantity for leg in own), ZERO),
            notional=notional,
            equity_pct=None if notional is None or equity <= 0 else q8(quotient(HUNDRED * notional, equity)),
            limit=limit,
            used_pct=None if notional is None or not limit else q8(quotient(HUNDRED * abs(notional), limit)),
        )


@cache
def _version() -> str:
    """Read once: looking it up takes a millisecond, and whoever looks asks for it every second."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("qkt")
    except PackageNotFoundError:
        return "source"


def hello(engine: Engine) -> Hello:
    """Who this engine is."""
    return Hello(
        version=_version(),
        pid=os.getpid(),
        mode="LIVE" if engine.defaults.broker is BrokerKind.MT5 else "PAPER",
        account=str(engine.defaults.broker),
        started=engine.started_at,
        state_dir=str(engine.state),
        demo=engine.demo,
        strategies_dir=None if engine.strategies_dir is None else str(engine.strategies_dir),
    )


def health(engine: Engine) -> Health:
    """Whether the engine lives, and what of it is not well."""
    issues = [f"{name}: {reason}" for name, (_, reason) in engine.resting.items() if reason]
    rows = []
    for name, hosted in engine.hosted.items():
        live = hosted.live
        issues += [f"{name}: {halt.reason}" for halt in live.machine.halts]
        block = live.machine.blocked
        rows.append(
            SessionHealth(
                name=name,
                state=live.state,
                halted=live.halted is not None,
                blocked=None if block is None else block.reason,
                last_tick=live.machine.last_ts or None,
                queue=len(live.inbox),
                dropped=live.inbox.dropped,
            )
        )
    rows += [
        SessionHealth(name=name, state="down" if reason else State.STOPPED, halted=False)
        for name, (_, reason) in engine.resting.items()
    ]
    return Health(
        status=engine.status,
        pid=os.getpid(),
        version=engine.version,
        uptime_s=(engine.wall.now() - engine.started_at) / 1000,
        sessions=tuple(rows),
        issues=tuple(issues),
    )
