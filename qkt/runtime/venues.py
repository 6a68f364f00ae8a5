"""Sessions at real venues: what an engine needs of whoever knows them."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread

from qkt.brokers.dispatch import Report, Request, What
from qkt.brokers.factory import venue_of
from qkt.brokers.mt5.account import hedging, instrument
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.codes import words
from qkt.brokers.mt5.constants import Action, LastError
from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.figures import LinkFigures
from qkt.brokers.mt5.link import LOOKS, Link
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.reconcile import ADOPT, CANCEL, NOBODYS, Difference, adopted, completed, differences
from qkt.brokers.mt5.sight import Sight, look
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.brokers.mt5.tokens import DIGITS, OWNER
from qkt.core.clock import Clock
from qkt.core.daily import DailyBoundary
from qkt.core.errors import InstrumentError
from qkt.core.instruments import Instrument
from qkt.core.terms import Side
from qkt.runtime.effects import SEND, Effect
from qkt.runtime.errors import SessionError

T = TypeVar("T")
TRIES = 8
PAUSE = 0.5


class Seat(Protocol):
    """A session's place at its venue."""

    def send(self, effects: Sequence[Effect], age: float) -> None:
        """Let requests leave that are durable now and were decided `age` seconds ago."""
        ...

    async def settle(self, take: Callable[[Report], None]) -> None:
        """Bring the session up to the venue's truth, before its market begins: `take` handles each report at once.

        Raises SessionError with every difference that cannot be settled.
        """
        ...

    def begin(self, take: Callable[[list[Report]], None]) -> None:
        """From now on reports go to `take`, on the loop."""
        ...

    def other_day(self, day: DailyBoundary) -> str | None:
        """In a sentence that the venue's day is not this one, None where it is."""
        ...

    async def compare(self) -> list[Difference]:
        """Where the session and its venue disagree now. Raises SessionError when the venue cannot be read."""
        ...

    @property
    def answered(self) -> bool:
        """Whether every request of the session is answered."""
        ...

    async def aclose(self) -> None: ...


class Venues(Protocol):
    """Accounts that sessions can trade on."""

    async def instruments(self, symbols: Sequence[str], currency: str) -> Mapping[str, Instrument]:
        """What the venue says of these market ids. Raises a QktError for what cannot be traded there."""
        ...

    async def sit(
        self, name: str, owner: str, broker: Mt5Broker, symbols: Sequence[str], traded: Sequence[str], *, adopts: bool
    ) -> Seat:
        """A place for a session's broker. `traded` are the markets that its strategies trade, once for each of them; `adopts`
        says whether it can take a position that it does not know, which a portfolio cannot: nobody knows for which child.

        Raises a QktError for a venue that cannot be reached, SessionError for a market that the account cannot keep apart.
        """
        ...

    def figures(self) -> Mapping[str, LinkFigures]:
        """How the links to accounts keep up that were ever opened, by profile."""
        ...


def new_owner() -> str:
    """A mark for the orders of one session that no other session has."""
    return "".join(secrets.choice(DIGITS) for _ in range(OWNER))


