"""`qkt alerts`: whether those who shall be told can be reached."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from qkt.cli.options import ConfigOption, JsonOption
from qkt.core.errors import UsageError

app = typer.Typer(
    name="alerts", help="Try the channels of alerts.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@app.callback()
def alerts() -> None:
    """Alerts of an engine."""


@app.command("test")
def try_channels(
    name: Annotated[str | None, typer.Argument(metavar="CHANNEL", help="One channel; all of them without it.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a message to every channel of qkt.toml. Exit code 1 when one does not take it."""
    import platform

    from qkt.config import ConfigError, load_config
    from qkt.observe.channel import attempt

    channels = load_config(config)[0].alerts.channels
    if not channels:
        raise ConfigError("no channels are configured", where="alerts.channels", remedy="docs/operations.md shows how")
    if name is not None and name not in channels:
        raise UsageError(f"no channel '{name}'", expected=f"one of {', '.join(channels)}")
    title, body = "[INFO] qkt: a test", f"If you read this, alerts of qkt on {platform.node()} reach you."
    problems = {
        one: attempt(one, channels[one].url.get_secret_value(), title, body) for one in (channels if name is None else [name])
    }
    if as_json:
        print(json.dumps({one: problem is None for one, problem in problems.items()}))
    else:
        for one, problem in problems.items():
            print(f"{one}: {'taken' if problem is None else f'NOT taken ({problem})'}")
    if any(problem is not None for problem in problems.values()):
        raise typer.Exit(1)
