"""`qkt explain-trade`: why a fill happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import JsonOption, StateDirOption, new_app
from qkt.cli.reach import where

if TYPE_CHECKING:
    from qkt.explain import Recording

app = new_app()


@app.command()
def explain_trade(
    run: Annotated[str, typer.Argument(metavar="SESSION|RESULT", help="A session's name, or the result of a back-test.")],
    number: Annotated[int, typer.Argument(metavar="N", help="Which fill, from 1.")],
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell why a fill happened: the rule and its values, the size, risk, the order's life, the fill against the quote.

    The run is done again for it, so what is shown is what happened. RESULT is what qkt backtest wrote with --json, or the
    folder of its --report.
    """
    from qkt.cli.explain import width
    from qkt.explain import explain
    from qkt.explain.words import story

    found = explain(opened(run, state_dir), number)
    print(json.dumps(found.as_dict(), separators=(",", ":")) if as_json else "\n".join(story(found, width())))


def opened(run: str, state_dir: Path | None) -> Recording:
    """A file or folder is a result, anything else the name of a session."""
    from qkt.explain import BacktestRecording
    from qkt.runtime.recording import SessionRecording

    path = Path(run)
    if path.exists() or path.suffix == ".json":
        return BacktestRecording.read(path)
    return SessionRecording(where(state_dir), run)
