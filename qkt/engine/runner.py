"""Hands a strategy its candles, ticks and fills, in the order of the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qkt.core.bus import Scope
from qkt.core.events import Candle, Event, LatchBroken, OrderFilled, PositionExited, Tick, Timer
from qkt.core.watch import NEVER, Waits, Watch
from qkt.engine.context import SessionContext
from qkt.strategy import RunnableStrategy

E = TypeVar("E", bound=Event)


NO_WATCHES: tuple[Watch, ...] = ()


class StrategyRunner:
    """Sets the evaluation time, then calls the strategy. Implements `Waiting` for its timers.

    Its candles come in its `own` scope, all else in the session's, which may be the same; its failures stay in its own.
    """

    def __init__(self, scope: Scope, own: Scope, strategy: RunnableStrategy, context: SessionContext, waits: Waits) -> None:
        self._own = own
        self._alone = own is scope
        self._strategy = strategy
        self._context = context
        self._book = context.ledger
        self._waits = waits
        self._stopped = self._ended = False
        self._due = NEVER
        waits.add(self)
        if strategy.wants_ticks:
            scope.subscribe(Tick, self._kept(self._on_tick))
        own.subscribe(Candle, self._on_candle)
        scope.subscribe(OrderFilled, self._kept(self._on_fill))
        scope.subscribe(LatchBroken, self._kept(self._on_latch))
        scope.subscribe(PositionExited, self._kept(self._on_exit))

    def listen(self, scope: Scope) -> None:
        """Hear the time last of all: what the strategy planned for it comes after everything else of a tick."""
        self.on_time: Callable[[Tick | Timer], None] = self._kept(self._on_time)
        scope.subscribe(Tick, self.on_time)
        scope.subscribe(Timer, self.on_time)

    def _kept(self, handler: Callable[[E], None]) -> Callable[[E], None]:
        return handler if self._alone else self._own.guarded(handler)

    @property
    def due(self) -> int:
        return NEVER if self._stopped else self._strategy.due

    def watches(self) -> tuple[Watch, ...]:
        return NO_WATCHES

    def start(self, ts: int) -> None:
        self._book.time = ts
        self._call(lambda: self._strategy.on_start(self._context))
        self._due = self._strategy.due
        self._waits.changed()

    def stop(self) -> None:
        """The strategy hears that it ends, and of nothing after this."""
        if not self._stopped:
            self._ended = self._stopped = True
            self._waits.changed()
            self._call(self._strategy.on_stop)

    def _call(self, handler: Callable[[], None]) -> None:
        """What no event brings: a child's failure stays with the child here too."""
        if self._alone:
            handler()
            return
        try:
            handler()
        except Exception as problem:
            self._own.fault(problem)

    def resume(self) -> None:
        """The strategy that had ended goes on where it was."""
        if self._ended:
            self._ended = self._stopped = False
            self._waits.changed()

    def silence(self, silent: bool) -> None:
        """A strategy that failed hears of nothing, not even that it ends, until somebody lets it."""
        self._stopped = silent or self._ended
        self._waits.changed()

    def _on_tick(self, tick: Tick) -> None:
        if self._stopped:
            return
        self._book.time = tick.ts
        self._strategy.on_tick(tick)

    def _on_candle(self, candle: Candle) -> None:
        if self._stopped:
            return
        self._book.time = candle.end
        self._strategy.on_candle(candle)
        if self._strategy.due != self._due:
            self._due = self._strategy.due
            self._waits.changed()

    def _on_time(self, tick: Tick | Timer) -> None:
        if tick.ts >= self._strategy.due and not self._stopped:
            self._book.time = tick.ts
            self._strategy.on_time(tick.ts)
            self._due = self._strategy.due
            self._waits.changed()

    def _on_fill(self, fill: OrderFilled) -> None:
        if fill.strategy != self._context.strategy or fill.repeated:
            return
        self._at(fill.at, self._strategy.on_fill, fill)

    def _on_latch(self, broken: LatchBroken) -> None:
        if broken.strategy == self._context.strategy:
            self._at(broken.time, self._strategy.on_latch, broken)

    def _on_exit(self, exit_: PositionExited) -> None:
        if exit_.strategy == self._context.strategy:
            self._at(exit_.time, self._strategy.on_exit, exit_)

    def _at(self, time: int, handler: Callable[[E], None], event: E) -> None:
        """Call a handler that may interrupt another one, whose evaluation time comes back afterwards."""
        if self._stopped:
            return
        book = self._book
        evaluated_at, book.time = book.time, time
        handler(event)
        book.time = evaluated_at
