"""The account's view: one signed netted position a symbol over all strategies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.numbers import EXACT, ZERO, exact, q8, quotient


@dataclass(slots=True)
class NetPosition:
    """Signed lots, average price, and when the present side was opened (epoch ms)."""

    quantity: Decimal = ZERO
    average: Decimal = ZERO
    opened_at: int = 0

    def apply(self, change: Decimal, price: Decimal, ts: int) -> Decimal:
        """Net a signed fill in; returns realized points times lots, 8 decimals."""
        held = self.quantity
        total = EXACT.add(held, change)
        if held == 0 or (held > 0) == (change > 0):
            paid = EXACT.add(exact(self.average, abs(held)), exact(price, abs(change)))
            if held == 0:
                self.average, self.opened_at = price, ts
            else:
                self.average = q8(quotient(paid, abs(total)))
            self.quantity = total
            return ZERO
        closed = min(abs(held), abs(change))
        points = q8(exact(closed, EXACT.subtract(price, self.average), Decimal(1 if held > 0 else -1)))
        self.quantity = total
        if total == 0:
            self.average = ZERO
        elif (total > 0) != (held > 0):
            self.average, self.opened_at = price, ts
        return points
