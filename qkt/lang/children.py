"""The strategies that a portfolio imports: found, given their values and inherited streams, and checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from qkt.core.errors import StrategyError
from qkt.lang import tree
from qkt.lang.checker import check_strategy
from qkt.lang.codes import Problems
from qkt.lang.diagnostics import Diagnostic
from qkt.lang.parser import parse
from qkt.lang.program import CheckedStrategy
from qkt.lang.published_spelling import spellings
from qkt.lang.source import read_source
from qkt.lang.suggest import did_you_mean
from qkt.lang.walk import names_used

F = TypeVar("F", tree.Strategy, tree.Portfolio)

Reader = Callable[[str, Path], str]
"""Gives the text of an import: its path as written, and where that leads to."""

KINDS = {Decimal: "a number", bool: "TRUE or FALSE", str: "a text"}


@dataclass(frozen=True, slots=True)
class CheckedChild:
    """One import. `program` is None when the file has errors, `file` also when it is too broken to be read."""

    alias: str
    hold: bool
    path: Path
    source: str
    file: tree.Strategy | None
    problems: tuple[Diagnostic, ...]
    program: CheckedStrategy | None


def check_children(
    portfolio: tree.Portfolio, path: Path, problems: Problems, *, strict: bool = False, read: Reader | None = None
) -> tuple[CheckedChild, ...]:
    """Check every import of the portfolio in `path`; `read` gives the text of one, else its file does. What is wrong inside a
    child stands in its own list; the portfolio's `problems` say at the import that the child cannot be used."""
    found = (_child(portfolio, imported, path, problems, read or _file, strict=strict) for imported in portfolio.imports)
    return tuple(child for child in found if child is not None)


def _file(_: str, target: Path) -> str:
    return read_source(target)


def _child(
    portfolio: tree.Portfolio, imported: tree.Import, path: Path, problems: Problems, read: Reader, *, strict: bool
) -> CheckedChild | None:
    try:
        target = (path.parent / imported.path.value).resolve()
    except (OSError, RuntimeError, ValueError) as problem:  # a loop of links, a character that no path has
        problems.error("QKT0214", imported.path.span, f"'{imported.path.value}' is no path ({problem})", "expected a .qkt file")
        return None
    if target == path.resolve():
        problems.error("QKT0214", imported.path.span, "the portfolio imports itself", "import strategies only")
        return None
    try:
        source = read(imported.path.value, target)
    except StrategyError as problem:
        problems.error("QKT0214", imported.path.span, f"{target} {problem.found}", f"expected {problem.expected}")
        return None
    parsed = parse(source, str(target))
    own = Problems(parsed.problems)
    file, program = parsed.file, None
    if isinstance(file, tree.Portfolio):
        hint = "a portfolio imports strategies; import the children of the other one instead"
        problems.error("QKT0214", imported.path.span, f"{target.name} is a PORTFOLIO, which cannot be nested", hint)
        return None
    if file is not None:
        inherited = _inherited(file, portfolio)
        file = replace(file, declarations=(*file.declarations, *inherited))
        file = _overridden(file, portfolio, imported.alias.text, problems)
        aliases = frozenset(declaration.alias.text for declaration in inherited)
        program = check_strategy(file, source, own, strict=strict, book=portfolio.capital is not None, inherited=aliases)
    if strict and parsed.file is not None:
        spellings(parsed.file, parsed.lexed.tokens, own)
    if own.failed:
        errors = sum(p.severity == "error" for p in own.sorted())
        count = f"{errors} error{'s' if errors != 1 else ''}"
        problems.error("QKT0214", imported.path.span, f"{target.name} has {count}", "they are listed under its own name")
    return CheckedChild(imported.alias.text, imported.hold, target, source, file, own.sorted(), program)


def _inherited(file: tree.Strategy, portfolio: tree.Portfolio) -> tuple[tree.Declaration, ...]:
    """The portfolio's declarations that the strategy uses and does not make itself."""
    own = {declaration.alias.text for declaration in file.declarations}
    taken = own | {p.name.text for p in file.params} | {let.name.text for let in file.lets}
    given = {d.alias.text: d for d in portfolio.declarations if d.alias.text not in taken}
    used = set(names_used(file))
    for declaration in given.values():
        if isinstance(declaration, tree.Basket) and declaration.alias.text in used:
            used.update(member.text for member in declaration.members)
    return tuple(declaration for alias, declaration in given.items() if alias in used)


def _overridden(file: tree.Strategy, portfolio: tree.Portfolio, alias: str, problems: Problems) -> tree.Strategy:
    """The strategy with the values that the portfolio's RUN clauses give to its PARAMs."""
    overrides = next((run.overrides for run in portfolio.runs if run.alias.text == alias and run.overrides), ())
    params = {param.name.text: param for param in file.params}
    values: dict[str, tree.Literal_] = {}
    for override in overrides:
        name, value = override.name, override.value
        param = params.get(name.text)
        if param is None:
            hint = did_you_mean(name.text, params, f"PARAMs of '{alias}'") or f"'{alias}' has no PARAM"
            problems.error("QKT0215", name.span, f"'{alias}' has no PARAM named '{name.text}'", hint)
        elif type(param.value) is not type(value):
            expected = KINDS[type(param.value.value)]
            problems.error("QKT0215", value.span, f"'{name.text}' is {KINDS[type(value.value)]} here", f"expected {expected}")
        else:
            values[name.text] = replace(value, span=param.value.span)
    return with_literals(file, values)


def with_literals(file: F, values: Mapping[str, tree.Literal_]) -> F:
    """The file with other values for some of its PARAMs and LETs."""
    return replace(
        file,
        params=tuple(replace(p, value=values.get(p.name.text, p.value)) for p in file.params),
        lets=tuple(replace(let, value=values.get(let.name.text, let.value)) for let in file.lets),
    )
