"""A session on a simulated account that misbehaves, in a time of its own, with a trader who does anything at all.

The session gets inputs and nothing else; what it asks for leaves it through an outbox. It can be killed between any two of its
steps: then what was not recorded is gone, and a new one is made of the inputs that were.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

from qkt.brokers.dispatch import Report, Request, VenueReport, VenueRequest, What
from qkt.brokers.factory import BrokerKind, VenueTerms
from qkt.brokers.mt5.account import AccountTerms
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.constants import Entry
from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.shaping import Shaper
from qkt.brokers.mt5.simulator import Faults, SimSymbol, SimulatedPackage, Venue
from qkt.brokers.mt5.simulator.faults import ReadFault, SendFault
from qkt.brokers.mt5.terminal import TerminalError
from qkt.brokers.mt5.tokens import found
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.core.instruments import InstrumentRegistry
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.engine import Session, SessionSettings, TickBoard, assemble
from qkt.strategy import CancelSignal, CloseSignal, EnterSignal, ExitForm, ScaleOut, ScaleOutPart, Signal
from qkt.strategy.signals import BracketSpec, OcoEntrySignal
from tests.backtest.random_limits import UNHURRIED
from tests.market import GOLD, Script, by, instrument, stepped, trailing

OWNER = "k3x9ab"
MAGIC = 10_007
START = 1_704_880_800_000
STEP = Decimal("0.03")
CONTRACT = Decimal(10)
AVERAGED = Decimal("1e-5")
"""Half of the eighth decimal for each of some sixty entries, three lots, times the contract."""
GOLD_TERMS = {
    "contract_size": CONTRACT,
    "volume_min": Decimal("0.03"),
    "volume_step": STEP,
    "stops_level_points": 2,
}

SENDS = dict.fromkeys(SendFault, 0.01)
READS = dict.fromkeys(ReadFault, 0.004)


@dataclass(frozen=True)
class Move:
    """An operator moves a pending order."""

    order: str
    level: Decimal


Item = Tick | Report | Signal | Move


class Rig:
    """`hedging` and the faults are of the account; `seed` draws everything else."""

    def __init__(self, seed: int, *, hedging: bool = True, faults: Faults | None = None, comments: int = 31) -> None:
        self.random = random.Random(seed)
        self.now = START
        symbol = SimSymbol(
            "GOLDm",
            digits=2,
            contract_size=CONTRACT,
            base="GOLD",
            volume_min=Decimal("0.03"),
            volume_step=STEP,
            stops_level=2,
            commission=Decimal("0.7"),
            filling_mode=self.random.choice([1, 2, 3]),
            expiration_mode=self.random.choice([1, 15]),
        )
        self.venue = Venue(
            [symbol], hedging=hedging, balance=Decimal(100_000), money_step=Decimal("1e-8"), comment_length=comments
        )
        self.clock = ServerClock(self.random.choice(["UTC", "new_york_close", "Asia/Kolkata"]))
        self.package = SimulatedPackage(self.venue, faults=faults, clock=self.clock)
        self.terminal = NativeTerminal(self.package)
        self.terminal.initialize()
        self.inputs: list[tuple[int, Item]] = []
        self.requests: list[Request] = []
        self.outbox: list[Request] = []
        self.crashes = 0
        self.session = self._session()
        self.desk = self._desk()
        self.take(Report(What.OPENED, hedging=hedging))

    # ----------------------------------------------------------- the session

    def _session(self) -> Session:
        self.event_clock = EventClock(START)
        self.script = Script(GOLD)
        table = {"GOLD": instrument("GOLD", **GOLD_TERMS)}
        settings = SessionSettings(
            Decimal(100_000),
            instruments=InstrumentRegistry.standard().with_layer(table),
            limits=UNHURRIED,
            venue=VenueTerms(BrokerKind.MT5, OWNER),
            audit=True,
        )
        session = assemble(self.script, settings, EventBus(self.event_clock), self.event_clock, TickBoard(), on_fault=_raise)
        session.scope.subscribe(VenueRequest, lambda event: self._asked(event.request))
        return session

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        self.outbox.append(request)

    def _desk(self) -> Desk:
        names = Names("sim", "m")
        names.theirs(GOLD)
        known = self.broker.standing().known
        known.since = known.since or START
        shaper, hedging = Shaper(self.clock, MAGIC, 20), self.venue.hedging
        return Desk(self.terminal, names, shaper, AccountTerms(), OWNER, lambda: self.now, known, hedging=hedging)

    @property
    def broker(self) -> Mt5Broker:
        assert isinstance(self.session.broker, Mt5Broker)
        return self.session.broker

    def take(self, item: Item) -> None:
        """Record an input and let the session have it."""
        self.inputs.append((self.now, item))
        self._handle(self.now, item)

    def _handle(self, now: int, item: Item) -> None:
        self.event_clock.time = now
        if isinstance(item, Tick):
            self.session.on_tick(Tick(item.symbol, item.ts, item.price, item.bid, item.ask))
        elif isinstance(item, Report):
            self.session.scope.receive(VenueReport(item))
        elif isinstance(item, Move):
            for order in self.session.orders.live_orders():
                if order.id == item.order:
                    self.session.orders.move(order, item.level)
        else:
            self.script.context.fire(None, [replace(item)])  # type: ignore[type-var]

    def crash(self) -> None:
        """Lose everything but the inputs, and come back."""
        self.crashes += 1
        asked = list(self.requests)
        self.requests, self.outbox = [], []
        self.session = self._session()
        for now, item in self.inputs:
            self._handle(now, item)
        assert self.requests == asked  # a session is a function of its inputs
        self.outbox = []
        self.desk = self._desk()
        for request in self.broker.standing().outstanding:
            self.desk.resume(request)

    # --------------------------------------------------------------- the time

    def quote(self, bid: Decimal, spread: Decimal, ms: int = 700) -> None:
        self.pass_time(ms)
        self.venue.take = Decimal("0.5") if self._goes_wrong(0.2) else Decimal(1)
        self.venue.delay = self.package.faults.unseen_for()
        self.venue.quote("GOLDm", self.now, bid, bid + spread)
        self.venue.take, self.venue.delay = Decimal(1), 0
        low, high = float(bid), float(bid + spread)
        self.take(Tick(GOLD, self.now, round((low + high) / 2, 4), low, high))

    def _goes_wrong(self, chance: float) -> bool:
        return bool(self.package.faults.for_send.__self__._send) and self.random.random() < chance

    def pass_time(self, ms: int, crash: float = 0.0) -> None:
        """Let the desk do what is due meanwhile."""
        until = self.now + ms
        while True:
            self._send(crash)
            if self.desk.due > until:
                break
            self.now = max(self.now, self.desk.due)
            self.venue.advance(self.now)
            try:
                reports = self.desk.step()
            except TerminalError:
                self.terminal.initialize()
                reports = self.desk.take()
                self.now += 100
            for report in reports:
                if crash and self.random.random() < crash:
                    self.crash()
                    break
                self.take(report)
        self.now = until
        self.venue.advance(self.now)

    def _send(self, crash: float) -> None:
        while self.outbox:
            if crash and self.random.random() < crash:
                self.crash()
                return
            self.desk.submit(self.outbox.pop(0))

    # ------------------------------------------------------------- the trader

    def act(self) -> None:
        """One thing at random."""
        pick = self.random
        what = pick.random()
        if what < 0.1:
            self.take(CloseSignal("script", GOLD, None, self.script.context.legs(GOLD)))
        elif what < 0.2:
            self.take(CancelSignal("script", GOLD, None, pick.random() < 0.3))
        elif what < 0.25:
            self.move()
        elif what < 0.32:
            self.take(OcoEntrySignal("script", GOLD, None, self.entry(pending=True), self.entry(pending=True)))
        else:
            self.take(self.entry(pending=pick.random() < 0.5))

    def move(self) -> None:
        """Move one of the pending entries a little."""
        waiting = [one for one in self.session.orders.live_orders() if not one.reduce_only and (one.stop or one.limit)]
        if waiting:
            order = self.random.choice(waiting)
            level = order.stop if order.stop is not None else order.limit
            assert level is not None
            self.take(Move(order.id, level + Decimal(self.random.randint(-8, 8)).scaleb(-2)))

    def entry(self, *, pending: bool) -> EnterSignal:
        pick = self.random
        side = pick.choice(list(Side))
        symbol = self.venue.symbols["GOLDm"]
        assert symbol.bid is not None
        away = Decimal(pick.randint(5, 40)).scaleb(-2)
        kind = pick.choice([OrderKind.LIMIT, OrderKind.STOP, OrderKind.STOP_LIMIT]) if pending else OrderKind.MARKET
        below = (side is Side.BUY) is (kind is OrderKind.LIMIT)
        level = symbol.bid - away if below else symbol.bid + away + Decimal("0.10")
        limit = (
            level if kind is OrderKind.LIMIT else level - side.sign * Decimal("0.03") if kind is OrderKind.STOP_LIMIT else None
        )
        tif = pick.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTD]) if pending else TimeInForce.GTC
        return EnterSignal(
            "script",
            GOLD,
            None,
            side,
            Decimal(pick.choice(["0.03", "0.09", "0.30", "0.55"])),
            None,
            kind,
            limit=limit,
            stop=level if kind in (OrderKind.STOP, OrderKind.STOP_LIMIT) else None,
            tif=tif,
            expires_at=self.now + pick.randint(61_000, 200_000) if tif is TimeInForce.GTD else None,
            bracket=self._bracket(),
        )

    def _bracket(self) -> BracketSpec | None:
        pick = self.random
        if pick.random() < 0.3:
            return None
        distance = Decimal(pick.randint(20, 90)).scaleb(-2)
        stop = pick.choice([by(distance), by(distance), trailing(distance, "0.05"), stepped(distance, ("0.3", "0.1")), None])
        target = pick.choice([by(distance * 2), None, ScaleOut((_half(distance), _half(distance * 2)))])
        return BracketSpec(stop, target) if stop or target else None

    # --------------------------------------------------------------- the truth

    def settle(self) -> None:
        """Nothing goes wrong any more: let everything come to rest."""
        self.package.faults.stop()
        symbol = self.venue.symbols["GOLDm"]
        assert symbol.bid is not None
        assert symbol.ask is not None
        for _ in range(18):
            self.quote(symbol.bid, symbol.ask - symbol.bid, 2_000)
        assert self.desk.idle, [(job.request, job.phase) for job in self.desk._jobs]

    def problems(self) -> list[str]:
        """Where the session's books are not the venue's truth."""
        return [*self._double(), *self._fills(), *self._positions(), *self._working(), *self._money()]

    def _double(self) -> list[str]:
        tokens = Counter(
            found(order.comment, OWNER) for order in (*self.venue.history, *self.venue.orders.values()) if order.reason == 3
        )
        return [f"token {name} was executed {count} times" for name, count in tokens.items() if name and count > 1]

    def _fills(self) -> list[str]:
        booked = {execution.split("-")[0] for _, execution in self.session.books._executions}
        deals = {str(deal.ticket) for deal in self.venue.deals if deal.entry != Entry.OUT_BY}
        return [f"deals {deals - booked} are not booked, {booked - deals} are none"] if deals != booked else []

    def _positions(self) -> list[str]:
        found_ = []
        venue = {number: (one.side, one.volume) for number, one in self.venue.positions.items()}
        ours = {number: (one.side.sign, one.volume) for number, one in self.broker.tickets.open.items()}
        if venue != ours:
            found_.append(f"the venue has positions {venue}, the session {ours}")
        net = sum((one.side * one.volume for one in self.venue.positions.values()), Decimal(0))
        if net != self.session.books.net_quantity("script", GOLD):
            found_.append(f"net {net} at the venue, {self.session.books.net_quantity('script', GOLD)} in the books")
        pool = self.broker.tickets.pool("script", GOLD)
        for book in self.session.books.strategies["script"].open_books():
            for leg in book:
                own = [one for one in self.broker.tickets.open.values() if leg.id in one.legs]
                lots = sum((one.signed for one in (pool if leg is book.primary else own)), Decimal(0))
                if lots != leg.signed:
                    found_.append(f"leg {leg.id} is {leg.signed} lots, its positions {lots}")
        sides = {one.side for one in pool}
        if len(sides) > 1:
            found_.append(f"positions {pool} stand against each other")
        return found_

    def _working(self) -> list[str]:
        live = {order.id: order for order in self.session.orders.live_orders()}
        found_ = []
        pending = {part.ticket for part in self.broker.parts.active.values() if part.order.live}
        if pending != set(self.venue.orders):
            found_.append(f"pending orders {set(self.venue.orders)} at the venue, {pending} here")
        for number, position in self.venue.positions.items():
            ticket = self.broker.tickets.open.get(number)
            if ticket is None:
                continue
            has = (position.sl or None, position.tp or None)
            if has != (_cents(ticket.sl), _cents(ticket.tp)):
                found_.append(f"position {number} has levels {has}, meant are {(ticket.sl, ticket.tp)}")
            stale = [one.id for one in (ticket.stop, ticket.target) if one is not None and one.id not in live]
            if stale:
                found_.append(f"position {number} keeps levels of {stale}, which have ended")
        bare = [one.id for one in live.values() if one.reduce_only and not self.session.books.leg_quantity(one.leg_id or 0)]
        return [*found_, *(f"{name} guards nothing" for name in bare)]

    def _money(self) -> list[str]:
        """To the last digit once nothing is open; before that, averages of entries are rounded to eight decimals."""
        price = self.venue.symbols["GOLDm"].bid or Decimal(0)
        held = ((one.price, one.side * one.volume) for one in self.venue.positions.values())
        venue = self.venue.balance + sum(((price - entry) * lots * CONTRACT for entry, lots in held), Decimal(0))
        books = self.session.books
        book = books.strategies["script"]
        legs = [leg for found in book.open_books() for leg in found]
        ours = books.starting + book.realized + sum(((price - leg.entry) * leg.signed * CONTRACT for leg in legs), Decimal(0))
        if not self.venue.positions and books.realized != book.realized:
            return [f"the account made {books.realized}, its only strategy {book.realized}"]
        off = abs(venue - ours)
        return [f"the venue has {venue}, the books {ours}"] if off > (AVERAGED if self.venue.positions else 0) else []


def _half(distance: Decimal) -> ScaleOutPart:
    price = by(distance)
    assert price.form is ExitForm.BY
    return ScaleOutPart(Decimal("0.5"), price)


def _cents(level: Decimal | None) -> Decimal | None:
    return None if level is None else level.quantize(Decimal("0.01"))


def _raise(problem: Exception) -> None:
    raise problem


def run(seed: int, ticks: int = 60, *, crash: float = 0.0, calm: bool = False) -> Rig:
    """One sequence: a market that walks, a trader who acts, a venue that fails. Everything is checked when it is at rest, and
    once more when everything was closed."""
    pick = random.Random(seed)
    faults = Faults() if calm else Faults(seed, send=SENDS, read=READS, delayed=0.2, delay=1_500)
    rig = Rig(seed, hedging=pick.random() < 0.7, faults=faults, comments=pick.choice([31, 16]))
    nights = random.Random(f"nights of {seed}")
    bid = Decimal("100.00")
    for _ in range(ticks):
        if nights.random() < 0.1:
            rig.venue.accrue("GOLDm", Decimal(nights.randint(-9_000, 4_000)).scaleb(-3))
        bid = max(Decimal(50), bid + Decimal(pick.choice([0, 1, -1, 4, -4, 15, -15])).scaleb(-2))
        rig.quote(bid, Decimal(pick.randint(1, 6)).scaleb(-2), pick.choice([40, 700, 700, 5_000]))
        if pick.random() < 0.5:
            rig.act()
        rig.pass_time(pick.choice([0, 200, 1_500]), crash)
    rig.settle()
    problems = rig.problems()
    assert not problems, "\n".join(problems)
    rig.take(CancelSignal("script", GOLD, None, True))
    rig.take(CloseSignal("script", GOLD, None, rig.script.context.legs(GOLD)))
    rig.settle()
    problems = rig.problems()
    assert not problems, "\n".join(problems)
    assert not rig.venue.positions
    assert not rig.venue.orders
    return rig
