"""`qkt lsp`: the language server, spoken to over stdin and stdout."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version

import typer

from qkt.cli.options import new_app
from qkt.core.errors import UsageError, extra

app = new_app()


@app.command("lsp")
def serve() -> None:
    """Serve an editor: problems while typing, completion, hover, definitions, symbols, formatting."""
    try:
        from qkt.lsp.server import make_server
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise UsageError("the language server needs pygls", remedy=extra("lsp")) from None
    try:
        known = version("qkt")
    except PackageNotFoundError:
        known = "unreleased"
    server = make_server(known)
    # the server closes its output at the end, and ours must stay open
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        server.start_io(stdout=output)
    raise typer.Exit(0 if server.dismissed else 1)
