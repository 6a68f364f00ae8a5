"""How often a strategy may enter: entries of a day, and the pause after losses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from qkt.ledger import StrategyBook
from qkt.risk.limits import RiskLimits
from qkt.risk.reserved import Reservations


class Pacer:
    """Judges by the counts that the strategy itself reads: TRADES.today, STREAK, COOLDOWN."""

    def __init__(self, limits: RiskLimits, reserved: Reservations) -> None:
        self._limits = limits
        self._reserved = reserved

    def on_closed(self, book: StrategyBook, ts: int) -> None:
        """A close has counted as won or lost: enough losses begin a pause, a win ends one."""
        limits = self._limits.of(book.strategy)
        if limits.cooldown_ms is None:
            return
        if book.loss_streak >= limits.cooldown_after:
            book.cooldown_until = ts + limits.cooldown_ms
        elif not book.loss_streak:
            book.cooldown_until = 0

    def refusals(self, book: StrategyBook, now: int) -> Iterator[str]:
        """Why the strategy may not enter now. Entries that work count as made."""
        limits = self._limits.of(book.strategy)
        if limits.max_trades_per_day is not None:
            made, working = book.entries_on(now), self._reserved.working(book.strategy)
            if made + working >= limits.max_trades_per_day:
                counted = f"{made} entries today{f' and {working} working' if working else ''}"
                yield f"{counted}, the limit is {limits.max_trades_per_day} trades per day"
        if now < book.cooldown_until:
            until = dt.datetime.fromtimestamp(book.cooldown_until / 1000, dt.UTC).isoformat(timespec="seconds")
            yield f"cooling down after {book.loss_streak} losses in a row, until {until.replace('+00:00', 'Z')}"
