"""What the engine must know of a traded symbol, and where it knows it from.

Sources are layered, the first hit wins: the user's file, then the built-in table. Symbols are looked up qualified
(`EXNESS:XAUUSD`) first, then bare (`XAUUSD`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from qkt.core.errors import InstrumentError
from qkt.core.numbers import ONE, ZERO, floor_to
from qkt.core.swaps import Rollovers, SwapMode, SwapRate, rate_at
from qkt.core.terms import Side

if TYPE_CHECKING:
    from qkt.core.instrument_file import InstrumentFile

# Trailing currency code of a bare symbol, tested in this order.
QUOTE_CODES = ("USDT", "USDC", "USD", "JPY", "CHF", "CAD", "GBP", "EUR", "AUD", "NZD")
DOLLARS = frozenset({"USD", "USDT", "USDC"})
FIAT = frozenset(QUOTE_CODES) - {"USDT", "USDC"}


def bare(symbol: str) -> str:
    """The symbol without its venue prefix."""
    return symbol.rpartition(":")[2]


def quote_code(symbol: str) -> str | None:
    """The currency a symbol's name ends in, None when it ends in none we know."""
    name = bare(symbol).upper()
    return next((code for code in QUOTE_CODES if name.endswith(code) and name != code), None)


@dataclass(frozen=True, slots=True)
class Instrument:
    """Contract terms of one symbol.

    Quantities are lots, `contract_size` units of the base per lot, prices in `quote_currency`; commission is account
    currency per lot and side, charges positive. `average_daily_volume` is the market's, in lots, for slippage by size.

    Financing: `swap_long_points` and `swap_short_points` a lot and night are the rates of the mode POINTS where
    `swap_rates`, the dated table in the unit of `swap_mode`, has none yet; credits are positive. `swap_rollovers` says
    when, None stands for `swap_rollover_hour_utc`. `swap_triple_day` (Monday 0) counts three nights, None for no such day.
    A percent rate divides by `swap_year_days`.
    """

    symbol: str
    contract_size: Decimal
    digits: int
    point_size: Decimal
    volume_min: Decimal
    volume_step: Decimal
    volume_max: Decimal | None = None
    stops_level_points: int = 0
    commission_per_lot: Decimal = ZERO
    slippage_points: Decimal = ZERO
    spread_points: Decimal = ZERO
    swap_long_points: Decimal = ZERO
    swap_short_points: Decimal = ZERO
    swap_rollover_hour_utc: int = 21
    swap_triple_day: int | None = 2
    quote_currency: str | None = None
    swap_mode: SwapMode = SwapMode.POINTS
    swap_rates: tuple[SwapRate, ...] = ()
    swap_rollovers: Rollovers | None = None
    swap_year_days: int = 360
    average_daily_volume: Decimal | None = None

    @property
    def financed(self) -> bool:
        """Whether holding it overnight can cost or earn anything."""
        return bool(self.swap_rates or self.swap_long_points or self.swap_short_points)

    @property
    def rollovers(self) -> Rollovers:
        return self.swap_rollovers or Rollovers(minute=60 * self.swap_rollover_hour_utc)

    def swap_rate(self, side: Side, ts: int) -> Decimal:
        """The rate of one side in force at an instant, in the unit of the mode."""
        dated = rate_at(self.swap_rates, ts)
        if dated is not None:
            return dated.long if side is Side.BUY else dated.short
        if self.swap_mode is not SwapMode.POINTS:
            return ZERO
        return self.swap_long_points if side is Side.BUY else self.swap_short_points

    def quantize(self, quantity: Decimal) -> Decimal:
        """The quantity rounded down to the step. Zero or less than `volume_min` cannot be traded."""
        return floor_to(quantity, self.volume_step)

    def refusal(self, quantity: Decimal) -> str | None:
        """Why a quantized quantity cannot be traded, None when it can."""
        if quantity <= 0 or quantity < self.volume_min:
            return f"quantity {quantity:f} is below the minimum of {self.volume_min:f} lots of {self.symbol}"
        if self.volume_max is not None and quantity > self.volume_max:
            return f"quantity {quantity:f} is above the maximum of {self.volume_max:f} lots of {self.symbol}"
        return None


