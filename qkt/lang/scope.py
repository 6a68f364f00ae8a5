"""What a file declares, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qkt.core.errors import UsageError
from qkt.core.timeframe import Timeframe
from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.suggest import did_you_mean
from qkt.lang.walk import walk

MACRO_PREFIX = "MACRO"


class StreamKind(StrEnum):
    """Where the candles of a stream come from: a market, published statistics, the account's equity, other streams."""

    MARKET = "market"
    MACRO = "macro"
    EQUITY = "equity"
    BASKET = "basket"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A declared stream whose timeframe is good. `members` are the constituents of a basket."""

    alias: str
    market: str
    timeframe: Timeframe
    warmup: int
    kind: StreamKind = StreamKind.MARKET
    members: tuple[str, ...] = ()

    @property
    def tradeable(self) -> bool:
        return self.kind in (StreamKind.MARKET, StreamKind.BASKET)


@dataclass(slots=True)
class Scope:
    """`refused` are aliases that stand for something this version does not run; they are known but have no stream."""

    streams: dict[str, StreamInfo] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    params: dict[str, tree.Literal_] = field(default_factory=dict)
    lets: dict[str, tree.Expr] = field(default_factory=dict)
    circular: set[str] = field(default_factory=set)

    @property
    def aliases(self) -> list[str]:
        return [*self.streams, *sorted(self.refused)]

    def unknown_stream(self, problems: Problems, ident: tree.Ident) -> None:
        hint = did_you_mean(ident.text, self.aliases, "streams declared in SYMBOLS")
        problems.error("QKT0203", ident.span, f"no stream named '{ident.text}'", hint)


def declare(
    declarations: Iterable[tree.Declaration],
    params: Iterable[tree.Param],
    lets: Iterable[tree.Let],
    problems: Problems,
) -> Scope:
    """Collect what the blocks declare and report what is declared badly."""
    scope = Scope()
    for declaration in declarations:
        _declare_stream(declaration, scope, problems)
    for param in params:
        if _free(param.name, scope, problems):
            scope.params[param.name.text] = param.value
    for let in lets:
        if _free(let.name, scope, problems):
            scope.lets[let.name.text] = let.value
    _find_circles(lets, scope, problems)
    return scope


def _declare_stream(declaration: tree.Declaration, scope: Scope, problems: Problems) -> None:
    alias = declaration.alias.text
    if alias in scope.streams or alias in scope.refused:
        problems.warning("QKT0507", declaration.alias.span, f"'{alias}' is declared twice; the last declaration counts")
        scope.streams.pop(alias, None)
        scope.refused.discard(alias)
    if not isinstance(declaration, tree.Stream):
        feature = "BASKET" if isinstance(declaration, tree.Basket) else "SERIES ACCOUNT.EQUITY"
        problems.refuse(declaration.span, feature)
        scope.refused.add(alias)
        return
    try:
        timeframe = Timeframe.parse(declaration.timeframe.text)
    except UsageError as problem:
        problems.error("QKT0211", declaration.timeframe.span, problem.found, f"expected {problem.expected}")
        scope.refused.add(alias)
        return
    kind = StreamKind.MACRO if declaration.prefix.upper() == MACRO_PREFIX else StreamKind.MARKET
    scope.streams[alias] = StreamInfo(alias, declaration.market, timeframe, declaration.warmup or 0, kind)


def _free(name: tree.Ident, scope: Scope, problems: Problems) -> bool:
    taken = "PARAM" if name.text in scope.params else "LET" if name.text in scope.lets else None
    if taken:
        problems.error("QKT0202", name.span, f"'{name.text}' is a {taken} already", "give one of them another name")
    return taken is None


def _find_circles(lets: Iterable[tree.Let], scope: Scope, problems: Problems) -> None:
    uses = {name: _lets_of(value, scope.lets) for name, value in scope.lets.items()}
    for let in lets:
        circle = _circle(let.name.text, uses)
        if circle:
            scope.circular.add(let.name.text)
            path = " -> ".join(circle)
            problems.error("QKT0207", let.name.span, f"LET '{let.name.text}' uses itself: {path}")


def _lets_of(value: tree.Expr, lets: Mapping[str, tree.Expr]) -> list[str]:
    names = (
        n.name if isinstance(n, tree.Name) else n.name.text for n in walk(value) if isinstance(n, tree.Name | tree.Snapshot)
    )
    return [name for name in dict.fromkeys(names) if name in lets]


def _circle(start: str, uses: Mapping[str, list[str]]) -> list[str] | None:
    """A way from the LET back to itself, None when there is none."""
    came_from: dict[str, str] = {}
    todo = [start]
    while todo:
        name = todo.pop()
        for used in uses.get(name, ()):
            if used == start:
                way = [name]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return [*reversed(way), start]
            if used not in came_from:
                came_from[used] = name
                todo.append(used)
    return None
