"""The generated module while it is being written: its set-up lines, and the names of what lives from bar to bar."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable

from qkt.lang.code import Block, Code, Names
from qkt.lang.deeds import ArmLatch, Hooks
from qkt.lang.fields import STREAM_FIELDS
from qkt.lang.program import CheckedStrategy
from qkt.lang.values import Captured, Cross, Expression, Indicator, InstrumentRead, Past, Read, SinceOpen

IMPORTS = (
    "BasketIndex",
    "Bound",
    "FUNCTIONS",
    "SinceOpen",
    "Windows",
    "as_number",
    "calendar",
    "common_side",
    "deque",
    "indicator",
    "isfinite",
    "same",
    "Confirmation",
    "Decimal",
    "ExitForm",
    "ExitHooks",
    "Firing",
    "Formula",
    "LatchTicket",
    "LayerTicket",
    "OrderKind",
    "Purpose",
    "Side",
    "SteppedExit",
    "StopStep",
    "Ticket",
    "Tier",
    "TighteningExit",
    "TimeInForce",
    "Trail",
    "TrailingExit",
)
# What lives from bar to bar, in lists of `Memory`.
MEMORY = ("captured", "crossed", "fired", "met", "refused", "sequences", "sides")
RESERVED = (
    *IMPORTS,
    *MEMORY,
    "bind",
    "ticks",
    "context",
    "desk",
    "memory",
    "side",
    "window",
    "account",
    "open_orders",
    "candle",
    "now",
    "exit_",
    "broken",
    "firing",
    "above",
    "before",
)


class GeneratedModule:
    """Names and set-up lines shared by all functions of one compiled strategy."""

    def __init__(self, program: CheckedStrategy, values: Iterable[Expression]) -> None:
        self.program = program
        self.names = Names((*RESERVED, *STREAM_FIELDS, *dir(builtins)))
        self.setup = Block(1)
        self.symbols = {s.alias: s.symbol for s in program.streams}
        self._made: dict[object, str] = {}
        self._depths: dict[tuple[Expression, str], int] = {}
        self.snapshots: list[Captured] = []
        self.aggregates: list[SinceOpen] = []
        for value in values:
            match value:
                case Past():
                    key = (value.value, value.alias)
                    self._depths[key] = max(self._depths.get(key, 0), value.bars)
                case Captured():
                    self.snapshots.append(value)
                case SinceOpen():
                    self.aggregates.append(value)
                case _:
                    pass
        self.tick_fed: dict[str, list[str]] = {}
        self.hooks: list[Hooks] = []
        self.latches: list[ArmLatch] = []
        self.crossings = 0
        self._slots: dict[Cross, int] = {}

    def indicator(self, value: Indicator) -> str:
        """The instance behind an indicator; its outputs are called `<name>_value` in every function."""
        return self._once(value, self._new_indicator, value)

    def feed_ticks(self, value: Indicator) -> None:
        """Every tick of the indicator's symbol feeds it."""
        self.tick_fed.setdefault(self.symbols[value.alias], []).append(f"feed_{self.indicator(value)}")

    def past(self, value: Past) -> tuple[str, int]:
        """The queue that keeps a value's past, and how many bars back it goes."""
        key = (value.value, value.alias)
        return self._once(key, self._new_past, value), self._depths[key]

    def past_local(self, value: Past) -> str:
        """The variable that holds the value of so many bars ago in every function."""
        queue, _ = self.past(value)
        return self._once(value, self.names.one, f"{queue.removeprefix('past_')}_{value.bars}_ago")

    def captured(self, value: Captured) -> str:
        """Where a snapshot is kept."""
        return f"captured[{self.snapshots.index(value)}]"

    def since_open(self, value: SinceOpen) -> str:
        """The aggregate behind a value."""
        return self._once(value, self._bound, f"{value.fn.lower()}_since_open", f"SinceOpen({value.fn!r})")

    def sequence(self, name: str) -> str:
        """The machine of a sequence."""
        return self._once(("sequence", name), self._bound, f"sequence_{name}", f"sequences[{name!r}]")

    def side(self, alias: str) -> Code:
        """The sign of the position on a stream, 0 when flat."""
        members = self.program.baskets.get(alias)
        listed = [f"{self.position(member)}.quantity" for member in members or (alias,)]
        return Code(f"common_side({', '.join(listed)})")

    @property
    def markets(self) -> tuple[str, ...]:
        """The symbols that can be traded, in the order of declaration."""
        return tuple(dict.fromkeys(s.symbol for s in self.program.streams if s.traded and s.alias not in self.program.baskets))

    def position(self, alias: str) -> str:
        symbol = self.symbols[alias]
        return self._once(("position", symbol), self._bound, f"position_{alias}", f"context.position({symbol!r})")

    def constant(self, value: InstrumentRead) -> str:
        text = f"float(context.instrument({self.symbols[value.alias]!r}).{value.attribute})"
        return self._once(value, self._bound, f"{value.attribute}_{value.alias}", text)

    def function(self, function: str) -> str:
        """A scalar function."""
        return self._once(("function", function), self._bound, f"{function.lower()}_of", f"FUNCTIONS[{function!r}].call")

    def latest(self, alias: str) -> str:
        """The latest closed candle of a stream that other streams' functions read."""
        return self._once(("latest", alias), self._bound, f"latest_{alias}", "None")

    def reads_latest(self, alias: str) -> bool:
        return ("latest", alias) in self._made

    def hooked(self, hooks: Hooks) -> int:
        """The number of an entry's hooks, whose functions are written after everything that enters."""
        self.hooks.append(hooks)
        return len(self.hooks) - 1

    def latched(self, latch: ArmLatch) -> int:
        """The number of a latch, whose function is written after everything that arms one."""
        self.latches.append(latch)
        return len(self.latches) - 1

    def made_once(self, wish: str, text: str) -> str:
        """The variable that holds a constant."""
        return self._once(("constant", text), self._numbered, wish, text)

    def crossing(self, value: Cross) -> int:
        """The place of its memory in `crossed`."""
        if value not in self._slots:
            self._slots[value] = self.crossings
            self.crossings += 1
        return self._slots[value]

    def _once(self, key: object, make: Callable[..., str], *args: object) -> str:
        if key not in self._made:
            self._made[key] = make(*args)
        return self._made[key]

    def _bound(self, wish: str, text: str) -> str:
        name = self.names.one(wish)
        self.setup.add(f"{name} = {text}")
        return name

    def _numbered(self, stem: str, text: str) -> str:
        name = self.names.numbered(stem)
        self.setup.add(f"{name} = {text}")
        return name

    def _new_indicator(self, value: Indicator) -> str:
        name = self.names.numbered(value.name.lower())
        self.names.one(f"{name}_value")
        self.names.one(f"feed_{name}")
        constants = tuple(int(c) if c.is_integer() else c for c in value.constants)
        self.setup.add(f"{name} = indicator({value.name!r}, {constants!r}, {max(1, len(value.series))})")
        self.setup.add(f"feed_{name} = {name}.update")
        return name

    def _new_past(self, value: Past) -> str:
        depth = self._depths[(value.value, value.alias)]
        kept = value.value
        stem = f"{kept.alias}_{kept.field}" if isinstance(kept, Read) else "value"
        name = self.names.one(f"past_{stem}") if isinstance(kept, Read) else self.names.numbered("past_value")
        self.setup.add(f"{name} = deque([None] * {depth + 1}, {depth + 1})")
        return name
