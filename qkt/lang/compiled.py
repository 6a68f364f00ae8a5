"""A compiled strategy: the generated module and the state it keeps from bar to bar."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING

from qkt.core.events import Candle, LatchBroken, OrderFilled, PositionExited, Tick
from qkt.core.watch import NEVER
from qkt.lang.codegen import generate
from qkt.lang.memory import Memory
from qkt.lang.program import CheckedStrategy
from qkt.lang.runtime import Bound, Desk, TickFeed, indicator
from qkt.lang.timers import Timers
from qkt.strategy import Context, StreamSpec

if TYPE_CHECKING:
    from qkt.lang.foresight import Foresight
    from qkt.lang.looking import LookedAt, LookedSize


class CompiledStrategy:
    """Runs what was generated. `memory` holds what lives from bar to bar, `_ticks` the updates of tick-fed indicators by
    symbol."""

    def __init__(self, program: CheckedStrategy) -> None:
        self.name = program.name
        # The candles of baskets are made inside.
        self.streams: Sequence[StreamSpec] = tuple(s for s in program.streams if s.alias not in program.baskets)
        self.wants_volume = program.wants_volume
        self.wants_ticks = program.wants_ticks
        self.rules = tuple(rule.text for rule in program.rules)
        self.source_code, module = generate(program)
        self.due = NEVER
        self._program = program
        self._module = module
        self._names: Mapping[str, object] = {}
        self._sizes = module.crossings, len(module.snapshots)
        self.memory = Memory.of(program, *self._sizes)
        self._bind = _executed(f"<qkt:{program.name}>", self.source_code)
        self._handlers: dict[str, Callable[[Candle], None]] = {}
        self._ticks: dict[str, tuple[TickFeed, ...]] = {}
        self._timers: Timers | None = None
        self._desk: Desk | None = None
        self._foresees = False
        self.foresight: Foresight | None = None

    def foresee(self) -> bool:
        """Tell by `foresight`, once it has started next, at which closes it must be called. False where it cannot."""
        from qkt.lang.foresight import foreseeable

        self._foresees = foreseeable(self._program, self._module)
        return self._foresees

    def on_start(self, context: Context) -> None:
        self.memory = Memory.of(self._program, *self._sizes)
        self._desk = Desk(context)
        foresees, self._foresees = self._foresees, False
        self._bind.__globals__["indicator"] = _foreseen if foresees else indicator
        bound: Bound = self._bind(context, self._desk, self.memory)
        self._handlers, self._ticks, self._names = bound.streams, bound.ticks, bound.names
        timers = Timers(context, self._program.schedules, bound.clauses, bound.groups)
        self._timers = timers if timers else None
        self.due = timers.due
        if foresees:
            from qkt.lang.foresight import Foresight

            self.foresight = Foresight(self._program, self._module, bound.names, self.memory)

    def on_tick(self, tick: Tick) -> None:
        """Feeds tick-fed indicators; rules wake on closed candles only."""
        volume = tick.volume
        if volume is not None:
            for feed in self._ticks.get(tick.symbol, ()):
                feed(tick.price, volume)

    def on_candle(self, candle: Candle) -> None:
        self._handlers[candle.stream](candle)
        if self._timers is not None:
            self._timers.candle_closed()
            self.due = self._timers.due

    def on_fill(self, fill: OrderFilled) -> None:
        """Positions are read from the context when they are needed."""

    def on_time(self, ts: int) -> None:
        if self._timers is not None:
            self._timers.run(ts)
            self.due = self._timers.due

    def on_latch(self, broken: LatchBroken) -> None:
        if self._desk is not None:
            self._desk.latches[broken.latch](broken.time, broken)

    def on_exit(self, exit_: PositionExited) -> None:
        hook = None if self._desk is None else self._desk.hooks.get((exit_.hooks, exit_.reason))
        if hook is not None:
            hook(exit_.time, exit_)

    def on_stop(self) -> None:
        """Nothing is left behind."""

    def look(self, rule: int, candles: Mapping[str, Candle], now: int) -> tuple[LookedAt, ...]:
        """The terms of a rule (from 0) with what they are worth now, given the latest closed candle of every stream.

        Nothing changes. Empty before the strategy has started.
        """
        from qkt.lang.looking import look

        return look(self._module, self._program.rules[rule], self._names, candles, now) if self._names else ()

    def look_at_sizes(self, rule: int, candles: Mapping[str, Candle], now: int) -> tuple[LookedSize, ...]:
        """The same of the sizes that a rule (from 0) asks for."""
        from qkt.lang.looking import look_at_sizes

        return look_at_sizes(self._module, self._program.rules[rule], self._names, candles, now) if self._names else ()

    def rearm(self, rule: int) -> None:
        self.memory.fired[rule] = False
        self.memory.refused[rule] = True


def _foreseen(name: str, constants: tuple[float, ...], series: int) -> object:
    """What stands for an indicator whose values are known before the strategy is called."""
    from qkt.lang.foreseen import Foreseen

    return Foreseen(name, constants, series)


def _executed(filename: str, source: str) -> FunctionType:
    """The module's `bind`. The text is known to tracebacks under the file name."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, object] = {"__name__": filename}
    exec(compile(source, filename, "exec"), namespace)
    bind = namespace["bind"]
    assert isinstance(bind, FunctionType)
    return bind
