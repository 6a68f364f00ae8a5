"""The books as a strategy reads them: float64, its own legs and money only."""

from __future__ import annotations

from qkt.ledger.books import Books
from qkt.ledger.legs import Leg
from qkt.ledger.strategy_book import Outcome, StrategyBook


class LedgerPosition:
    """Implements `PositionView`."""

    __slots__ = ("_book", "_books", "_legs")

    def __init__(self, books: Books, book: StrategyBook, symbol: str) -> None:
        self._books = books
        self._book = book
        self._legs = book.book(symbol)

    @property
    def quantity(self) -> float:
        return self._legs.net_f

    @property
    def entry_price(self) -> float | None:
        average = self._legs.average()
        return None if average is None else float(average)

    @property
    def unrealized_pnl(self) -> float:
        return self._books.unrealized_f(self._book, self._legs.symbol)

    @property
    def holding_duration(self) -> float:
        opened = min((leg.opened_at for leg in self._legs), default=None)
        return 0.0 if opened is None else (self._book.time - opened) / 1000

    @property
    def mfe(self) -> float:
        leg = self._primary()
        return 0.0 if leg is None else leg.mfe

    @property
    def mae(self) -> float:
        leg = self._primary()
        return 0.0 if leg is None else leg.mae

    @property
    def count(self) -> int:
        return sum(1 for _ in self._legs)

    @property
    def longs(self) -> int:
        return sum(leg.sign > 0 for leg in self._legs)

    @property
    def shorts(self) -> int:
        return sum(leg.sign < 0 for leg in self._legs)

    @property
    def gross(self) -> float:
        return sum(abs(leg.signed_f) for leg in self._legs)

    @property
    def trades_today(self) -> int:
        return len([o for o in outcomes_today(self._book) if o.symbol == self._legs.symbol])

    @property
    def last_trade_at(self) -> int | None:
        return next((o.ts for o in reversed(self._book.outcomes) if o.symbol == self._legs.symbol), None)

    def _primary(self) -> Leg | None:
        if self._legs.primary is not None:
            self._books.excursions.settle()
        return self._legs.primary


class LedgerAccount:
    """Implements `AccountView` for one strategy."""

    __slots__ = ("_book", "_books")

    def __init__(self, books: Books, book: StrategyBook) -> None:
        self._books = books
        self._book = book

    @property
    def equity(self) -> float:
        return self._books.equity_f(self._book)

    @property
    def balance(self) -> float:
        return self._book.balance_f

    @property
    def realized_pnl(self) -> float:
        return float(self._book.realized)

    @property
    def unrealized_pnl(self) -> float:
        return self._books.unrealized_f(self._book)

    @property
    def total_pnl(self) -> float:
        return self.realized_pnl + self.unrealized_pnl

    @property
    def equity_peak(self) -> float:
        self._books.excursions.settle()
        return self._book.peak_f

    @property
    def dd_pct(self) -> float:
        peak = self.equity_peak
        return max(0.0, (peak - self.equity) / peak * 100.0) if peak > 0 else 0.0

    @property
    def open_positions_count(self) -> int:
        return len(self._book.open_books())

    @property
    def last_trade_at(self) -> int | None:
        return self._book.outcomes[-1].ts if self._book.outcomes else None

    @property
    def last_trade_pnl(self) -> float | None:
        return self._book.outcomes[-1].pnl if self._book.outcomes else None

    @property
    def win_streak(self) -> int:
        return self._book.win_streak

    @property
    def loss_streak(self) -> int:
        return self._book.loss_streak

    @property
    def banked(self) -> float:
        return self._book.banked

    @property
    def trades_today(self) -> int:
        return len(outcomes_today(self._book))

    @property
    def wins_today(self) -> int:
        return sum(o.pnl > 0 for o in outcomes_today(self._book))

    @property
    def losses_today(self) -> int:
        return sum(o.pnl < 0 for o in outcomes_today(self._book))

    @property
    def entries_today(self) -> int:
        return self._book.entries_on(self._book.time)

    @property
    def cooldown_remaining(self) -> int:
        return max(0, -((self._book.time - self._book.cooldown_until) // 1000))


def outcomes_today(book: StrategyBook) -> list[Outcome]:
    """Kept outcomes since the day of the evaluation time began."""
    began = book.day.start(book.time)
    return [outcome for outcome in book.outcomes if outcome.ts >= began]
