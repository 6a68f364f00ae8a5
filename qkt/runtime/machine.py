"""A session as a function of its inputs: the same inputs give the same effects, live, after a crash and in a replay.

Nothing here waits, reads a clock or touches a disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from qkt.brokers.dispatch import VenueReport
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import RuleFired, Tick
from qkt.core.terms import Purpose
from qkt.engine import SessionSettings, TickBoard, assemble
from qkt.orders import Order
from qkt.risk import Cause, Halt, Lasts
from qkt.runtime.candle_book import CandleBook
from qkt.runtime.effects import EffectLog
from qkt.runtime.equity import EquityHistory
from qkt.runtime.errors import SessionError
from qkt.runtime.inputs import CommandInput, GapInput, Input, TickInput, TimerInput, VenueInput
from qkt.runtime.modifying import modify
from qkt.strategy import RunnableStrategy

log = logging.getLogger(__name__)


class SessionMachine:
    """Runs one strategy in its own scope of the bus. `effects` holds what the last input led to until it is taken."""

    def __init__(
        self, name: str, strategy: RunnableStrategy, settings: SessionSettings, bus: EventBus, clock: EventClock
    ) -> None:
        self.name = name
        self.strategy = strategy
        self.settings = settings
        self.board = TickBoard()
        self.session = assemble(strategy, settings, bus, clock, self.board, on_fault=self._on_fault, shared_as=name)
        self.effects = EffectLog(self.session)
        self.failed: Exception | None = None
        self.ticks = 0
        # Rule -> time and number of its firings.
        self.fired: dict[int, tuple[int, int]] = {}
        self.last_ts = 0
        self.history = EquityHistory(self)
        self.candles = CandleBook(self.session.scope)
        self._flattens = 0
        self._modified = 0
        self.session.scope.subscribe(RuleFired, self._on_fired)
        self._clock = clock
        self._commands: dict[str, Callable[[CommandInput], None]] = {
            "halt": self._halt,
            "resume": self._resume,
            "block": self._block,
            "unblock": self._unblock,
            "started": self._start,
            "distrust": self._distrust,
            "cancel": self._cancel,
            "flatten": self._flatten,
            "modify": self._modify,
        }

    def handle(self, item: Input) -> None:
        """Take one input to its end."""
        if isinstance(item, TickInput):
            if item.history:
                self.warm(item.tick)
            else:
                self.tick(item.tick)
        elif isinstance(item, TimerInput):
            self.timer(item.ts)
        elif isinstance(item, CommandInput):
            self.command(item)
        elif isinstance(item, VenueInput):
            self.venue(item)
        else:
            self.gap(item)

    def tick(self, tick: Tick) -> None:
        """One tick of the market."""
        self.ticks += 1
        self.last_ts = tick.ts
        try:
            self.session.on_tick(tick)
        except Exception as problem:  # what is due before a tick runs outside the scope
            self._on_fault(problem)
        self.effects.settle()
        if tick.ts >= self.history.next:
            self.history.sample(tick.ts)

    def warm(self, tick: Tick) -> None:
        """One tick of history, before the first of the market."""
        self.last_ts = tick.ts
        self.session.warm(tick)

    def timer(self, ts: int) -> None:
        """The clock reached `ts` (epoch ms)."""
        self.last_ts = max(self.last_ts, ts)
        try:
            self.session.on_timer(ts)
        except Exception as problem:
            self._on_fault(problem)
        self.effects.settle()

    def command(self, item: CommandInput) -> None:
        """Something decided outside the strategy. Raises SessionError for a command that does not exist."""
        act = self._commands.get(item.command)
        if act is None:
            raise SessionError(f"there is no command '{item.command}'", where=self.name)
        self._clock.time = item.ts
        self.effects.add(item.command, ts=item.ts, author=item.author, **item.arguments)
        try:
            act(item)
        except Exception as problem:
            self._on_fault(problem)
        self.effects.settle()

    def venue(self, item: VenueInput) -> None:
        """What a venue has to say."""
        self.last_ts = max(self.last_ts, item.ts)
        self._clock.time = item.ts
        self.session.scope.receive(VenueReport(item.report))
        self.effects.settle()

    def gap(self, item: GapInput) -> None:
        """The market went on unseen."""
        self.effects.add("gap", since=item.since, until=item.until, reason=item.reason)

    def close(self) -> None:
        """Leave the bus."""
        self.session.scope.close()

    # ------------------------------------------------------------------- views

    @property
    def halts(self) -> list[Halt]:
        """Everything that keeps entries from passing now, oldest first; what passes by itself included."""
        return list(self.session.risk.halts)

    @property
    def halted(self) -> Halt | None:
        """The halt over all of the session's strategies that a day's end or an operator must lift."""
        return self._over(Lasts.PERSISTENT, Lasts.DAILY)

    @property
    def blocked(self) -> Halt | None:
        """What keeps all entries from passing as long as it lasts."""
        return self._over(Lasts.WHILE)

    def _over(self, *lasts: Lasts) -> Halt | None:
        names = list(self.session.books.strategies)
        only = names[0] if len(names) == 1 else None
        binding = [halt for halt in self.halts if halt.lasts in lasts and halt.strategy in (None, only)]
        return min(binding, key=lambda halt: lasts.index(halt.lasts), default=None)

    @property
    def flat(self) -> bool:
        return not any(True for book in self.session.books.strategies.values() for _ in book.open_books())

    def equity(self) -> Decimal:
        """Balance plus open profit at the last prices (account currency)."""
        return self.balance() + self.session.books.unrealized()

    def balance(self) -> Decimal:
        books = self.session.books
        return books.starting + sum((book.realized for book in books.strategies.values()), Decimal(0))

    def engine_held(self) -> list[Order]:
        """Exits that live in this process and at no venue."""
        return [order for order in self.session.orders.live_orders() if order.reduce_only and order.held]

    # ---------------------------------------------------------------- commands

    def _halt(self, item: CommandInput) -> None:
        values = item.arguments
        cause, strategy = values.get("cause", Cause.HALT), values.get("strategy")
        self.session.risk.put(Halt(cause, values["reason"], Lasts.PERSISTENT, item.ts, strategy=strategy, author=item.author))

    def _resume(self, item: CommandInput) -> None:
        risk = self.session.risk
        risk.resume(item.author, item.arguments.get("reason", "resumed"), item.arguments.get("strategy"))
        for text in risk.standing():
            self.effects.add("standing", reason=text)
        if risk.halts.get(Cause.FAULT) is None:
            self.failed = None
            self.session.silence(False)

    def _block(self, item: CommandInput) -> None:
        values = item.arguments
        self.session.risk.put(Halt(values["cause"], values["reason"], Lasts.WHILE, item.ts, author=item.author))

    def _unblock(self, item: CommandInput) -> None:
        self.session.risk.lift(item.arguments["cause"], item.author)

    def _start(self, item: CommandInput) -> None:
        """The session begins to trade, again after the process had ended."""
        self.session.risk.venue.started_at = item.ts

    def _distrust(self, item: CommandInput) -> None:
        """The prices of a symbol are not sound; without a reason they are again."""
        symbol, reason = item.arguments["symbol"], item.arguments.get("reason")
        unsound = self.session.risk.venue.unsound
        if reason is None:
            unsound.pop(symbol, None)
        else:
            unsound[symbol] = reason

    def _cancel(self, item: CommandInput) -> None:
        wanted = item.arguments.get("order")
        orders = self.session.orders
        for order in orders.live_orders():
            if order.id == wanted or (wanted is None and not order.reduce_only):
                orders.cancel(order, f"cancelled by {item.author}")

    def _flatten(self, item: CommandInput) -> None:
        symbol, leg = item.arguments.get("symbol"), item.arguments.get("leg")
        if symbol is None and leg is None:
            self._cancel_entries(f"flattened by {item.author}")
        self._flattens += 1
        self.session.close_all(f"flat{self._flattens}", Purpose.CLOSE, symbol=symbol, leg=leg)

    def _modify(self, item: CommandInput) -> None:
        self._modified += 1
        problem = modify(self.session, self.board, item, self._modified)
        if problem is not None:
            self.effects.add("unmodified", at=item.ts, reason=problem)

    def _cancel_entries(self, reason: str) -> None:
        orders = self.session.orders
        for order in orders.live_orders():
            if not order.reduce_only:
                orders.cancel(order, reason)

    # ------------------------------------------------------------------ events

    def _on_fired(self, event: RuleFired) -> None:
        self.fired[event.rule] = (event.time, self.fired.get(event.rule, (0, 0))[1] + 1)

    def _on_fault(self, problem: Exception) -> None:
        """The strategy, or what serves it, raised: the session halts and goes on protecting what it holds."""
        text = f"{type(problem).__name__}: {problem}"
        log.error("session %s failed", self.name, exc_info=problem)
        if self.failed is None:
            self.failed = problem
        self.effects.add("fault", at=self.last_ts, text=text)
        self.session.silence(True)
        self.session.risk.put(Halt(Cause.FAULT, f"the strategy failed with {text}", Lasts.PERSISTENT, self.last_ts))


def arguments(**values: Any) -> dict[str, Any]:
    """Arguments of a command without those that are None."""
    return {name: value for name, value in values.items() if value is not None}
