"""Which further markets a run needs: those that convert its results into the account's currency."""

from __future__ import annotations

from collections.abc import Iterable

from qkt.core.instruments import InstrumentRegistry
from qkt.engine.board import TickBoard
from qkt.ledger import Converter


def conversion_markets(
    symbols: Iterable[str], currency: str, instruments: InstrumentRegistry, available: Iterable[str]
) -> list[str]:
    """Symbols of `available` (bare names) whose prices bridge a traded symbol's currency to the account's."""
    traded = list(symbols)
    needed: dict[str, None] = {}
    for symbol in traded:
        converter = Converter(currency, instruments, TickBoard())
        for market in traded:
            converter.add_market(market)
        if converter.missing(symbol) is None:
            continue
        for market in sorted(available):
            converter.add_market(market)
        bridge = converter.factor_source(symbol)
        if bridge is not None:
            needed[bridge[0]] = None
    return list(needed)
