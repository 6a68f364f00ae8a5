"""All tables at one moment."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping, Sequence
from decimal import Decimal
from time import monotonic, process_time
from typing import TYPE_CHECKING

import anyio.lowlevel

from qkt.runtime.control.frames import Tables, table
from qkt.runtime.control.rows import (
    AccountRow,
    ExposureRow,
    FillRow,
    HaltRow,
    LimitRow,
    MarketRow,
    OrderRow,
    PositionRow,
    RuleRow,
    StrategyRow,
    StreamRow,
    SystemRow,
)
from qkt.runtime.figures import BOUNDS, Durations
from qkt.runtime.views.fills import ShownFills
from qkt.runtime.views.kept import Kept
from qkt.runtime.views.limits import limit_rows
from qkt.runtime.views.markets import ShownStreams, feed_rows, market_rows
from qkt.runtime.views.positions import order_rows, position_rows
from qkt.runtime.views.rules import LookedRules, Ruled
from qkt.runtime.views.sessions import Worth, account_row, child_rows, exposure_rows, halt_rows, resting_row, strategy_row

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine
    from qkt.runtime.roster import Hosted
    from qkt.runtime.session import LiveSession

AT_ONCE = 0.001
"""Seconds that whoever may wait takes at a time."""
MEASURED = 2.0
"""Seconds over which the process's own load is taken."""


class ShownRisk:
    """What is at stake in one session and how much of its limits that uses. Both move with every price; they are looked at
    again when the engine has looked at its markets, once a second, and when the session holds something else."""

    def __init__(self) -> None:
        self.stakes: list[ExposureRow] = []
        self.limits: dict[str, LimitRow] = {}
        self._kept: Kept[LimitRow] = Kept()
        self._of: object = None

    def look(self, engine: Engine, live: LiveSession, own: list[PositionRow], equity: Decimal) -> None:
        held = (engine.markets.looks, len(live.machine.session.books.trades), [one.quantity for one in own])
        if held != self._of:
            self._of = held
            self.stakes = list(exposure_rows(live, own, equity))
            self.limits = table(limit_rows(live, self._kept))


