"""Thinner drawings show the same: every letter in the same place, colour and weight, and nothing styled after them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tui.terminal.thinner import thinned

STYLES = [
    "38;2;1;2;3;48;2;0;0;0",
    "38;2;9;9;9;48;2;0;0;0",
    "1;38;2;1;2;3;48;2;0;0;0",
    "1;4;38;5;7;48;5;0",
    "1",
    "7;31",
    "31",
    "1;97;40",
    "37;40",
    "97;100",
]
PIECES = st.one_of(
    st.tuples(st.sampled_from(STYLES), st.sampled_from(["a", "bc", " ", "", "│"])).map(
        lambda one: f"\x1b[{one[0]}m{one[1]}\x1b[0m"
    ),
    st.sampled_from(["\x1b[3;4H", "\n\x1b[5;6H", "\x1b[?25l", "plain", "\x1b[?2026h", "\n", "\x1b[2J"]),
)


def seen(drawing: str) -> list[tuple[str, frozenset[str]]]:
    """Each letter, and each command but of style, with the style in force."""
    shown: list[tuple[str, frozenset[str]]] = []
    style: dict[str, str] = {}
    for code, command, text in re.findall(r"\x1b\[([0-9;]*)m|(\x1b\[\??[0-9;]*[A-Za-z])|([^\x1b])", drawing):
        if command or text:
            shown.append((command or text, frozenset(style.values())))
            continue
        parts = re.findall(r"38;2;\d+;\d+;\d+|48;2;\d+;\d+;\d+|38;5;\d+|48;5;\d+|\d+", code)
        for part in parts:
            if part == "0":
                style.clear()
            else:
                style["ink" if re.match(r"38;|3.$|9.$", part) else "ground" if re.match(r"48;|4.$|10.$", part) else part] = part
    return [*shown, ("end", frozenset(style.values()))]


@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_thinner_drawing_shows_the_same(drawing: str) -> None:
    thin = thinned(drawing)
    cursor = re.compile(r"\x1b\[\d+;\d+H|\n")
    assert [one if not cursor.fullmatch(one[0]) else one[0] for one in seen(thin)] == [
        one if not cursor.fullmatch(one[0]) else one[0] for one in seen(drawing)
    ]
    assert len(thin) <= len(drawing)


def test_a_colour_that_stays_is_named_once() -> None:
    first, second = "38;2;1;2;3;48;2;0;0;0", "38;2;9;9;9;48;2;0;0;0"
    drawing = f"\x1b[1;1H\x1b[{first}mab\x1b[0m\x1b[{second}mcd\x1b[0m\x1b[2;1H\x1b[{second}mef\x1b[0m"
    assert thinned(drawing) == f"\x1b[1;1H\x1b[{first}mab\x1b[38;2;9;9;9mcd\x1b[2;1Hef\x1b[0m"
