"""A field and what matches what stands in it: the palette, and going to something by name."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui.format import clip
from tui.palette import Entry, found
from tui.screens.dialog import Box, Dialog
from tui.table import Cell
from tui.widgets.pane import Line


class Picker(Dialog[Entry | None]):
    """Dismissed with the entry that was chosen."""

    def __init__(self, title: str, entries: Sequence[Entry], *, empty: str) -> None:
        super().__init__()
        self._title_words = title
        self._entries = entries
        self._empty = empty
        self.matches = list(entries)
        self.at = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="picker") as frame:
            frame.border_title = self._title_words
            yield Input(id="picker-field", select_on_focus=False)
            yield Box(id="box")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    def lines(self, width: int) -> list[Line]:
        room = max(min(self.app.size.height - 9, 14), 3)
        first = max(min(self.at - room // 2, len(self.matches) - room), 0)
        lines: list[Line] = []
        for index in range(first, first + room):
            if index >= len(self.matches):
                text = self._empty if not self.matches and index == first else ""
                lines.append([Cell(f"  {text}", "dim")])
                continue
            entry = self.matches[index]
            under = ">" if index == self.at else ""
            hint = clip(entry.hint, 18)
            words = clip(entry.words, width - len(hint) - 5)
            gap = width - len(words) - len(hint) - 3
            lines.append(
                [
                    Cell(f"{self.dashboard.context.glyphs.cursor if under else ' '} ", "accent" + under),
                    Cell(words, "text" + under),
                    Cell(" " * max(gap, 1), "text" + under),
                    Cell(f"{hint} ", "dim" + under),
                ]
            )
        return lines

    def on_input_changed(self, event: Input.Changed) -> None:
        self.matches = found(self._entries, event.value)
        self.at = 0
        self.redraw()

    def on_input_submitted(self) -> None:
        self.dismiss(self.matches[self.at] if self.matches else None)

    def on_key(self, event: events.Key) -> None:
        steps = {"down": 1, "up": -1, "tab": 1, "shift+tab": -1, "pagedown": 8, "pageup": -8}
        if event.key == "escape":
            event.stop()
            self.dismiss(None)
        elif event.key in steps:
            event.stop()
            event.prevent_default()
            self.at = min(max(self.at + steps[event.key], 0), max(len(self.matches) - 1, 0))
            self.redraw()

    def on_click(self, event: events.Click) -> None:
        box = self.query_one(Box)
        if event.widget is box:
            room = max(min(self.app.size.height - 9, 14), 3)
            first = max(min(self.at - room // 2, len(self.matches) - room), 0)
            if first + event.y < len(self.matches):
                self.dismiss(self.matches[first + event.y])

    def on_paste(self, event: events.Paste) -> None:
        """A name may be pasted into the field."""
