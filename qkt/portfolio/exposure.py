"""The caps on what the book holds: gross, net, and in one symbol, as multiples of its capital.

An order is judged with everything that works already, at the worst that it can come to: entries that are open beside it count
as filled. What only takes exposure away always passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.errors import InstrumentError
from qkt.core.instruments import InstrumentRegistry
from qkt.core.numbers import ZERO, exact, plain, q8, to_decimal, total
from qkt.core.terms import OrderKind, Side
from qkt.ledger import Books
from qkt.orders import Order
from qkt.portfolio.settings import ExposureCaps
from qkt.risk.claims import Exposure, claims_of
from qkt.risk.reserved import Reservations


@dataclass(frozen=True, slots=True)
class BookExposure:
    """What the book may come to hold, account currency. `gross` adds up all legs and working entries, `by_symbol` is the most
    that the sum of a symbol's can come to, either way, `net` that of all symbols."""

    gross: Decimal
    net: Decimal
    by_symbol: dict[str, Decimal]


class ExposureRules:
    """Refuses entries that would break a cap. A symbol without a price counts nothing; one without a conversion is refused."""

    def __init__(
        self,
        caps: ExposureCaps,
        capital: Decimal,
        instruments: InstrumentRegistry,
        books: Books,
        reserved: Reservations,
        board: QuoteBoard,
    ) -> None:
        self._caps = caps
        self._capital = capital
        self._instruments = instruments
        self._books = books
        self._reserved = reserved
        self._board = board

    def refusals(self, entries: Sequence[Order]) -> Iterator[str]:
        """Why alternative entries, of which one fills, may not pass."""
        for order in entries:
            try:
                before, after = self.exposure(), self.exposure(*self._changes(order))
            except InstrumentError as problem:
                yield f"the book's exposure cannot be valued ({problem})"
                return
            yield from self._over("gross exposure", before.gross, after.gross, self._caps.gross)
            yield from self._over("net exposure", before.net, after.net, self._caps.net)
            for symbol, value in after.by_symbol.items():
                held = before.by_symbol.get(symbol, ZERO)
                yield from self._over(f"exposure in {symbol}", held, value, self._caps.concentration)

    def _over(self, what: str, before: Decimal, after: Decimal, cap: Decimal | None) -> Iterator[str]:
        if cap is None:
            return
        most = exact(cap, self._capital)
        if after > most and after > before:
            times = f"{plain(cap.normalize())} * capital {plain(self._capital.normalize())}"
            yield f"{what} of the book {_money(after)} exceeds {_money(most)} ({times}; {_money(before)} without this order)"

    def _changes(self, order: Order) -> tuple[dict[Exposure, Decimal], dict[Exposure, Decimal]]:
        """Lots that the order takes off the legs of its strategy at once, and lots that it may add, by side."""
        own, *following = claims_of(order, None)
        closes = ZERO
        if order.kind is OrderKind.MARKET and order.motion is None:
            closes = min(own.quantity, self._reserved.room_to_reduce(order))
        added: dict[Exposure, Decimal] = {}
        for claim in (own, *following):
            lots = claim.quantity - closes if claim is own else claim.quantity
            key = claim.symbol, claim.side
            added[key] = added.get(key, ZERO) + lots
        return {(own.symbol, own.side.opposite): closes}, added

    def exposure(
        self, closed: dict[Exposure, Decimal] | None = None, added: dict[Exposure, Decimal] | None = None
    ) -> BookExposure:
        """The book as it stands, or after a change of lots by side. Raises InstrumentError without a conversion."""
        closed, added = closed or {}, added or {}
        gross, by_symbol = ZERO, {}
        for symbol in self._symbols(added):
            buy, sell = (symbol, Side.BUY), (symbol, Side.SELL)
            held = {key: self._reserved.open(key, None) - closed.get(key, ZERO) for key in (buy, sell)}
            more = {key: self._reserved.pending(key, None) + added.get(key, ZERO) for key in (buy, sell)}
            net = held[buy] - held[sell]
            gross += self._value(symbol, total((*held.values(), *more.values())))
            by_symbol[symbol] = self._value(symbol, max(abs(net + more[buy]), abs(net - more[sell])))
        return BookExposure(gross, total(by_symbol.values()), by_symbol)

    def _symbols(self, added: dict[Exposure, Decimal]) -> list[str]:
        held = [legs.symbol for book in self._books.strategies.values() for legs in book.open_books()]
        return list(dict.fromkeys((*held, *self._reserved.symbols(), *(symbol for symbol, _ in added))))

    def _value(self, symbol: str, lots: Decimal) -> Decimal:
        last = self._board.last(symbol)
        if last is None or lots == ZERO:
            return ZERO
        price = to_decimal(last)
        size = self._instruments.resolve(symbol).contract_size
        return self._books.converter.value(exact(lots, price, size), symbol, price)


def _money(amount: Decimal) -> str:
    return plain(q8(amount).normalize())
