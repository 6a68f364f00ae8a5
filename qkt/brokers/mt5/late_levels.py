"""Levels that were sent without an answer and may arrive later than those that were sent after them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from qkt.brokers.dispatch import Act, Request
from qkt.brokers.mt5.records import Position


class LateLevels:
    """Tells a change of ours that came late from a hand at the terminal, which is left alone.

    Each sending that was lost can arrive once, and is excused once.
    """

    def __init__(self) -> None:
        self._lost: dict[int, list[Request]] = {}
        self._stands: dict[int, Request] = {}

    def lost(self, request: Request) -> None:
        """It was sent, and nobody said what became of it."""
        if request.act is Act.PROTECT:
            self._lost.setdefault(request.position, []).append(request)

    def done(self, request: Request) -> None:
        """Its levels are what the position is to have from now on."""
        if request.position in self._lost:
            self._stands[request.position] = request

    def overwritten(self, held: Position, has: Callable[[Position, Decimal | None, Decimal | None], bool]) -> Request | None:
        """The request to send once more, where an earlier one has taken its place."""
        stands = self._stands.get(held.ticket)
        if stands is None or has(held, stands.sl, stands.tp):
            return None
        for one in self._lost[held.ticket]:
            if has(held, one.sl, one.tp):
                self._lost[held.ticket].remove(one)
                return stands
        return None
