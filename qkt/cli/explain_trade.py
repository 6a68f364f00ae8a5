"""`qkt explain-trade`: why a fill happened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qkt.explain import Explanation, Recording
    from qkt.explain.story import Against, Explained

TERM = 60
"""Columns that a term may take; what is longer stands in the rule above it."""

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def explain_trade(
    run: Annotated[str, typer.Argument(metavar="SESSION|RESULT", help="A session's name, or the result of a back-test.")],
    number: Annotated[int, typer.Argument(metavar="N", help="Which fill, from 1.")],
    state_dir: Annotated[
        Path | None, typer.Option("--state-dir", metavar="DIR", help="Where the engine keeps its state.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON document.")] = False,
) -> None:
    """Tell why a fill happened: the rule and its values, the size, risk, the order's life, the fill against the quote.

    The run is done again for it, so what is shown is what happened. RESULT is what qkt backtest wrote with --json, or the
    folder of its --report.
    """
    from qkt.explain import explain

    recording = opened(run, state_dir)
    found = explain(recording, number)
    print(json.dumps(found.as_dict(), separators=(",", ":")) if as_json else "\n".join(_words(found)))


def opened(run: str, state_dir: Path | None) -> Recording:
    """A file or folder is a result, anything else the name of a session."""
    from qkt.explain import BacktestRecording
    from qkt.runtime.recording import SessionRecording
    from qkt.runtime.state import state_dir as chosen

    path = Path(run)
    if path.exists() or path.suffix == ".json":
        return BacktestRecording.read(path)
    return SessionRecording(chosen(state_dir), run)


def _words(found: Explanation) -> Iterator[str]:
    from decimal import Decimal

    from qkt.cli.tables import exact, moment
    from qkt.explain.life import lots, price

    fill = found.fill
    quantity, got = lots(Decimal(fill["quantity"])), price(Decimal(fill["price"]))
    yield f"{found.run}, fill {found.number}: {fill['side']} {quantity} {fill['symbol']} at {got}"
    yield f"  {moment(fill['timestamp'])} UTC, {fill['position_effect']}, realised {exact(Decimal(fill['realized']))}"
    yield from _against(found.against)
    yield from _order(found.order, "Order")
    if found.entry is not None:
        yield ""
        yield from _order(found.entry, "Before it, order")


def _against(found: Against) -> Iterator[str]:
    from qkt.explain.life import price

    quote = "no quote" if found.bid is None or found.ask is None else f"bid {price(found.bid)}, ask {price(found.ask)}"
    if found.cost:
        meant = f"meant to get {price(found.meant)}: {price(abs(found.cost))} {'worse' if found.cost > 0 else 'better'}"
    else:
        meant = f"as it was meant to: {price(found.meant)}"
    yield f"  the market stood at {quote}; {meant}"


def _order(found: Explained, title: str) -> Iterator[str]:
    from qkt.cli.explain import wrapped
    from qkt.cli.tables import moment

    yield ""
    yield f"{title} {found.order_id}: {found.origin}"
    cause = found.cause
    if cause is not None:
        yield ""
        yield f"  Rule {cause.rule} fired at {moment(cause.at)} UTC, on the bar that ended at {moment(cause.bar)}"
        yield from wrapped(cause.text, 4, 6)
        labels = [_cut("  " * term.depth + term.text) for term in cause.terms]
        width = max(map(len, labels), default=0)
        for label, term in zip(labels, cause.terms, strict=True):
            yield f"    {label:<{width}}  {term.value if term.value is not None else 'undefined'}"
    for name, lines in (("Size", found.sizing), ("Book", found.decisions)):
        if lines:
            yield ""
            yield f"  {name}"
            for line in lines:
                yield from wrapped(line, 4, 6)
    yield ""
    yield "  Life"
    for step in found.life:
        first, *rest = wrapped(step.text, 0, 2)
        yield f"    {moment(step.at)}  {first}"
        yield from (f"    {'':19}  {line}" for line in rest)


def _cut(label: str) -> str:
    return label if len(label) <= TERM else label[: TERM - 1] + "…"
