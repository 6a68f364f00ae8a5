"""Files in the language, checked or ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from qkt.core.errors import StrategyError
from qkt.lang import tree
from qkt.lang.checker import check_strategy
from qkt.lang.children import CheckedChild, check_children, with_literals
from qkt.lang.codes import Problems
from qkt.lang.diagnostics import Diagnostic, LanguageError
from qkt.lang.parser import parse
from qkt.lang.portfolio_checks import check_portfolio
from qkt.lang.published_spelling import spellings
from qkt.lang.source import read_source
from qkt.lang.suggest import did_you_mean

if TYPE_CHECKING:
    from qkt.lang.compiled import CompiledStrategy

F = TypeVar("F", tree.Strategy, tree.Portfolio)

NO_PARAMS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LoadedStrategy:
    """`params` holds the value used of every PARAM and of every LET that was given from outside."""

    name: str
    strategy: CompiledStrategy
    tree: tree.Strategy
    warnings: tuple[Diagnostic, ...]
    source_code: str
    params: Mapping[str, Decimal | bool | str]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`file` is None when the text is too broken to be read. `children` are the strategies that a portfolio imports."""

    file: tree.File | None
    problems: tuple[Diagnostic, ...]
    source: str
    children: tuple[CheckedChild, ...] = ()

    @property
    def ok(self) -> bool:
        return not any(p.severity == "error" for p in self.problems)


def load(path: Path, params: Mapping[str, str] = NO_PARAMS) -> LoadedStrategy:
    """The strategy of a file, ready to run; `params` gives values to PARAMs and LETs by name.

    Raises LanguageError with all problems of the file, StrategyError when it cannot be read or a value cannot be given.
    """
    source = read_source(path)
    return load_text(source, str(path), params)


def load_text(
    source: str, path: str = "<text>", params: Mapping[str, str] = NO_PARAMS, *, book: bool = False
) -> LoadedStrategy:
    """The same from the text itself. `book` tells that it runs in a portfolio with CAPITAL."""
    parsed = parse(source, path)
    problems = Problems(parsed.problems)
    file = parsed.file
    program = None
    if isinstance(file, tree.Portfolio):
        problems.error("QKT0216", file.name.span, "this is a PORTFOLIO", "a strategy is needed here")
    elif file is not None:
        file = with_values(file, params, path)
        program = check_strategy(file, source, problems, book=book)
    if program is None or not isinstance(file, tree.Strategy):
        raise LanguageError(path, source, problems.sorted())
    # What runs a strategy is not imported to check one.
    from qkt.lang.compiled import CompiledStrategy

    strategy = CompiledStrategy(program)
    used = {**program.params, **{let: _number(let, params[let], path) for let in params}}
    return LoadedStrategy(program.name, strategy, file, problems.sorted(), strategy.source_code, used)


def check(path: Path, published: bool = False) -> CheckResult:
    """Everything that is wrong with a file; `published` counts differences from the published engine as errors.

    Raises StrategyError when the file cannot be read.
    """
    return check_text(read_source(path), str(path), published, path)


def check_text(source: str, name: str = "<text>", published: bool = False, path: Path | None = None) -> CheckResult:
    """The same from the text itself. The imports of a portfolio are looked up beside `path`, without one they are not."""
    parsed = parse(source, name)
    problems = Problems(parsed.problems)
    children: tuple[CheckedChild, ...] = ()
    if isinstance(parsed.file, tree.Portfolio):
        check_portfolio(parsed.file, problems, strict=published)
        if path is not None:
            children = check_children(parsed.file, path, problems, strict=published)
    elif parsed.file is not None:
        check_strategy(parsed.file, source, problems, strict=published)
    if published and parsed.file is not None:
        spellings(parsed.file, parsed.lexed.tokens, problems)
    return CheckResult(parsed.file, problems.sorted(), source, children)


def with_values(file: F, values: Mapping[str, str], path: str) -> F:
    """The file with some PARAMs and LETs given from outside. Raises StrategyError for unknown names and what is no number."""
    params: set[str] = {p.name.text for p in file.params}
    lets: set[str] = {let.name.text for let in file.lets}
    for name in values:
        if name not in params | lets:
            known = [*sorted(params), *sorted(lets)]
            raise StrategyError(
                f"no PARAM or LET named '{name}'",
                where=path,
                expected=f"one of {', '.join(known)}" if known else None,
                remedy=did_you_mean(name, known) or (None if known else "the file has neither PARAM nor LET"),
            )
    spans = {p.name.text: p.value.span for p in file.params} | {let.name.text: let.value.span for let in file.lets}
    return with_literals(file, {name: _literal(spans[name], _number(name, text, path)) for name, text in values.items()})


def _literal(span: tree.Span, value: Decimal) -> tree.Number:
    return tree.Number(span, value, f"{value:f}")


def _number(name: str, text: str, path: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise StrategyError(f"the value '{text}' given for '{name}' is no number", where=path, expected=f"{name}=<number>")
    return value
