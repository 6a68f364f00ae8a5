"""`qkt explain`: what a strategy or portfolio does, in words or as the Python that runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import new_app
from qkt.cli.pairs import pairs

if TYPE_CHECKING:
    from qkt.lang import LoadedStrategy
    from qkt.lang.program import CheckedStrategy
    from qkt.strategy import StreamSpec

app = new_app()

WIDEST = 100


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy or portfolio, .qkt or .py.")],
    source: Annotated[bool, typer.Option("--source", help="Print the generated Python instead.")] = False,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM of the strategy. Can be repeated.")
    ] = None,
) -> None:
    """Tell in plain words what a file does: streams and their warm-up, the data it needs, rules with their sizes and exits;
    of a portfolio its children, gates and weights."""
    values = pairs("--param", param or [])
    if file.suffix == ".py":
        from qkt.strategy.loader import load_python

        strategy = load_python(file, values)
        if source:
            print(file.read_text(encoding="utf-8"), end="")
            return
        ticks = "every tick" if strategy.wants_ticks else "closed bars"
        print(f"{strategy.name}, written in Python, acts on {ticks}\n")
        print("\n".join(streams_in_words(strategy.streams)))
        return
    from qkt.lang import load
    from qkt.lang.parser import parse
    from qkt.lang.source import read_source
    from qkt.lang.tree import Portfolio

    if isinstance(parse(read_source(file)).file, Portfolio):
        from qkt.cli.portfolio_wording import gates_source, portfolio_words

        print(gates_source(file, values) if source else "\n".join(portfolio_words(file, values)))
        return
    loaded = load(file, values)
    print(loaded.source_code if source else "\n".join(_in_words(loaded)))


def _in_words(loaded: LoadedStrategy) -> Iterator[str]:
    from qkt.cli.declared_wording import declared_words
    from qkt.cli.needs import needs

    program = _checked(loaded)
    yield f"{loaded.name}, version {loaded.tree.version}"
    yield ""
    yield from streams_in_words(program.streams)
    for text, indent in declared_words(program):
        yield from wrapped(text, indent, indent + 2) if text else [""]
    yield from params_in_words(loaded.params)
    yield ""
    yield "Needs"
    for need in needs(program):
        yield from wrapped(need, 2, 4)
    if program.rules:
        yield ""
        yield "Rules: each one acts when its condition becomes true at the close of a bar"
        yield from _rules(program)


def params_in_words(params: Mapping[str, Decimal | bool | str]) -> Iterator[str]:
    from qkt.core.numbers import plain

    if params:
        yield ""
        yield "Parameters"
        for name, value in params.items():
            yield f"  {name} = {value if isinstance(value, bool | str) else plain(value)}"


def streams_in_words(streams: Sequence[StreamSpec]) -> Iterator[str]:
    yield "Streams"
    alias = max(len(stream.alias) for stream in streams)
    symbol = max(len(stream.symbol) for stream in streams)
    for stream in streams:
        warmup = f"waits for {stream.warmup} bars" if stream.warmup else "no warm-up"
        yield f"  {stream.alias:<{alias}}  {stream.symbol:<{symbol}}  {stream.timeframe.text:>4}  {warmup}"


def _rules(program: CheckedStrategy) -> Iterator[str]:
    from qkt.cli.deed_wording import deed_words
    from qkt.cli.wording import words

    frames = {stream.alias: stream.timeframe.text for stream in program.streams}
    for rule in program.rules:
        yield ""
        yield from wrapped(f"{rule.index + 1}. {rule.anchor} {frames[rule.anchor]}: when {words(rule.condition)}", 2, 5)
        for deed in rule.deeds:
            first, *details = deed_words(deed)
            yield from wrapped(first, 5, 9)
            for detail in details:
                yield from wrapped(detail, 7, 9)


def _checked(loaded: LoadedStrategy) -> CheckedStrategy:
    """The tree once more through the checker, which a loaded file has passed without an error."""
    from qkt.lang.checker import check_strategy
    from qkt.lang.codes import Problems

    program = check_strategy(loaded.tree, "", Problems())
    assert program is not None
    return program


def wrapped(text: str, indent: int, hanging: int) -> list[str]:
    """The text on lines of the terminal's width, the first one and the others indented by so many blanks."""
    from qkt.backtest import phrases

    return phrases.wrapped(text, indent, hanging, width())


def width() -> int:
    """Columns that text takes."""
    return min(get_terminal_size().columns, WIDEST)
