"""`qkt incident`: what happened, in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qkt.cli.options import ConfigOption, JsonOption, StateDirOption, new_app
from qkt.cli.reach import where

app = new_app()


@app.command()
def incident(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The session.")],
    since: Annotated[str, typer.Option(metavar="SPAN", help="How far back: 90m, 2h, 1d.")] = "2h",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; a name with the time when not given.")] = None,
    config: ConfigOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put journal, recording, logs, configuration and versions of a session into one zip file, without secrets.

    Works whether the engine runs or not.
    """
    import datetime as dt

    from qkt.config import load_config
    from qkt.core.clock import SystemClock
    from qkt.observe.incident import Incident, span

    settings, _ = load_config(config)
    state, now = where(state_dir, config), SystemClock().now()
    found = Incident(state, name, span(since), now)
    stamp = dt.datetime.fromtimestamp(now / 1000, dt.UTC).strftime("%Y%m%d-%H%M%S")
    target = out if out is not None else Path(f"incident-{name.replace('/', '__')}-{stamp}.zip")
    found.write(target, settings, _live(state))
    size = target.stat().st_size
    print(json.dumps({"file": str(target), "bytes": size}) if as_json else f"{target}, {size:,} bytes")


def _live(state: Path) -> dict[str, str]:
    """What the running engine says of itself, nothing when none runs."""
    import anyio

    from qkt.runtime.control.client import connect
    from qkt.runtime.control.errors import ControlError

    async def ask() -> dict[str, str]:
        async with connect(state) as client:
            health, snapshot = await client.health(), await client.snapshot()
        return {"health.json": health.model_dump_json(indent=2), "snapshot.json": snapshot.model_dump_json(indent=2)}

    try:
        return anyio.run(ask)
    except ControlError:
        return {}
