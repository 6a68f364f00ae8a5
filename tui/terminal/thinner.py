"""Fewer bytes for the same picture: colours are named again only where they change."""

from __future__ import annotations

import re
from functools import lru_cache

STYLED = re.compile(r"\x1b\[([0-9;]+)m([^\x1b]*)\x1b\[0m")
"""A text as Textual writes it: all of its style before it, and none after it."""
INKS = re.compile(r"(?:([1-9](?:;[1-9])*);)?(38;(?:2;\d+;\d+;\d+|5;\d+)|[39]\d);(48;(?:2;\d+;\d+;\d+|5;\d+)|4\d|10\d)")
"""Attributes if there are any, the colour of the letters and that of the ground."""
MOVE = re.compile(r"(?:\n?\x1b\[\d+;\d+H)*")


Inks = tuple[str, str, str]


def thinned(drawing: str) -> str:
    """The drawing with each style given as what differs from the one before it.

    Only styles of a text and a ground colour are looked at, and only where nothing but movements of the cursor stands between
    two of them; everything else stays as it is. After the last of such a row nothing is styled any more, as before.
    """
    found: list[str] = []
    at = 0
    before: Inks | None = None
    for styled in STYLED.finditer(drawing):
        start = styled.start()
        whole, text = styled.groups()
        inks = _inks(whole)
        if start != at:
            between = drawing[at:start]
            if before is not None and MOVE.fullmatch(between) is None:
                found.append("\x1b[0m")
                before = None
            found.append(between)
        if inks is None:
            found.append(("\x1b[0m" if before is not None else "") + styled[0])
        else:
            found += (_change(before, inks, whole), text)
        before, at = inks, styled.end()
    if before is not None:
        found.append("\x1b[0m")
    return "".join([*found, drawing[at:]])


@lru_cache(1024)
def _inks(style: str) -> Inks | None:
    """Attributes, letters and ground of a style, None where it has others."""
    inks = INKS.fullmatch(style)
    return None if inks is None else (inks[1] or "", inks[2], inks[3])


@lru_cache(4096)
def _change(before: Inks | None, inks: Inks, whole: str) -> str:
    if before is None:
        return f"\x1b[{whole}m"
    if before[0] != inks[0]:
        return f"\x1b[0;{whole}m"
    new = ";".join(ink for ink, old in zip(inks[1:], before[1:], strict=True) if ink != old)
    return f"\x1b[{new}m" if new else ""
