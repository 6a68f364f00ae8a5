"""The state of an engine as one document, and whether it is well.

`STATUS` and the names of the keys change together: a key may be added under the same number, never renamed or removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from qkt.runtime.control.engine import Health
from qkt.runtime.control.frames import Hello, Snapshot
from qkt.runtime.control.rows import AccountRow, AlertRow, FeedRow, HaltRow, OrderRow, PositionRow, StrategyRow
from qkt.runtime.control.values import Millis, Word
from qkt.runtime.engine import Engine
from qkt.runtime.figures import Durations

STATUS = 1
ALERTS = 50


class EngineStatus(Word):
    """The process."""

    version: str
    pid: int
    mode: Literal["PAPER", "LIVE"]
    status: Literal["starting", "ready", "stopping"]
    started: Millis
    uptime_s: float


class Timing(Word):
    """How long something took, milliseconds; quantiles are at most a fifth too long."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


class SystemStatus(Word):
    """Storage, loop, and the way from a tick to its durable intent, of all sessions that run."""

    journal_writes: int
    journal_failures: int
    recorder: str
    disk_free_bytes: int
    ticks: int
    dropped: int
    queue: int
    loop_lag: Timing
    commit: Timing
    tick_to_intent: Timing


class Wellness(Word):
    """`live`: the process answers and does not end. `ready`: it does all that it should; else `reasons` say in sentences
    what is wrong. `notes` are what an operator wanted so."""

    live: bool
    ready: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Status(Word):
    """Everything but rules, lines and past fills. Money, prices and quantities are decimal strings, times epoch ms."""

    status: int = STATUS
    ts: Millis
    engine: EngineStatus
    health: Wellness
    sessions: tuple[StrategyRow, ...]
    accounts: tuple[AccountRow, ...]
    positions: tuple[PositionRow, ...]
    orders: tuple[OrderRow, ...]
    feeds: tuple[FeedRow, ...]
    halts: tuple[HaltRow, ...]
    alerts: tuple[AlertRow, ...] = Field(description="the latest")
    system: SystemStatus


def wellness(health: Health) -> Wellness:
    """Whether all is well. What an operator halted is as it should be; what failed, or cannot trade, is not."""
    reasons = [] if health.status == "ready" else [f"the engine is {health.status}"]
    notes = []
    for session in health.sessions:
        if session.state == "down":
            reasons.append(f"{session.name} could not be brought back")
        elif session.state == "fault":
            reasons.append(f"{session.name} failed and is halted")
        elif session.halted:
            notes.append(f"{session.name} is halted")
        if session.blocked is not None:
            reasons.append(f"{session.name} takes no entries: {session.blocked}")
    return Wellness(live=health.status != "stopping", ready=not reasons, reasons=tuple(reasons), notes=tuple(notes))


def status_of(engine: Engine, snapshot: Snapshot) -> Status:
    """The document."""
    hello, health, tables = engine.hello(), engine.health(), snapshot.tables
    return Status(
        ts=snapshot.ts,
        engine=_engine(hello, health),
        health=wellness(health),
        sessions=tuple(tables.strategies.values()),
        accounts=tuple(tables.accounts.values()),
        positions=tuple(tables.positions.values()),
        orders=tuple(tables.orders.values()),
        feeds=tuple(tables.feeds.values()),
        halts=tuple(tables.halts.values()),
        alerts=tuple(tables.alerts.values())[-ALERTS:],
        system=_system(engine),
    )


def _engine(hello: Hello, health: Health) -> EngineStatus:
    return EngineStatus(
        version=hello.version,
        pid=hello.pid,
        mode=hello.mode,
        status=health.status,
        started=hello.started,
        uptime_s=health.uptime_s,
    )


def _system(engine: Engine) -> SystemStatus:
    lives = [hosted.live for hosted in engine.hosted.values()]
    figures = engine.figures
    return SystemStatus(
        journal_writes=figures.commit.count,
        journal_failures=figures.commit_failures,
        recorder=next((live.recorder.refused for live in lives if live.recorder.refused), "ok"),
        disk_free_bytes=shutil.disk_usage(engine.state).free,
        ticks=sum(live.figures.ticks_in for live in lives),
        dropped=sum(live.figures.ticks_dropped for live in lives),
        queue=sum(live.figures.queue for live in lives),
        loop_lag=_timing([figures.lag]),
        commit=_timing([figures.commit]),
        tick_to_intent=_timing([live.figures.intent for live in lives]),
    )


def _timing(parts: Sequence[Durations]) -> Timing:
    whole = Durations(
        count=sum(part.count for part in parts),
        total=sum(part.total for part in parts),
        worst=max((part.worst for part in parts), default=0),
    )
    for part in parts:
        whole.classes = [a + b for a, b in zip(whole.classes, part.classes, strict=True)]
    half, most, nearly = (whole.quantile(share) / 1e6 for share in (0.5, 0.95, 0.99))
    return Timing(count=whole.count, p50_ms=half, p95_ms=most, p99_ms=nearly, worst_ms=whole.worst / 1e6)
