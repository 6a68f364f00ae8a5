"""The money of an account as its venue tells it."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.numbers import EXACT, ZERO
from qkt.ledger import Books
from qkt.risk.purse import Purse, money


class VenuePurse(Purse):
    """The account of a session that trades on it alone or beside others, read every few seconds.

    From one reading to the next its equity moves as the books' does, so that prices count at once. What others do on the
    account, and what is paid in or out, comes with a reading. Until the first one, and while none can be had, it goes on from
    what it was by the books.
    """

    def __init__(self, books: Books) -> None:
        super().__init__(books, None)
        self._day_balance = self.starting
        self._top = float(self.starting)
        self._known = False
        # What the venue had more than the books at the last reading.
        self._more_balance = ZERO
        self._more_equity = 0.0

    def read(self, equity: Decimal, balance: Decimal) -> None:
        """The venue was asked (account currency). With the first answer the account begins at its balance."""
        more = EXACT.subtract(balance, EXACT.add(self._books.starting, self.realized))
        ahead = float(equity) - super().equity_f()
        if not self._known:
            self._known = True
            self.starting = EXACT.add(self.starting, more)
            self._day_balance = EXACT.add(self._day_balance, more)
            self.day_equity = EXACT.add(self.day_equity, money(ahead))
            self._top = float(balance)
        self._more_balance, self._more_equity = more, ahead
        self.look()

    def look(self) -> None:
        """Something has moved the equity."""
        self._top = max(self._top, self.equity_f())

    @property
    def day_balance(self) -> Decimal:
        return self._day_balance

    def equity_f(self) -> float:
        return super().equity_f() + self._more_equity

    def peak_f(self) -> float:
        return self._top

    def watch_peak(self) -> None:
        """It is kept here: the books know only their own."""

    def begin_day(self) -> None:
        super().begin_day()
        self._day_balance = EXACT.add(EXACT.add(self._books.starting, self.realized), self._more_balance)
