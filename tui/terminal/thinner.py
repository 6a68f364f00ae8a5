"""Fewer bytes for the same picture: colours are named again only where they change."""

from __future__ import annotations

import re

STYLED = re.compile(r"\x1b\[([0-9;]+)m([^\x1b]*)\x1b\[0m")
"""A text as Textual writes it: all of its style before it, and none after it."""
INKS = re.compile(r"(?:([1-9](?:;[1-9])*);)?(38;(?:2;\d+;\d+;\d+|5;\d+)|[39]\d);(48;(?:2;\d+;\d+;\d+|5;\d+)|4\d|10\d)")
"""Attributes if there are any, the colour of the letters and that of the ground."""
MOVE = re.compile(r"(?:\n?\x1b\[\d+;\d+H)*")


def thinned(drawing: str) -> str:
    """The drawing with each style given as what differs from the one before it.

    Only styles of a text and a ground colour are looked at, and only where nothing but movements of the cursor stands between
    two of them; everything else stays as it is. After the last of such a row nothing is styled any more, as before.
    """
    found: list[str] = []
    at = 0
    before: tuple[str, str, str] | None = None
    for styled in STYLED.finditer(drawing):
        between = drawing[at : styled.start()]
        inks = INKS.fullmatch(styled[1])
        style = (inks[1] or "", inks[2], inks[3]) if inks is not None else None
        if before is not None and MOVE.fullmatch(between) is None:
            found.append("\x1b[0m")
            before = None
        found.append(between)
        if style is None:
            found.append(("\x1b[0m" if before is not None else "") + styled[0])
        else:
            found.append(_change(before, style, styled[1]) + styled[2])
        before, at = style, styled.end()
    if before is not None:
        found.append("\x1b[0m")
    return "".join([*found, drawing[at:]])


def _change(before: tuple[str, str, str] | None, style: tuple[str, str, str], whole: str) -> str:
    if before is None:
        return f"\x1b[{whole}m"
    if before[0] != style[0]:
        return f"\x1b[0;{whole}m"
    new = ";".join(ink for ink, old in zip(style[1:], before[1:], strict=True) if ink != old)
    return f"\x1b[{new}m" if new else ""
