"""From a syntax tree to a checked strategy, with everything that is wrong or doubtful on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from qkt.core.terms import Side
from qkt.indicators import REGISTRY, Feed
from qkt.lang import advice, blocks, published, tree
from qkt.lang.actions import ActionResolver
from qkt.lang.codes import Problems
from qkt.lang.excerpt import on_one_line
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.program import CheckedClause, CheckedGroup, CheckedRule, CheckedSequence, CheckedStrategy
from qkt.lang.protection import resolve_stop, resolve_target
from qkt.lang.scope import Scope, declare
from qkt.lang.values import Expression, Indicator, Read, below
from qkt.lang.walk import streams_mentioned
from qkt.strategy import StreamSpec


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule as FOR EACH expands it: `loop` maps the variable to this copy's alias."""

    index: int
    rule: tree.Rule
    loop: Mapping[str, str]


class Parts(NamedTuple):
    """What has been checked of a file."""

    rules: tuple[CheckedRule, ...]
    groups: tuple[CheckedGroup, ...] = ()
    sequences: tuple[CheckedSequence, ...] = ()
    schedules: tuple[CheckedClause, ...] = ()


def check_strategy(
    file: tree.Strategy,
    source: str,
    problems: Problems,
    *,
    strict: bool = False,
    book: bool = False,
    inherited: frozenset[str] = frozenset(),
) -> CheckedStrategy | None:
    """The checked strategy, None when it has errors.

    Problems of the parser are in `problems` already; where it had to leave out rules, nothing is said of names that they may
    have used. `strict` makes differences from the published engine errors. `book` tells that the strategy runs in a portfolio
    with CAPITAL, `inherited` are the streams of the file that are declared there.
    """
    complete = not problems.failed
    scope = declare(file.declarations, file.params, file.lets, problems, inherited=inherited)
    groups = blocks.check_groups(file.syncs, scope, problems)
    blocks.name_sequences(file.sequences, scope, problems)
    resolver = Resolver(scope, problems, book=book, strict=strict)
    _check_alone(file, resolver)
    bound = list(_expanded(file, scope, problems))
    if bound and not file.declarations:
        problems.error("QKT0210", bound[0].rule.span, "a rule needs a stream to wake it", "declare one in SYMBOLS")
    actions = ActionResolver(resolver, file.defaults)
    lines = source.split("\n")
    sequences = blocks.check_sequences(file.sequences, resolver)
    rules = [rule for one in bound if (rule := _rule(one, resolver, actions, lines)) is not None]
    schedules = blocks.check_schedules(file.schedules, resolver, actions, lines)
    actions.finish()
    if complete:
        advice.unused(file, scope, problems, inherited)
    if not problems.failed:  # a rule with an error has lost the parts that doubts are about
        advice.doubtful(bound, rules, problems)
    written = replace(file, declarations=tuple(d for d in file.declarations if d.alias.text not in inherited))
    published.differences(written, problems, strict=strict)
    return None if problems.failed else program_of(file, resolver, Parts(tuple(rules), groups, sequences, schedules))


def _check_alone(file: tree.Strategy, resolver: Resolver) -> None:
    """LETs and DEFAULTS are checked even where nothing uses them; the indicators of LETs count for warm-up anyway."""
    first = next(iter(resolver.scope.streams), None)
    for let in file.lets:
        resolver.guarded(let.span, resolver.any, let.value, Place("let", -1, first))
    if file.defaults is not None:
        place = Place("action", -1, first, symbol=first, in_defaults=True, scanned=False)
        for expression in _expressions(file.defaults):
            resolver.guarded(expression.span, resolver.any, expression, place)
        resolver.guarded(file.defaults.span, _default_exits, (resolver, file.defaults), place)


def _default_exits(of: tuple[Resolver, tree.Defaults], place: Place) -> None:
    resolver, defaults = of
    resolve_stop(resolver, defaults.stop_loss, place)
    resolve_target(resolver, defaults.take_profit, place, has_stop=True)


def _expressions(defaults: tree.Defaults) -> Iterator[tree.Expr]:
    """The outermost expressions of DEFAULTS."""
    if defaults.sizing is not None:
        yield defaults.sizing.value
    for order in (defaults.order_type, defaults.trailing):
        if order is not None:
            yield from (p for p in (order.price, order.limit) if p is not None and not isinstance(p, tree.Relative))
    if defaults.tif is not None and defaults.tif.until is not None:
        yield defaults.tif.until


