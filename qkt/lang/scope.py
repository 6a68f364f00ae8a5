"""What a file declares, by name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qkt.core.errors import UsageError
from qkt.core.timeframe import Timeframe
from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.suggest import did_you_mean
from qkt.lang.walk import walk
from qkt.strategy import ACCOUNT_EQUITY

MACRO_PREFIX = "MACRO"


class StreamKind(StrEnum):
    """Where the candles of a stream come from: a market, published statistics, the account's equity, other streams."""

    MARKET = "market"
    MACRO = "macro"
    EQUITY = "equity"
    BASKET = "basket"


# The order in which a file's streams count: the first of them wakes rules that name none.
RANKS = {StreamKind.BASKET: 1, StreamKind.EQUITY: 2}


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
    """Streams come first, then baskets, then series. `refused` are aliases whose declaration is wrong; they are known but have
    no stream. `sequences` holds the names of stages."""

    streams: dict[str, StreamInfo] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    params: dict[str, tree.Literal_] = field(default_factory=dict)
    lets: dict[str, tree.Expr] = field(default_factory=dict)
    circular: set[str] = field(default_factory=set)
    sequences: dict[str, tuple[str, ...]] = field(default_factory=dict)

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
    *,
    inherited: Container[str] = (),
) -> Scope:
    """Collect what the blocks declare and report what is declared badly. What is wrong with streams that are `inherited` is
    reported where they are declared."""
    scope = Scope()
    declarations = list(declarations)
    elsewhere = Problems()
    for declaration in declarations:
        _declare_stream(declaration, scope, elsewhere if declaration.alias.text in inherited else problems)
    for declaration in declarations:
        if isinstance(declaration, tree.Basket):
            _check_basket(declaration, scope, elsewhere if declaration.alias.text in inherited else problems)
    scope.streams = dict(sorted(scope.streams.items(), key=lambda item: RANKS.get(item[1].kind, 0)))
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
    try:
        timeframe = Timeframe.parse(declaration.timeframe.text)
    except UsageError as problem:
        problems.error("QKT0211", declaration.timeframe.span, problem.found, f"expected {problem.expected}")
        scope.refused.add(alias)
        return
    match declaration:
        case tree.Stream(prefix=prefix):
            kind = StreamKind.MACRO if prefix.upper() == MACRO_PREFIX else StreamKind.MARKET
            scope.streams[alias] = StreamInfo(alias, declaration.market, timeframe, declaration.warmup or 0, kind)
        case tree.Basket(members=members):
            market = f"BASKET:{alias.upper()}"
            names = tuple(member.text for member in members)
            scope.streams[alias] = StreamInfo(alias, market, timeframe, 0, StreamKind.BASKET, names)
        case tree.EquitySeries():
            scope.streams[alias] = StreamInfo(alias, ACCOUNT_EQUITY, timeframe, 0, StreamKind.EQUITY)


def _check_basket(declaration: tree.Basket, scope: Scope, problems: Problems) -> None:
    """Report members that cannot be averaged; a basket with one of them has no stream."""
    basket = scope.streams.get(declaration.alias.text)
    if basket is None or basket.kind is not StreamKind.BASKET:
        return
    good = True
    for member in declaration.members:
        name = member.text
        stream = scope.streams.get(name)
        message = None
        if stream is None:
            good = False
            if name not in scope.refused:
                scope.unknown_stream(problems, member)
        elif stream.kind is not StreamKind.MARKET:
            message = f"'{name}' is {stream.market}; a basket is made of streams that can be traded"
        elif stream.timeframe.ms != basket.timeframe.ms:
            message = f"'{name}' has candles of {stream.timeframe.text} and the basket of {basket.timeframe.text}"
        if message is not None:
            problems.error("QKT0217", member.span, message)
            good = False
    if not good:
        del scope.streams[declaration.alias.text]
        scope.refused.add(declaration.alias.text)


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
