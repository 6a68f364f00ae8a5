"""Limits and how much of them is used, halts, alerts, and what is exposed."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.glyphs import bar
from tui.table import Cell, Column, Context, Table

if TYPE_CHECKING:
    from qkt.runtime.control.rows import AlertRow, ExposureRow, HaltRow, LimitRow

BAR = 12
NEAR = 80


def amount(value: Decimal | None, row: LimitRow) -> str:
    match row.unit:
        case "money":
            return fmt.money(value) if value is None or value >= 0 else fmt.gain(value)
        case "percent":
            return fmt.percent(value)
        case "count":
            return fmt.UNKNOWN if value is None else f"{value:,.0f}"
        case "quantity":
            return fmt.quantity(value)


def used_role(row: LimitRow) -> str:
    used = row.used_pct
    return "dim" if used is None else "alarm" if used >= 100 else "warn" if used >= NEAR else "text"


def used_cell(row: LimitRow, context: Context) -> Cell:
    if row.used_pct is None:
        return Cell(fmt.UNKNOWN, "dim")
    return Cell(bar(float(row.used_pct) / 100, BAR, context.glyphs), used_role(row))


LIMITS = Table(
    name="limits",
    title="LIMITS",
    rows=lambda view: view.tables.limits.values(),
    empty="No limits are set. [risk] in qkt.toml sets them.",
    order="USED",
    columns=(
        Column("SCOPE", lambda r, c: fmt.clean(r.scope), lambda r: r.scope, width=10, most=24),
        Column("RULE", lambda r, c: fmt.clean(r.rule.replace("_", " ")), lambda r: r.rule, width=16, most=28),
        Column("NOW", lambda r, c: Cell(amount(r.now, r), used_role(r)), lambda r: r.now, width=8, right=True),
        Column("LIMIT", lambda r, c: amount(r.limit, r), lambda r: r.limit, width=8, right=True),
        Column("USED", lambda r, c: Cell(fmt.share(r.used_pct, 0), used_role(r)), lambda r: r.used_pct, width=5, right=True),
        Column("", used_cell, width=BAR, rank=1),
    ),
)


HALTS = Table(
    name="halts",
    title="HALTS",
    rows=lambda view: view.tables.halts.values(),
    empty="Nothing is halted.",
    order="SINCE",
    columns=(
        Column("SCOPE", lambda r, c: Cell(fmt.clean(r.scope), "bold"), lambda r: r.scope, width=12, most=24),
        Column("KIND", lambda r, c: Cell(r.kind.upper(), "alarm"), lambda r: r.kind, width=10),
        Column("SINCE", lambda r, c: Cell(fmt.when(r.since, c.now), "dim"), lambda r: r.since, width=11, rank=3, arrives=True),
        Column("UNTIL", lambda r, c: until(r, c), lambda r: r.until, width=11),
        Column("REASON", lambda r, c: fmt.clean(r.reason), lambda r: r.reason, width=28, stretch=True),
        Column("BY", lambda r, c: Cell(fmt.clean(r.author or "engine"), "dim"), lambda r: r.author, width=8, rank=2, most=16),
        Column("CLEARED BY", lambda r, c: Cell(fmt.clean(r.clears), "dim"), lambda r: r.clears, width=18, rank=1, most=40),
    ),
)


def until(row: HaltRow, context: Context) -> Cell:
    return Cell("you resume", "warn") if row.until is None else Cell(fmt.when(row.until, context.now))


def level_role(level: str) -> str:
    return {"ERROR": "alarm", "WARN": "warn", "DEBUG": "dim"}.get(level, "text")


ALERTS = Table(
    name="alerts",
    title="ALERTS",
    rows=lambda view: view.tables.alerts.values(),
    empty="No alerts.",
    order="TIME",
    role=lambda row, context: "dim" if row.acknowledged is not None else None,
    note=lambda rows, context: f"{open_alerts(rows)} open, A acknowledges" if open_alerts(rows) else "",
    columns=(
        Column("TIME", lambda r, c: Cell(fmt.when(r.ts, c.now), "dim"), lambda r: (r.ts, r.number), width=11, arrives=True),
        Column("LEVEL", lambda r, c: Cell(r.level, level_role(r.level)), lambda r: r.level, width=5, rank=1),
        Column("SCOPE", lambda r, c: fmt.clean(r.scope), lambda r: r.scope, width=12, most=20),
        Column("WHAT", lambda r, c: fmt.clean(r.text), lambda r: r.text, width=16, stretch=True),
        Column(
            "SEEN BY",
            lambda r, c: Cell(fmt.clean(r.acknowledged or ""), "dim"),
            lambda r: r.acknowledged,
            width=8,
            rank=2,
            most=14,
        ),
    ),
)


def open_alerts(rows: Iterable[AlertRow]) -> int:
    return sum(row.acknowledged is None for row in rows)


def net_cell(row: ExposureRow) -> Cell:
    text = fmt.quantity(abs(row.net))
    return Cell(f"+{text}" if row.net > 0 else f"-{text}" if row.net < 0 else text)


def limit_cell(row: ExposureRow, context: Context) -> Cell:
    if row.used_pct is None:
        return Cell("")
    role = "alarm" if row.used_pct >= 100 else "warn" if row.used_pct >= NEAR else "text"
    return Cell(f"{bar(float(row.used_pct) / 100, BAR, context.glyphs)} {fmt.share(row.used_pct, 0):>4}", role)


EXPOSURE = Table(
    name="exposure",
    title="EXPOSURE",
    rows=lambda view: view.tables.exposure.values(),
    empty="Nothing is held.",
    order="SYMBOL",
    descending=False,
    columns=(
        Column("SYMBOL", lambda r, c: fmt.symbol(r.symbol), lambda r: r.symbol, width=8, most=14),
        Column("NET QTY", lambda r, c: net_cell(r), lambda r: r.net, width=8, right=True, point=True),
        Column("NOTIONAL", lambda r, c: fmt.gain(r.notional, 0), lambda r: r.notional, width=9, right=True),
        Column("% EQ", lambda r, c: fmt.share(r.equity_pct), lambda r: r.equity_pct, width=7, right=True),
        Column("GROSS", lambda r, c: fmt.quantity(r.gross), lambda r: r.gross, width=7, right=True, point=True, rank=3),
        Column("LIMIT", limit_cell, lambda r: r.used_pct, width=BAR + 5, rank=2),
        Column("ACCOUNT", lambda r, c: Cell(fmt.account(r.account), "dim"), lambda r: r.account, width=10, rank=1, most=18),
    ),
)
