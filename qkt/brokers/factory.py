"""Which broker serves a market: chosen by the venue prefix of its symbol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from qkt.brokers.paper import ExecutionSettings, PaperBroker
from qkt.brokers.quotes import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.clock import Clock
from qkt.core.errors import InstrumentError
from qkt.core.events import Tick
from qkt.core.instruments import Instrument
from qkt.core.watch import Waits
from qkt.orders import LegView, Order


class Broker(Protocol):
    """Obeys the order commands of its scope and reports what its venue did."""

    def on_tick(self, tick: Tick) -> None:
        """The market moved, before anyone else of the session hears of it."""
        ...

    def working(self) -> list[str]:
        """Ids of the orders that its venue holds, those on their way included."""
        ...

    def watches_itself(self, order: Order) -> bool:
        """Whether it waits for the order's level in this process, because its venue would not."""
        ...

    def leaves_behind(self, order: Order) -> bool:
        """Whether its venue goes on to guard what this stop guards when the process ends, at its last level or before."""
        ...


class BrokerKind(StrEnum):
    """Who executes what a session asks for."""

    PAPER = "paper"  # simulated here, against the quotes of the feed
    MT5 = "mt5"  # a MetaTrader 5 account, for real
    MT5_SIM = "mt5-sim"  # a simulated MetaTrader 5 account with that platform's rules


@dataclass(frozen=True, slots=True)
class VenueTerms:
    """Who executes a session's orders. `owner` begins the tokens by which its orders are known at a venue. `hedging` is of a
    simulated account."""

    kind: BrokerKind = BrokerKind.PAPER
    owner: str = "000000"
    hedging: bool = True


class BrokerFactory:
    """Makes the broker of a session. `bus` is the session's scope, `tracker` the market as it sees it."""

    def __init__(self, bus: Scope, clock: Clock, tracker: QuoteBoard, strategy: str, venue: VenueTerms) -> None:
        self._bus = bus
        self._clock = clock
        self._tracker = tracker
        self._strategy = strategy
        self._venue = venue

    def broker(
        self,
        symbols: Sequence[str],
        instruments: Callable[[str], Instrument],
        legs: LegView,
        execution: ExecutionSettings,
        waits: Waits,
        balance: Decimal,
        currency: str,
        barred: Callable[[Order], str | None],
    ) -> Broker:
        """The broker for these market ids, on an account of this balance where it is a simulated one. `barred` says why an
        entry that waited in this process may not leave any more.

        Raises InstrumentError for a market id that names no venue.
        """
        for symbol in symbols:
            if not venue_of(symbol):
                raise InstrumentError("names no venue", where=symbol, expected=f"VENUE:{symbol}")
        if self._venue.kind is BrokerKind.PAPER:
            return PaperBroker(self._bus, self._tracker, instruments, legs, execution, waits)
        from qkt.brokers.mt5.broker import Mt5Broker

        broker = Mt5Broker(self._bus, self._tracker, instruments, legs, self._venue.owner, self._strategy, barred)
        if self._venue.kind is BrokerKind.MT5:
            return broker
        from qkt.brokers.mt5.rehearsal import RehearsedBroker

        return RehearsedBroker(
            broker,
            self._bus,
            self._clock,
            symbols,
            instruments,
            owner=self._venue.owner,
            balance=balance,
            currency=currency,
            hedging=self._venue.hedging,
        )


def venue_of(symbol: str) -> str:
    """The venue prefix of a market id, in lower case, empty without one."""
    prefix, colon, _ = symbol.partition(":")
    return prefix.lower() if colon else ""
