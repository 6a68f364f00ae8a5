"""Calls: scalar functions, indicators and rolling windows, and windows of the clock."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from qkt.indicators import FUNCTIONS, REGISTRY, ConstantSpec, Feed, IndicatorSpec
from qkt.indicators.spec import LARGEST
from qkt.lang import tree
from qkt.lang.clock_windows import CLOCK_WINDOWS, clock_window
from qkt.lang.fields import PAST_FIELDS, SERIES_FIELDS, STREAM_FIELDS
from qkt.lang.place import Place
from qkt.lang.scope import StreamKind
from qkt.lang.suggest import did_you_mean
from qkt.lang.values import BROKEN, Apply, AsNumber, Broken, Const, Expression, Indicator, Stream, Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qkt.lang.expressions import Resolver

OVER = {"MIN": "MIN_OVER", "MAX": "MAX_OVER"}
NOT_BARE = frozenset(STREAM_FIELDS) - {*PAST_FIELDS, *SERIES_FIELDS}
WHOLE_SERIES_FEEDS = {Feed.CANDLE: "candle", Feed.TICK: "tick"}


class CallResolver:
    """Resolves calls for the resolver of expressions."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._problems = resolver.problems

    def resolve(self, node: tree.Call | tree.Over, place: Place) -> Expression:
        if isinstance(node, tree.Over):
            bars = tree.Number(node.span, Decimal(node.bars), str(node.bars))
            return self._indicator(REGISTRY[OVER[node.fn]], node.span, (node.value, bars), place)
        name = node.name.text
        if name.upper() in CLOCK_WINDOWS:
            return self._resolver.one(clock_window(node) or BROKEN)
        if name.upper() in FUNCTIONS:
            return self._function(node, place)
        spec = REGISTRY.get(name.upper())
        if spec is None:
            known = [n.lower() for n in (*REGISTRY, *FUNCTIONS, *CLOCK_WINDOWS) if n not in OVER.values()]
            self._problems.error(
                "QKT0205", node.name.span, f"no function or indicator named '{name}'", did_you_mean(name, known)
            )
            for arg in node.args:
                self._resolver.any(arg, place)
            return BROKEN
        return self._indicator(spec, node.name.span, node.args, place)

    # ------------------------------------------------------------ scalar functions

    def _function(self, node: tree.Call, place: Place) -> Expression:
        name = node.name.text.upper()
        spec = FUNCTIONS[name]
        args = tuple(self._resolver.number(arg, place) for arg in node.args)
        if len(args) < spec.min_args or (spec.max_args is not None and len(args) > spec.max_args):
            expected = _counted(spec.min_args, spec.max_args)
            self._problems.error("QKT0301", node.span, f"'{name.lower()}' got {_count(args)}", f"it takes {expected}")
            return BROKEN
        if any(isinstance(arg, Broken) for arg in args):
            return BROKEN
        if any(arg.type is Type.NOTHING for arg in args):
            return self._resolver.one(Const(None))
        if all(isinstance(arg, Const) for arg in args):
            return self._resolver.one(Const(spec.call(*(arg.value for arg in args))))  # type: ignore[union-attr]
        return self._resolver.one(Apply(name, args))

    # ------------------------------------------------------------ indicators

    def _indicator(self, spec: IndicatorSpec, at: tree.Span, args: Sequence[tree.Expr], place: Place) -> Expression:
        constants_needed = len(spec.constants)
        series_count = len(args) - constants_needed
        if not spec.min_series <= series_count <= (spec.max_series or series_count):
            self._problems.error("QKT0301", at, f"'{spec.name.lower()}' got {_count(args)}", f"it is {spec.signature}")
            for arg in args:
                if not isinstance(arg, tree.Number):
                    self._resolver.any(arg, place)
            return BROKEN
        series_args, constant_args = args[:series_count], args[series_count:]
        constants = self._constants(spec, constant_args, series_count, at, place)
        alias = self._primary(spec, series_args[0], place)
        if alias is None:
            for arg in series_args:
                self._resolver.any(arg, place)
            return BROKEN
        # A field is the same wherever it stands.
        inside = place if all(isinstance(arg, tree.Field) for arg in series_args) else place.inside_series(alias)
        series = tuple(self._series(spec, arg, inside) for arg in series_args)
        if constants is None or any(isinstance(s, Broken) for s in series):
            return BROKEN
        stream = self._resolver.scope.streams[alias]
        if spec.needs_volume and stream.kind is not StreamKind.MARKET:
            hint = "name one of its members" if stream.members else "name a stream of a market"
            message = f"'{spec.name.lower()}' lives on volume, and '{alias}' ({stream.kind}) has none"
            self._problems.error("QKT0304", at, message, hint)
            return BROKEN
        # Windows of the clock have no length in bars of a basket.
        timeframe = 0 if stream.kind is StreamKind.BASKET else stream.timeframe.ms
        visible = self._visible_constants(constant_args, args[1:])
        bars = spec.warmup(constants, timeframe, series_count) if visible is None else visible
        self._resolver.charge(alias, bars, place)
        fed = () if spec.feed in WHOLE_SERIES_FEEDS else series
        return self._resolver.one(Indicator(spec.name, fed, constants, alias))

    def _constants(
        self, spec: IndicatorSpec, args: Sequence[tree.Expr], series_count: int, at: tree.Span, place: Place
    ) -> tuple[float, ...] | None:
        values: list[float] = []
        for arg, expected in zip(args, spec.constants, strict=True):
            literal = self._resolver.unwrapped(arg, place)
            if not isinstance(literal, tree.Number):
                found = "a duration" if isinstance(literal, tree.Duration) else "an expression"
                hint = "constants are plain numbers, or LETs and PARAMs that are plain numbers"
                self._problems.error(
                    "QKT0302", arg.span, f"{found} where '{spec.name.lower()}' takes its {expected.name}", hint
                )
            elif not _in_range(literal.value, expected):
                message = f"the {expected.name} of '{spec.name.lower()}' cannot be {literal.value:f}"
                self._problems.error("QKT0303", arg.span, message, f"expected {_range(expected)}")
            else:
                values.append(float(literal.value))
        if len(values) < len(args):
            return None
        constants = tuple(values)
        complaint = spec.check(constants, series_count)
        if complaint is not None:
            self._problems.error("QKT0303", at, complaint, f"it is {spec.signature}")
            return None
        return constants

    def _visible_constants(self, constants: Sequence[tree.Expr], after_first: Sequence[tree.Expr]) -> int | None:
        """The bars to wait for where a LET names a constant: the largest number that is written out. None where none does."""
        lets = self._resolver.scope.lets
        if not any(isinstance(arg, tree.Name) and arg.name in lets for arg in constants):
            return None
        literals = (self._resolver.scope.params.get(a.name) if isinstance(a, tree.Name) else a for a in after_first)
        return max((int(a.value) for a in literals if isinstance(a, tree.Number)), default=0)

    def _primary(self, spec: IndicatorSpec, first: tree.Expr, place: Place) -> str | None:
        """The alias whose closes feed the indicator. None after reporting that there is none."""
        alias = self._resolver.first_stream(first, place)
        if alias is None:
            hint = "an indicator is fed by the candles of the first stream in its series"
            self._problems.error("QKT0305", first.span, f"the series of '{spec.name.lower()}' mentions no stream", hint)
            return None
        return alias if alias in self._resolver.scope.streams else None

    def _series(self, spec: IndicatorSpec, arg: tree.Expr, place: Place) -> Expression:
        value = self._resolver.any(arg, place)
        name = spec.name.lower()
        if isinstance(value, Broken):
            return value
        if spec.feed in WHOLE_SERIES_FEEDS:
            wanted = WHOLE_SERIES_FEEDS[spec.feed]
            if isinstance(value, Stream) and value.kind == wanted:
                return value
            stream = self._resolver.first_stream(arg, place)
            hint = f"write {name}({stream}.{wanted}, …)"
            self._problems.error("QKT0304", arg.span, f"{value.type.value} where '{name}' reads {wanted}s", hint)
            return BROKEN
        if spec.feed is Feed.CONDITION:
            if value.type is Type.FLAG:
                return value
            self._problems.error("QKT0304", arg.span, f"{value.type.value} where '{name}' takes a condition")
            return BROKEN
        return self._numeric(spec, arg, value, place)

    def _numeric(self, spec: IndicatorSpec, arg: tree.Expr, value: Expression, place: Place) -> Expression:
        name = spec.name.lower()
        bare = self._resolver.unwrapped(arg, place)
        field = bare.field if isinstance(bare, tree.Field | tree.SymbolRef) else None
        if spec.feed is Feed.NUMBER and field is not None and field.text in NOT_BARE:
            hint = f"write '{field.text} + 0' to feed it, or use one of {', '.join(PAST_FIELDS)}"
            self._problems.error("QKT0304", arg.span, f"the bare field '{field.text}' cannot feed '{name}'", hint)
            return BROKEN
        if value.type is Type.ANY:
            return self._resolver.one(AsNumber(value))
        if value.type in (Type.NUMBER, Type.NOTHING):
            return value
        fields = "name one of its fields, such as its close" if isinstance(value, Stream) else None
        self._problems.error("QKT0304", arg.span, f"{value.type.value} where '{name}' takes numbers", fields)
        return BROKEN


def _in_range(value: Decimal, expected: ConstantSpec) -> bool:
    if expected.integer and value != value.to_integral_value():
        return False
    low, high = expected.minimum, expected.maximum
    return (low is None or value >= low) and (high is None or value <= high)


def _range(expected: ConstantSpec) -> str:
    kind = "a whole number" if expected.integer else "a number"
    if expected.minimum is None:
        return kind
    if expected.maximum is None or expected.maximum >= LARGEST:
        return f"{kind} of at least {expected.minimum}"
    return f"{kind} from {expected.minimum} to {expected.maximum}"


def _counted(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least}"
    return str(least) if least == most else f"{least} to {most}"


def _count(args: Sequence[object]) -> str:
    return "1 argument" if len(args) == 1 else f"{len(args)} arguments"
