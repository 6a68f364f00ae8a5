"""The desk of one session at its venue: it sends what it is given, finds out what became of it, and tells everything once.

Nothing is sent again before it is proven that the first did not arrive. What happened is believed from positive evidence
alone: an order by its ticket or token, a fill by its deal, an end by its record in the history. That something is missing
from a list proves nothing by itself.

The desk never waits: whoever owns it calls `step` when something is due.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from qkt.brokers.dispatch import Act, Report, Request, What
from qkt.brokers.mt5.account import AccountTerms
from qkt.brokers.mt5.codes import Meaning, meaning, words
from qkt.brokers.mt5.constants import Code, Entry, Filling, Reason, State
from qkt.brokers.mt5.hearing import Hearing, Known
from qkt.brokers.mt5.jobs import Job, Phase
from qkt.brokers.mt5.late_levels import LateLevels
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.records import Position, Sent, VenueOrder
from qkt.brokers.mt5.shaping import Shaper, UnfitError, fillings, rounded
from qkt.brokers.mt5.sight import Sight, look
from qkt.brokers.mt5.terminal import SendRequest, Terminal, TerminalError
from qkt.brokers.mt5.tokens import foreign, found
from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind, Side

POLL_MS = 1_000
SOON_MS = 250
MARGIN_MS = 5_000
REPRICES = 3
CLEAN_ROUNDS = 4
ASK_STEP_MS = 500
ASK_LONG_MS = 5_000
WAITS_MS = (500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000)
ENTRY_WAITS = 4
ENTRY_AGE_MS = 10_000
"""After which an entry is not sent for the first time: a little longer than it may be put off."""
BLIND_ROUNDS = 3
RECENT_MS, WHOLE_MS = 3_600_000, 60_000
"""How far back every look goes, and after how long one goes back to the oldest order that works."""
WEAK_WINDOW_MS = 60_000
COLLAR = Decimal("0.01")
"""How far the market may run from the first price of an entry while it is sent again: one percent."""


class Desk:
    """Serves the requests whose tokens belong to `owner`. `wall` gives epoch ms UTC; `known` is what was before. `hedging`
    says whether the account can hold several positions of a symbol."""

    def __init__(
        self,
        terminal: Terminal,
        names: Names,
        shaper: Shaper,
        terms: AccountTerms,
        owner: str,
        wall: Callable[[], int],
        known: Known | None = None,
        *,
        hedging: bool = True,
    ) -> None:
        self._terminal = terminal
        self._names = names
        self._shaper = shaper
        self._terms = terms
        self._owner = owner
        self._wall = wall
        self._known = known or Known(since=wall())
        self._jobs: list[Job] = []
        self._out: list[Report] = []
        self._hearing = Hearing(self._known, names, shaper.clock, owner, wall, hedging=hedging)
        self._late = LateLevels()
        self._poll_at = self._margin_at = 0
        # Until when a look at what is recent does, and the last complete one.
        self._recent_until = self._looked_at = 0
        self._blind = 0
        self._fillings: dict[str, Filling] = {}
        self.sight: Sight | None = None

    # --------------------------------------------------------------- the owner

    def submit(self, request: Request, decided: int | None = None) -> None:
        """Take a request; it is sent by the next `step`. It was decided now, or at `decided` (epoch ms)."""
        now = self._wall()
        if request.enters and self._unresolved(request.symbol):
            self.refuse(request, "what became of an earlier order on this symbol is not known yet")
            return
        self._jobs.append(Job(request, now, now if decided is None else decided))

    def resume(self, request: Request) -> None:
        """Take a request of which it is not known whether it was sent, as after a crash: it is asked for first."""
        self._late.lost(request)
        self._jobs.append(Job(request, self._wall(), phase=Phase.ASKING, sent_at=self._known.since, resumed=True))

    @property
    def due(self) -> int:
        """When `step` has something to do (epoch ms)."""
        return min([self._poll_at, *(job.due for job in self._jobs if not self._behind(job))])

    @property
    def unresolved(self) -> list[Request]:
        """Requests of which it is not known what became of them."""
        return [job.request for job in self._jobs if job.phase is Phase.ASKING]

    @property
    def idle(self) -> bool:
        """Whether every request is answered."""
        return not self._jobs

    def step(self) -> list[Report]:
        """Do what is due. Raises TerminalError when the link is broken; nothing is lost by that."""
        now = self._wall()
        try:
            for job in list(self._jobs):
                if job.due <= now and not self._behind(job):
                    self._work(job, now)
            if now >= self._poll_at:
                self._poll(now)
        except TerminalError as problem:
            if problem.link:
                raise
        return self.take()

    def look_now(self) -> None:
        """Look at the account with the next `step`; until then there is no `sight`."""
        self._poll_at = self._recent_until = 0
        self.sight = None

    def own(self, report: Report) -> None:
        """The position of an adoption is the session's from now on; what the venue did with it before is part of it."""
        self._known.positions.add(report.position)
        self._known.volumes[report.position] = report.quantity
        if self.sight is not None:
            self._known.deals.update(one.ticket for one in self.sight.deals if one.position_id == report.position)

    def settled(self, report: Report) -> None:
        """What a report says was decided here, and not heard from the venue."""
        known = self._known
        if report.what is What.ENDED:
            known.working.discard(report.order)
        else:
            known.volumes[report.position] = known.volumes.get(report.position, ZERO) - report.quantity

    @property
    def has_news(self) -> bool:
        """Whether reports wait to be taken."""
        return bool(self._out)

    @property
    def working(self) -> bool:
        """Whether a request is to be worked on now."""
        now = self._wall()
        return any(job.due <= now and not self._behind(job) for job in self._jobs)

    def take(self) -> list[Report]:
        """Reports that were not taken yet."""
        taken, self._out = self._out, []
        return taken

    # ----------------------------------------------------------------- sending

    def _work(self, job: Job, now: int) -> None:
        if job.phase is Phase.ASKING:
            self._ask(job, now)
        else:
            self._send(job, now)

    def _behind(self, job: Job) -> bool:
        """Levels of one position, and prices of one order, are sent one after the other: an old one never comes last."""
        if job.request.act not in (Act.PROTECT, Act.MOVE):
            return False
        about = _about(job.request)
        return next(one for one in self._jobs if _about(one.request) == about) is not job

    def _send(self, job: Job, now: int) -> None:
        request = job.request
        try:
            self._still_meant(job, now)
            shaped = self._shaped(job, now)
        except UnfitError as problem:
            unfit = str(problem)
            self._settle(job, lambda: self.refuse(request, unfit))
            return
        except TerminalError as problem:
            if problem.link:
                raise
            self._wait(job, now, str(problem))
            return
        job.sent_at = now
        job.sends += 1
        try:
            answer = self._terminal.order_send(shaped)
        except TerminalError as problem:
            if problem.harmless:
                why = f"the terminal did not take it: {problem}"
                self._settle(job, lambda: self.refuse(request, why))
                return
            self._begin_asking(job, now)
            if problem.link:
                raise
            return
        self._on_answer(job, answer, now)

    def _shaped(self, job: Job, now: int) -> SendRequest:
        request = job.request
        name = self._names.theirs(request.symbol)
        symbol = self._terms.symbol(self._terminal, name)
        market = request.act in (Act.OPEN, Act.CLOSE)
        priced = market or request.act in (Act.PLACE, Act.MOVE)
        quote = self._terminal.symbol_info_tick(name) if priced else None
        if market and quote is not None and request.act is Act.OPEN:
            self._inside_collar(job, Decimal(repr(quote.ask if request.side is Side.BUY else quote.bid)))
        if market and not job.fillings:
            ways = list(fillings(request, symbol))
            kept = self._fillings.get(name)
            job.fillings = [kept, *(way for way in ways if way is not kept)] if kept in ways else ways
            if not ways:
                raise UnfitError(f"{name} fills no order whole or not at all")
        if job.volume is not None:
            request = job.clamped
        return self._shaper.shape(request, symbol, quote, job.fillings[0] if job.fillings else Filling.RETURN, now)

    @staticmethod
    def _still_meant(job: Job, now: int) -> None:
        """An entry that was not sent in its time was decided on another market."""
        waited = now - job.decided
        if job.request.enters and not job.sends and waited > ENTRY_AGE_MS:
            raise UnfitError(f"it could not be sent for {waited / 1000:.0f} s, and the market has gone on")

    @staticmethod
    def _inside_collar(job: Job, price: Decimal) -> None:
        if job.first_price is None:
            job.first_price = price
        elif abs(price - job.first_price) > job.first_price * COLLAR:
            raise UnfitError(f"the market ran from {job.first_price} to {price} while it was sent")

    def _on_answer(self, job: Job, answer: Sent, now: int) -> None:
        request = job.request
        said = words(answer.retcode, answer.comment)
        match meaning(answer.retcode):
            case Meaning.DONE:
                self._done(job, answer.order)
            case Meaning.REPRICE if job.reprices < REPRICES or not request.enters:
                job.reprices += 1
                self._wait(job, now, said)
            case Meaning.WAIT:
                self._wait(job, now, said)
            case Meaning.REFUSED if not request.enters and answer.retcode == Code.REJECT and job.waits < len(WAITS_MS):
                self._wait(job, now, said)  # the dealer's mood, not something that cannot be
            case Meaning.CLOSED if not request.enters:
                self._wait(job, now, said)
            case Meaning.FILLING if len(job.fillings) > 1 and not job.refilled:
                job.refilled = True
                job.fillings.pop(0)
                self._fillings[self._names.theirs(request.symbol)] = job.fillings[0]
            case Meaning.VOLUME if job.volume is None:
                self._clamp(job, now, said)
            case Meaning.GONE if request.act is Act.REMOVE or _changed(request, answer):
                self._begin_asking(job, now)  # what it is about is read again, and then decided
            case Meaning.GONE:
                self._settle(job, lambda: self.refuse(request, said, "gone"))
            case Meaning.UNKNOWN:
                self._begin_asking(job, now)
            case Meaning.BARRED:
                self._note("ERROR", f"no order is taken: {said}", request)
                self._settle(job, lambda: self.refuse(request, said))
            case Meaning.REFUSED if request.act is Act.REMOVE and answer.retcode == Code.INVALID:
                self._begin_asking(job, now)  # the order has ended, or never was; its record tells
            case _:
                self._settle(job, lambda: self.refuse(request, said))

    def _wait(self, job: Job, now: int, why: str) -> None:
        """Try again later: an entry a few times, what takes risk away for as long as it needs."""
        if job.request.enters and job.waits >= ENTRY_WAITS:
            self._settle(job, lambda: self.refuse(job.request, why))
            return
        if job.waits == len(WAITS_MS) - 1:
            self._note("WARN", f"{job.request.act} for {job.request.order_id} still waits: {why}", job.request)
        job.due = now + WAITS_MS[min(job.waits, len(WAITS_MS) - 1)]
        job.waits += 1

    def _clamp(self, job: Job, now: int, said: str) -> None:
        """A close for more than the position has: for what it has now, once it is seen."""
        held = [one for one in self._terminal.positions_get() if one.ticket == job.request.position]
        if held:
            job.volume = Decimal(repr(held[0].volume))
        else:
            self._wait(job, now, said)

    def _done(self, job: Job, ticket: int) -> None:
        request = job.request
        if request.act is Act.PROTECT:
            self._known.levels[request.position] = (request.sl, request.tp)
            self._late.done(request)
        elif request.act in (Act.REMOVE, Act.MOVE):
            ticket = 0  # the order ends under the token that it was placed with
        elif not ticket:
            self._begin_asking(job, self._wall())  # taken without a number: it is found by its token
            return
        else:
            self._known.orders[ticket] = request.token
            if request.act is not Act.CLOSE_BY:
                self._known.working.add(ticket)
        taken = Report(What.TAKEN, self._wall(), request.token, request.symbol, order=ticket, position=request.position)
        self._settle(job, lambda: self._out.append(taken))
        self._poll_at = 0

    def refuse(self, request: Request, text: str, reason: str = "") -> None:
        """Tell that a request is not done."""
        self._out.append(Report(What.REFUSED, self._wall(), request.token, request.symbol, reason=reason, text=text))

    def _settle(self, job: Job, tell: Callable[[], None]) -> None:
        self._jobs.remove(job)
        tell()

    def _note(self, level: str, text: str, request: Request | None = None) -> None:
        symbol = "" if request is None else request.symbol
        self._out.append(Report(What.NOTE, self._wall(), symbol=symbol, level=level, text=text))

    # ------------------------------------------------------------------ asking

    def _unresolved(self, symbol: str) -> bool:
        return any(job.phase is Phase.ASKING and job.request.enters and job.request.symbol == symbol for job in self._jobs)

    def _begin_asking(self, job: Job, now: int) -> None:
        job.phase = Phase.ASKING
        job.rounds = job.tries = 0
        job.due = now + ASK_STEP_MS
        if job.sends:
            self._late.lost(job.request)
        if job.sends and not job.noted:
            job.noted = True
            self._note("WARN", f"{job.request.act} for {job.request.order_id}: the outcome is not known, asking", job.request)

    def _ask(self, job: Job, now: int) -> None:
        """One round: only a complete look counts, and only several of them prove that nothing arrived."""
        job.tries += 1
        job.due = now + (ASK_STEP_MS * (job.tries + 1) if job.tries < CLEAN_ROUNDS else ASK_LONG_MS)
        sight = look(self._terminal, self._shaper.clock, min(job.sent_at, now), now)
        request = job.request
        if request.act is Act.PROTECT:
            self._ask_levels(job, sight)
        elif request.act is Act.REMOVE:
            self._ask_removed(job, sight)
        elif request.act is Act.MOVE:
            self._ask_moved(job, sight)
        else:
            ticket = self._find(job, sight)
            if ticket:
                self._done(job, ticket)
            else:
                job.rounds += 1
                if job.rounds >= CLEAN_ROUNDS:
                    self._absent(job)

    def _absent(self, job: Job) -> None:
        """It never arrived. An entry is given up; what takes risk away is sent, for the venue the first time."""
        if job.request.enters:
            why = "it did not reach the venue" if job.sends or not job.resumed else "it was not sent before the engine ended"
            self._settle(job, lambda: self.refuse(job.request, why))
        else:
            self._send_again(job)

    def _send_again(self, job: Job) -> None:
        job.phase, job.due = Phase.SENDING, self._wall()

    def _ask_levels(self, job: Job, sight: Sight) -> None:
        request = job.request
        held = next((one for one in sight.positions if one.ticket == request.position), None)
        if held is not None and self._has_levels(held, request.sl, request.tp):
            self._done(job, 0)
        elif held is not None:
            self._send_again(job)  # levels are absolute: sending them twice is sending them once
        elif self._is_closed(request.position, sight):
            self._settle(job, lambda: self.refuse(request, "the position is closed already"))

    def _is_closed(self, position: int, sight: Sight) -> bool:
        """Whether deals say so that are seen now, or were told before."""
        closing = any(one.position_id == position and one.entry in (Entry.OUT, Entry.OUT_BY) for one in sight.deals)
        return closing or self._known.volumes.get(position) == ZERO

    def _ask_removed(self, job: Job, sight: Sight) -> None:
        ticket = job.request.ticket
        if any(one.ticket == ticket for one in sight.orders):
            self._send_again(job)
        elif self._has_ended(ticket, sight):
            self._done(job, ticket)

    def _ask_moved(self, job: Job, sight: Sight) -> None:
        request = job.request
        working = next((one for one in sight.orders if one.ticket == request.ticket), None)
        if working is not None and self._has_prices(working, request):
            self._done(job, 0)
        elif working is not None:
            self._send_again(job)  # prices are absolute, as levels are
        elif self._has_ended(request.ticket, sight):
            self._settle(job, lambda: self.refuse(request, "the order has ended"))

    def _has_ended(self, ticket: int, sight: Sight) -> bool:
        """Whether a pending order's record says so, now or before: then it is known to work no longer."""
        recorded = any(one.ticket == ticket and State(one.state).ended for one in sight.history)
        return recorded or ticket not in self._known.working

    def _has_prices(self, working: VenueOrder, request: Request) -> bool:
        symbol = self._terms.symbol(self._terminal, working.symbol)
        trigger = request.limit if request.kind is OrderKind.LIMIT else request.stop
        assert trigger is not None
        return float(rounded(trigger, symbol)) == working.price_open

    def _has_levels(self, held: Position, sl: Decimal | None, tp: Decimal | None) -> bool:
        symbol = self._terms.symbol(self._terminal, held.symbol)
        wanted = tuple(0.0 if level is None else float(rounded(level, symbol)) for level in (sl, tp))
        return wanted == (held.sl, held.tp)

    def _find(self, job: Job, sight: Sight) -> int:
        """The ticket of the order that the request became, 0 when there is none. A token decides; where a server wrote
        something else into the comment, owner, symbol, kind, volume and time must all fit an order nobody else knows."""
        token = job.request.token
        for order in (*sight.orders, *sight.history):
            if found(order.comment, self._owner) == token:
                return order.ticket
        for deal in sight.deals:
            if found(deal.comment, self._owner) == token:
                return deal.order
        fits = [order.ticket for order in (*sight.orders, *sight.history) if self._resembles(job, order)]
        return fits[0] if len(fits) == 1 else 0

    def _resembles(self, job: Job, order: VenueOrder) -> bool:
        request = job.request
        strange = found(order.comment, self._owner) or foreign(order.comment, self._owner)
        if strange or order.ticket in self._known.orders or order.magic != self._shaper.magic or job.resumed:
            return False
        if order.reason != Reason.EXPERT:  # the venue's own: a stop, a target, a stop-out
            return False
        at = self._shaper.clock.to_utc(order.time_setup_msc)
        return (
            order.symbol == self._names.theirs(request.symbol)
            and (order.type % 2 == 0) is (request.side is Side.BUY)
            and (order.type > 1) is (request.act is Act.PLACE)
            and Decimal(repr(order.volume_initial)) == request.quantity
            and (not request.position or order.position_id == request.position)
            and abs(at - job.sent_at) <= WEAK_WINDOW_MS
        )

    # ----------------------------------------------------------------- polling

    def _poll(self, now: int) -> None:
        self._poll_at = now + POLL_MS
        try:
            sight = look(self._terminal, self._shaper.clock, self._since(now), now)
        except TerminalError as problem:
            self._blind += 1
            if self._blind == BLIND_ROUNDS:
                self._note("ERROR", f"the state of the account cannot be read: {problem}")
            raise
        if self._blind >= BLIND_ROUNDS:
            self._note("INFO", "the state of the account can be read again")
        self._blind = 0
        self._looked_at = now
        self.sight = sight
        if now >= self._margin_at:
            self._read_margin(now)
        busy = {job.request.position for job in self._jobs if job.request.act is Act.PROTECT}
        for held in sight.positions:
            again = None if held.ticket in busy else self._late.overwritten(held, self._has_levels)
            if again is not None:
                busy.add(held.ticket)
                self._jobs.append(Job(again, now))
        self._out += self._hearing.deals(sight)
        self._out += self._hearing.ends(sight.history)
        self._out += self._hearing.levels(sight.positions, busy, self._has_levels)
        if not self._known.working:
            self._known.since = now
        elif self._hearing.unfinished(sight):
            self._poll_at = now + SOON_MS
            self._recent_until = 0  # its record may be older than what is recent

    def _since(self, now: int) -> int:
        """From when on the account's history is read. An order that works for weeks has it all read, but not every second."""
        recent = now - RECENT_MS
        if self._known.since >= recent or (now < self._recent_until and self._looked_at >= recent):
            return max(self._known.since, recent)
        self._recent_until = now + WHOLE_MS
        return self._known.since

    def _read_margin(self, now: int) -> None:
        self._margin_at = now + MARGIN_MS
        try:
            account = self._terminal.account_info()
        except TerminalError as problem:
            self._out.append(Report(What.MARGIN, now, reason=problem.text))
            if problem.link:
                raise
            return
        level = account.equity / account.margin * 100 if account.margin else 0.0
        equity, balance = (Decimal(f"{amount:.8f}") for amount in (account.equity, account.balance))
        self._out.append(Report(What.MARGIN, now, quantity=Decimal(f"{level:.2f}"), equity=equity, balance=balance))


def _about(request: Request) -> tuple[Act, int]:
    """What a request with absolute values is about."""
    return request.act, request.ticket or request.position


def _changed(request: Request, answer: Sent) -> bool:
    """Whether what a close is about is not what it was, which does not say that it is gone."""
    return request.act is Act.CLOSE and answer.retcode == Code.ORDER_CHANGED