class Shown:
    """What the last snapshot of an engine was made of."""

    def __init__(self) -> None:
        self.positions: dict[str, Kept[PositionRow]] = {}
        self.orders: dict[str, Kept[OrderRow]] = {}
        self.risks: dict[str, ShownRisk] = {}
        self.fills: dict[str, ShownFills] = {}
        self.rules: dict[str, LookedRules] = {}
        self.markets: Kept[MarketRow] = Kept()
        self.streams: dict[str, ShownStreams] = {}
        self.load = Decimal(0)
        self.lag_ms = 0
        # Microseconds from a tick to its durable intent, of the slowest session, by share.
        self.intent_us: dict[float, int | None] = {0.5: None, 0.99: None}
        self._at = monotonic()
        self._spent = process_time()
        self._lags: list[int] = []

    def forget(self, name: str) -> None:
        """A session has gone."""
        for kept in (self.positions, self.orders, self.risks, self.fills, self.streams):
            kept.pop(name, None)
        for whose in [one for one in self.rules if one.partition("/")[0] == name]:
            del self.rules[whose]

    def rules_of(self, whose: Ruled) -> Sequence[RuleRow]:
        return self.rules.setdefault(whose.name, LookedRules()).of(whose)

    def fills_of(self, hosted: Hosted) -> Mapping[str, FillRow]:
        return self.fills.setdefault(hosted.live.name, ShownFills()).of(hosted.live)

    def measure(self, lag: Durations, intents: Sequence[Durations]) -> None:
        """Take the process's load (percent of one core), the loop's longest delay and the time to a durable intent anew, every
        few seconds."""
        now = monotonic()
        if now - self._at < MEASURED:
            return
        spent = process_time()
        self.load = round(Decimal(100 * (spent - self._spent) / (now - self._at)), 1)
        self._at, self._spent = now, spent
        for share in self.intent_us:
            self.intent_us[share] = max((one.quantile(share) // 1000 for one in intents if one.count), default=None)
        before, self._lags = self._lags, list(lag.classes)
        grown = [at for at, count in enumerate(self._lags) if before and count > before[at]]
        self.lag_ms = round(BOUNDS[min(grown[-1], len(BOUNDS) - 1)] / 1e6) if grown else 0


def tables(engine: Engine) -> Tables:
    """Everything but rules, at one moment."""
    steps = _gathered(engine)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


async def tables_in_turns(engine: Engine) -> Tables:
    """The same for whom it may take a while: each session at a moment of its own, and after every `AT_ONCE` seconds others on
    the loop get their turn."""
    steps = _gathered(engine)
    until = monotonic() + AT_ONCE
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        if monotonic() > until:
            await anyio.lowlevel.checkpoint()
            until = monotonic() + AT_ONCE


def _gathered(engine: Engine) -> Generator[None, None, Tables]:
    """Session by session; one that has gone meanwhile is left out."""
    shown = engine.shown
    positions: dict[str, PositionRow] = {}
    orders: dict[str, OrderRow] = {}
    fills: dict[str, FillRow] = {}
    strategies: list[StrategyRow] = []
    accounts: list[AccountRow] = []
    exposure: list[ExposureRow] = []
    halts: list[HaltRow] = []
    limits: dict[str, LimitRow] = {}
    streams: dict[str, StreamRow] = {}
    wall = engine.wall.now()
    for hosted in list(engine.hosted.values()):
        live = hosted.live
        if engine.hosted.get(live.name) is not hosted:
            continue
        own = list(position_rows(live, shown.positions.setdefault(live.name, Kept())))
        worth = Worth.of(live.machine.history)
        row = strategy_row(hosted, worth)
        risk = shown.risks.setdefault(live.name, ShownRisk())
        risk.look(engine, live, own, worth.equity)
        positions |= table(own)
        orders |= table(order_rows(live, shown.orders.setdefault(live.name, Kept())))
        fills.update(shown.fills_of(hosted))
        strategies += [row, *child_rows(hosted, row)]
        exposure += risk.stakes
        accounts.append(account_row(live, row, worth, risk.stakes))
        limits |= risk.limits
        halts += halt_rows(live)
        now = live.machine.last_ts if hosted.pump.drives_clock else wall
        streams.update(shown.streams.setdefault(live.name, ShownStreams()).of(live.machine, now))
        yield
    markets = table(market_rows(engine))
    shown.markets.turn()
    return Tables.model_construct(
        strategies=table([*strategies, *(resting_row(engine, name) for name in engine.resting)]),
        positions=positions,
        orders=orders,
        fills=fills,
        market=markets,
        limits=limits,
        halts=table(halts),
        alerts=table(engine.alerts),
        feeds=table(feed_rows(engine)),
        accounts=table(accounts),
        exposure=table(exposure),
        streams=streams,
        runs=table(engine.runs),
        system=table([system_row(engine, list(engine.hosted.values()))]),
        rules={},
    )


def system_row(engine: Engine, running: Sequence[Hosted]) -> SystemRow:
    """How the process keeps up."""
    lives = [hosted.live for hosted in running]
    refused = next((live.recorder.refused for live in lives if live.recorder.refused), None)
    figures = engine.figures
    engine.shown.measure(figures.lag, [live.figures.intent for live in lives])
    rates = [engine.markets.rate(live.name, symbol) for live in lives for symbol in engine.hosted[live.name].pump.counts]
    return SystemRow(
        disk=refused or "ok",
        recorder="waiting" if refused else "ok",
        queue=sum(len(live.inbox) for live in lives),
        dropped=sum(live.inbox.dropped for live in lives),
        latency_p50_us=engine.shown.intent_us[0.5],
        latency_p99_us=engine.shown.intent_us[0.99],
        subscribers=engine.subscribers(),
        cpu_pct=engine.shown.load,
        memory_bytes=resident(),
        loop_lag_ms=engine.shown.lag_ms,
        clock_skew_ms=next((h.pump.skew_ms for h in running if h.pump.skew_ms is not None), None),
        waiting_bytes=sum(live.recorder.waiting for live in lives),
        journal_writes=figures.commit.count,
        journal_failures=figures.commit_failures,
        ticks_per_second=sum(rates, Decimal(0)),
    )


def resident() -> int | None:
    """Memory that the process holds, in bytes, where the platform says so."""
    if sys.platform != "linux":
        return None
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
