"""Where a limit of equity can be broken next: between two events equity follows the quotes alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from qkt.backtest.columns import ChunkColumns, Floats
from qkt.backtest.folded import ColumnBoard
from qkt.engine import Session
from qkt.ledger import account_equity_along, equity_along
from qkt.risk import NEAR, EquityFall

FIRST_LOOK, LONGEST_LOOK = 2_048, 65_536


class EquitySearch:
    """Looks ahead from a row, a stretch at a time that grows while nothing is found.

    The formula is the engine's own with the same operations, so what it proves for a row is what the engine would find there.
    """

    def __init__(self, session: Session, board: ColumnBoard) -> None:
        self._books = session.books
        self._risk = session.risk
        self._board = board
        self._look = FIRST_LOOK
        self._looked_to = -1

    def next(self, columns: ChunkColumns, row: int) -> int:
        """The first row beyond `row` at which a limit may be broken, or from which on nobody has looked yet."""
        if not self._risk.limits_equity:
            return columns.length
        rules = [rule for rule in self._risk.equity_rules() if rule.purse.exposed]
        start = row + 1
        if not rules or start >= columns.length:
            return columns.length
        self._look = min(self._look * 2, LONGEST_LOOK) if row == self._looked_to else FIRST_LOOK
        stop = min(columns.length, start + self._look)
        self._looked_to = stop

        def prices(symbol: str) -> Floats:
            return columns.by_symbol[symbol].aligned(start, stop, self._board.before(symbol))

        nearest = stop
        for rule in rules:
            nearest = min(nearest, start + self._first(rule, prices, stop - start))
        return nearest

    def _first(self, rule: EquityFall, prices: Callable[[str], Floats], length: int) -> int:
        """The first place of the stretch at which the rule may be broken, else its length."""
        purse, books = rule.purse, self._books
        own = purse.book
        equity = account_equity_along(books, prices) if own is None else equity_along(books, own, prices)
        reference: Floats | float = rule.reference_f()
        if rule.trailing:
            reference = np.maximum(np.maximum.accumulate(equity), reference)
        hits = equity <= reference * rule.share + (np.abs(reference) * NEAR + NEAR)
        found = int(np.argmax(hits))
        return found if hits[found] else length
