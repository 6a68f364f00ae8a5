"""Overnight financing: what holding a leg costs or earns at each rollover.

When the rollovers are, what the rates mean and since when they hold stands in the instrument. A leg opened before the
boundary pays, also when the very tick that crosses the boundary closes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.numbers import exact, q8, quotient, to_decimal
from qkt.core.swaps import Rollovers, SwapMode
from qkt.core.watch import NEVER
from qkt.ledger.books import Books
from qkt.ledger.legs import Leg
from qkt.ledger.rows import FinancingRow

HUNDRED = Decimal(100)


class Financing:
    """Knows when the next rollover of any of the symbols is due (`due`, epoch ms) and books it."""

    def __init__(self, books: Books, instruments: InstrumentRegistry, board: QuoteBoard, symbols: Iterable[str]) -> None:
        self._books = books
        self._board = board
        terms = {symbol: instruments.resolve(symbol) for symbol in symbols}
        self._terms = {symbol: instrument for symbol, instrument in terms.items() if instrument.financed}
        self._rollovers = {symbol: instrument.rollovers for symbol, instrument in self._terms.items()}
        self._next: dict[Rollovers, int] = {}
        self.due = NEVER

    def begin(self, ts: int) -> None:
        """The first tick has come: boundaries strictly after it count."""
        self._next = {rollovers: rollovers.next(ts) for rollovers in self._rollovers.values()}
        self.due = min(self._next.values(), default=NEVER)

    def run(self) -> None:
        """Book the boundary that is due and find the next one."""
        boundary = self.due
        now = [rollovers for rollovers, at in self._next.items() if at == boundary]
        for rollovers in now:
            self._next[rollovers] = rollovers.next(boundary)
        self.due = min(self._next.values())
        for name, book in self._books.strategies.items():
            for legs in book.open_books():
                symbol = legs.symbol
                if self._rollovers.get(symbol) not in now:
                    continue
                nights = self._rollovers[symbol].nights(boundary, self._terms[symbol].swap_triple_day)
                if nights:
                    for leg in legs:
                        self._accrue(name, leg, self._terms[symbol], nights, boundary)

    def _accrue(self, strategy: str, leg: Leg, terms: Instrument, nights: int, boundary: int) -> None:
        rate = terms.swap_rate(leg.side, boundary)
        if rate == 0 or leg.opened_at >= boundary:
            return
        last = self._board.last(leg.symbol)
        assert last is not None, "a leg was opened at a price"
        price = to_decimal(last)
        native = q8(_swap(terms, rate, leg.quantity, price, nights))
        converter = self._books.converter
        amount, fx_rate = converter.exchange(native, leg.symbol, price, boundary)
        row = FinancingRow(
            timestamp=boundary,
            strategy=strategy,
            symbol=leg.symbol,
            leg_id=leg.id,
            side=leg.side,
            quantity=leg.quantity,
            mode=terms.swap_mode.value,
            rate=rate,
            nights=nights,
            native_amount=native,
            native_currency=converter.currency(leg.symbol),
            fx_rate=fx_rate,
            amount=amount,
        )
        self._books.book_swap(leg, row)


def _swap(terms: Instrument, rate: Decimal, lots: Decimal, price: Decimal, nights: int) -> Decimal:
    """The amount in quote currency, positive a credit."""
    units = exact(rate, terms.contract_size, lots, Decimal(nights))
    if terms.swap_mode is SwapMode.POINTS:
        return exact(units, terms.point_size)
    days = HUNDRED if terms.swap_mode is SwapMode.FUNDING else HUNDRED * terms.swap_year_days
    return quotient(exact(units, price), days)
