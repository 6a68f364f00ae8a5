"""NAME=VALUE on a command line."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.core.errors import UsageError


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE texts as a mapping. Raises UsageError for another form or a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise UsageError(f"{option} '{text}' cannot be understood", expected="NAME=VALUE")
        if name in found:
            raise UsageError(f"{option} gives '{name}' twice", expected="each name once")
        found[name] = value
    return found
