"""What an engine shows of itself, read between two events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

from qkt.core.numbers import ZERO, q8, to_decimal
from qkt.core.terms import Purpose, Side
from qkt.data.feeds import FeedState
from qkt.ledger import TradeRow
from qkt.runtime.control.frames import Tables, table
from qkt.runtime.control.rows import (
    AccountRow,
    EquityPoint,
    FeedRow,
    FillRow,
    HaltRow,
    MarketRow,
    OrderRow,
    PositionRow,
    RuleRow,
    SessionState,
    StrategyRow,
    SystemRow,
)
from qkt.runtime.machine import FAULT, Block, SessionMachine
from qkt.runtime.session import LiveSession, State

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine, Hosted
    from qkt.runtime.journal import Registration

NONE = Decimal(0)
FILLS_SHOWN = 100
STATES: dict[State, SessionState] = {
    State.STARTING: "WARM",
    State.WARMING: "WARM",
    State.RUNNING: "RUN",
    State.HALTED: "RUN",
    State.FAULT: "FAULT",
    State.STOPPING: "STOPPING",
    State.STOPPED: "STOPPED",
}
FEEDS: dict[FeedState, Literal["connecting", "connected", "stale", "lost", "ended"]] = {
    FeedState.CONNECTED: "connected",
    FeedState.GAP: "connected",
    FeedState.RECONNECTING: "connecting",
    FeedState.STALE: "stale",
    FeedState.ENDED: "ended",
    FeedState.LOST: "lost",
    FeedState.UNAVAILABLE: "lost",
    FeedState.FAILED: "lost",
}


def account_of(name: str) -> str:
    """Each paper session has an account of its own."""
    return f"paper:{name}"


def tables(engine: Engine) -> Tables:
    """Everything but rules."""
    running = list(engine.hosted.values())
    lives = [hosted.live for hosted in running]
    return Tables(
        strategies=table([*(_strategy(live) for live in lives), *(_resting_row(engine, name) for name in engine.resting)]),
        positions=table(row for live in lives for row in position_rows(live)),
        orders=table(row for live in lives for row in order_rows(live)),
        fills=table(row for live in lives for row in _fills(live.name, live.machine.session.books.trades, FILLS_SHOWN)),
        market=table(row for hosted in running for row in _markets(hosted)),
        halts=table(_halt(live.name, block) for live in lives for block in live.machine.blocks.values() if block.halts),
        alerts=table(engine.alerts),
        feeds=table(_feed(hosted) for hosted in running),
        accounts=table(_account(live) for live in lives),
        system=table([_system(lives)]),
    )


def _system(lives: Sequence[LiveSession]) -> SystemRow:
    refused = next((live.recorder.refused for live in lives if live.recorder.refused), None)
    return SystemRow(
        disk=refused or "ok",
        recorder="waiting" if refused else "ok",
        queue=sum(len(live.inbox) for live in lives),
        dropped=sum(live.inbox.dropped for live in lives),
    )


def _strategy(live: LiveSession) -> StrategyRow:
    machine = live.machine
    books, history = machine.session.books, machine.history
    equity, balance = machine.equity(), machine.balance()
    fall = history.drawdown(equity)
    block = live.halted
    other = next((one for one in machine.blocks.values() if not one.halts), None)
    return StrategyRow(
        name=live.name,
        state=STATES[live.state],
        halt=None if block is None else _halt_kind(block),
        reason=None if block is None else block.reason,
        account=account_of(live.name),
        mode="PAPER",
        file=live.registration.file,
        started=live.started_at,
        symbols=tuple(dict.fromkeys(s.symbol for s in machine.strategy.streams if s.traded)),
        equity=equity,
        balance=balance,
        day_pnl=equity - history.day_start if history.samples else NONE,
        open_pnl=equity - balance,
        realised=balance - books.starting,
        drawdown_pct=fall,
        max_drawdown_pct=min(history.worst, fall),
        positions=sum(1 for book in books.strategies.values() for legs in book.open_books() for _ in legs),
        orders=len(machine.session.orders.live_orders()),
        trades=len(books.trades),
        last_fill=books.trades[-1].timestamp if books.trades else None,
        last_tick=machine.last_ts or None,
        queue=len(live.inbox),
        dropped=live.inbox.dropped,
        blocked=None if other is None else other.reason,
    )


def _resting_row(engine: Engine, name: str) -> StrategyRow:
    row = engine.rest_rows.get(name)
    if row is None:
        row = engine.rest_rows[name] = _resting(engine, *engine.resting[name])
    return row


def _resting(engine: Engine, registration: Registration, problem: str | None) -> StrategyRow:
    """A session that does not run, as far as its journal tells."""
    fills = engine.journal.of_kind(registration.run, ["fill"], 1 << 31)
    realised = sum((Decimal(effect.value["realized"]) for _, effect in fills), NONE)
    balance = Decimal(registration.settings["balance"]) + realised
    return StrategyRow(
        name=registration.name,
        state="DOWN" if problem else "STOPPED",
        reason=problem,
        account=account_of(registration.name),
        mode="PAPER",
        file=registration.file,
        started=registration.created_at,
        symbols=(),
        equity=balance,
        balance=balance,
        day_pnl=NONE,
        open_pnl=NONE,
        realised=realised,
        drawdown_pct=NONE,
        max_drawdown_pct=NONE,
        positions=0,
        orders=0,
        trades=len(fills),
        last_fill=fills[-1][1].value["timestamp"] if fills else None,
    )


def position_rows(live: LiveSession) -> Iterator[PositionRow]:
    """The session's open legs with what protects them."""
    machine = live.machine
    books = machine.session.books
    exits = [order for order in machine.session.orders.live_orders() if order.reduce_only]
    for book in books.strategies.values():
        for legs in book.open_books():
            last = machine.board.last(legs.symbol)
            mark = None if last is None else to_decimal(last)
            for leg in legs:
                own = [order for order in exits if order.leg_id == leg.id]
                stop = next((o.stop for o in own if o.purpose is Purpose.STOP_LOSS and o.stop is not None), None)
                target = next((o.limit for o in own if o.purpose is Purpose.TAKE_PROFIT and o.limit is not None), None)
                pnl = None
                if mark is not None:
                    pnl = books.converter.value(q8(books.open_profit(leg, mark)), legs.symbol, mark)
                yield PositionRow(
                    session=live.name,
                    account=account_of(live.name),
                    leg=str(leg.id),
                    symbol=legs.symbol,
                    side="LONG" if leg.side is Side.BUY else "SHORT",
                    quantity=leg.quantity,
                    entry=leg.entry,
                    opened=leg.opened_at,
                    mark=mark,
                    pnl=pnl,
                    stop=stop,
                    target=target,
                    engine_held=tuple(f"{o.kind.value} {o.id}" for o in own if o.held),
                )


