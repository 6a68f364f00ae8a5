"""`qkt config`: what an engine would trade with, and where that is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="config", help="Show the configuration.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)


@app.callback()
def config() -> None:
    """The configuration of an engine."""


@app.command()
def show(
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="A qkt.toml other than the usual one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
) -> None:
    """Show every value that holds, and the file it was read from. Secrets show only that they are set."""
    from qkt.config import load_config, shown

    loaded, path = load_config(config)
    values = shown(loaded)
    if as_json:
        print(json.dumps({"file": None if path is None else str(path), "values": values}, indent=2))
        return
    print(f"# {path}" if path is not None else "# no qkt.toml: these are the defaults")
    for line in _lines(values):
        print(line)


def _lines(values: dict[str, Any], section: str = "") -> list[str]:
    """The values as they would stand in a file; those without one are comments, and empty tables are left out."""
    lines = [_line(key, value) for key, value in values.items() if not isinstance(value, dict)]
    if section and lines:
        lines = ["", f"[{section}]", *lines]
    for key, inner in values.items():
        if isinstance(inner, dict):
            lines += _lines(inner, f"{section}.{_key(key)}" if section else _key(key))
    return lines


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)


def _line(key: str, value: Any) -> str:
    return f"# {_key(key)} =" if value is None else f"{_key(key)} = {json.dumps(value)}"
