"""`qkt explain`: what a strategy does, in words or as the Python that runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.backtest import pairs

if TYPE_CHECKING:
    from qkt.lang import LoadedStrategy
    from qkt.lang.program import CheckedStrategy
    from qkt.strategy import StreamSpec

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

WIDEST = 100


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    source: Annotated[bool, typer.Option("--source", help="Print the generated Python instead.")] = False,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM of the strategy. Can be repeated.")
    ] = None,
) -> None:
    """Tell in plain words what a strategy does: streams, warm-up, parameters, rules with their sizes and exits."""
    values = pairs("--param", param or [])
    if file.suffix == ".py":
        from qkt.strategy.loader import load_python

        strategy = load_python(file, values)
        if source:
            print(file.read_text(encoding="utf-8"), end="")
            return
        ticks = "every tick" if strategy.wants_ticks else "closed bars"
        print(f"{strategy.name}, written in Python, acts on {ticks}\n")
        print("\n".join(_streams(strategy.streams)))
        return
    from qkt.lang import load

    loaded = load(file, values)
    print(loaded.source_code if source else "\n".join(_in_words(loaded)))


def _in_words(loaded: LoadedStrategy) -> Iterator[str]:
    from qkt.core.numbers import plain

    yield f"{loaded.name}, version {loaded.tree.version}"
    yield ""
    yield from _streams(loaded.strategy.streams)
    if loaded.params:
        yield ""
        yield "Parameters"
        for name, value in loaded.params.items():
            yield f"  {name} = {value if isinstance(value, bool | str) else plain(value)}"
    yield ""
    yield "Rules: each one acts when its condition becomes true at the close of a bar"
    yield from _rules(loaded)


def _streams(streams: Sequence[StreamSpec]) -> Iterator[str]:
    yield "Streams"
    alias = max(len(stream.alias) for stream in streams)
    symbol = max(len(stream.symbol) for stream in streams)
    for stream in streams:
        warmup = f"waits for {stream.warmup} bars" if stream.warmup else "no warm-up"
        yield f"  {stream.alias:<{alias}}  {stream.symbol:<{symbol}}  {stream.timeframe.text:>4}  {warmup}"


def _rules(loaded: LoadedStrategy) -> Iterator[str]:
    from qkt.cli.deed_wording import deed_words
    from qkt.cli.wording import words

    frames = {stream.alias: stream.timeframe.text for stream in loaded.strategy.streams}
    for rule in _checked(loaded).rules:
        yield ""
        yield from _wrapped(f"{rule.index + 1}. {rule.anchor} {frames[rule.anchor]}: when {words(rule.condition)}", 2, 5)
        for deed in rule.deeds:
            first, *details = deed_words(deed)
            yield from _wrapped(first, 5, 9)
            for detail in details:
                yield from _wrapped(detail, 7, 9)


def _checked(loaded: LoadedStrategy) -> CheckedStrategy:
    """The tree once more through the checker, which a loaded file has passed without an error."""
    from qkt.lang.checker import check_strategy
    from qkt.lang.codes import Problems

    program = check_strategy(loaded.tree, "", Problems())
    assert program is not None
    return program


def _wrapped(text: str, indent: int, hanging: int) -> list[str]:
    width = min(get_terminal_size().columns, WIDEST)
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