def order_rows(live: LiveSession) -> Iterator[OrderRow]:
    """The session's orders that are not terminal."""
    board = live.machine.board
    for order in live.machine.session.orders.live_orders():
        level = order.stop if order.stop is not None else order.limit
        quote = board.quote(order.symbol)
        price = None if quote is None else quote.buy if order.side is Side.BUY else quote.sell
        yield OrderRow(
            session=live.name,
            account=account_of(live.name),
            order=order.id,
            symbol=order.symbol,
            side=order.side.value,
            kind=order.kind.value,
            purpose=order.purpose.value,
            status=order.state.value,
            quantity=order.quantity,
            filled=order.filled,
            price=order.limit,
            stop=order.stop,
            distance=None if level is None or price is None else q8(level - to_decimal(price)),
            time_in_force=order.tif.value,
            expires=order.expires_at,
            placed=order.created_at,
            leg=None if order.leg_id is None else str(order.leg_id),
            venue="engine" if order.held else "venue",
        )


def fill_rows(engine: Engine, session: str | None, limit: int) -> list[FillRow]:
    """Fills ever made, the latest `limit`, oldest first."""
    found: list[FillRow] = []
    for name in engine.known() if session is None else [session]:
        hosted = engine.hosted.get(name)
        if hosted is not None:
            found += _fills(name, hosted.live.machine.session.books.trades, limit)
            continue
        registration = engine.registration(name)
        rows = engine.journal.of_kind(registration.run, ["fill"], limit)
        before = engine.journal.count(registration.run, "fill") - len(rows)
        found += [_journaled(name, number, effect.value) for number, (_, effect) in enumerate(rows, before + 1)]
    found.sort(key=lambda row: row.ts)
    return found[-limit:] if limit else []


def _fills(name: str, trades: Sequence[TradeRow], limit: int) -> Iterator[FillRow]:
    first = max(len(trades) - limit, 0)
    for number, row in enumerate(trades[first:], first + 1):
        yield _fill_row(
            name,
            number,
            row.timestamp,
            row.order_id,
            row.symbol,
            row.side.value,
            row.quantity,
            row.price,
            row.realized,
            row.commission + row.fees,
            row.slippage,
            row.purpose,
        )


def _journaled(name: str, number: int, v: dict[str, Any]) -> FillRow:
    exact = {key: Decimal(v[key]) for key in ("quantity", "price", "realized", "commission", "fees", "slippage")}
    return _fill_row(
        name,
        number,
        v["timestamp"],
        v["order_id"],
        v["symbol"],
        v["side"],
        exact["quantity"],
        exact["price"],
        exact["realized"],
        exact["commission"] + exact["fees"],
        exact["slippage"],
        v["purpose"],
    )


