"""The context a strategy gets: views of the books and the order room, and the way its signals take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.errors import StrategyError
from qkt.core.events import LogLine, OrderRejected, RiskRejected, RuleFired
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.ledger import Books, LedgerAccount, LedgerPosition
from qkt.strategy import LegSize, Signal


class EntryOrders(Protocol):
    """What a strategy may know of its working orders."""

    def open_entries(self, strategy: str, symbol: str) -> int: ...


class SessionContext:
    """Implements `qkt.strategy.Context` for one strategy of a scope.

    `route`, where one is set, says what goes on of a signal; `worth` what the book is worth that the strategy belongs to.
    """

    def __init__(
        self,
        scope: Scope,
        strategy: str,
        books: Books,
        orders: EntryOrders,
        instruments: InstrumentRegistry,
        board: QuoteBoard,
        rearm: Callable[[int], None],
    ) -> None:
        self._scope = scope
        self._books = books
        self.ledger = books.strategies[strategy]
        self._orders = orders
        self._instruments = instruments
        self._board = board
        self._rearm = rearm
        self._rule: int | None = None
        self._suppressed = 0
        self._refused = False
        self._positions: dict[str, LedgerPosition] = {}
        self.strategy = strategy
        # While history warms the strategy up its signals go nowhere.
        self.muted = False
        self.route: Callable[[Signal], Signal | None] | None = None
        self.worth: Callable[[], Decimal | None] | None = None
        self.account = LedgerAccount(books, self.ledger)
        scope.subscribe(RiskRejected, self._on_risk_rejected)
        scope.subscribe(OrderRejected, self._on_rejected)

    @property
    def time(self) -> int:
        return self.ledger.time

    @time.setter
    def time(self, value: int) -> None:
        self.ledger.time = value

    @property
    def server_zone(self) -> str | None:
        return None

    @property
    def book(self) -> float | None:
        worth = None if self.worth is None else self.worth()
        return None if worth is None else float(worth)

    def position(self, symbol: str) -> LedgerPosition:
        view = self._positions.get(symbol)
        if view is None:
            view = self._positions[symbol] = LedgerPosition(self._books, self.ledger, symbol)
        return view

    def open_orders(self, symbol: str) -> int:
        return self._orders.open_entries(self.strategy, symbol)

    def open_symbols(self) -> list[str]:
        return sorted(legs.symbol for legs in self.ledger.open_books())

    def legs(self, symbol: str) -> tuple[LegSize, ...]:
        return tuple(LegSize(leg.id, leg.side, leg.quantity, leg.role) for leg in self.ledger.book(symbol))

    def instrument(self, symbol: str) -> Instrument:
        return self._instruments.resolve(symbol)

    def fx(self, symbol: str) -> float:
        if self._books.converter.is_one(symbol):
            return 1.0
        missing = self._books.converter.missing(symbol)
        if missing is not None:
            raise StrategyError(f"no conversion path for {symbol}", remedy=f"give the data of {missing} too")
        return self._books.converter.rate_f(symbol)

    def last(self, symbol: str) -> float | None:
        return self._board.last(symbol)

    def fire(self, rule: int | None, signals: Sequence[Signal], suppressed: int = 0) -> bool:
        if self.muted:
            return True
        if rule is not None:
            self._scope.publish(RuleFired(self.strategy, rule, self.ledger.time))
        held = self._rule, self._suppressed, self._refused
        self._rule = rule
        refused = False
        sent = 0
        for signal in signals:
            self._suppressed, self._refused = 0, False
            routed = signal if self.route is None else self.route(signal)
            if routed is not None:
                self._scope.publish(routed)
            if routed is None or self._suppressed:
                suppressed += 1
            else:
                sent += 1
            refused = refused or self._refused
        self._rule, self._suppressed, self._refused = held
        return not refused and (sent > 0 or suppressed == 0)

    def log(self, level: str, text: str) -> None:
        if self.muted:
            return
        self._scope.publish(LogLine(self.strategy, level, text))

    def _on_risk_rejected(self, event: RiskRejected) -> None:
        if event.strategy == self.strategy and event.rule == self._rule:
            self._suppressed += 1

    def _on_rejected(self, event: OrderRejected) -> None:
        if event.strategy != self.strategy:
            return
        if event.rule == self._rule:
            self._refused = True
        if event.rule is not None:
            self._rearm(event.rule)
