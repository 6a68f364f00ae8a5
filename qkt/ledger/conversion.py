"""From a symbol's quote currency to the account's.

Money that changes hands is converted at the side that applies: what is received is sold at the bid, what is owed is bought at
the ask. Valuations take the middle. A symbol whose own price joins both currencies converts with that price, which at a
fill is the fill's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from qkt.brokers import QuoteBoard
from qkt.core.errors import InstrumentError
from qkt.core.instruments import DOLLARS, QUOTE_CODES, InstrumentRegistry, bare, quote_code
from qkt.core.numbers import D64, ONE, q8, quotient, to_decimal


@dataclass(frozen=True, slots=True)
class Conversion:
    """A rate that was used at `timestamp` (epoch ms): `account` currency per unit of `currency`, by the market `source`."""

    timestamp: int
    currency: str
    account: str
    rate: Decimal
    source: str


class Exchanged(NamedTuple):
    """An amount in account currency, 8 decimals, and the rate it was converted at."""

    amount: Decimal
    rate: Decimal


class _Path(NamedTuple):
    """Whose price converts, whether it is inverted, and whether it is the traded symbol itself."""

    source: str
    inverse: bool
    own: bool


class Converter:
    """Rates by symbol. Dollars and dollar stable coins are one family, rate 1.

    Paths, first that works: the traded symbol itself relates both currencies; a symbol of the market data joins them,
    directly or inverted. `used` lists the rates at which money was booked or a result was valued, in the order of use, the
    latest `kept` of them, all where that is None.
    """

    def __init__(self, account: str, instruments: InstrumentRegistry, board: QuoteBoard, kept: int | None = None) -> None:
        self._kept = kept
        self.account = account
        self._instruments = instruments
        self._board = board
        self._bridges: dict[str, str] = {}
        self._currencies: dict[str, str] = {}
        self._static: dict[str, bool] = {}
        self._paths: dict[str, _Path | None] = {}
        self._used: dict[Conversion, None] = {}

    @property
    def used(self) -> list[Conversion]:
        return list(self._used)

    def add_market(self, symbol: str) -> None:
        """A symbol whose prices are there and may bridge two currencies."""
        self._bridges.setdefault(bare(symbol).upper(), symbol)
        self._paths.clear()

    def currency(self, symbol: str) -> str:
        """Quote currency of the symbol; the account's when the symbol names none."""
        known = self._currencies.get(symbol)
        if known is None:
            known = self._instruments.resolve(symbol).quote_currency or quote_code(symbol) or self.account
            self._currencies[symbol] = known
        return known

    def is_one(self, symbol: str) -> bool:
        """Whether amounts of this symbol need no conversion, now or ever."""
        known = self._static.get(symbol)
        if known is None:
            known = self._static[symbol] = self.account in _family(self.currency(symbol))
        return known

    def missing(self, symbol: str) -> str | None:
        """The symbol whose data would be needed to convert, None when there is a path."""
        if self.is_one(symbol) or self._path(symbol) is not None:
            return None
        return self.currency(symbol) + self.account

    # ------------------------------------------------------------- valuations

    def rate(self, symbol: str, price: Decimal | None) -> Decimal:
        """Account currency per unit of the symbol's quote currency, in the middle. `price` is the symbol's own, for crosses
        with the account currency. Raises InstrumentError without a path or before the bridging symbol's first price."""
        if self.is_one(symbol):
            return ONE
        path = self._path(symbol)
        if path is not None and path.own and price is not None:
            return quotient(ONE, price)
        last = None if path is None else self._board.last(path.source)
        if path is None or last is None:
            raise self._no_rate(symbol)
        return _rate(last, path.inverse)

    def rate_f(self, symbol: str) -> float:
        """The same rate as float64 at the last prices, for statistics that are read at every bar."""
        path = self._path(symbol)
        last = None if path is None else self._board.last(path.source)
        if path is None or last is None:
            return float(self.rate(symbol, None))
        return 1.0 / last if path.inverse else last

    def factor_source(self, symbol: str) -> tuple[str, bool] | None:
        """Whose price `rate_f` reads, and whether inverted; None when the rate is one."""
        path = None if self.is_one(symbol) else self._path(symbol)
        return None if path is None else (path.source, path.inverse)

    def value(self, amount: Decimal, symbol: str, price: Decimal | None, at: int | None = None) -> Decimal:
        """What an amount (quote currency of `symbol`) is worth in account currency, in the middle, 8 decimals. A result
        that is told gives its time `at`, so that the rate is listed."""
        if amount == 0 or self.is_one(symbol):
            return q8(amount)
        rate = self.rate(symbol, price)
        if at is not None:
            self._list(symbol, rate, at)
        return _converted(amount, rate)

    # ------------------------------------------------------------------ money

    def exchange(self, amount: Decimal, symbol: str, price: Decimal | None, at: int) -> Exchanged:
        """An amount (quote currency of `symbol`, 8 decimals, positive when received) that changes hands; listed in `used`.

        Raises InstrumentError like `rate`.
        """
        if self.is_one(symbol):
            return Exchanged(amount, ONE)
        if amount == 0:
            return Exchanged(amount, self.rate(symbol, price))
        rate = self._side_rate(symbol, price, received=amount > 0)
        self._list(symbol, rate, at)
        return Exchanged(_converted(amount, rate), rate)

    def _side_rate(self, symbol: str, price: Decimal | None, *, received: bool) -> Decimal:
        path = self._path(symbol)
        if path is None or path.own:
            return self.rate(symbol, price)
        quote = self._board.quote(path.source)
        if quote is None:
            raise self._no_rate(symbol)
        return _rate(quote.buy if received == path.inverse else quote.sell, path.inverse)

    # ------------------------------------------------------------------ paths

    def _list(self, symbol: str, rate: Decimal, at: int) -> None:
        path = self._path(symbol)
        assert path is not None
        self._used.setdefault(Conversion(at, self.currency(symbol), self.account, rate, path.source))
        if self._kept is not None and len(self._used) > self._kept:
            del self._used[next(iter(self._used))]

    def _no_rate(self, symbol: str) -> InstrumentError:
        currency = self.currency(symbol)
        path = self._path(symbol)
        if path is not None:
            return InstrumentError(
                f"no rate from {currency} to {self.account} yet",
                where=symbol,
                expected=f"a price of {path.source} before results of {symbol} are converted",
                remedy=f"give data of {bare(path.source)} that begins earlier",
            )
        return InstrumentError(
            f"no rate from {currency} to {self.account}",
            where=symbol,
            remedy=f"give the data of {currency}{self.account} or {self.account}{currency} too",
        )

    def _path(self, symbol: str) -> _Path | None:
        try:
            return self._paths[symbol]
        except KeyError:
            path = self._paths[symbol] = self._own_path(symbol) or self._bridge(symbol)
            return path

    def _own_path(self, symbol: str) -> _Path | None:
        """The symbol itself when its base is the account's currency: its own price converts."""
        base = bare(symbol).upper().removesuffix(self.currency(symbol))
        if base == self.account or (base in QUOTE_CODES and self.account in _family(base)):
            return _Path(symbol, inverse=True, own=True)
        return None

    def _bridge(self, symbol: str) -> _Path | None:
        """A market symbol that joins both currencies."""
        for currency in _family(self.currency(symbol)):
            for account in _family(self.account):
                direct = self._bridges.get(currency + account)
                if direct is not None:
                    return _Path(direct, inverse=False, own=False)
                inverse = self._bridges.get(account + currency)
                if inverse is not None:
                    return _Path(inverse, inverse=True, own=False)
        return None


def _family(code: str) -> tuple[str, ...]:
    """Currencies of rate 1 to this one, itself first."""
    return (code, *sorted(DOLLARS - {code})) if code in DOLLARS else (code,)


def _rate(price: float, inverse: bool) -> Decimal:
    return quotient(ONE, to_decimal(price)) if inverse else to_decimal(price)


def _converted(amount: Decimal, rate: Decimal) -> Decimal:
    return q8(D64.multiply(q8(amount), rate))
