"""A session on the simulator, in one process and in the time of its ticks: for back-tests and tests.

Requests are carried out while they are published, and every tick is a quote of the simulated market first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from qkt.brokers.dispatch import Report, VenueReport, VenueRequest, What
from qkt.brokers.mt5.account import AccountTerms
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.shaping import Shaper
from qkt.brokers.mt5.simulator import Faults, SimSymbol, SimulatedPackage, Venue
from qkt.brokers.mt5.terminal import TerminalError
from qkt.core.bus import Scope
from qkt.core.clock import Clock
from qkt.core.events import Tick
from qkt.core.instruments import Instrument, bare
from qkt.core.numbers import to_decimal
from qkt.orders import Order

MAGIC = 1


def sim_symbol(instrument: Instrument, market: str) -> SimSymbol:
    """The terms of a market as the simulated broker offers them."""
    name = bare(market)
    profit = instrument.quote_currency or name[-3:]
    base = name.removesuffix(profit) or name
    return SimSymbol(
        name,
        digits=instrument.digits,
        contract_size=instrument.contract_size,
        base=base,
        profit=profit,
        volume_min=instrument.volume_min,
        volume_max=instrument.volume_max or Decimal(1_000_000_000),
        volume_step=instrument.volume_step,
        stops_level=instrument.stops_level_points,
        commission=instrument.commission_per_lot,
    )


class RehearsedBroker:
    """A broker whose venue is simulated beside it. `venue` and `package` are open to tests; `clock` is the session's."""

    def __init__(
        self,
        broker: Mt5Broker,
        scope: Scope,
        clock: Clock,
        markets: Sequence[str],
        instruments: Callable[[str], Instrument],
        *,
        owner: str,
        balance: Decimal,
        currency: str,
        hedging: bool = True,
        faults: Faults | None = None,
        zone: str = "UTC",
    ) -> None:
        self.broker = broker
        self._scope = scope
        self._clock = clock
        server = ServerClock(zone)
        symbols = [sim_symbol(instruments(market), market) for market in markets]
        self.venue = Venue(symbols, balance=balance, currency=currency, hedging=hedging, money_step=Decimal("1e-8"))
        self.package = SimulatedPackage(self.venue, faults=faults, clock=server)
        self.terminal = NativeTerminal(self.package)
        self.terminal.initialize()
        names = Names("sim")
        self._markets = {market: names.theirs(market) for market in markets}
        shaper = Shaper(server, MAGIC, 20)
        self.desk = Desk(self.terminal, names, shaper, AccountTerms(), owner, clock.now, hedging=hedging)
        self._seen = 0
        self._busy = False
        self._told_terms = False
        scope.subscribe(VenueRequest, self._on_request)

    def on_tick(self, tick: Tick) -> None:
        """The market first, then what it led to, then the levels that the adapter watches itself."""
        self._open()
        if tick.symbol in self._markets:
            self.venue.quote(self._markets[tick.symbol], tick.ts, to_decimal(tick.sell), to_decimal(tick.buy))
        else:
            self.venue.advance(tick.ts)
        self._turn()
        self.broker.on_tick(tick)

    def working(self) -> list[str]:
        return self.broker.working()

    def watches_itself(self, order: Order) -> bool:
        return self.broker.watches_itself(order)

    def leaves_behind(self, order: Order) -> bool:
        return self.broker.leaves_behind(order)

    def _open(self) -> None:
        if not self._told_terms:
            self._told_terms = True
            self._scope.publish(VenueReport(Report(What.OPENED, hedging=self.venue.hedging)))

    def _on_request(self, event: VenueRequest) -> None:
        self.desk.submit(event.request)
        self._turn()

    def _turn(self) -> None:
        """Let the desk work until nothing is due; what its reports lead to is part of that."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._due():
                try:
                    reports = self.desk.step()
                except TerminalError:
                    self.terminal.initialize()
                    reports = self.desk.take()
                for report in reports:
                    self._scope.publish(VenueReport(report))
        finally:
            self._busy = False

    def _due(self) -> bool:
        if self.venue.version != self._seen:
            self._seen = self.venue.version
            self.desk.look_now()
            return True
        return self.desk.working or self.desk.has_news
