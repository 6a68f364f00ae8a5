"""Every key, from the register."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tui.actions import ACTIONS, Action
from tui.format import clip
from tui.screens.dialog import Dialog
from tui.table import Cell
from tui.widgets.pane import Line

MOVING = (
    ("Tab", "next pane"),
    ("hjkl, arrows", "move"),
    ("PgUp PgDn Home End", "by pages"),
)
FILTERS = "words are and-ed: hedge sell !paper pnl<0 state:halt"


class Help(Dialog[None]):
    TITLE_WORD = "Keys"

    def __init__(self) -> None:
        super().__init__()
        self.first = 0

    def inner_width(self) -> int:
        return 150 if self.app.size.width >= 150 else 96 if self.app.size.width >= 104 else 74

    def lines(self, width: int) -> list[Line]:
        look = [action for action in ACTIONS if not action.changes]
        change = [action for action in ACTIONS if action.changes]
        left = [
            *_block("LOOKING", _merged(look), False),
            [Cell("")],
            *_block("MOVING", MOVING, False),
        ]
        right = [
            *_block("CHANGING (locked: only H K N A L)", [(a.label, a.title) for a in change], True),
            [Cell("")],
            [Cell("FILTER", "title")],
            [Cell(clip(f"  {FILTERS}", width), "dim")],
        ]
        rows = _beside(left, right, width) if width >= 90 else [*left, [Cell("")], *right]
        room = max(self.app.size.height - 6, 4)
        self.first = max(min(self.first, len(rows) - room), 0)
        shown = rows[self.first : self.first + room]
        more = len(rows) - room - self.first
        tail = f"{more} more below, j or PgDn" if more > 0 else "Esc leaves"
        return [*shown, [Cell(tail.rjust(width), "dim")]]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": 10, "pageup": -10, "home": -1000, "end": 1000}
        if event.key in steps:
            self.first = max(self.first + steps[event.key], 0)
            self.redraw()
        elif event.key not in ("shift", "ctrl"):
            self.dismiss(None)


def _merged(actions: Sequence[Action]) -> list[tuple[str, str]]:
    """The ten screens in one line, the others one each."""
    rest = [(action.label, action.title) for action in actions if not action.label.isdigit()]
    return [("1 .. 9, 0", "Overview, Strategy .. System"), *rest]


def _block(title: str, pairs: Sequence[tuple[str, str]], danger: bool) -> list[Line]:
    room = max(len(key) for key, _ in pairs) + 2
    return [
        [Cell(title, "title")],
        *([Cell(f"  {key:<{room}}", "warn" if danger else "focus"), Cell(words)] for key, words in pairs),
    ]


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    half = width // 2
    lines: list[Line] = []
    for i in range(max(len(left), len(right))):
        one = list(left[i]) if i < len(left) else []
        used = sum(len(cell.text) for cell in one)
        other = list(right[i]) if i < len(right) else []
        lines.append([*one, Cell(" " * max(half - used, 1)), *other])
    return lines
