"""A MetaTrader account in simulated time: the link to it serves its desks on the loop instead of in a thread."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random

import anyio

from qkt.brokers.dispatch import Request
from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.link import Link
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.simulator import Faults, SimSymbol, SimulatedPackage, Venue
from qkt.brokers.mt5.simulator.faults import ReadFault, SendFault
from qkt.core.clock import Clock
from qkt.runtime.venues import Mt5Accounts
from tests.simulation.market import THEIRS

STEP = 0.1
"""Seconds between two looks of the link at what is due."""
SENDS = dict.fromkeys(SendFault, 0.012)
READS = dict.fromkeys(ReadFault, 0.004)


class Account:
    """Outlives every engine. `trouble` says whether the account fails now and then."""

    def __init__(self, seed: int, *, trouble: bool) -> None:
        random = Random(seed)
        faults = Faults(seed, send=SENDS, read=READS, delayed=0.2, delay=1_500) if trouble else Faults()
        self.venue = Venue([SimSymbol(THEIRS)], hedging=random.random() < 0.7, money_step=Decimal("1e-8"))
        self.package = SimulatedPackage(self.venue, faults=faults)
        self.terminal = NativeTerminal(self.package)

    def quote(self, ts: int, bid: float, ask: float) -> None:
        """The venue's market moves."""
        self.venue.delay = self.package.faults.unseen_for()
        self.venue.quote(THEIRS, max(ts, self.venue.now), Decimal(str(bid)), Decimal(str(ask)))
        self.venue.delay = 0

    def pass_time(self, now: int) -> None:
        """Time goes on between quotes too, also while an engine that starts looks at the account again and again."""
        self.venue.now = max(self.venue.now, now)


class LoopLink(Link):
    """Does at once what it is asked, and what is due when `serve` comes round. `sends` hears of every request."""

    sends: Callable[[Request], None]
    # Whose time goes on whenever it is asked; None where a test moves it by hand.
    venue: Account | None = None

    def send(self, desk: Desk, request: Request, age: float = 0.0) -> None:
        self.sends(request)
        super().send(desk, request, age)

    def _begin(self) -> None: ...

    def close(self) -> None:
        self._terminal.shutdown()

    def _put(self, priority: int, work: Callable[[], None]) -> None:
        if self.venue is not None:
            self.venue.pass_time(self._wall.now())
        work()

    async def serve(self) -> None:
        """Give every desk its turn for as long as the engine lives."""
        while True:
            await anyio.sleep(STEP)
            self._serve()


class LoopAccounts(Mt5Accounts):
    """Accounts whose links are of this loop."""

    def __init__(
        self, account: Account, wall: Clock, start: Callable[[LoopLink], None], sends: Callable[[Request], None]
    ) -> None:
        profile = Profile("sim", suffix="m", magic=77)
        super().__init__({"sim": profile}, wall)
        self._account = account
        self._start = start
        self._sends = sends
        self.link: LoopLink | None = None

    async def borrow(self, name: str) -> Link:
        if self.link is None:
            link = LoopLink(self._profiles[name], self._wall, self._account.terminal)
            link.sends = self._sends
            link.venue = self._account
            link.open()
            self.link = link
            self._start(link)
        return self.link

    async def give_back(self, name: str) -> None: ...
