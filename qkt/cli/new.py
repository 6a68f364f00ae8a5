"""`qkt new`: a project to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from qkt.cli.options import JsonOption, new_app
from qkt.project import Kind, create

app = new_app()

NEXT = "next: cd {folder}, then what its README.md says"


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="NAME", help="The folder to make; its last part names the project.")],
    kind: Annotated[
        Kind, typer.Option("--kind", help="One strategy on paper, on MetaTrader 5, a portfolio, or one in Python.")
    ] = Kind.MINIMAL,
    as_json: JsonOption = False,
) -> None:
    """Begin a project: a strategy, its configuration, its test, and what is checked on every change. Nothing is overwritten."""
    files = [path.as_posix() for path in create(folder, kind)]
    if as_json:
        print(json.dumps({"folder": str(folder), "kind": kind.value, "files": files}, indent=2))
        return
    print("\n".join(f"{folder.as_posix()}/{file}" for file in files))
    print(NEXT.format(folder=folder.as_posix()))
