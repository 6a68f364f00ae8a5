"""Portfolio files, ready for the supervisor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qkt.lang import tree
from qkt.lang.children import CheckedChild, Reader, check_children
from qkt.lang.codes import Problems
from qkt.lang.compiled import CompiledStrategy
from qkt.lang.diagnostics import LanguageError
from qkt.lang.loader import NO_PARAMS, with_values
from qkt.lang.parser import parse
from qkt.lang.portfolio import Allocation, Child, CompiledPortfolio, Gates, starting_balance
from qkt.lang.portfolio_checks import check_portfolio
from qkt.lang.source import read_source


def load_portfolio(path: Path, params: Mapping[str, str] = NO_PARAMS) -> CompiledPortfolio:
    """The portfolio of a file with all its children; `params` gives values to its own PARAMs and LETs.

    Raises LanguageError with the problems of the portfolio and of its children, StrategyError when the file cannot be read
    or a value cannot be given.
    """
    return load_portfolio_text(read_source(path), path, params)


def load_portfolio_text(
    source: str, path: Path, params: Mapping[str, str] = NO_PARAMS, read: Reader | None = None
) -> CompiledPortfolio:
    """The same from the text itself; `read` gives the texts of what it imports, else their files beside `path` do."""
    parsed = parse(source, str(path))
    problems = Problems(parsed.problems)
    file, program = parsed.file, None
    children: tuple[CheckedChild, ...] = ()
    if isinstance(file, tree.Portfolio):
        file = with_values(file, params, str(path))
        program = check_portfolio(file, problems)
        children = check_children(file, path, problems, read=read)
    elif file is not None:
        problems.error("QKT0216", file.name.span, "this is a STRATEGY", "a PORTFOLIO is needed here")
    if program is None or problems.failed or not isinstance(file, tree.Portfolio):
        broken = [child for child in children if child.program is None]
        raise LanguageError(
            str(path), source, problems.sorted(), [LanguageError(str(c.path), c.source, c.problems) for c in broken]
        )
    return CompiledPortfolio(
        name=file.name.text,
        version=file.version,
        capital=file.capital,
        children=tuple(_child(file, child) for child in children),
        gates=Gates(program),
        allocation=_allocation(file),
        params=program.gates.params,
        warnings=problems.sorted(),
    )


def _child(file: tree.Portfolio, child: CheckedChild) -> Child:
    weights = [run.weight for run in file.runs if run.alias.text == child.alias and run.weight is not None]
    weight = weights[-1] if weights else None  # the last clause of an alias counts
    assert child.program is not None
    return Child(
        alias=child.alias,
        id=f"{file.name.text}:{child.alias}",
        path=child.path,
        source=child.source,
        hold=child.hold,
        weight=weight,
        balance=starting_balance(file.capital, weight),
        strategy=CompiledStrategy(child.program),
        params=child.program.params,
    )


def _allocation(file: tree.Portfolio) -> Allocation | None:
    allocate = file.allocate
    if allocate is None:
        return None
    shares = {
        entry.state.text: {s.target.text: s.weight for s in entry.shares if s.target.text.upper() != "CASH"}
        for entry in allocate.entries
    }
    return Allocation(allocate.method.text.upper(), allocate.rebalance_ms, shares)
