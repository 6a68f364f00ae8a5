"""Overnight financing: swap points a night, booked at each rollover.

The rollover hour is UTC and belongs to the instrument; Saturdays and Sundays have none, the triple day counts three nights.
A leg opened before the boundary pays, also when the very tick that crosses the boundary closes it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.numbers import exact, q8, to_decimal
from qkt.core.terms import Side
from qkt.core.timeframe import DAY_MS, HOUR_MS
from qkt.ledger.books import Books

NEVER = 1 << 62
SATURDAY = 5


class Financing:
    """Knows when the next rollover of any of the symbols is due (`due`, epoch ms) and books it."""

    def __init__(self, books: Books, instruments: InstrumentRegistry, board: QuoteBoard, symbols: Iterable[str]) -> None:
        self._books = books
        self._instruments = instruments
        self._board = board
        terms = {symbol: instruments.resolve(symbol) for symbol in symbols}
        self._hours = sorted({t.swap_rollover_hour_utc for t in terms.values() if _charges(t)})
        self.due = NEVER

    def begin(self, ts: int) -> None:
        """The first tick has come: boundaries strictly after it count."""
        self.due = min((_next(ts, hour) for hour in self._hours), default=NEVER)

    def run(self) -> None:
        """Book the boundary that is due and find the next one."""
        boundary = self.due
        self.due = min(_next(boundary, hour) for hour in self._hours)
        day = dt.datetime.fromtimestamp(boundary / 1000, dt.UTC).weekday()
        if day >= SATURDAY:
            return
        hour = boundary % DAY_MS // HOUR_MS
        for name, book in self._books.strategies.items():
            for legs in book.open_books():
                terms = self._instruments.resolve(legs.symbol)
                if terms.swap_rollover_hour_utc == hour and _charges(terms):
                    nights = 3 if day == terms.swap_triple_day else 1
                    self._accrue(name, legs.symbol, terms, nights, boundary)

    def _accrue(self, strategy: str, symbol: str, terms: Instrument, nights: int, boundary: int) -> None:
        last = self._board.last(symbol)
        price = None if last is None else to_decimal(last)
        for leg in list(self._books.strategies[strategy].book(symbol)):
            if leg.opened_at >= boundary:
                continue
            points = terms.swap_long_points if leg.side is Side.BUY else terms.swap_short_points
            amount = exact(points, terms.point_size, terms.contract_size, leg.quantity, Decimal(nights))
            self._books.book_swap(strategy, leg, self._books.converter.convert(q8(amount), symbol, price))


def _charges(terms: Instrument) -> bool:
    return terms.swap_long_points != 0 or terms.swap_short_points != 0


def _next(ts: int, hour: int) -> int:
    """The first instant strictly after `ts` at this hour of a UTC day."""
    today = ts // DAY_MS * DAY_MS + hour * HOUR_MS
    return today if today > ts else today + DAY_MS
