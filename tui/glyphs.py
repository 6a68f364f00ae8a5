"""The signs that are drawn: one set for terminals with Unicode, one for those with ASCII only. All are one cell wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    up: str
    down: str
    cursor: str
    stale: str
    marked: str
    rule: str
    across: str
    bar: tuple[str, str, str, str]  # open, full, empty, close
    ramp: str  # low to high
    wick: str
    body_up: str
    body_down: str
    branch: tuple[str, str]  # a child, the last child
    braille: bool


UNICODE = Glyphs(
    up="▲",
    down="▼",
    cursor="›",
    stale="~",
    marked="*",
    rule="│",
    across="─",
    bar=("", "━", "─", ""),
    ramp="▁▂▃▄▅▆▇█",
    wick="│",
    body_up="┃",
    body_down="█",
    branch=("├ ", "└ "),
    braille=True,
)

ASCII = Glyphs(
    up="^",
    down="v",
    cursor=">",
    stale="~",
    marked="*",
    rule="|",
    across="-",
    bar=("[", "#", ".", "]"),
    ramp=".:-=+*",
    wick="|",
    body_up="O",
    body_down="#",
    branch=("+ ", "` "),
    braille=False,
)


def suited(encoding: str | None) -> Glyphs:
    """The set that text of this encoding can carry."""
    try:
        "▲█│⠿".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def trend(values: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """The last values as a row of heights, the newest at the right."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    steps = len(glyphs.ramp) - 1
    if high == low:
        return glyphs.ramp[steps // 2] * len(shown)
    return "".join(glyphs.ramp[round((value - low) / (high - low) * steps)] for value in shown)


def bar(used: float, width: int, glyphs: Glyphs) -> str:
    """A bar filled to `used` of 1."""
    opens, full, empty, closes = glyphs.bar
    cells = width - len(opens) - len(closes)
    filled = min(max(round(used * cells), 0), cells)
    return opens + full * filled + empty * (cells - filled) + closes
