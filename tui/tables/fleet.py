"""Engines and their accounts, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from tui import format as fmt
from tui.fleet import Berth
from tui.table import Cell, Column, Context, Table, signed
from tui.tables.strategies import SILENT
from tui.viewmodel import View

LINK_ROLES = {"ok": "up", "...": "dim", "LOST": "alarm", "ENDED": "alarm"}


def link_cell(row: Berth, context: Context) -> Cell:
    """How the line is; of a lost one, for how long nothing was heard."""
    state, silent = row.post.state, row.post.silent_ms
    old = state in ("LOST", "ENDED") and silent is not None
    return Cell(f"{state} {fmt.age(silent)}" if old else state, LINK_ROLES[state])


def mode(row: Berth) -> str:
    hello = row.post.view.hello
    if hello is not None and hello.demo:
        return "DEMO"
    return "-" if row.money is None else row.money.mode


def mode_cell(row: Berth, context: Context) -> Cell:
    word = mode(row)
    return Cell(f" {word} ", "live") if word == "LIVE" else Cell(word, "dim" if word == "-" else "accent")


def sessions_cell(row: Berth, context: Context) -> Cell:
    """How many run, and then what is wrong with others, the worst first."""
    if row.post.view.state is None:
        return Cell(fmt.UNKNOWN, "dim")
    found = row.sessions
    halted = sum(one.halt is not None for one in found)
    failed = sum(one.state in ("FAULT", "DOWN") for one in found)
    running = sum(one.state in ("RUN", "WARM") and one.halt is None for one in found)
    words = [f"{failed} FAULT"] if failed else []
    words += [f"{halted} HALT"] if halted else []
    return Cell(" ".join([f"{running} run", *words]), "alarm" if words else "text")


def feed_cell(row: Berth, context: Context) -> Cell:
    ms = row.oldest_ms
    return Cell(fmt.age(ms), "warn" if ms is not None and ms >= SILENT else "dim")


def version(row: Berth) -> str:
    hello = row.post.view.hello
    return fmt.UNKNOWN if hello is None else fmt.clean(hello.version)


def mark(row: Berth, context: Context) -> str:
    return "" if row.post.state == "ok" or row.post.view.state is None else context.glyphs.stale


def fleet_table(berths: Callable[[], Iterable[Berth]], problem: str) -> Table:
    def note(rows: object, context: Context) -> str:
        lost = len({row.post.station.name for row in cast("list[Berth]", rows) if row.post.state == "LOST"})
        return "   ".join(part for part in (problem, f"{lost} lost" if lost else "", "Enter shows its dashboard") if part)

    def rows(view: View) -> Iterable[Berth]:
        return berths()

    return Table(
        name="fleet",
        title="ENGINES",
        rows=rows,
        empty="qkt contexts add NAME user@host adds an engine.",
        order="HOST",
        descending=False,
        mark=mark,
        note=note,
        columns=(
            Column(
                "HOST",
                lambda r, c: Cell(fmt.clean(r.post.station.name), "bold" if r.here else "text"),
                host,
                width=8,
                most=20,
                arrives=True,
            ),
            Column("LINK", link_cell, lambda r: r.post.state, width=4, live=True),
            Column("MODE", mode_cell, mode, width=6),
            Column("ACCOUNT", lambda r, c: "-" if r.money is None else fmt.account(r.money.account), account, 8, most=16),
            Column("EQUITY", lambda r, c: fmt.money(None if r.money is None else r.money.equity), equity, 10, right=True),
            Column("DAY P&L", day_cell, day, width=9, right=True),
            Column("POS", lambda r, c: "-" if r.money is None else str(r.money.positions), positions, 3, right=True, rank=1),
            Column("SESSIONS", sessions_cell, lambda r: len(r.sessions), width=8, most=22),
            Column("FEED", feed_cell, lambda r: r.oldest_ms, width=4, right=True, rank=2, live=True),
            Column("SEEN", lambda r, c: Cell(fmt.age(r.post.silent_ms), "dim"), None, 4, right=True, rank=3, live=True),
            Column("VERSION", lambda r, c: Cell(version(r), "dim"), version, width=7, rank=4, most=14),
            Column("OPEN P&L", open_cell, width=9, right=True, rank=5),
            Column("DD", lambda r, c: fmt.percent(None if r.money is None else r.money.drawdown_pct), None, 6, True, rank=6),
            Column("CCY", lambda r, c: Cell("-" if r.money is None else fmt.clean(r.money.currency), "dim"), None, 3, rank=7),
            Column("WHERE", lambda r, c: Cell(fmt.clean(r.post.station.where), "dim"), None, width=12, rank=8, most=40),
        ),
    )


def host(row: Berth) -> str:
    return row.post.station.name


def account(row: Berth) -> str | None:
    return None if row.money is None else row.money.account


def equity(row: Berth) -> object:
    return None if row.money is None else row.money.equity


def day(row: Berth) -> object:
    return None if row.money is None else row.money.day_pnl


def positions(row: Berth) -> int | None:
    return None if row.money is None else row.money.positions


def day_cell(row: Berth, context: Context) -> Cell:
    value = None if row.money is None else row.money.day_pnl
    return Cell(fmt.gain(value), signed(value))


def open_cell(row: Berth, context: Context) -> Cell:
    value = None if row.money is None else row.money.open_pnl
    return Cell(fmt.gain(value), signed(value))
