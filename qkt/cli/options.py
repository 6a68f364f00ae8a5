"""What many commands have in common: how their group is made, and options with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new_app() -> typer.Typer:
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")]
SomeArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="The session; all of them without it.")]
StateDirOption = Annotated[
    Path | None,
    typer.Option("--state-dir", metavar="DIR", help="State of the engine (default: QKT_STATE_DIR, qkt.toml, the user's)."),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A qkt.toml other than the usual one.")]
SeenOption = Annotated[
    int | None,
    typer.Option(metavar="VERSION", help="Do nothing if the sessions changed since this version of qkt status."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]
