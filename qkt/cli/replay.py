"""`qkt replay`: what a session recorded, done again and compared."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from typing import Annotated

import typer

from qkt.cli.options import JsonOption, StateDirOption, new_app
from qkt.cli.reach import where

app = new_app()


@app.command()
def replay(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its deploy name.")],
    day: Annotated[str | None, typer.Option(metavar="DATE", help="Compare only the fills of this day (UTC).")] = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run what a session recorded through the back-test and compare every trade; exit code 1 when one differs."""
    from qkt.runtime.replay import replay as run

    found = run(where(state_dir), session, None if day is None else _date(day))
    if as_json:
        print(json.dumps(asdict(found)))
    elif found.divergence is None:
        print(f"{found.session}: {found.ticks:,} ticks, {found.fills:,} fills, all the same ({found.way})")
    else:
        print(f"{found.session}: differs: {found.divergence}")
    if found.divergence is not None:
        raise typer.Exit(1)


def _date(text: str) -> dt.date:
    from qkt.core.errors import UsageError

    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--day is '{text}'", expected="a date such as 2024-01-10") from None
