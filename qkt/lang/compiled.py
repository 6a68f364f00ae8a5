"""A compiled strategy: the generated module and the state it keeps from bar to bar."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence

from qkt.core.events import Candle, LatchBroken, OrderFilled, PositionExited, Tick
from qkt.core.watch import NEVER
from qkt.lang.codegen import generate
from qkt.lang.program import CheckedStrategy
from qkt.lang.runtime import Desk
from qkt.strategy import Context, StreamSpec


class CompiledStrategy:
    """Runs what was generated. `fired` holds the edge of every rule, `crossed` the memory of every CROSSES, `_ticks` the
    updates of tick-fed indicators by symbol."""

    due = NEVER

    def __init__(self, program: CheckedStrategy) -> None:
        self.name = program.name
        self.streams: Sequence[StreamSpec] = program.streams
        self.wants_volume = program.wants_volume
        self.wants_ticks = program.wants_ticks
        self.rules = tuple(rule.text for rule in program.rules)
        self.source_code, crossings = generate(program)
        self.fired = [False] * len(program.rules)
        self.crossed: list[bool | None] = [None] * crossings
        self._bind = _executed(f"<qkt:{program.name}>", self.source_code)
        self._handlers: dict[str, Callable[[Candle], None]] = {}
        self._ticks: dict[str, tuple[Callable[[float, float | None], object], ...]] = {}
        self._desk: Desk | None = None

    def on_start(self, context: Context) -> None:
        self.fired[:] = [False] * len(self.fired)
        self.crossed[:] = [None] * len(self.crossed)
        self._ticks = {}
        self._desk = Desk(context)
        self._handlers = self._bind(context, self._desk, self.fired, self.crossed, self._ticks)

    def on_tick(self, tick: Tick) -> None:
        """Feeds tick-fed indicators; rules wake on closed candles only."""
        volume = tick.volume
        if volume is not None:
            for feed in self._ticks.get(tick.symbol, ()):
                feed(tick.price, volume)

    def on_candle(self, candle: Candle) -> None:
        self._handlers[candle.stream](candle)

    def on_fill(self, fill: OrderFilled) -> None:
        """Positions are read from the context when they are needed."""

    def on_time(self, ts: int) -> None:
        """Nothing waits for the clock."""

    def on_latch(self, broken: LatchBroken) -> None:
        if self._desk is not None:
            self._desk.latches[broken.latch](broken.time, broken)

    def on_exit(self, exit_: PositionExited) -> None:
        hook = None if self._desk is None else self._desk.hooks.get((exit_.hooks, exit_.reason))
        if hook is not None:
            hook(exit_.time, exit_)

    def on_stop(self) -> None:
        """Nothing is left behind."""

    def rearm(self, rule: int) -> None:
        self.fired[rule] = False


def _executed(filename: str, source: str) -> Callable[..., dict[str, Callable[[Candle], None]]]:
    """The module's `bind`. The text is known to tracebacks under the file name."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, object] = {"__name__": filename}
    exec(compile(source, filename, "exec"), namespace)
    bind = namespace["bind"]
    assert callable(bind)
    return bind
