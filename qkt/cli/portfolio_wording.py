"""A portfolio in words: children, what lets them trade, and how capital is divided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from qkt.backtest.phrases import duration
from qkt.cli.explain import params_in_words, streams_in_words, wrapped
from qkt.cli.wording import words
from qkt.core.numbers import plain
from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.loader import with_values
from qkt.lang.parser import parse
from qkt.lang.portfolio import Child, CompiledPortfolio
from qkt.lang.portfolio_checks import check_portfolio
from qkt.lang.portfolio_loader import load_portfolio
from qkt.lang.program import CheckedPortfolio
from qkt.lang.source import read_source


def gates_source(path: Path, params: Mapping[str, str]) -> str:
    """The Python that the conditions of a portfolio are compiled to."""
    return load_portfolio(path, params).gates.source_code


def portfolio_words(path: Path, params: Mapping[str, str]) -> Iterator[str]:
    """The portfolio line by line. Raises what loading it raises."""
    portfolio = load_portfolio(path, params)
    program = _checked(path, params)
    capital = "" if portfolio.capital is None else f", capital {plain(portfolio.capital)}"
    yield f"{portfolio.name}, a portfolio, version {portfolio.version}{capital}"
    if portfolio.gates.streams:
        yield ""
        yield from streams_in_words(portfolio.gates.streams)
    yield from params_in_words(portfolio.params)
    yield ""
    yield "Children: each one trades while its gate is open, looked at on every closed bar of the streams above"
    for child in portfolio.children:
        yield ""
        yield from _child(child, program)
    yield from _regimes(portfolio, program)


def _child(child: Child, program: CheckedPortfolio) -> Iterator[str]:
    yield from wrapped(f"{child.alias}: {child.strategy.name} of {child.path.name}", 2, 4)
    if child.weight is not None:
        balance = "" if child.balance is None else f", which is {plain(child.balance.normalize())}"
        yield from wrapped(f"gets {plain(child.weight)} of the capital{balance}", 4, 6)
    gates = program.runs.get(child.alias, ())
    if not gates:
        gate = "never runs"
    elif None in gates:
        gate = "always runs"
    else:
        conditions = ", or when ".join(_condition(program, number) for number in gates if number is not None)
        gate = f"runs when {conditions}; otherwise it {'keeps' if child.hold else 'closes'} its positions"
    yield from wrapped(gate, 4, 6)
    if child.params:
        shown = (f"{name} = {value if isinstance(value, bool | str) else plain(value)}" for name, value in child.params.items())
        yield from wrapped(f"with {', '.join(shown)}", 4, 6)
    for stream in child.strategy.streams:
        warmup = f", waits for {stream.warmup} bars" if stream.warmup else ""
        yield from wrapped(f"{stream.alias}: {stream.symbol} {stream.timeframe.text}{warmup}", 4, 6)


def _regimes(portfolio: CompiledPortfolio, program: CheckedPortfolio) -> Iterator[str]:
    if not program.states:
        return
    yield ""
    yield "Regimes: the first whose condition is true"
    shares = portfolio.allocation.shares if portfolio.allocation is not None else {}
    for name, number in program.states:
        when = "when no other is" if number is None else f"when {_condition(program, number)}"
        yield from wrapped(f"{name}: {when}", 2, 4)
        if name in shares:
            divided = ", ".join(f"{alias} {plain(share)}" for alias, share in shares[name].items())
            yield from wrapped(f"new risk is scaled: {divided}", 4, 6)
    if portfolio.allocation is not None and portfolio.allocation.rebalance_ms is not None:
        yield f"  weighed anew every {duration(portfolio.allocation.rebalance_ms / 1000)}"


def _condition(program: CheckedPortfolio, number: int) -> str:
    return words(program.gates.rules[number].condition)


def _checked(path: Path, params: Mapping[str, str]) -> CheckedPortfolio:
    """The tree once more through the checker, which a loaded file has passed without an error."""
    file = parse(read_source(path)).file
    assert isinstance(file, tree.Portfolio)
    program = check_portfolio(with_values(file, params, str(path)), Problems())
    assert program is not None
    return program
