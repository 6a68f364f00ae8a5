"""Positions that the books have netted and the venue has not: one of them closes the other, pair by pair, until none is left.

A venue that closes one of a pair by itself first leaves the other one alone; the books have that then as what it is, and the
adapter closes it.
"""

from __future__ import annotations

from qkt.brokers.dispatch import Request
from qkt.brokers.mt5.natives import AGAIN_MS
from qkt.brokers.mt5.outbox import Outbox
from qkt.brokers.mt5.tickets import Tickets

Pool = tuple[str, str]
"""A strategy and a symbol."""


class Netting:
    """One pair of a pool is under way at a time."""

    def __init__(self, tickets: Tickets, outbox: Outbox) -> None:
        self._tickets = tickets
        self._outbox = outbox
        # Positions of the pair that are still to be heard of, by token.
        self._pairs: dict[str, tuple[Pool, set[int]]] = {}
        self._again: dict[Pool, int] = {}

    def settle(self, strategy: str, symbol: str) -> None:
        """Ask for the next pair of a pool, unless one is under way."""
        pool = (strategy, symbol)
        if pool in self._again or any(one == pool for one, _ in self._pairs.values()):
            return
        pair = self._tickets.opposed(*pool)
        if pair is not None:
            self._pairs[self._outbox.close_by(*pair)] = pool, {ticket.number for ticket in pair}

    def strategy_of(self, token: str) -> str | None:
        """Whose pair it is that a request closes."""
        pair = self._pairs.get(token)
        return None if pair is None else pair[0][0]

    def on_closed(self, token: str, number: int) -> None:
        """A position of a pair was reduced by the other one."""
        pool, waiting = self._pairs.get(token, (("", ""), set()))
        waiting.discard(number)
        if not waiting and self._pairs.pop(token, None) is not None:
            self.settle(*pool)

    def on_refused(self, request: Request, now: int) -> None:
        pool, _ = self._pairs.pop(request.token)
        self._again[pool] = now + AGAIN_MS

    def on_time(self, ts: int) -> None:
        for pool in [pool for pool, due in self._again.items() if ts >= due]:
            del self._again[pool]
            self.settle(*pool)
