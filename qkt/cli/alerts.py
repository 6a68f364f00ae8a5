"""`qkt alerts`: whether those who shall be told can be reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qkt.core.errors import UsageError

app = typer.Typer(
    name="alerts", help="Try the channels of alerts.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@app.callback()
def alerts() -> None:
    """Alerts of an engine."""


@app.command("test")
def try_channels(
    name: Annotated[str | None, typer.Argument(metavar="[CHANNEL]", help="One channel; all of them without it.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A qkt.toml other than the usual.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
) -> None:
    """Send a message to every channel of qkt.toml. Exit code 1 when one does not take it."""
    import platform

    from qkt.config import ConfigError, load_config
    from qkt.observe.channel import sender

    channels = load_config(config)[0].alerts.channels
    if not channels:
        raise ConfigError("no channels are configured", where="alerts.channels", remedy="docs/operations.md shows how")
    if name is not None and name not in channels:
        raise UsageError(f"no channel '{name}'", expected=f"one of {', '.join(channels)}")
    taken = {}
    for one in channels if name is None else [name]:
        send = sender(one, channels[one].url.get_secret_value())
        taken[one] = send("[INFO] qkt: a test", f"If you read this, alerts of qkt on {platform.node()} reach you.")
    if as_json:
        print(json.dumps(taken))
    else:
        for one, done in taken.items():
            print(f"{one}: {'taken' if done else 'NOT taken'}")
    if not all(taken.values()):
        raise typer.Exit(1)
