"""By how much the gains that a venue told are more than those that the books reckoned.

Books average entries that a hedging account keeps apart, and a venue rounds and converts in its own way. While something is
open the two may differ; once nothing is left at the venue that a difference could still come from, it is booked, and the
books have the venue's sum to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from qkt.core.numbers import EXACT, ZERO

ACCOUNT = ""


class VenueGains:
    """Differences by strategy, symbol and leg; 0 is the primary leg, `ACCOUNT` the netted view over all strategies."""

    def __init__(self) -> None:
        self._ahead: defaultdict[tuple[str, str, int], Decimal] = defaultdict(lambda: ZERO)

    def take(self, strategy: str, symbol: str, leg: int, told: Decimal, reckoned: Decimal, *, done: bool) -> Decimal:
        """Take in a gain as the venue and as the books have it (account currency). Returns what is to be booked beside the
        reckoned one: 0 while something is open, all that came together when it is `done`."""
        key = (strategy, symbol, leg)
        ahead = EXACT.add(self._ahead[key], EXACT.subtract(told, reckoned))
        if done or not ahead:
            del self._ahead[key]
        else:
            self._ahead[key] = ahead
        return ahead if done else ZERO

    def outstanding(self, symbol: str) -> bool:
        """Whether a strategy's books still differ from the venue on a symbol."""
        return any(name != ACCOUNT and market == symbol for name, market, _ in self._ahead)
