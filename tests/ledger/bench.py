"""Books alone on a bench: fills and prices go in by hand, every identity is checked after each."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import OrderCancelled, OrderFilled, Tick, VenueCost
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.terms import LegRole, OrderKind, Purpose, Side
from qkt.engine import TickBoard
from qkt.ledger import Books, Converter, Financing, LedgerAudit
from tests.market import GOLD, instrument

SECOND = 1_000


class Bench:
    """Books of some strategies on some symbols. Every call is a second after the one before."""

    def __init__(
        self,
        *strategies: str,
        symbols: tuple[str, ...] = (GOLD,),
        terms: dict[str, Instrument] | None = None,
        currency: str = "USD",
        markets: tuple[str, ...] = (),
        start: int = 60_000,
    ) -> None:
        names = [symbol.rpartition(":")[2] for symbol in symbols]
        registry = InstrumentRegistry.standard().with_layer({name: instrument(name) for name in names} | (terms or {}))
        self.registry = registry
        self.clock = EventClock()
        self.clock.time = start
        self.board = TickBoard()
        self.converter = Converter(currency, registry, self.board)
        for symbol in (*symbols, *markets):
            self.converter.add_market(symbol)
        self.scope = EventBus(self.clock).scope("bench", _raise)
        strategies = strategies or ("a",)
        self.books = Books(self.scope, strategies, Decimal(10_000), registry, self.converter, self.board)
        self.books.audit = LedgerAudit(self.books, registry).check
        self.financing = Financing(self.books, registry, self.board, symbols)
        self.financing.begin(start)
        self.symbol = symbols[0]
        self._strategy = strategies[0]
        self._orders = 0

    def price(self, bid: object, ask: object | None = None, *, symbol: str | None = None) -> None:
        """A quote, or a trade without an ask."""
        self.clock.time += SECOND
        low, high = float(str(bid)), float(str(bid if ask is None else ask))
        tick = Tick(symbol or self.symbol, self.clock.time, (low + high) / 2, *((low, high) if ask is not None else ()))
        self.board.update(tick)
        self.books.excursions.on_tick(tick)

    def until(self, ts: int) -> None:
        """Book the rollovers up to and including an instant."""
        while self.financing.due <= ts:
            self.clock.time = self.financing.due
            self.financing.run()
        self.clock.time = ts

    def fill(
        self,
        side: Side,
        quantity: object,
        price: object,
        *,
        strategy: str | None = None,
        symbol: str | None = None,
        role: LegRole = LegRole.PRIMARY,
        leg: int | None = None,
        order: str | None = None,
        complete: bool = True,
        purpose: Purpose | None = None,
        seen: object | None = None,
        risk: object | None = None,
        costs: tuple[VenueCost, ...] | None = None,
    ) -> OrderFilled:
        self.clock.time += SECOND
        self._orders += 1
        level = Decimal(str(price))
        event = OrderFilled(
            order or f"o{self._orders}",
            strategy or self._strategy,
            symbol or self.symbol,
            side,
            Decimal(str(quantity)),
            level,
            OrderKind.MARKET,
            purpose or (Purpose.ENTRY if leg is None else Purpose.CLOSE),
            role,
            leg,
            level,
            complete,
            signal_price=None if seen is None else Decimal(str(seen)),
            initial_risk=None if risk is None else Decimal(str(risk)),
            venue_costs=costs,
        )
        self.scope.publish(event)
        return event

    def buy(self, quantity: object, price: object, **how: object) -> OrderFilled:
        return self.fill(Side.BUY, quantity, price, **how)  # type: ignore[arg-type]

    def sell(self, quantity: object, price: object, **how: object) -> OrderFilled:
        return self.fill(Side.SELL, quantity, price, **how)  # type: ignore[arg-type]

    def cancel(self, order: str, strategy: str | None = None) -> None:
        self.scope.publish(OrderCancelled(order, strategy or self._strategy, self.symbol, "cancelled"))

    def legs(self, strategy: str | None = None) -> list[tuple[str, Decimal, Decimal]]:
        """Role, signed lots and entry of the open legs."""
        book = self.books.strategies[strategy or self._strategy].book(self.symbol)
        return [(leg.role.value, leg.signed, leg.entry) for leg in book]


def _raise(problem: Exception) -> None:
    raise problem
