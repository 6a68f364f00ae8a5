"""Symbols, the feeds that quote them, and the bars that wait to close."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from qkt.core.numbers import ZERO, to_decimal
from qkt.core.timeframe import DAY_MS
from qkt.data import Bar
from qkt.data.feeds import FeedState
from qkt.engine.candles import TickCandles
from qkt.runtime.control.rows import FeedRow, MarketRow, StreamRow
from qkt.runtime.machine import SessionMachine
from qkt.runtime.market_watch import change_pct
from qkt.strategy import StreamSpec

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine
    from qkt.runtime.roster import Hosted

FEEDS: dict[FeedState, Literal["connecting", "connected", "stale", "lost", "ended"]] = {
    FeedState.CONNECTED: "connected",
    FeedState.GAP: "connected",
    FeedState.RECONNECTING: "connecting",
    FeedState.STALE: "stale",
    FeedState.OUTAGE: "lost",
    FeedState.ENDED: "ended",
    FeedState.LOST: "lost",
    FeedState.UNAVAILABLE: "lost",
    FeedState.FAILED: "lost",
}
WORST = ("lost", "stale", "connecting", "connected", "ended")


def market_rows(engine: Engine) -> Iterator[MarketRow]:
    """Every traded symbol once, as the session whose market has come furthest sees it."""
    newest: dict[str, Hosted] = {}
    for hosted in engine.hosted.values():
        for symbol in hosted.live.symbols:
            known = newest.get(symbol)
            if known is None or _time_of(hosted, symbol) > _time_of(known, symbol):
                newest[symbol] = hosted
    return (_market(engine, hosted, symbol) for symbol, hosted in newest.items())


def _time_of(hosted: Hosted, symbol: str) -> int:
    machine = hosted.live.machine
    return -1 if machine.board.quote(symbol) is None else machine.last_ts


def _market(engine: Engine, hosted: Hosted, symbol: str) -> MarketRow:
    """What is looked up once a second is kept until then, what a tick moves is not."""
    live, pump, watch = hosted.live, hosted.pump, engine.markets
    machine = live.machine
    quote, fault = machine.board.quote(symbol), pump.fault(symbol)

    def moving() -> dict[str, Any]:
        bid = ask = None
        if quote is not None:
            bid, ask = (None if side is None else to_decimal(side) for side in (quote.bid, quote.ask))
        return {
            "bid": bid,
            "ask": ask,
            "spread": None if bid is None or ask is None else ask - bid,
            "day_pct": _day_pct(machine, symbol),
            "ticks": pump.counts[symbol],
            "ts": pump.seen.get(symbol),
            "clock": machine.last_ts if pump.drives_clock and quote is not None else None,
        }

    def make() -> MarketRow:
        instrument = machine.settings.instruments.resolve(symbol)
        return MarketRow(
            symbol=symbol,
            feed=feed_of(engine, hosted),
            rate=watch.rate(live.name, symbol),
            digits=instrument.digits,
            point=instrument.point_size,
            stale=fault is not None and "stale" in fault,
            fault=fault,
            refused=pump.refused_of(symbol),
            recent=watch.recent(live.name, symbol),
            **moving(),
        )

    mark = (quote, pump.seen.get(symbol), pump.counts[symbol])
    return engine.shown.markets.row(
        symbol, (live.name, fault, watch.looks), make, mark, lambda row: row.model_copy(update=moving())
    )


def _day_pct(machine: SessionMachine, symbol: str) -> Decimal | None:
    """From the last close of the day before, or the first price of this one where no earlier is known."""
    last = machine.board.last(symbol)
    stream = next((s for s in machine.strategy.streams if s.symbol == symbol), None)
    if last is None or stream is None:
        return None
    midnight = machine.last_ts - machine.last_ts % DAY_MS
    before = machine.candles.reference(stream.alias, midnight)
    if before is None:
        forming = forming_bar(machine, stream.alias)
        before = None if forming is None else forming.open
    return None if not before else round(change_pct(to_decimal(last), to_decimal(before)), 4)


def forming_bar(machine: SessionMachine, stream: str) -> Bar | None:
    """The bar that a stream is in."""
    feed = machine.session.candles
    return feed.forming(stream) if isinstance(feed, TickCandles) else None


def feed_of(engine: Engine, hosted: Hosted) -> str:
    """The name of what feeds a session: what it shares with others, or its own."""
    return engine.market.name or hosted.live.name


def feed_rows(engine: Engine) -> Iterator[FeedRow]:
    """Feeds, one that is shared once."""
    groups: dict[str, list[Hosted]] = {}
    for hosted in engine.hosted.values():
        groups.setdefault(feed_of(engine, hosted), []).append(hosted)
    for name, readers in groups.items():
        states = [FEEDS[hosted.pump.state] for hosted in readers]
        first = readers[0]
        ticks, rates, faulty = _brought(engine, readers)
        yield FeedRow(
            feed=name,
            state=next((state for state in WORST if state in states), "connecting"),
            since=min(hosted.pump.since for hosted in readers),
            symbols=len(ticks),
            sessions=len(readers),
            ticks=sum(ticks.values()),
            dropped=sum(hosted.live.inbox.dropped for hosted in readers),
            lag_ms=first.pump.lag_ms,
            reason=next((hosted.pump.reason for hosted in readers if hosted.pump.reason), None),
            rate=sum(rates.values(), ZERO),
            own_clock=first.pump.drives_clock,
            faults=len(faulty),
        )


def _brought(engine: Engine, readers: Sequence[Hosted]) -> tuple[dict[str, int], dict[str, Decimal], set[str]]:
    """What a feed brought, by symbol: ticks and their rate, of the reader that got most; and which symbols are not sound."""
    ticks: dict[str, int] = {}
    rates: dict[str, Decimal] = {}
    faulty = set()
    for hosted in readers:
        name, pump = hosted.live.name, hosted.pump
        for symbol, count in pump.counts.items():
            if count >= ticks.get(symbol, 0):
                ticks[symbol] = count
            rate = engine.markets.rate(name, symbol)
            if symbol not in rates or rate > rates[symbol]:
                rates[symbol] = rate
            if pump.fault(symbol):
                faulty.add(symbol)
    return ticks, rates, faulty


class ShownStreams:
    """The streams of one session; they are looked at again when a bar has closed or one is about to be overdue."""

    def __init__(self) -> None:
        self._count = -1
        self._until = 0
        self._rows: dict[str, StreamRow] = {}

    def of(self, machine: SessionMachine, now: int) -> Mapping[str, StreamRow]:
        """By key, at a moment of the session's clock (epoch ms)."""
        if machine.candles.count != self._count or now > self._until:
            rows, self._count = [], machine.candles.count
            self._until = now
            for stream in machine.strategy.streams:
                last, forming = machine.candles.last.get(stream.alias), forming_bar(machine, stream.alias)
                closed, due = None if last is None else last.end, None if forming is None else forming.end
                rows.append(_stream(machine.name, stream, closed, due, due is not None and now > due))
            dues = [row.due for row in rows]
            if all(due is not None for due in dues):
                self._until = min((due for due in dues if due is not None), default=now)
            self._rows = {row.key: self._kept(row) for row in rows}
        return self._rows

    def _kept(self, row: StreamRow) -> StreamRow:
        known = self._rows.get(row.key)
        return row if known is None or known != row else known


def _stream(name: str, stream: StreamSpec, closed: int | None, due: int | None, overdue: bool) -> StreamRow:
    return StreamRow(
        session=name,
        stream=stream.alias,
        symbol=stream.symbol,
        timeframe=stream.timeframe.text,
        closed=closed,
        due=due,
        overdue=overdue,
    )
