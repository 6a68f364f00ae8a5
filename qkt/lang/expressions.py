"""From expressions as written to checked values: names resolved, LETs and PARAMs put in, types known."""

from __future__ import annotations

import math
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from qkt.lang import accessors, moments, operators, tree
from qkt.lang.calls import CallResolver
from qkt.lang.codes import Problems
from qkt.lang.fields import INSTRUMENT_FIELDS, PAST_FIELDS, SAME_AS_CLOSE, SERIES_FIELDS, STREAM_FIELDS
from qkt.lang.place import Place
from qkt.lang.scope import Scope, StreamKind
from qkt.lang.suggest import did_you_mean
from qkt.lang.values import (
    BROKEN,
    AsFlag,
    AsNumber,
    Broken,
    Captured,
    Const,
    Expression,
    Indicator,
    InstrumentRead,
    Past,
    Pool,
    Read,
    Stream,
    Type,
    Unknown,
)
from qkt.lang.walk import operands

if TYPE_CHECKING:
    from collections.abc import Callable

N = TypeVar("N")
T = TypeVar("T")

ELSEWHERE = {
    "entry": "it stands for the parent's entry price inside STACK and ON_FILL",
    "ENTRY_QTY": "it stands for the parent's quantity inside STACK_AT",
    "EXIT": "it stands for the closing fill inside ON_STOP, ON_TP and ON_CLOSE",
}