def _expanded(file: tree.Strategy, scope: Scope, problems: Problems) -> Iterator[BoundRule]:
    """The rules in their order, FOR EACH taken apart alias by alias."""
    index = 0
    for item in file.rules:
        if isinstance(item, tree.Rule):
            yield BoundRule(index, item, {})
            index += 1
            continue
        for alias in item.aliases:
            if alias.text not in scope.streams:
                if alias.text not in scope.refused:
                    scope.unknown_stream(problems, alias)
                continue
            for rule in item.rules:
                yield BoundRule(index, rule, {item.variable.text: alias.text})
                index += 1


def _rule(bound: BoundRule, resolver: Resolver, actions: ActionResolver, lines: list[str]) -> CheckedRule | None:
    rule = bound.rule
    anchor = _anchor(bound, resolver)
    when = Place("condition", 2 * bound.index, anchor, bound.loop)
    then = Place("action", 2 * bound.index + 1, anchor, bound.loop)
    condition = resolver.guarded(rule.condition.span, resolver.flag, rule.condition, when)
    deeds = [resolver.guarded(action.span, actions.resolve, action, then) for action in rule.actions]
    if anchor is None or condition is None or any(deed is None for deed in deeds):
        return None
    mentioned = (when.alias_of(ident) for ident in streams_mentioned((rule.condition, rule.actions)))
    mentions = tuple(alias for alias in dict.fromkeys(mentioned) if alias in resolver.scope.streams)
    known = tuple(deed for deed in deeds if deed is not None)
    return CheckedRule(bound.index, anchor, condition, known, mentions, _text(bound, lines), _captures(rule))


def _captures(rule: tree.Rule) -> Side | None:
    """The side of the rule's primary action, whose firing takes snapshots."""
    match _primary(rule):
        case tree.Entry(side=side) | tree.OcoEntry(first=tree.Entry(side=side)):
            return side
        case _:
            return None


def _primary(rule: tree.Rule) -> tree.Action | None:
    """The first action that does more than LOG."""
    return next((action for action in rule.actions if not isinstance(action, tree.Log)), None)


def _anchor(bound: BoundRule, resolver: Resolver) -> str | None:
    """The alias whose closes evaluate the rule, None when it has none."""
    rule = bound.rule
    place = Place("condition", -1, None, bound.loop)
    if rule.anchor is not None:
        return resolver.stream(rule.anchor, place)
    match _primary(rule):
        case tree.Entry() | tree.Close() | tree.Cancel() | tree.Resize() | tree.Latch() as primary:
            target = primary.alias
        case tree.OcoEntry(first=leg):
            target = leg.alias
        case _:
            return next(iter(resolver.scope.streams), None)
    alias = place.alias_of(target)
    return alias if alias in resolver.scope.streams else None


def _text(bound: BoundRule, lines: list[str]) -> str:
    """The rule as written, on one line."""
    printable = on_one_line(lines, bound.rule.span)
    values = ", ".join(f"{name} = {alias}" for name, alias in bound.loop.items())
    return f"[{values}] {printable}" if values else printable


def program_of(file: tree.File, resolver: Resolver, parts: Parts) -> CheckedStrategy:
    """What is run of a file without errors: its streams with the bars they wait for, and what has been checked of it."""
    declared = resolver.scope.streams.values()
    program = CheckedStrategy(
        name=file.name.text,
        version=file.version,
        streams=tuple(
            StreamSpec(s.alias, s.market, s.timeframe, max(s.warmup, resolver.bars.get(s.alias, 0))) for s in declared
        ),
        rules=parts.rules,
        params={p.name.text: p.value.value for p in file.params},
        wants_volume=False,
        baskets={s.alias: s.members for s in declared if s.members},
        groups=parts.groups,
        sequences=parts.sequences,
        schedules=parts.schedules,
    )
    values = below(*program.values())
    volumes = {v.alias for v in values if isinstance(v, Indicator) and REGISTRY[v.name].needs_volume}
    return replace(
        program,
        streams=tuple(replace(s, needs_volume=s.alias in volumes) for s in program.streams),
        wants_volume=any(map(_reads_volume, values)),
        wants_ticks=any(map(_reads_ticks, values)),
    )


def _reads_ticks(value: Expression) -> bool:
    return isinstance(value, Indicator) and REGISTRY[value.name].feed is Feed.TICK


def _reads_volume(value: Expression) -> bool:
    if isinstance(value, Indicator):
        return REGISTRY[value.name].needs_volume
    return isinstance(value, Read) and value.field == "volume"
