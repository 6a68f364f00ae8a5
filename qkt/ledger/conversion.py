"""From a symbol's quote currency to the account's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.errors import InstrumentError
from qkt.core.instruments import DOLLARS, QUOTE_CODES, InstrumentRegistry, bare, quote_code
from qkt.core.numbers import ONE, q8, quotient, to_decimal


@dataclass(frozen=True, slots=True)
class Conversion:
    """A rate that was used: account currency per unit of `currency`, and what it came from."""

    currency: str
    account: str
    rate: Decimal
    source: str


class Converter:
    """Rates by symbol. Dollars and dollar stable coins are one family, rate 1.

    Paths, first that works: the traded symbol itself relates both currencies; a symbol of the market data joins them,
    directly or inverted. `used` keeps the last rate of every pair that was needed.
    """

    def __init__(self, account: str, instruments: InstrumentRegistry, board: QuoteBoard) -> None:
        self.account = account
        self._instruments = instruments
        self._board = board
        self._bridges: dict[str, str] = {}
        self._static: dict[str, bool] = {}
        self.used: dict[str, Conversion] = {}

    def add_market(self, symbol: str) -> None:
        """A symbol whose prices are there and may bridge two currencies."""
        self._bridges.setdefault(bare(symbol).upper(), symbol)

    def currency(self, symbol: str) -> str:
        """Quote currency of the symbol; the account's when the symbol names none."""
        return self._instruments.resolve(symbol).quote_currency or quote_code(symbol) or self.account

    def is_one(self, symbol: str) -> bool:
        """Whether amounts of this symbol need no conversion, now or ever."""
        known = self._static.get(symbol)
        if known is None:
            currency = self.currency(symbol)
            known = currency == self.account or (currency in DOLLARS and self.account in DOLLARS)
            self._static[symbol] = known
        return known

    def missing(self, symbol: str) -> str | None:
        """The symbol whose data would be needed to convert, None when there is a path."""
        if self.is_one(symbol) or self._own_base(symbol) is not None or self._bridge(symbol) is not None:
            return None
        return self.currency(symbol) + self.account

    def rate(self, symbol: str, price: Decimal | None) -> Decimal:
        """Account currency per unit of the symbol's quote currency. `price` is the symbol's own, for crosses with the
        account currency. Raises InstrumentError without a path or before the bridging symbol's first price."""
        if self.is_one(symbol):
            return ONE
        currency = self.currency(symbol)
        own = self._own_base(symbol)
        if own is not None and price is not None:
            rate, source = quotient(ONE, price), symbol
        else:
            bridge = self._bridge(symbol)
            last = None if bridge is None else self._board.last(bridge[0])
            if bridge is None or last is None:
                raise InstrumentError(
                    f"no rate from {currency} to {self.account}",
                    where=symbol,
                    remedy=f"give the data of {currency}{self.account} or {self.account}{currency} too",
                )
            source, inverse = bridge
            rate = quotient(ONE, to_decimal(last)) if inverse else to_decimal(last)
        self.used[currency] = Conversion(currency, self.account, rate, source)
        return rate

    def rate_f(self, symbol: str) -> float:
        """The same rate as float64 at the last prices, for statistics that are read at every bar."""
        own = self._own_base(symbol)
        last = self._board.last(symbol) if own is not None else None
        if last is not None:
            return 1.0 / last
        bridge = self._bridge(symbol)
        last = None if bridge is None else self._board.last(bridge[0])
        if bridge is None or last is None:
            return float(self.rate(symbol, None))
        return 1.0 / last if bridge[1] else last

    def factor_source(self, symbol: str) -> tuple[str, bool] | None:
        """Whose price `rate_f` reads, and whether inverted; None when the rate is one."""
        if self.is_one(symbol):
            return None
        if self._own_base(symbol) is not None:
            return symbol, True
        return self._bridge(symbol)

    def convert(self, amount: Decimal, symbol: str, price: Decimal | None) -> Decimal:
        """The amount (quote currency of `symbol`) in account currency, 8 decimals."""
        if amount == 0 or self.is_one(symbol):
            return q8(amount)
        return q8(q8(amount) * self.rate(symbol, price))

    def _own_base(self, symbol: str) -> str | None:
        """The base currency when it is the account's: the symbol's own price converts."""
        currency = self.currency(symbol)
        base = bare(symbol).upper().removesuffix(currency)
        if base == self.account or (base in DOLLARS and self.account in DOLLARS and base in QUOTE_CODES):
            return base
        return None

    def _bridge(self, symbol: str) -> tuple[str, bool] | None:
        """A market symbol that joins both currencies, and whether its price is to be inverted."""
        currency = self.currency(symbol)
        accounts = DOLLARS if self.account in DOLLARS else {self.account}
        for account in sorted(accounts):
            direct = self._bridges.get(currency + account)
            if direct is not None:
                return direct, False
            inverse = self._bridges.get(account + currency)
            if inverse is not None:
                return inverse, True
        return None
