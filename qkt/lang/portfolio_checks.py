"""What can be checked of a PORTFOLIO without running it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import product

from qkt.lang import advice, published, tree
from qkt.lang.checker import Parts, program_of
from qkt.lang.codes import Problems
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.program import CheckedPortfolio, CheckedRule
from qkt.lang.scope import declare
from qkt.lang.suggest import did_you_mean
from qkt.lang.values import Expression

METHODS = ("REGIME_WEIGHTED",)


def check_portfolio(file: tree.Portfolio, problems: Problems, *, strict: bool = False) -> CheckedPortfolio | None:
    """Report what does not fit together: names, conditions, capital and weights. None when there are errors."""
    complete = not problems.failed
    scope = declare(file.declarations, file.params, file.lets, problems)
    resolver = Resolver(scope, problems)
    first = next(iter(scope.streams), None)
    for let in file.lets:
        resolver.guarded(let.span, resolver.any, let.value, Place("action", -1, first))
    states = file.regimes.states if file.regimes is not None else ()
    written = [*(state.condition for state in states), *(run.condition for run in file.runs)]
    conditions = [condition for condition in written if condition is not None]
    if conditions and not file.declarations:
        hint = "declare one in SYMBOLS"
        problems.error("QKT0210", conditions[0].span, "a condition needs a stream to wake it", hint)
    resolved = [
        resolver.guarded(condition.span, resolver.flag, condition, Place("gate", unit, first))
        for unit, condition in enumerate(conditions)
    ]
    _imports(file, problems)
    _regimes(file, problems)
    _capital(file, problems)
    _allocation(file, problems)
    if complete:
        advice.unused_names(file, (file.regimes, file.runs), scope, problems)
    published.differences(file, problems, strict=strict)
    if problems.failed:
        return None
    return _program(file, resolver, [value for value in resolved if value is not None])


def _program(file: tree.Portfolio, resolver: Resolver, conditions: list[Expression]) -> CheckedPortfolio:
    """Every condition as a rule without actions on every stream: evaluated on each of its closes, whatever woke it."""
    streams = list(resolver.scope.streams)
    rules = tuple(
        CheckedRule(number, stream, condition, (), (), "a condition of the portfolio")
        for number, (stream, condition) in enumerate(product(streams, conditions))
    )
    numbers = iter(range(len(conditions)))
    states = tuple(
        (state.name.text, None if state.condition is None else next(numbers))
        for state in (file.regimes.states if file.regimes is not None else ())
    )
    runs: dict[str, list[int | None]] = {}
    for run in file.runs:
        runs.setdefault(run.alias.text, []).append(None if run.condition is None else next(numbers))
    return CheckedPortfolio(
        gates=program_of(file, resolver, Parts(rules)),
        conditions=len(conditions),
        first_rule={stream: place * len(conditions) for place, stream in enumerate(streams)},
        states=states,
        runs={alias: tuple(conditions) for alias, conditions in runs.items()},
    )


def _imports(file: tree.Portfolio, problems: Problems) -> None:
    if not file.imports:
        problems.error("QKT0212", file.name.span, "a portfolio needs at least one IMPORT")
    _once(problems, (i.alias for i in file.imports), "an import named")
    aliases = list(dict.fromkeys(i.alias.text for i in file.imports))
    for run in file.runs:
        if run.alias.text not in aliases:
            hint = did_you_mean(run.alias.text, aliases, "imports")
            problems.error("QKT0212", run.alias.span, f"nothing is imported as '{run.alias.text}'", hint)
    overrides: dict[str, tuple[tree.Override, ...]] = {}
    for run in file.runs:
        if run.overrides is not None:
            _once(problems, (o.name for o in run.overrides), "a value for")
        if run.overrides:
            values = {(o.name.text, o.value.value) for o in run.overrides}
            other = overrides.setdefault(run.alias.text, run.overrides)
            if values != {(o.name.text, o.value.value) for o in other}:
                problems.error("QKT0212", run.span, f"'{run.alias.text}' runs with two different OVERRIDEs")


def _regimes(file: tree.Portfolio, problems: Problems) -> None:
    if file.regimes is None:
        return
    if not file.regimes.states:
        problems.error("QKT0212", file.regimes.span, "REGIMES needs at least one STATE")
    _once(problems, (s.name for s in file.regimes.states), "a state named")
    if file.allocate is not None and sum(s.condition is None for s in file.regimes.states) != 1:
        problems.error("QKT0212", file.regimes.span, "REGIMES needs exactly one STATE with DEFAULT")


def _capital(file: tree.Portfolio, problems: Problems) -> None:
    weighted = [run for run in file.runs if run.weight is not None]
    if file.capital is not None and file.capital <= 0:
        problems.error("QKT0213", file.name.span, "CAPITAL must be positive")
    if weighted and len(weighted) < len(file.runs):
        bare = next(run for run in file.runs if run.weight is None)
        problems.error("QKT0213", bare.span, "this RUN has no WEIGHT but others have", "give every RUN a WEIGHT, or none")
    if weighted and file.capital is None:
        problems.error("QKT0213", weighted[0].span, "WEIGHT needs the CAPITAL that it divides", "add CAPITAL to the header")
    for run in weighted:
        if run.weight is not None and not Decimal(0) < run.weight <= Decimal(1):
            problems.error(
                "QKT0213", run.span, f"a WEIGHT of {run.weight:f} is out of range", "expected more than 0, at most 1"
            )
    total = sum((run.weight for run in weighted if run.weight is not None), Decimal(0))
    if total > 1:
        problems.error("QKT0213", weighted[-1].span, f"the weights add up to {total:f}, which is more than 1")
    if file.capital is not None and not weighted and file.allocate is None and file.regimes is None:
        hint = "add WEIGHT to the RUN clauses, or ALLOCATE"
        problems.error("QKT0213", file.name.span, "CAPITAL is given but nothing divides it", hint)


def _allocation(file: tree.Portfolio, problems: Problems) -> None:
    allocate = file.allocate
    if allocate is None:
        return
    if allocate.method.text.upper() not in METHODS:
        hint = f"expected {', '.join(METHODS)}"
        problems.error("QKT0212", allocate.method.span, f"no method named '{allocate.method.text}'", hint)
    if file.capital is None:
        problems.error("QKT0213", allocate.span, "ALLOCATE needs the CAPITAL that it divides", "add CAPITAL to the header")
    if any(run.weight is not None for run in file.runs):
        problems.error("QKT0213", allocate.span, "ALLOCATE and WEIGHT exclude each other", "keep one of them")
    if file.regimes is None:
        problems.error("QKT0212", allocate.span, "ALLOCATE needs REGIMES to choose by")
    states = [s.name.text for s in file.regimes.states] if file.regimes is not None else []
    aliases = [i.alias.text for i in file.imports]
    for entry in allocate.entries:
        if file.regimes is not None and entry.state.text not in states:
            near = did_you_mean(entry.state.text, states, "states")
            problems.error("QKT0212", entry.state.span, f"no state named '{entry.state.text}'", near)
        for share in entry.shares:
            if share.target.text not in aliases and share.target.text.upper() != "CASH":
                near = did_you_mean(share.target.text, aliases, "imports")
                problems.error("QKT0212", share.target.span, f"nothing is imported as '{share.target.text}'", near)
        if sum((s.weight for s in entry.shares), Decimal(0)) > 1:
            problems.error("QKT0213", entry.span, f"the shares of '{entry.state.text}' add up to more than 1")


def _once(problems: Problems, names: Iterable[tree.Ident], what: str) -> None:
    names = list(names)
    counts = Counter(name.text for name in names)
    for name in names[1:]:
        if counts[name.text] > 1:
            problems.error("QKT0212", name.span, f"{what} '{name.text}' stands twice")
            return