class Mt5Accounts:
    """Links by profile, counted: the first session opens one, the last one to leave closes it. `terminals` stand in for those
    of the profiles in tests."""

    def __init__(self, profiles: Mapping[str, Profile], wall: Clock, terminals: Mapping[str, Terminal] | None = None) -> None:
        self._profiles = profiles
        self._wall = wall
        self._terminals = dict(terminals or {})
        self._links: dict[str, tuple[Link, int]] = {}
        self._figures: defaultdict[str, LinkFigures] = defaultdict(LinkFigures)
        # Who trades a market of a netting account.
        self._claims: dict[str, str] = {}
        self._one = anyio.Lock()

    def figures(self) -> Mapping[str, LinkFigures]:
        return self._figures

    def profile_of(self, symbols: Sequence[str]) -> Profile:
        """The one profile that serves these market ids. Raises InstrumentError."""
        venues = {venue_of(symbol) for symbol in symbols}
        for symbol in symbols:
            if venue_of(symbol) not in self._profiles:
                known = ", ".join(sorted(self._profiles)) or "none: write [mt5.NAME] into qkt.toml"
                raise InstrumentError("names no MetaTrader 5 profile", where=symbol, expected=f"a prefix of {known}")
        if len(venues) > 1:
            raise InstrumentError(f"a session trades on one account, these are {', '.join(sorted(venues))}")
        return self._profiles[venues.pop()]

    async def borrow(self, name: str) -> Link:
        """The link of a profile. Give it back with `give_back`."""
        async with self._one:
            link, users = self._links.get(name, (None, 0))
            if link is None:
                link = Link(self._profiles[name], self._wall, self._terminals.get(name), self._figures[name])
                await anyio.to_thread.run_sync(link.open)
            self._links[name] = (link, users + 1)
            return link

    async def give_back(self, name: str) -> None:
        async with self._one:
            link, users = self._links.pop(name)
            if users > 1:
                self._links[name] = (link, users - 1)
            else:
                await anyio.to_thread.run_sync(link.close)

    async def instruments(self, symbols: Sequence[str], currency: str) -> Mapping[str, Instrument]:
        profile = self.profile_of(symbols)
        link = await self.borrow(profile.name)
        try:
            if link.account.currency != currency:
                raise SessionError(
                    f"the account is in {link.account.currency}, the session in {currency}",
                    where=f"mt5.{profile.name}",
                    remedy=f'set currency = "{link.account.currency}" under [account]',
                )
            return await asyncio.wrap_future(link.ask(lambda terminal: _terms(link, terminal, symbols), LOOKS))
        except TerminalError as problem:
            raise SessionError(problem.text, where=f"mt5.{profile.name}") from None
        finally:
            await self.give_back(profile.name)

    async def sit(
        self, name: str, owner: str, broker: Mt5Broker, symbols: Sequence[str], traded: Sequence[str], *, adopts: bool
    ) -> Seat:
        profile = self.profile_of(symbols)
        link = await self.borrow(profile.name)
        try:
            if not hedging(link.account):
                self._claim(name, traded)
        except SessionError:
            await self.give_back(profile.name)
            raise
        return Mt5Seat(self, link, name, owner, broker, symbols, self._wall, adopts=adopts)

    def _claim(self, name: str, traded: Sequence[str]) -> None:
        """A netting account has one position of a symbol: nobody could tell whose it is, so one strategy alone trades it."""
        for symbol in traded:
            owner = name if traded.count(symbol) > 1 else self._claims.get(symbol)
            if owner is not None:
                whose = f"more than one child of {name} trades" if owner == name else f"session {owner} trades already"
                raise SessionError(
                    f"the account nets, and it has one position of {symbol}, which {whose}",
                    where=name,
                    remedy="use a hedging account, or let one strategy alone trade it",
                )
        self._claims.update(dict.fromkeys(traded, name))

    def release(self, name: str) -> None:
        """A session trades no longer."""
        self._claims = {symbol: owner for symbol, owner in self._claims.items() if owner != name}


def _cancelled(order: int, terminal: Terminal) -> str:
    """Take a pending order off the venue's book. Returns what the venue says."""
    answer = terminal.order_send({"action": int(Action.REMOVE), "order": order})
    return words(answer.retcode, answer.comment)


def _terms(link: Link, terminal: Terminal, symbols: Sequence[str]) -> dict[str, Instrument]:
    return {symbol: instrument(symbol, link.terms.symbol(terminal, link.names.theirs(symbol))) for symbol in symbols}


