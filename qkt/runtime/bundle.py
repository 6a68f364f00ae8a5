"""The source of a portfolio as it is registered: its own text and those of all its children in one, so that a session does not
depend on files that change after it was deployed.

The parts are divided by comment lines, and the first is the portfolio's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from qkt.core.errors import StrategyError

_DIVIDER = re.compile(r"^-- qkt: imports (\".*\")\n", re.MULTILINE)


def bundled(source: str, imports: Mapping[str, str], where: str) -> str:
    """One text of a portfolio and the texts of what it imports, by the paths as they are written.

    Raises StrategyError for a text that has a dividing line of its own.
    """
    for text in (source, *imports.values()):
        found = _DIVIDER.search(text)
        if found is not None:
            line = text.count("\n", 0, found.start()) + 1
            raise StrategyError(f"line {line} divides registered sources", where=where, remedy="change that comment")
    return source + "".join(f"\n-- qkt: imports {json.dumps(name)}\n{text}" for name, text in imports.items())


def unbundled(source: str) -> tuple[str, dict[str, str]]:
    """The text of a portfolio, and those of its imports by path; a strategy has none."""
    first, *rest = _DIVIDER.split(source)
    texts = [first, *rest[1::2]]
    texts = [*(text.removesuffix("\n") for text in texts[:-1]), texts[-1]]
    return texts[0], {json.loads(name): text for name, text in zip(rest[::2], texts[1:], strict=True)}


def reading(imports: Mapping[str, str]) -> Callable[[str, Path], str]:
    """Reads imports out of a bundle. Raises StrategyError for one that is not in it."""

    def read(written: str, path: Path) -> str:
        if written not in imports:
            raise StrategyError("is not in the registered source", where=str(path), expected="what was deployed with it")
        return imports[written]

    return read
