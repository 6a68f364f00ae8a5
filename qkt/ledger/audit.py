"""Checks the books against what was written about them, after every event. For tests and for whoever doubts.

The rows are the witnesses: positions and money are added up from them a second time and must be those of the books, to the
last digit. Only prices of averages are rounded (8 decimals), so what a position cost is checked within those roundings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.errors import LedgerError
from qkt.core.instruments import InstrumentRegistry
from qkt.core.numbers import EXACT, ZERO, exact, total
from qkt.ledger.books import Books
from qkt.ledger.legs import LegBook
from qkt.ledger.rows import RoundTrip, TradeRow, net_of

HALF_STEP = Decimal("0.5e-8")
QUOTIENT_ERROR = Decimal("1e-15")


@dataclass(slots=True)
class _Position:
    """What the rows say of one strategy on one symbol: lots, cash that flowed (quote currency), and gains realized, with
    the most that rounding can have moved them."""

    lots: Decimal = ZERO
    cash: Decimal = ZERO
    gained: Decimal = ZERO
    rounding: Decimal = ZERO


class LedgerAudit:
    """Call `check` after anything was booked. Raises LedgerError that names the identity which does not hold."""

    def __init__(self, books: Books, instruments: InstrumentRegistry) -> None:
        self._books = books
        self._instruments = instruments
        self._positions: dict[tuple[str, str], _Position] = defaultdict(_Position)
        self._money: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self._closed: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self._trades = self._trips = self._financing = 0
        self._commission = self._fees = self._swap = ZERO

    def check(self) -> None:
        books = self._books
        for row in books.trades[self._trades :]:
            self._read(row)
        for night in books.financing[self._financing :]:
            self._add(self._money, night.strategy, night.amount)
            self._swap = EXACT.add(self._swap, night.amount)
            if not night.leg_id:
                self._add(self._closed, night.strategy, night.amount)
        for trip in books.round_trips[self._trips :]:
            self._read_trip(trip)
        self._trades, self._financing, self._trips = len(books.trades), len(books.financing), len(books.round_trips)
        self._check_positions()
        self._check_money()

    # ------------------------------------------------------------------- rows

    def _read(self, row: TradeRow) -> None:
        net = total((row.gross, -row.commission, -row.fees, row.swap))
        _same(f"realized of {row.order_id} and gross less costs", row.realized, net)
        _same(f"lots of {row.order_id} and what they opened and closed", row.quantity, row.opened + row.closed)
        position = self._positions[row.strategy, row.symbol]
        _same(f"position before {row.order_id} and after the fill before it", row.position_before, position.lots)
        signed = row.quantity * row.side.sign
        size = self._instruments.resolve(row.symbol).contract_size
        position.lots = EXACT.add(position.lots, signed)
        position.cash = EXACT.subtract(position.cash, exact(signed, row.price, size))
        position.gained = EXACT.add(position.gained, row.native_gross)
        lots = abs(row.position_before) + row.quantity + 1
        error = EXACT.add(HALF_STEP, exact(row.price, QUOTIENT_ERROR))
        position.rounding = EXACT.add(position.rounding, exact(error, lots + 1, size) + HALF_STEP)
        self._add(self._money, row.strategy, row.realized)
        self._commission = EXACT.add(self._commission, row.commission)
        self._fees = EXACT.add(self._fees, row.fees)
        self._swap = EXACT.add(self._swap, row.swap)

    def _read_trip(self, trip: RoundTrip) -> None:
        net = total((trip.gross, -trip.commission, -trip.fees, trip.swap))
        _same(f"net of leg {trip.leg_id} and its gross less its costs", trip.net, net)
        self._add(self._closed, trip.strategy, trip.net)

    @staticmethod
    def _add(sums: dict[str, Decimal], strategy: str, amount: Decimal) -> None:
        sums[strategy] = EXACT.add(sums[strategy], amount)

    # ------------------------------------------------------------- identities

    def _check_positions(self) -> None:
        nets: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for name, book in self._books.strategies.items():
            for symbol, legs in book.legs.items():
                _same(f"legs of {name} on {symbol} and its net position", total(leg.signed for leg in legs), legs.net)
                position = self._positions[name, symbol]
                _same(f"net position of {name} on {symbol} and its fills", legs.net, position.lots)
                self._check_cash(name, symbol, legs, position)
                nets[symbol] = EXACT.add(nets[symbol], legs.net)
        for symbol, account in self._books.account.items():
            _same(f"account position in {symbol} and the sum of the strategies", account.quantity, nets[symbol])

    def _check_cash(self, name: str, symbol: str, legs: LegBook, position: _Position) -> None:
        """What was gained is the cash that flowed plus what is held at its entry price."""
        size = self._instruments.resolve(symbol).contract_size
        held = total(exact(leg.signed, leg.entry, size) for leg in legs)
        gap = abs(total((position.cash, held, -position.gained)))
        if gap > position.rounding:
            raise LedgerError(f"cash of {name} on {symbol} is off by {gap:f}, more than rounding explains")

    def _check_money(self) -> None:
        books = self._books
        for name, book in books.strategies.items():
            _same(f"realized of {name} and the sum of its rows", book.realized, self._money[name])
            _same(f"balance of {name}", Decimal(book.balance_f), Decimal(float(EXACT.add(book.starting, book.realized))))
            open_legs = total(net_of(leg) for legs in book.legs.values() for leg in legs)
            _same(f"realized of {name} and the sum of its legs", book.realized, EXACT.add(self._closed[name], open_legs))
        for what, kept, added in _totals(books, self._commission, self._fees, self._swap):
            _same(f"total {what} and the sum of the rows", kept, added)


def _totals(books: Books, commission: Decimal, fees: Decimal, swap: Decimal) -> Iterable[tuple[str, Decimal, Decimal]]:
    return (("commission", books.commission, commission), ("fees", books.fees, fees), ("swap", books.swap, swap))


def _same(what: str, a: Decimal, b: Decimal) -> None:
    if a != b:
        raise LedgerError(f"the books disagree: {what} are {a:f} and {b:f}")
