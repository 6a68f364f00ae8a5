"""What a result rests on: the version that ran, and fingerprints of the strategy and of the data, so that a later run can be
told to be the same one."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from qkt.backtest.result import BacktestResult


def evidence(result: BacktestResult, command: str | None = None) -> dict[str, Any]:
    """Fingerprints are SHA-256 of what the files hold now; a file that is gone by now has none."""
    recipe = result.record.recipe
    strategy = [] if recipe is None else list(_files(Path(recipe.strategy)))
    # A source is told from the store's folder on, and from where the run was asked for.
    data = [Path(source) for report in result.record.data.values() for source in report.sources]
    return {
        "engine": _version("qkt"),
        "python": platform.python_version(),
        "platform": sys.platform,
        "libraries": {name: _version(name) for name in ("numpy", "pyarrow", "lark")},
        "command": command,
        "strategy": [_fingerprint(path) for path in strategy],
        "instruments": None if recipe is None or recipe.instruments is None else _fingerprint(Path(recipe.instruments)),
        "data": [_fingerprint(path) for path in dict.fromkeys(data)],
    }


def _files(path: Path) -> Iterator[Path]:
    """The strategy's file, and those that a portfolio imports, each once."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        yield file
        if file.suffix == ".qkt":
            waiting += _imports(file)


def _imports(file: Path) -> list[Path]:
    from qkt.core.errors import QktError
    from qkt.lang.parser import parse
    from qkt.lang.source import read_source
    from qkt.lang.tree import Portfolio

    try:
        tree = parse(read_source(file)).file
    except QktError:
        return []  # changed since it ran: its own fingerprint says so
    return [file.parent / one.path.value for one in tree.imports] if isinstance(tree, Portfolio) else []


def _fingerprint(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file": str(path), "bytes": path.stat().st_size, "sha256": digest}
    except OSError:
        return {"file": str(path), "bytes": None, "sha256": None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
