"""At which closes of a chunk the rules of a strategy can act at all, so that a replay need not call it for each of them.

Its indicators take their columns at once. From those follows where no condition can be true, whatever position and account
are by then: there nothing happens but that every rule is armed again. The test errs on the side of a call: at a close that is
called, the strategy's own code decides, on what it would remember had it been called for all.

That is possible where a strategy has one stream and remembers nothing from close to close but indicators, crossings and which
rules have fired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from qkt.indicators import REGISTRY, Feed, same
from qkt.lang.fields import PRICE_FIELDS
from qkt.lang.foreseen import Candles, Foreseen, key_of
from qkt.lang.keywords import OPPOSITES
from qkt.lang.memory import Memory
from qkt.lang.module import GeneratedModule
from qkt.lang.program import CheckedStrategy
from qkt.lang.values import (
    Both,
    Captured,
    Choice,
    Comparison,
    Const,
    Cross,
    Either,
    Expression,
    Indicator,
    Math,
    Negative,
    Opposite,
    Past,
    Read,
    SinceOpen,
    Within,
    below,
    contains,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qkt.indicators import CandleColumns

    Floats: TypeAlias = NDArray[np.float64]
    Flags: TypeAlias = NDArray[np.bool_]

# Twice the tolerance within which numbers are the same.
NEAR = 2e-10
FIELDS = (*PRICE_FIELDS, "hl2", "hlc3", "ohlc4")


def foreseeable(program: CheckedStrategy, module: GeneratedModule) -> bool:
    """Whether the closes at which a strategy can act follow from its candles."""
    if len(program.streams) != 1 or not program.streams[0].traded or program.wants_ticks:
        return False
    if program.sequences or program.schedules or program.groups or module.hooks or module.latches:
        return False
    values = below(*program.values())
    if any(isinstance(value, Past | Captured | SinceOpen) for value in values):
        return False
    if not all(_is_column(value) for value in values if isinstance(value, Indicator)):
        return False
    crossings = [value for value in values if isinstance(value, Cross)]
    conditions = below(*(rule.condition for rule in program.rules))
    chosen = [value for value in values if isinstance(value, Choice)]
    return all(
        value in conditions and _is_exact(value.left) and _is_exact(value.right) for value in crossings
    ) and not contains(lambda value: isinstance(value, Cross), *chosen)


def _is_column(value: Expression) -> bool:
    """Whether an input of an indicator, or the indicator, can be computed for a chunk at once."""
    if isinstance(value, Indicator):
        feed = REGISTRY[value.name].feed
        return feed is Feed.CANDLE or (feed is Feed.NUMBER and _is_column(value.series[0]))
    return isinstance(value, Read) and value.field in FIELDS


def _is_exact(value: Expression) -> bool:
    """Whether the columns of a number have its very bits, undefined ones included."""
    match value:
        case Const():
            return isinstance(value.value, float)
        case Negative(value=inner):
            return _is_exact(inner)
        case Math(op="+" | "-" | "*", left=left, right=right):
            return _is_exact(left) and _is_exact(right)
        case _:
            return _is_column(value)


class Foresight:
    """Of a strategy that has just started: `names` are the variables of its module, `memory` is what it remembers."""

    def __init__(self, program: CheckedStrategy, module: GeneratedModule, names: Mapping[str, object], memory: Memory) -> None:
        values = below(*program.values())
        self._conditions = [rule.condition for rule in program.rules]
        self._indicators: dict[Indicator, Foreseen] = {}
        for value in values:
            if isinstance(value, Indicator):
                made = names[module.indicator(value)]
                assert isinstance(made, Foreseen)
                made.key = key_of(value)
                self._indicators[value] = made
        self._crossings = {value: _Crossing() for value in values if isinstance(value, Cross)}
        self._slots = [(module.crossing(value), crossing) for value, crossing in self._crossings.items()]
        self._memory = memory
        self._standing = list(self._indicators.values())
        self._armed = [False] * len(memory.fired)
        # Closes that are called whatever is foreseen: until everything has seen enough bars, and one more.
        self._cold = program.streams[0].warmup + 1
        self._next = 0
        self._length = 0

    def load(self, candles: Candles) -> list[int]:
        """Take the candles of the next chunk. Returns the places among them that must be called."""
        import numpy as np

        self._skipped(self._length)
        self._next, self._length = 0, len(candles.close)
        if not self._length:
            return []
        with np.errstate(all="ignore"):
            view = _View(candles, self._indicators, self._crossings)
            calls = np.zeros(self._length, np.bool_)
            for condition in self._conditions:
                calls |= view.flag(condition)[0]
            for crossing in self._crossings.values():
                calls |= crossing.blind
        calls[: self._cold] = True
        self._cold = max(0, self._cold - self._length)
        places: list[int] = np.flatnonzero(calls).tolist()
        return places

    def reach(self, place: int) -> None:
        """The strategy is about to be called for the candle at this place."""
        if place != self._next:
            self._skipped(place)
        self._next = place + 1
        for indicator in self._standing:
            indicator.reach(place)

    def _skipped(self, place: int) -> None:
        """What is remembered of closes before `place` that were not called."""
        if place == self._next:
            return
        memory = self._memory
        memory.fired[:] = self._armed
        for slot, crossing in self._slots:
            memory.crossed[slot] = crossing.above.item(place - 1)


class _Crossing:
    """The memory of a CROSSES at every close of a chunk: whether the left side was above. `blind` marks closes at which one
    side, or the memory, may be undefined."""

    def __init__(self) -> None:
        self._last: tuple[bool, bool] = (False, False)
        self.above: Flags
        self.before: Flags
        self.blind: Flags

    def load(self, left: Floats, right: Floats) -> None:
        import numpy as np

        above = left > right
        for place in np.flatnonzero(above & _near(left, right)).tolist():
            above[place] = not same(float(left[place]), float(right[place]))
        unknown = np.isnan(left) | np.isnan(right)
        was_above, was_known = self._last
        self.above = above
        self.before = np.concatenate(([was_above], above[:-1]))
        self.blind = unknown | np.concatenate(([not was_known], unknown[:-1]))
        self._last = bool(above[-1]), not unknown[-1]


class _View:
    """Numbers and conditions of the candles of a chunk as columns. A number that is missing is NaN, one that only a call knows
    is None; a condition is where it may be true and where it may be false."""

    def __init__(
        self, candles: Candles, indicators: Mapping[Indicator, Foreseen], crossings: Mapping[Cross, _Crossing]
    ) -> None:
        import numpy as np

        self._candles: Any = candles
        self._crossings = crossings
        self._columns: dict[Expression, Floats] = {}
        self._all = np.ones(len(candles.close), np.bool_)
        for value, made in indicators.items():  # inner before outer
            self._columns[value] = made.load(candles, partial(self._inputs, value))
        for cross, crossing in crossings.items():
            left, right = self.number(cross.left), self.number(cross.right)
            assert left is not None
            assert right is not None
            crossing.load(left, right)

    def number(self, value: Expression) -> Floats | None:
        """The column of a number."""
        import numpy as np

        match value:
            case Const(value=float(known)):
                return np.full(len(self._all), known)
            case Read(field=field) if field in FIELDS:
                return self._field(field)
            case Indicator():
                return self._columns[value]
            case Negative(value=inner):
                column = self.number(inner)
                return None if column is None else -column
            case Math(op="+" | "-" | "*" | "/" as op):
                left, right = self.number(value.left), self.number(value.right)
                return None if left is None or right is None else ARITHMETIC[op](left, right)
            case _:
                return None

    def _inputs(self, value: Indicator) -> CandleColumns | Floats:
        """What an indicator is fed with."""
        if REGISTRY[value.name].feed is Feed.CANDLE:
            candles: CandleColumns = self._candles
            return candles
        column = self.number(value.series[0])
        assert column is not None
        return column

    def _field(self, field: str) -> Floats:
        """The operations are those of the generated code."""
        c = self._candles
        match field:
            case "hl2":
                column: Floats = (c.high + c.low) / 2.0
            case "hlc3":
                column = (c.high + c.low + c.close) / 3.0
            case "ohlc4":
                column = (c.open + c.high + c.low + c.close) / 4.0
            case _:
                column = getattr(c, field)
        return column

    def flag(self, value: Expression) -> tuple[Flags, Flags]:
        """Where a condition may be true, and where it may be false. Where it is undefined it is neither."""
        match value:
            case Opposite(value=inner):
                true, false = self.flag(inner)
                return false, true
            case Both(left=left, right=right):
                (true, false), (also_true, also_false) = self.flag(left), self.flag(right)
                return true & also_true, false | also_false
            case Either(left=left, right=right):
                (true, false), (also_true, also_false) = self.flag(left), self.flag(right)
                return true | also_true, false & also_false
            case Comparison(op=op, left=left, right=right):
                return self._compared(op, left, right)
            case Within(value=inner, low=low, high=high):
                (true, false), (also_true, also_false) = self._compared(">=", inner, low), self._compared("<=", inner, high)
                return true & also_true, false | also_false
            case Cross(above=upwards):
                crossing = self._crossings[value]
                above, before = crossing.above, crossing.before
                met = above & ~before if upwards else before & ~above
                return met, ~met
            case _:
                return self._all, self._all

    def _compared(self, op: str, left: Expression, right: Expression) -> tuple[Flags, Flags]:
        a, b = self.number(left), self.number(right)
        if a is None or b is None:
            return self._all, self._all
        near = _near(a, b)
        return COMPARED[op](a, b) | near, COMPARED[OPPOSITES[op]](a, b) | near


def _near(a: Floats, b: Floats) -> Flags:
    """Whether two numbers may be the same."""
    import numpy as np

    near: Flags = np.abs(a - b) <= NEAR * np.maximum(np.abs(a), np.abs(b))
    return near


ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
