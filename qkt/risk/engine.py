"""Risk of one session: watches every fill and, where equity is limited, every tick; halts, lifts, and keeps the gate."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.errors import UsageError
from qkt.core.events import LogLine, MarginRead, OrderFilled, OrderRejected, RiskRejected, Tick, Trade
from qkt.core.instruments import InstrumentRegistry
from qkt.core.latest import Rows
from qkt.core.watch import NEVER, AnyWatch, Waits
from qkt.ledger import Books
from qkt.orders import Deadlines
from qkt.risk.gate import RiskGate
from qkt.risk.halt_rules import EquityFall, HaltRule, LossStreak, loss_rules, runaway_rules
from qkt.risk.halts import Cause, Halt, Halts, Lasts
from qkt.risk.limits import LossLimits, RiskLimits
from qkt.risk.pacer import Pacer
from qkt.risk.purse import Purse
from qkt.risk.reserved import Reservations
from qkt.risk.sweep import Sweep
from qkt.risk.venue import VenueRules
from qkt.risk.venue_purse import VenuePurse

log = logging.getLogger(__name__)

FAILURES_TO_HALT = 3
NO_WATCHES: tuple[AnyWatch, ...] = ()


class RiskEngine:
    """What a session is held to, and how it stands with it. Implements `Waiting` for the end of the day.

    `due` is when the next day begins (epoch ms). Must hear ticks after excursions have seen them. `real` tells that orders
    go to a real venue, `late` that they take time to get to one. `whole` tells that the account's limits are those of all that
    is on it, where a portfolio's are those of its book.
    """

    def __init__(
        self,
        scope: Scope,
        limits: RiskLimits,
        instruments: InstrumentRegistry,
        books: Books,
        board: QuoteBoard,
        waits: Waits,
        deadlines: Deadlines,
        *,
        real: bool = False,
        late: bool = False,
        whole: bool = True,
    ) -> None:
        _check(limits, books)
        self._scope = scope
        self._books = books
        self._waits = waits
        self.limits = limits
        self.halts = Halts(scope)
        self.venue = VenueRules(scope, limits.venue, bind=real)
        reserved = Reservations(books, late=real or late)
        self.gate = RiskGate(scope, limits, instruments, books, board, self.halts, reserved, self.venue)
        self._pacer = Pacer(limits, reserved)
        self._sweep = Sweep(scope, self.halts, reserved, books, deadlines)
        names = list(books.strategies)
        self._at_venue = VenuePurse(books) if real and whole and limits.equity_basis == "venue" else None
        self._purses = [self._at_venue or Purse(books, None), *(Purse(books, name) for name in names)]
        self._runaway = {(rule.strategy, rule.cause): rule for name in names for rule in runaway_rules(name, limits.of(name))}
        self.rules: list[HaltRule] = list(self._all_rules())
        self._equity_rules = [rule for rule in self.rules if isinstance(rule, EquityFall)]
        for rule in self._equity_rules:
            if rule.trailing:
                rule.purse.watch_peak()
        self._failures = 0
        self._recheck = False
        self._begun = False
        self._now = 0
        self.due = NEVER
        waits.add(self)
        scope.subscribe(Trade, self._on_trade)
        scope.subscribe(OrderRejected, self._on_rejected)
        scope.subscribe(MarginRead, self._on_read)

    @property
    def rejections(self) -> Rows[RiskRejected]:
        """What the gate refused; of it as much is kept as of what is booked."""
        return self.gate.rejections

    @property
    def settling(self) -> bool:
        """Whether a fill is booked of which the order room has not heard yet: nothing new may be sent until it has."""
        return self._sweep.filling

    def watches(self) -> tuple[AnyWatch, ...]:
        return NO_WATCHES

    @property
    def rechecks(self) -> bool:
        """Whether the next tick is looked at, whatever it brings."""
        return self._recheck

    @property
    def limits_equity(self) -> bool:
        """Whether a tick alone can break anything."""
        return bool(self._equity_rules)

    def equity_rules(self) -> list[EquityFall]:
        """Rules that a tick can break: those whose halt does not stand."""
        return [rule for rule in self._equity_rules if self.halts.get(rule.cause, rule.strategy) is None]

    # -------------------------------------------------------------------- time

    def begin(self, ts: int) -> None:
        """The first tick has come."""
        self._begun = True
        self._now = ts
        self._begin_day(ts)

    def turn(self) -> None:
        """The day that is due begins: what halted for the day is over before anything else is looked at."""
        ts = self._now = self.due
        self.halts_over(ts)
        self._begin_day(ts)
        self.check(ts)

    def halts_over(self, ts: int) -> None:
        """Lift what ends by itself at this instant."""
        for halt in self.halts:
            if halt.until is not None and halt.until <= ts:
                self._forget(halt)
        self.halts.expire(ts)

    def _begin_day(self, ts: int) -> None:
        for purse in self._purses:
            purse.begin_day()
        self.due = self.limits.day.next(ts)
        self._waits.changed()

    # ------------------------------------------------------------------- rules

    def on_tick(self, tick: Tick) -> None:
        """Equity has moved with a price."""
        if (self._equity_rules or self._recheck) and self._begun and not self._waits.proved():
            self.check(tick.ts)

    def on_filled(self, fill: OrderFilled) -> None:
        """A fill is settled in the order room."""
        self._sweep.on_filled(fill)

    def _on_trade(self, trade: Trade) -> None:
        fill = trade.fill
        book = self._books.strategies[fill.strategy]
        if fill.closed_quantity and trade.realized:
            self._pacer.on_closed(book, fill.at)
            self._runaway[fill.strategy, Cause.ROUND_TRIPS].count(fill.at)
        self._sweep.filling = True
        self.check(fill.at)
        if self._equity_rules:
            self._waits.changed()

    def _on_read(self, event: MarginRead) -> None:
        if self._at_venue is not None and event.equity is not None and event.balance is not None:
            self._at_venue.read(event.equity, event.balance)
            if self._begun:
                self.check(event.at)

    def _on_rejected(self, event: OrderRejected) -> None:
        self._runaway[event.strategy, Cause.REJECTIONS].count(event.at)
        self.check(event.at)

    def check(self, ts: int) -> None:
        """Halt for every limit that is broken now. A rule that cannot be evaluated three times in a row halts too."""
        self._recheck = False
        if self._at_venue is not None:
            self._at_venue.look()
        try:
            for rule, reason in self._broken():
                until = self.limits.day.next(ts) if rule.lasts is Lasts.DAILY else None
                self.put(Halt(rule.cause, reason, rule.lasts, ts, until, rule.strategy))
        except Exception as problem:
            self._on_failure(problem, ts)
        else:
            self._failures = 0

    def _broken(self) -> Iterator[tuple[HaltRule, str]]:
        for rule in self.rules:
            if self.halts.get(rule.cause, rule.strategy) is None:
                reason = rule.breach()
                if reason is not None:
                    yield rule, reason

    def _on_failure(self, problem: Exception, ts: int) -> None:
        self._failures += 1
        log.error("a risk rule failed", exc_info=problem)
        text = f"{type(problem).__name__}: {problem}"
        self._scope.publish(LogLine("", "ERROR", f"a risk rule could not be evaluated ({text})"))
        if self._failures >= FAILURES_TO_HALT:
            reason = f"a risk rule failed {self._failures} times in a row, last with {text}"
            self.put(Halt(Cause.RULES, reason, Lasts.PERSISTENT, ts))

    def _all_rules(self) -> Iterator[HaltRule]:
        for purse in self._purses:
            losses = self.limits.losses if purse.strategy is None else self.limits.of(purse.strategy).losses
            yield from loss_rules(purse, losses, self.limits)
        for name, book in self._books.strategies.items():
            limits = self.limits.of(name)
            if limits.loss_streak_halt is not None:
                lasts = Lasts.DAILY if limits.loss_streak_halt_scope == "daily" else Lasts.PERSISTENT
                yield LossStreak(book, limits.loss_streak_halt, lasts)
        yield from self._runaway.values()

    # ------------------------------------------------------------------- halts

    def put(self, halt: Halt) -> bool:
        """Halt. Working entries that it binds are taken back, unless it is entry-only."""
        put = self.halts.put(halt)
        if put and self._equity_rules:
            self._waits.changed()
        return put

    def lift(self, cause: str, author: str = "engine", reason: str = "its cause is gone", strategy: str | None = None) -> None:
        """Take the halt of a cause away, where one stands."""
        halt = self.halts.get(cause, strategy)
        if halt is not None:
            self._forget(halt)
            self.halts.lift(halt, author, reason)

    def resume(self, author: str, reason: str, strategy: str | None = None) -> list[Halt]:
        """Clear every halt that an operator may clear, of one strategy only where it is named. Returns them. A limit that is
        still broken halts again with the next tick."""
        cleared = [halt for halt in self.halts if halt.lasts is not Lasts.WHILE and strategy in (None, halt.strategy)]
        for halt in cleared:
            self.lift(halt.cause, author, reason, halt.strategy)
        self._recheck = bool(cleared)
        self._waits.changed()
        return cleared

    def standing(self) -> list[str]:
        """In words every limit that is broken now, whether it halts already or not."""
        return [reason for rule in self.rules if (reason := rule.breach()) is not None]

    def _forget(self, halt: Halt) -> None:
        """What a rule counted up to its halt counts no more."""
        if halt.cause == Cause.LOSS_STREAK and halt.strategy is not None:
            self._books.strategies[halt.strategy].forget_losses()
        if halt.strategy is not None and (runaway := self._runaway.get((halt.strategy, halt.cause))) is not None:
            runaway.reset()


def _check(limits: RiskLimits, books: Books) -> None:
    """Raises UsageError for a percentage of nothing."""
    of_account: list[tuple[LossLimits, Decimal]] = [(limits.losses, books.starting)]
    of_strategies = [(limits.of(name).losses, book.starting) for name, book in books.strategies.items()]
    if any(losses.of_equity and starting <= 0 for losses, starting in (*of_account, *of_strategies)):
        raise UsageError("a drawdown is limited and there is no balance to measure it by", expected="a positive balance")