def _standard(symbol: str, contract_size: str, digits: int) -> Instrument:
    return Instrument(
        symbol=symbol,
        contract_size=Decimal(contract_size),
        digits=digits,
        point_size=ONE.scaleb(-digits),
        volume_min=Decimal("0.01"),
        volume_step=Decimal("0.01"),
        quote_currency=quote_code(symbol),
    )


def _standard_table() -> dict[str, Instrument]:
    majors = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF")
    quotes = ("USD", "CAD", "CHF", "GBP", "AUD", "NZD", "EUR")
    pairs = [b + q for b in majors for q in quotes if b != q]
    table = {pair: _standard(pair, "100000", 5) for pair in pairs}
    table |= {base + "JPY": _standard(base + "JPY", "100000", 3) for base in majors}
    table["XAUUSD"] = _standard("XAUUSD", "100", 3)
    table["XAGUSD"] = _standard("XAGUSD", "5000", 3)
    return table


class InstrumentRegistry:
    """Finds instruments through layers, first hit wins. What was found once stays."""

    def __init__(self, *layers: Mapping[str, Instrument]) -> None:
        self._layers = layers
        self._found: dict[str, Instrument] = {}

    @classmethod
    def standard(cls) -> InstrumentRegistry:
        """The built-in table alone."""
        return cls(_standard_table())

    @classmethod
    def load(cls, path: Path) -> InstrumentRegistry:
        """The user's file over the built-in table. Raises InstrumentError for a file that cannot be used."""
        return cls(read_instruments(path), _standard_table())

    def with_layer(self, layer: Mapping[str, Instrument]) -> InstrumentRegistry:
        """The same registry with one more layer in front."""
        return InstrumentRegistry(layer, *self._layers)

    def resolve(self, symbol: str) -> Instrument:
        """The instrument of a symbol.

        Stablecoin-quoted symbols and shapes that name no currency default to one unit a lot, 8 decimals. Raises
        InstrumentError for a symbol that is quoted in a fiat currency and stands in no layer.
        """
        found = self._found.get(symbol)
        if found is None:
            found = self._found[symbol] = self._look_up(symbol)
        return found

    def _look_up(self, symbol: str) -> Instrument:
        name = bare(symbol)
        for layer in self._layers:
            found = layer.get(symbol) or layer.get(name)
            if found is not None:
                return found
        code = quote_code(symbol)
        if code in FIAT:
            raise InstrumentError(
                f"no instrument data for {symbol}",
                remedy=f"give a file that has {name} with --instruments FILE (contract_size, digits, volume_step, …)",
            )
        smallest = Decimal("0.00000001")
        return Instrument(
            symbol=name,
            contract_size=ONE,
            digits=8,
            point_size=smallest,
            volume_min=smallest,
            volume_step=smallest,
            quote_currency=code,
        )


def read_instruments(path: Path) -> dict[str, Instrument]:
    """Instruments of a JSON or TOML file: a list under `instruments`, the fields as in `Instrument`.

    Raises InstrumentError naming the file, the entry and the field.
    """
    where = str(path)
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise InstrumentError(f"cannot be read ({problem.strerror})", where=where, expected="a JSON or TOML file") from None
    try:
        data = tomllib.loads(raw.decode()) if path.suffix == ".toml" else json.loads(raw)
    except (UnicodeDecodeError, ValueError) as problem:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise InstrumentError(f"is not valid {kind} ({problem})", where=where) from None
    return _unique(where, parse_instruments(where, data).instruments_as_terms())


def parse_instruments(where: str, data: object) -> InstrumentFile:
    """Validate the content of an instrument file. Raises InstrumentError."""
    from qkt.core.instrument_file import InstrumentFile

    return InstrumentFile.parse(where, data)


def _unique(where: str, instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    table: dict[str, Instrument] = {}
    for instrument in instruments:
        if instrument.symbol in table:
            raise InstrumentError(f"{instrument.symbol} stands twice", where=where, expected="one entry for each symbol")
        table[instrument.symbol] = instrument
    return table
