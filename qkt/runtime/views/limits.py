"""How much of its limits each session has used."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Literal

from qkt.core.numbers import ZERO, q8, quotient
from qkt.runtime.control.rows import LimitRow
from qkt.runtime.session import LiveSession
from qkt.runtime.views.kept import Kept

HUNDRED = Decimal(100)
Unit = Literal["money", "percent", "count", "quantity"]


def limit_rows(live: LiveSession, kept: Kept[LimitRow]) -> Iterator[LimitRow]:
    """The limits whose break halts a session or one of its strategies, and those of a strategy's entries."""
    for scope, rule, now, limit, unit in _usages(live):
        yield kept.row(f"{scope}:{rule}", (now, limit), partial(_row, scope, rule, now, limit, unit))
    kept.turn()


def _usages(live: LiveSession) -> Iterator[tuple[str, str, Decimal, Decimal, Unit]]:
    session = live.machine.session
    risk, books = session.risk, session.books
    shared = len(books.strategies) > 1

    def scope(strategy: str | None) -> str:
        return f"{live.name} {strategy}" if shared and strategy is not None else live.name

    for rule in risk.rules:
        now, limit, unit = rule.usage(live.machine.last_ts)
        yield scope(rule.strategy), f"{rule.strategy or 'account'} {rule.cause}", now, limit, unit
    for name, book in books.strategies.items():
        limits = risk.limits.of(name)
        if limits.max_trades_per_day is not None:
            now = Decimal(book.entries_on(live.machine.last_ts))
            yield scope(name), f"{name} trades of the day", now, Decimal(limits.max_trades_per_day), "count"
        if limits.max_open_positions is not None:
            now = Decimal(len(book.open_books()))
            yield scope(name), f"{name} open positions", now, Decimal(limits.max_open_positions), "count"
        if limits.max_position is not None:
            now = max((abs(legs.net) for legs in book.open_books()), default=ZERO)
            yield scope(name), f"{name} position", now, limits.max_position, "quantity"


def _row(scope: str, rule: str, now: Decimal, limit: Decimal, unit: Unit) -> LimitRow:
    used = q8(quotient(HUNDRED * now, limit)) if limit else None
    return LimitRow(scope=scope, rule=rule, now=now, limit=limit, used_pct=used, unit=unit)
