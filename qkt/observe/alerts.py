"""Which lines somebody is told of, and in what words."""

from __future__ import annotations

import datetime as dt
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from qkt.config import AlertEvent
from qkt.core.secrets import redacted
from qkt.runtime.control.frames import Snapshot
from qkt.runtime.control.rows import Level, Line, StrategyRow

EVENTS: dict[str, AlertEvent] = {
    "halt": "halted",
    "halted": "halted",
    "standing": "halted",
    "resume": "resumed",
    "lifted": "resumed",
    "fault": "fault",
    "rejected": "rejected",
    "refused": "refused",
    "block": "blocked",
    "unblock": "unblocked",
    "gap": "feed",
    "started": "started",
    "ended": "stopped",
    "down": "down",
    "defect": "down",
}
"""Event of a line -> what it is for who is told."""
KINDS: tuple[AlertEvent, ...] = get_args(AlertEvent)
LISTED = 20
"""Alerts that a digest spells out."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something worth telling. `ts` epoch ms."""

    event: AlertEvent
    level: Level
    scope: str
    text: str
    ts: int


def alert_of(line: Line) -> Alert | None:
    """What a line is worth telling as, None for most. An error of any other sort is one, whatever it is about."""
    event = EVENTS.get(line.event)
    if event is None and line.event == "feed" and line.level in ("WARN", "ERROR"):
        event = "feed"
    if event is None and line.level == "ERROR" and line.kind != "log":
        event = "error"
    if event is None:
        return None
    level: Level = "ERROR" if event in ("halted", "fault", "rejected", "down") else line.level
    return Alert(event, level, line.scope, line.text, line.ts)


def message(alerts: Sequence[Alert], dropped: int = 0) -> tuple[str, str]:
    """Title and body of one alert, or of several at once; the same thing of the same session is told once, with its count."""
    if len(alerts) == 1 and not dropped:
        (one,) = alerts
        return f"[{one.level}] qkt {one.event}: {one.scope}", f"{one.scope}: {one.text}\n{_moment(one.ts)}, {platform.node()}"
    worst = max(alerts, key=lambda one: ("DEBUG", "INFO", "WARN", "ERROR").index(one.level)).level
    kinds = Counter(one.event for one in alerts)
    title = f"[{worst}] qkt: {len(alerts)} alerts ({', '.join(f'{count} {event}' for event, count in kinds.items())})"
    same = Counter((one.level, one.scope, one.text) for one in alerts)
    lines = [
        f"[{level}] {scope}: {text}{f' ({count} times)' if count > 1 else ''}"
        for (level, scope, text), count in list(same.items())[:LISTED]
    ]
    if len(same) > LISTED:
        lines.append(f"and {len(same) - LISTED} more")
    if dropped:
        lines.append(f"{dropped} older ones were dropped")
    return title, "\n".join([*lines, f"{_moment(alerts[-1].ts)}, {platform.node()}"])


def summary(snapshot: Snapshot) -> tuple[str, str]:
    """Title and body of the day's summary."""
    rows = list(snapshot.tables.strategies.values())
    moment = dt.datetime.fromtimestamp(snapshot.ts / 1000, dt.UTC)
    lines = [_summed_up(row) for row in rows] or ["no sessions"]
    return f"qkt {moment:%Y-%m-%d}: {len(rows)} sessions", redacted("\n".join([*lines, platform.node()]))


def _summed_up(row: StrategyRow) -> str:
    percent = ""
    if row.equity is not None and row.day_pnl is not None and (before := row.equity - row.day_pnl):
        percent = f" ({row.day_pnl / before * 100:+.2f}%)"
    state = f"halted ({row.reason})" if row.halt else row.state.lower()
    return (
        f"{row.name} [{row.mode}] {state}: equity {_known(row.equity, ',.2f')}, day {_known(row.day_pnl, '+,.2f')}{percent},"
        f" realised {row.realised:+,.2f}, open {_known(row.open_pnl, '+,.2f')}, {row.trades} trades, {row.positions} positions"
    )


def _known(amount: Decimal | None, form: str) -> str:
    return "unknown" if amount is None else format(amount, form)


def _moment(ts: int) -> str:
    return f"{dt.datetime.fromtimestamp(ts / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
