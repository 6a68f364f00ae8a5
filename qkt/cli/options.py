"""Options that many commands have, with one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
