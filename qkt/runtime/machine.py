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
from qkt.engine import Runnable, SessionSettings, TickBoard, assemble
from qkt.orders import LeaveLevel, Order
from qkt.portfolio import Supervisor
from qkt.risk import Cause, Halt, Lasts
from qkt.runtime.candle_book import CandleBook
from qkt.runtime.effects import EffectLog
from qkt.runtime.equity import ChildAccount, EquityHistory
from qkt.runtime.errors import SessionError
from qkt.runtime.inputs import CommandInput, GapInput, Input, TickInput, TimerInput, VenueInput
from qkt.runtime.modifying import modify

log = logging.getLogger(__name__)


class SessionMachine:
    """Runs one strategy in its own scope of the bus. `effects` holds what the last input led to until it is taken."""

    def __init__(self, name: str, strategy: Runnable, settings: SessionSettings, bus: EventBus, clock: EventClock) -> None:
        self.name = name
        self.strategy = strategy
        self.settings = settings
        self.board = TickBoard()
        self.session = assemble(
            strategy,
            settings,
            bus,
            clock,
            self.board,
            on_fault=self._on_fault,
            shared_as=name,
            on_child_fault=self._on_child_fault,
        )
        self.effects = EffectLog(self.session)
        self._books = self.session.books
        self.failed: Exception | None = None
        self.ticks = 0
        # Strategy and rule -> time and number of its firings.
        self.fired: dict[tuple[str, int], tuple[int, int]] = {}
        self.last_ts = 0
        self.history = EquityHistory(self, settings.limits.day)
        self.children = {
            name: EquityHistory(ChildAccount(self.session.books, name), settings.limits.day) for name in self._children()
        }
        self.candles = CandleBook(self.session.scope)
        # Whether an operator stopped it, and what its market is read from, where that can be told from anything else.
        self.ended = False
        self.source: str | None = None
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
            "ended": self._end,
            "source": self._source,
            "distrust": self._distrust,
            "cancel": self._cancel,
            "flatten": self._flatten,
            "modify": self._modify,
            "leave": self._leave,
            "stop_child": self._stop_child,
            "start_child": self._start_child,
            "wind_down": self._wind_down,
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
        effects = self.effects
        if effects.pending or len(self._books.financing) != effects.nights:
            effects.settle()
        if tick.ts >= self.history.next:
            self.history.sample(tick.ts)
            for history in self.children.values():
                history.sample(tick.ts)

    def passed(self, count: int, ts: int) -> None:
        """So many ticks came, the last at `ts`, of which nothing but prices, candles and extremes has changed."""
        self.ticks += count
        self.last_ts = ts
        self.session.passed(count, ts)

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
        if not self.session.risk.halts:
            return None
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
        orders = self.session.orders.live_orders()
        return [order for order in orders if order.reduce_only and self.holds(order)]

    def holds(self, order: Order) -> bool:
        """Whether the order waits in this process, and not at a venue."""
        return order.held or self.session.broker.watches_itself(order)

    def exposed(self) -> list[Order]:
        """Stops that end with this process while no venue goes on to guard what they guard."""
        broker = self.session.broker
        stops = [order for order in self.engine_held() if order.purpose is Purpose.STOP_LOSS]
        return [order for order in stops if not broker.leaves_behind(order)]

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
            if self.session.supervisor is not None:
                self.session.supervisor.forgive()

    def _block(self, item: CommandInput) -> None:
        values = item.arguments
        self.session.risk.put(Halt(values["cause"], values["reason"], Lasts.WHILE, item.ts, author=item.author))

    def _unblock(self, item: CommandInput) -> None:
        self.session.risk.lift(item.arguments["cause"], item.author)

    def _start(self, item: CommandInput) -> None:
        """The session begins to trade, again after the process had ended."""
        self.session.risk.venue.started_at = item.ts
        if self.ended:
            self.ended = False
            for trader in self.session.traders:
                trader.runner.resume()

    def _end(self, _: CommandInput) -> None:
        """An operator stops the session: its strategies hear that they end."""
        self.ended = True
        for trader in self.session.traders:
            trader.runner.stop()

    def _source(self, item: CommandInput) -> None:
        """What the session reads its market from."""
        self.source = item.arguments["identity"]

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
        symbol, leg, child = (item.arguments.get(name) for name in ("symbol", "leg", "child"))
        self._flattens += 1
        prefix = f"flat{self._flattens}"
        if leg is None:
            self.session.way_out.take(prefix, f"flattened by {item.author}", strategy=child, symbol=symbol)
        else:
            self.session.close_all(prefix, Purpose.CLOSE, strategy=child, symbol=symbol, leg=leg)

    def _modify(self, item: CommandInput) -> None:
        self._modified += 1
        problem = modify(self.session, self.board, item, self._modified)
        if problem is not None:
            self.effects.add("unmodified", at=item.ts, reason=problem)

    def _leave(self, _: CommandInput) -> None:
        """The process is about to end: levels that only it knows go to the venue, where one can hold them."""
        for order in self.exposed():
            if order.stop is not None:
                self.session.scope.publish(LeaveLevel(order))

    def _stop_child(self, item: CommandInput) -> None:
        supervisor = self._supervisor()
        supervisor.stop(supervisor.children[item.arguments["child"]], item.author)

    def _start_child(self, item: CommandInput) -> None:
        supervisor, child = self._supervisor(), item.arguments["child"]
        self.session.silence(False, child)
        supervisor.start_again(supervisor.children[child])

    def _wind_down(self, item: CommandInput) -> None:
        """The portfolio is about to be stopped: children without HOLD get out."""
        for left in self._supervisor().wind_down(f"stopped by {item.author}"):
            self.effects.add("wound_down", child=left.strategy, closed=left.closed, held=left.held)

    def _supervisor(self) -> Supervisor:
        if self.session.supervisor is None:
            raise SessionError("is no portfolio", where=self.name)
        return self.session.supervisor

    def _children(self) -> list[str]:
        return [] if self.session.supervisor is None else list(self.session.supervisor.children)

    # ------------------------------------------------------------------ events

    def _on_fired(self, event: RuleFired) -> None:
        key = event.strategy, event.rule
        self.fired[key] = (event.time, self.fired.get(key, (0, 0))[1] + 1)

    def _on_child_fault(self, child: str, problem: Exception) -> None:
        """A child of the portfolio raised: it is out, the others go on."""
        log.error("child %s of session %s failed", child, self.name, exc_info=problem)
        self.effects.add("fault", child=child, text=f"{type(problem).__name__}: {problem}")
        self.session.fail_child(child, problem)

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