class Resolver:
    """Resolves the expressions of one file and keeps, for each alias, the bars that its indicators wait for. `book` tells that
    the strategy runs in a portfolio with capital, `strict` that differences from the published engine are errors."""

    def __init__(self, scope: Scope, problems: Problems, *, book: bool = False, strict: bool = False) -> None:
        self.scope = scope
        self.problems = problems
        self.book = book
        self._strict = strict
        self.bars: dict[str, int] = {}
        self.captured: dict[tuple[str, str, str], Captured] = {}
        self.one = Pool().one
        self._slots = count()
        self._crosses = 0
        self._lets: dict[tuple[object, ...], Expression] = {}
        self._first_streams: dict[str, str | None] = {}
        self._calls = CallResolver(self)

    # ------------------------------------------------------------ what others ask for

    def value(self, node: tree.Expr, place: Place) -> Expression:
        """Whatever the expression is, candles and ticks excepted."""
        value = self.any(node, place)
        if value.type in (Type.CANDLE, Type.TICK):
            return self._stream_as_value(node)
        return value

    def number(self, node: tree.Expr, place: Place) -> Expression:
        """The expression where a number is needed: Undefined when it can be none."""
        value = self.value(node, place)
        if value.type is Type.NUMBER or isinstance(value, Broken):
            return value
        if value.type is Type.ANY:
            return self.one(AsNumber(value))
        return self._undefined(node, value, "a number")

    def flag(self, node: tree.Expr, place: Place) -> Expression:
        """The expression where a condition is needed: Undefined when it can be none."""
        value = self.value(node, place)
        if value.type is Type.FLAG or isinstance(value, Broken):
            return value
        if value.type is Type.ANY:
            return self.one(AsFlag(value))
        return self._undefined(node, value, "a condition")

    def guarded(self, span: tree.Span, resolve: Callable[[N, Place], T], node: N, place: Place) -> T | None:
        """What `resolve` makes of the node; a nesting beyond reason is reported at the span."""
        try:
            return resolve(node, place)
        except RecursionError:
            self.problems.error("QKT0310", span, "this is nested too deeply", "give its parts LETs of their own")
            return None

    def tradeable(self, ident: tree.Ident, place: Place) -> str | None:
        """The alias that an action names, None (and a problem) unless it can be traded."""
        alias = self.stream(ident, place)
        if alias is None:
            return None
        stream = self.scope.streams[alias]
        if not stream.tradeable:
            self.problems.error("QKT0408", ident.span, f"'{alias}' is {stream.market}, which is read-only and cannot be traded")
            return None
        return alias

    def market(self, ident: tree.Ident, place: Place) -> str | None:
        """The alias of one market that can be traded, None (and a problem) where a basket or nothing tradeable is named."""
        alias = self.tradeable(ident, place)
        if alias is not None and self.scope.streams[alias].kind is StreamKind.BASKET:
            hint = "name one of its members; only BUY, SELL, CLOSE and CANCEL take a basket"
            self.problems.error("QKT0417", ident.span, f"'{alias}' is a basket and cannot stand here", hint)
            return None
        return alias

    def differs(self, span: tree.Span, message: str) -> None:
        """Report something that means something else in the published engine."""
        (self.problems.error if self._strict else self.problems.warning)("QKT0601", span, message)

    def slot(self, place: Place) -> int | str:
        """The memory of a CROSSES: occurrences in series of one alias are evaluated on the same closes, so equal ones share."""
        self._crosses += 1
        return f"series of {place.series}" if place.series and not place.conditional else next(self._slots)

    def charge(self, alias: str, bars: int, place: Place) -> None:
        """Rules that mention the alias wait for at least so many of its bars."""
        if place.scanned:
            self.bars[alias] = max(self.bars.get(alias, 0), bars + place.past)

    def stream(self, ident: tree.Ident, place: Place) -> str | None:
        """The alias that a name in the place of a stream means, None (and a problem) when there is none."""
        alias = place.alias_of(ident)
        if alias in self.scope.streams:
            return alias
        if alias not in self.scope.refused:
            self.scope.unknown_stream(self.problems, ident if alias == ident.text else tree.Ident(ident.span, alias))
        return None

    def unwrapped(self, node: tree.Expr, place: Place) -> tree.Expr:
        """The expression that a name stands for, the expression itself when it is no LET or PARAM."""
        seen: set[str] = set()
        while isinstance(node, tree.Name) and node.name not in place.loop and node.name not in seen:
            seen.add(node.name)
            found = self.scope.lets.get(node.name) or self.scope.params.get(node.name)
            if found is None:
                break
            node, place = found, place.inside_let()
        return node

    def first_stream(self, node: tree.Expr, place: Place) -> str | None:
        """The alias of the first stream field or bare stream in the text, looking through LETs and into calls."""
        todo = [node]
        while todo:
            current = todo.pop()
            found: str | None = None
            match current:
                case tree.Field(owner=owner):
                    found = place.alias_of(owner)
                case tree.SymbolRef():
                    found = place.symbol
                case tree.Name(name=name):
                    found = self._first_stream_of_name(name, place)
                case _:
                    todo.extend(reversed(list(operands(current))))
            if found is not None:
                return found
        return None

    # ------------------------------------------------------------ one kind of node each

    def any(self, node: tree.Expr, place: Place) -> Expression:
        match node:
            case tree.Number():
                return self._literal(node)
            case tree.Field():
                return self.field(node.owner, node.field, place)
            case tree.Call() | tree.Over():
                return self._calls.resolve(node, place)
            case tree.Name():
                return self._name(node, place)
            case tree.Negate() | tree.Arithmetic():
                return operators.arithmetic(self, node, place)
            case tree.Duration(ms=ms):
                return self.one(Const(float(ms)))
            case tree.Text(value=content) | tree.Bool(value=content):
                return self.one(Const(content))
            case tree.Null():
                return self.one(Const(None))
            case tree.SymbolRef():
                return self._symbol(node, place)
            case tree.LookBack():
                return self._look_back(node, place)
            case tree.Not() | tree.Logic() | tree.IsNull() | tree.Case():
                return operators.logic(self, node, place)
            case tree.Compare() | tree.Between() | tree.In() | tree.Crosses():
                return operators.comparison(self, node, place)
            case tree.State() | tree.Position() | tree.OpenOrders() | tree.Now():
                return accessors.resolve(self, node, place)
            case tree.Snapshot():
                return moments.snapshot(self, node, place)
            case tree.Since():
                return moments.since(self, node, place)
            case tree.SequenceField():
                return moments.sequence_field(self, node, place)
            case tree.EntryQty():
                if "ENTRY_QTY" in place.knows:
                    return self.one(Unknown("ENTRY_QTY"))
                self.problems.error("QKT0209", node.span, "'ENTRY_QTY' means nothing here", ELSEWHERE["ENTRY_QTY"])
                return BROKEN

    def _literal(self, node: tree.Number) -> Expression:
        value = float(node.value)
        if not math.isfinite(value):
            self.problems.error("QKT0312", node.span, "this number is too large to compute with")
            return BROKEN
        return self.one(Const(value))

    def field(self, owner: tree.Ident, field: tree.Ident, place: Place) -> Expression:
        alias = self.stream(owner, place)
        name = field.text
        if name not in STREAM_FIELDS:
            hint = did_you_mean(name, STREAM_FIELDS, "fields of a stream")
            self.problems.error("QKT0204", field.span, f"streams have no field '{name}'", hint)
            return BROKEN
        if alias is None:
            return BROKEN
        if name in SERIES_FIELDS:
            return self.one(Stream(alias, "candle" if name == "candle" else "tick"))
        if name in INSTRUMENT_FIELDS:
            return self.one(InstrumentRead(alias, INSTRUMENT_FIELDS[name]))
        return self.one(Read(alias, "close" if name in SAME_AS_CLOSE else name))

    def _name(self, node: tree.Name, place: Place) -> Expression:
        name = node.name
        if name == "entry" and place.entry is not None:
            return place.entry
        if name in place.knows:
            return self.one(Unknown(name))
        if name in place.loop:
            alias = place.loop[name]
            return self.one(Stream(alias, "candle")) if alias in self.scope.streams else BROKEN
        if name in self.scope.params:
            return self.any(self.scope.params[name], place)
        if name in self.scope.lets:
            return self._let(name, place)
        if name in self.scope.streams:
            return self.one(Stream(name, "candle"))
        if name in self.scope.refused:
            return BROKEN
        if name in ELSEWHERE:
            self.problems.error("QKT0209", node.span, f"'{name}' means nothing here", ELSEWHERE[name])
            return BROKEN
        known = [*place.loop, *self.scope.lets, *self.scope.params, *self.scope.aliases]
        hint = did_you_mean(name, known, "LETs, PARAMs and streams")
        self.problems.error("QKT0201", node.span, f"unknown name '{name}'", hint)
        return BROKEN

    def _let(self, name: str, place: Place) -> Expression:
        if name in self.scope.circular:
            return BROKEN
        inside = place.inside_let()
        shared = (name, place.anchor, place.series, place.past, place.scanned, place.kind, place.sampled)
        own = (*shared, place.unit)
        for key in (shared,) if place.conditional else (shared, own):
            if key in self._lets:
                return self._lets[key]
        crosses = self._crosses
        value = self.any(self.scope.lets[name], inside)
        if self._crosses == crosses:
            self._lets[shared] = value
        elif not place.conditional:
            self._lets[own] = value
        return value

    def _first_stream_of_name(self, name: str, place: Place) -> str | None:
        if name in place.loop:
            return place.loop[name]
        if name in self.scope.lets and name not in self.scope.circular:
            if name not in self._first_streams:
                self._first_streams[name] = self.first_stream(self.scope.lets[name], place.inside_let())
            return self._first_streams[name]
        return name if name in self.scope.streams and name not in self.scope.params else None

    def _symbol(self, node: tree.SymbolRef, place: Place) -> Expression:
        if not place.in_defaults:
            self.problems.error("QKT0208", node.span, "SYMBOL has a meaning only inside DEFAULTS", "name the stream instead")
            return BROKEN
        if place.symbol is None:
            return BROKEN
        if node.field is None:
            return self.one(Stream(place.symbol, "candle"))
        return self.field(tree.Ident(node.span, place.symbol), node.field, place)

    def _look_back(self, node: tree.LookBack, place: Place) -> Expression:
        target = node.value
        field = target.field if isinstance(target, tree.Field | tree.SymbolRef) else None
        if field is not None and field.text in STREAM_FIELDS and field.text not in PAST_FIELDS:
            hint = f"look-back works on {', '.join(PAST_FIELDS)}, on indicator calls and on LETs"
            self.problems.error("QKT0307", node.span, f"the field '{field.text}' keeps no past", hint)
            return BROKEN
        if isinstance(target, tree.Name) and (target.name in self.scope.params or target.name in self.scope.streams):
            what = "PARAM" if target.name in self.scope.params else "stream"
            self.problems.error(
                "QKT0307", node.span, f"look-back on '{target.name}', which is a {what}", "name a field or a LET"
            )
            return BROKEN
        value = self.value(target, place.further_back(0 if field is not None else node.bars))
        if isinstance(value, Broken) or node.bars == 0:
            return value
        alias: str | None
        if field is not None and isinstance(value, Read):
            alias = value.alias
        elif isinstance(target, tree.Call | tree.Over):
            if not isinstance(value, Indicator):
                hint = "look-back works on stream fields, indicator calls and LETs; give the expression a LET"
                self.problems.error("QKT0307", node.span, "this function keeps no past", hint)
                return BROKEN
            alias = value.alias
        else:
            alias = place.series or place.anchor
        if alias is None:
            return BROKEN
        self.charge(alias, node.bars + 1, place)
        return self.one(Past(value, node.bars, alias))

    def _stream_as_value(self, node: tree.Expr) -> Expression:
        self.problems.error(
            "QKT0308", node.span, "this is a whole stream, not a value", "name one of its fields, such as its close"
        )
        return BROKEN

    def _undefined(self, node: tree.Expr, value: Expression, needed: str) -> Expression:
        if value.type is not Type.NOTHING:
            self.problems.warning("QKT0508", node.span, f"{value.type.value} where {needed} is needed: always Undefined")
        return self.one(Const(None))
