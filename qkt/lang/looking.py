"""What a rule of a running strategy is worth now, term by term, looked at without touching anything.

The same text is evaluated as the compiled module has, on the same indicators, pasts and views, with the latest closed candle of
every stream; CROSSES are read from the memory of their last evaluation instead of being asked again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from qkt.core.events import Candle
from qkt.core.terms import Side
from qkt.lang import runtime
from qkt.lang.deeds import CloseOne, Deed, Enter, EnterOne, ResizePosition, Size, SizeForm
from qkt.lang.emit import Emitter
from qkt.lang.frame import INSTANT, Frame, Local
from qkt.lang.module import IMPORTS, GeneratedModule
from qkt.lang.program import CheckedRule
from qkt.lang.value_text import shown, value_text
from qkt.lang.values import (
    Both,
    Const,
    Cross,
    Either,
    Expression,
    Indicator,
    Past,
    SinceOpen,
    Stream,
    Type,
    parts,
)

DEEPEST = 12
MOST = 200


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A term, what it is worth as people read it (None for a missing value), how deep it stands in its rule."""

    text: str
    value: str | None
    depth: int


@dataclass(frozen=True, slots=True)
class LookedSize:
    """What an action asks for: a form of SIZING and its number (None for a missing one), with the terms that lead to it."""

    side: Side | None
    symbol: str
    form: SizeForm
    amount: float | None
    terms: tuple[LookedAt, ...]


def look(
    module: GeneratedModule, rule: CheckedRule, bound: Mapping[str, Any], candles: Mapping[str, Candle], now: int
) -> tuple[LookedAt, ...]:
    """The terms of a rule's condition, the outer before the inner. `bound` is what the module's `bind` made, `now` epoch ms."""
    seen = _Look(module, bound, candles, now)
    return tuple(LookedAt(value_text(value), shown(seen.worth(value)), depth) for value, depth in _terms(rule.condition))


def look_at_sizes(
    module: GeneratedModule, rule: CheckedRule, bound: Mapping[str, Any], candles: Mapping[str, Candle], now: int
) -> tuple[LookedSize, ...]:
    """The sizes of a rule's actions, in the order of the text."""
    seen = _Look(module, bound, candles, now)
    found = []
    for side, alias, size in (one for deed in rule.deeds for one in _sizes(deed)):
        amount = seen.worth(size.value)
        terms = tuple(LookedAt(value_text(value), shown(seen.worth(value)), depth) for value, depth in _terms(size.value))
        symbol = module.symbols[alias]
        found.append(LookedSize(side, symbol, size.form, None if amount is None else float(amount), terms))
    return tuple(found)


def _sizes(deed: Deed) -> Iterator[tuple[Side | None, str, Size]]:
    """The side (None for what only reduces), the stream and the size of every order that an action sends itself."""
    match deed:
        case Enter(side=side, alias=alias, size=size):
            yield side, alias, size
        case EnterOne(first=first, second=second):
            yield from _sizes(first)
            yield from _sizes(second)
        case CloseOne(alias=alias, size=Size() as size) | ResizePosition(alias=alias, size=size):
            yield None, alias, size
        case _:
            pass


def _terms(root: Expression) -> Iterator[tuple[Expression, int]]:
    """What is worth showing: every part but literals, each place of it once, up to some depth and number. The members of a
    chain of ANDs or of ORs stand side by side."""
    todo = [(root, 0)]
    told = 0
    while todo and told < MOST:
        value, depth = todo.pop()
        if isinstance(value, Const | Stream):
            continue
        yield value, depth
        told += 1
        if depth < DEEPEST:
            todo.extend((part, depth + 1) for part in reversed(list(_members(value))))


def _members(value: Expression) -> Iterator[Expression]:
    if not isinstance(value, Both | Either):
        yield from parts(value)
        return
    for part in (value.left, value.right):
        if type(part) is type(value):
            yield from _members(part)
        else:
            yield part


class _Look:
    """One evaluation: a value is worked out once, from the inside."""

    def __init__(self, module: GeneratedModule, bound: Mapping[str, Any], candles: Mapping[str, Candle], now: int) -> None:
        self._frame = Frame(module, None, 0)
        self._module = module
        self._names: dict[str, Any] = {name: getattr(runtime, name) for name in IMPORTS if hasattr(runtime, name)}
        self._names |= _live(bound)
        self._names[INSTANT] = now
        for alias in module.symbols:
            latest = module.latest(alias)
            if alias in candles:
                self._names[latest] = candles[alias]
            self._names.setdefault(latest, None)
        self._worth: dict[Expression, Any] = {}

    def worth(self, value: Expression) -> Any:
        """The value now, None for a missing one."""
        todo = [value]
        while todo:
            one = todo[-1]
            missing = [part for part in _needed(one) if part not in self._worth]
            if missing:
                todo += missing
                continue
            todo.pop()
            if one not in self._worth:
                self._worth[one] = self._evaluate(one)
        return self._worth[value]

    def _evaluate(self, value: Expression) -> Any:
        if isinstance(value, Cross):
            found = self._names["met"][self._module.crossing(value)]
        else:
            text = Emitter(self._frame).value(value).text
            lines = self._frame.head.lines
            exec("\n".join(lines), self._names)
            lines.clear()
            found = eval(text, self._names)
        if not isinstance(value, Const) and value.type is not Type.NOTHING:
            name = f"looked_{len(self._worth)}"
            self._names[name] = found
            self._frame.kept[value] = Local(name, True)
        return found


def _needed(value: Expression) -> list[Expression]:
    """The parts that a value is worked out from; what an indicator or a past is fed with it has taken in long ago."""
    if isinstance(value, Indicator | Past | SinceOpen | Cross):
        return []
    return [part for part in parts(value) if not isinstance(part, Stream)]


def _live(bound: Mapping[str, Any]) -> dict[str, Any]:
    """The module's variables as they are: those that it binds anew are read from its functions."""
    names = dict(bound)
    for function in bound.values():
        if isinstance(function, FunctionType):
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
                try:
                    names[name] = cell.cell_contents
                except ValueError:  # not assigned yet
                    continue
    return names