@lru_cache(maxsize=1 << 14)  # a fill never changes, and a snapshot shows many
def _fill_row(
    name: str,
    number: int,
    ts: int,
    order: str,
    symbol: str,
    side: str,
    quantity: Decimal,
    price: Decimal,
    realised: Decimal,
    cost: Decimal,
    slippage: Decimal,
    purpose: str,
) -> FillRow:
    return FillRow(
        session=name,
        account=account_of(name),
        number=number,
        ts=ts,
        order=order,
        symbol=symbol,
        side=cast("Literal['BUY', 'SELL']", side),
        quantity=quantity,
        price=price,
        realised=realised,
        cost=cost,
        slippage=slippage,
        purpose=purpose,
    )


def _markets(hosted: Hosted) -> Iterator[MarketRow]:
    live = hosted.live
    machine = live.machine
    for symbol in dict.fromkeys(s.symbol for s in machine.strategy.streams if s.traded):
        quote = machine.board.quote(symbol)
        if quote is None:
            continue
        bid, ask = (None if side is None else to_decimal(side) for side in (quote.bid, quote.ask))
        yield MarketRow(
            symbol=symbol,
            feed=live.name,
            bid=bid,
            ask=ask,
            spread=None if bid is None or ask is None else ask - bid,
            ticks=machine.ticks,
            rate=ZERO,
            ts=machine.last_ts,
            refused=hosted.pump.refused,
            digits=machine.settings.instruments.resolve(symbol).digits,
        )


def _halt_kind(block: Block) -> Literal["daily", "persistent", "operator"]:
    return "persistent" if block.cause == FAULT else "operator"


def _halt(name: str, block: Block) -> HaltRow:
    return HaltRow(
        scope=name,
        kind=_halt_kind(block),
        reason=block.reason,
        since=block.since,
        author=block.author,
        clears=f"qkt resume {name}",
    )


def _feed(hosted: Hosted) -> FeedRow:
    live = hosted.live
    return FeedRow(
        feed=live.name,
        state=FEEDS[hosted.pump.state],
        since=live.started_at,
        symbols=hosted.pump.symbols,
        sessions=1,
        ticks=live.machine.ticks,
        dropped=live.inbox.dropped,
    )


def _account(live: LiveSession) -> AccountRow:
    row = _strategy(live)
    return AccountRow(
        account=row.account,
        venue="paper",
        mode="PAPER",
        currency=live.machine.settings.currency,
        equity=row.equity,
        balance=row.balance,
        day_pnl=row.day_pnl,
        open_pnl=row.open_pnl,
        drawdown_pct=row.drawdown_pct,
    )


def rule_rows(live: LiveSession) -> list[RuleRow]:
    """The rules of a session in the language; a strategy in Python has none."""
    machine = live.machine
    texts: Sequence[str] = getattr(machine.strategy, "rules", ())
    lines = _rule_lines(live.registration.source)
    return [_rule(live.name, machine, number, text, lines) for number, text in enumerate(texts)]


def _rule(name: str, machine: SessionMachine, number: int, text: str, lines: Sequence[int]) -> RuleRow:
    memory = getattr(machine.strategy, "memory", None)
    fired = machine.fired.get(number)
    true = None if memory is None else bool(memory.fired[number])
    return RuleRow(
        session=name,
        number=number,
        line=lines[number] if number < len(lines) else 0,
        text=text,
        value=None if true is None else str(true).upper(),
        true=true,
        last_fired=None if fired is None else fired[0],
        count=0 if fired is None else fired[1],
    )


def _rule_lines(source: str) -> list[int]:
    from qkt.lang import tree
    from qkt.lang.parser import parse

    file = parse(source, "").file
    return [rule.span.line for rule in file.rules] if isinstance(file, tree.Strategy) else []


def equity_points(engine: Engine, session: str | None, since: int) -> list[EquityPoint]:
    """Equity by the minute. The sessions of an engine have an account each, so without a session it is their sum at the
    minutes that all of them know."""
    if session is not None:
        samples = engine.find(session).machine.history.samples
        return [EquityPoint(ts=s.ts, equity=s.equity, balance=s.balance) for s in samples if s.ts >= since]
    totals: dict[int, list[tuple[Decimal, Decimal]]] = {}
    for hosted in engine.hosted.values():
        for s in hosted.live.machine.history.samples:
            minute = s.ts - s.ts % 60_000
            if minute >= since:
                totals.setdefault(minute, []).append((s.equity, s.balance))
    return [
        EquityPoint(ts=minute, equity=sum((e for e, _ in parts), NONE), balance=sum((b for _, b in parts), NONE))
        for minute, parts in sorted(totals.items())
        if len(parts) == len(engine.hosted)
    ]
