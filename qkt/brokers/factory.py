"""Which broker serves a market: chosen by the venue prefix of its symbol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from qkt.brokers.paper import ExecutionSettings, PaperBroker
from qkt.brokers.quotes import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.clock import Clock
from qkt.core.errors import InstrumentError
from qkt.core.events import Tick
from qkt.core.instruments import Instrument
from qkt.core.watch import Waits
from qkt.orders import LegView


class Broker(Protocol):
    """Obeys the order commands of its scope and reports what its venue did."""

    def on_tick(self, tick: Tick) -> None:
        """The market moved, before anyone else of the session hears of it."""
        ...

    def working(self) -> list[str]:
        """Ids of the orders that its venue holds, those on their way included."""
        ...


class BrokerFactory:
    """Makes the broker of a session. `bus` is the session's scope, `tracker` the market as it sees it.

    Every venue is simulated on paper; an adapter of a real one is chosen here, by prefix.
    """

    def __init__(self, bus: Scope, clock: Clock, tracker: QuoteBoard) -> None:
        self._bus = bus
        self._clock = clock
        self._tracker = tracker

    def broker(
        self,
        symbols: Sequence[str],
        instruments: Callable[[str], Instrument],
        legs: LegView,
        execution: ExecutionSettings,
        waits: Waits,
    ) -> Broker:
        """The broker for these market ids. Raises InstrumentError for one that names no venue."""
        for symbol in symbols:
            if not venue_of(symbol):
                raise InstrumentError("names no venue", where=symbol, expected=f"VENUE:{symbol}")
        return PaperBroker(self._bus, self._tracker, instruments, legs, execution, waits)


def venue_of(symbol: str) -> str:
    """The venue prefix of a market id, in lower case, empty without one."""
    prefix, colon, _ = symbol.partition(":")
    return prefix.lower() if colon else ""