class Mt5Seat:
    """A session's desk on a link. What was asked for and not answered when it sits down is asked for at the venue first."""

    def __init__(
        self,
        accounts: Mt5Accounts,
        link: Link,
        name: str,
        owner: str,
        broker: Mt5Broker,
        symbols: Sequence[str],
        wall: Clock,
        *,
        adopts: bool,
    ) -> None:
        self._accounts = accounts
        self._adopts = adopts
        self._link = link
        self._name = name
        self._owner = owner
        self._broker = broker
        self._wall = wall
        for symbol in symbols:
            link.names.theirs(symbol)
        standing = broker.standing()
        standing.known.since = standing.known.since or wall.now()
        shaper, hedges = link.profile.shaper(), hedging(link.account)
        self._desk = Desk(link.terminal, link.names, shaper, link.terms, owner, wall.now, standing.known, hedging=hedges)
        # Requests that are at the desk: an outbox after a crash brings those again that were not committed.
        self._sent = {request.token for request in standing.outstanding}
        for request in standing.outstanding:
            self._desk.resume(request)

    def send(self, effects: Sequence[Effect], age: float) -> None:
        for effect in effects:
            if effect.kind != SEND:
                continue
            request = Request.from_json(effect.value)
            if request.token not in self._sent:
                self._sent.add(request.token)
                self._link.send(self._desk, request, age)

    async def settle(self, take: Callable[[Report], None]) -> None:
        take(Report(What.OPENED, self._wall.now(), hedging=hedging(self._link.account)))
        problem: TerminalError | None = None
        rows: list[Difference] = []
        for attempt in range(TRIES):
            if attempt:
                await anyio.sleep(PAUSE * attempt)
            try:
                reports = await self._ask(lambda _: self._look())
            except TerminalError as failure:
                problem = failure
                continue
            for report in reports:
                take(report)
            sight = self._desk.sight
            problem = TerminalError(LastError.FAIL, "not everything could be read") if sight is None else None
            if sight is None:
                continue
            rows = self._differences(sight, take)
            if rows and attempt == TRIES - 2 and self._link.profile.complete:
                await self._complete(rows, sight, take)
            if not rows:
                return
        if problem is not None:
            raise SessionError(f"the account cannot be read: {problem.text}", where=self._name, remedy="try again")
        table = "".join(f"\n  {row}" for row in rows)
        raise SessionError(f"its books are not what the venue has:{table}", where=self._name)

    async def _complete(self, rows: Sequence[Difference], sight: Sight, take: Callable[[Report], None]) -> None:
        """Settle what stayed different, as the operator has asked for. The next look says whether it is."""
        for row in rows:
            price = None
            if row.kind == "position":
                price = await self._ask(partial(self._price, row))
            report = completed(row, self._broker, sight, price, self._wall.now())
            if report is not None:
                self._desk.settled(report)
                take(report)
            elif row.remedy == CANCEL:
                said = await self._ask(partial(_cancelled, row.number))
                text = f"order {row.number}, which the session does not know, was cancelled: {said}"
                take(Report(What.NOTE, self._wall.now(), level="WARN", text=text))

    def _price(self, row: Difference, terminal: Terminal) -> Decimal | None:
        """What the market pays for a position of the session."""
        ticket, quote = self._broker.tickets.find(row.number), terminal.symbol_info_tick(self._link.names.theirs(row.symbol))
        if ticket is None or quote is None:
            return None
        return Decimal(repr(quote.bid if ticket.side is Side.BUY else quote.ask))

    def _look(self) -> list[Report]:
        self._desk.look_now()
        return self._desk.step()

    def _differences(self, sight: Sight, take: Callable[[Report], None]) -> list[Difference]:
        rows = differences(self._broker, sight, self._owner, self._link.names)
        if not self._adopts:
            return [replace(row, remedy=NOBODYS) if row.remedy == ADOPT else row for row in rows]
        if not self._link.profile.adopt:
            return rows
        left = []
        for row in rows:
            report = adopted(row, sight, self._wall.now())
            if report is None:
                left.append(row)
            else:
                self._desk.own(report)
                take(report)
        return left

    def begin(self, take: Callable[[list[Report]], None]) -> None:
        loop = asyncio.get_running_loop()
        self._link.seat(self._desk, lambda reports: _deliver(loop, take, reports))

    def other_day(self, day: DailyBoundary) -> str | None:
        return self._link.clock.other_day(day, self._wall.now())

    async def compare(self) -> list[Difference]:
        clock, now = self._link.clock, self._wall.now()
        since = min(self._broker.standing().known.since or now, now)
        try:
            sight = await self._ask(lambda terminal: look(terminal, clock, since, now))
        except TerminalError as problem:
            raise SessionError(f"the account cannot be read: {problem.text}", where=self._name, remedy="try again") from None
        return differences(self._broker, sight, self._owner, self._link.names)

    @property
    def answered(self) -> bool:
        return not self._broker.standing().outstanding

    async def aclose(self) -> None:
        self._link.leave(self._desk)
        self._accounts.release(self._name)
        await self._accounts.give_back(self._link.profile.name)

    async def _ask(self, call: Callable[[Terminal], T]) -> T:
        return await asyncio.wrap_future(self._link.ask(call, LOOKS))


def _deliver(loop: asyncio.AbstractEventLoop, take: Callable[[list[Report]], None], reports: list[Report]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(take, reports)
