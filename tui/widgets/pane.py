"""A pane: a title row and lines beneath it, drawn as strips. All panes of all screens are of this kind."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip

from tui.actions import Focus
from tui.format import clean, clip
from tui.placing import Want
from tui.table import Cell, Context
from tui.viewmodel import ChangeSet, View
from tui.widgets.drawn import Drawn

if TYPE_CHECKING:
    from tui.styles.themes import Palette

Line = Sequence[Cell]

log = logging.getLogger("tui")


class Pane(Drawn, can_focus=True):
    """A titled part of a screen. Subclasses give `body`, the lines beneath the title, and say what they want in rows."""

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"
    # The least rows that say anything: the title and one line.
    LEAST: ClassVar[int] = 2
    # Whether a filter can narrow it.
    filters: ClassVar[bool] = False

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self.heading = title
        self.note = ""
        self.filter_text = ""
        self.placed = True
        self._painted: list[Line] = []
        self._tallest = 0
        self.jump_letter = ""
        self._broken = self._logged = ""

    @property
    def palette(self) -> Palette:
        return self.dashboard.palette

    @property
    def context(self) -> Context:
        return self.dashboard.context

    def take(self, view: View, changes: ChangeSet) -> None:
        """Take a frame. What goes wrong with a pane stays in it, and is tried again with the next frame."""
        again, self._broken = bool(self._broken), ""
        try:
            self.apply(view, ChangeSet(everything=True) if again else changes)
        except Exception as problem:
            self._break(problem)
            self.repaint()

    def _break(self, problem: Exception) -> None:
        self._broken = f"{type(problem).__name__}: {problem}"
        if self._broken != self._logged:
            self._logged = self._broken
            log.exception("the pane %s cannot show what came", self.id)

    # ------------------------------------------------------- what subclasses say

    def apply(self, view: View, changes: ChangeSet) -> None:
        """Take what changed. Called once a frame for panes that are seen."""
        self.repaint()

    def body(self, width: int, height: int) -> list[Line]:
        """The lines beneath the title."""
        return []

    def rows_wanted(self) -> int:
        """Lines that would show all there is."""
        return 1

    def set_filter(self, text: str) -> None:
        """Show only what matches."""

    def focus_of(self) -> Focus:
        """What the focused row is about."""
        return Focus()

    def copied(self) -> str:
        """What copying takes: the row under the cursor, else all lines."""
        return "\n".join("".join(cell.text for cell in line).rstrip() for line in self._painted[1:])

    # ------------------------------------------------------------------- placing

    def want(self) -> Want:
        """Rows asked of the screen. What a pane once had it keeps until the size changes, so that nothing below it jumps."""
        self._tallest = max(self._tallest, self.rows_wanted() + 1)
        return Want(min(self.LEAST, self._tallest), self._tallest)

    def allow_focus(self) -> bool:
        return self.can_focus and self.placed

    def on_resize(self) -> None:
        self._tallest = 0
        self._painted = []
        self.spoil()
        self.refresh()

    def on_focus(self) -> None:
        self.repaint()
        self.dashboard.show_lines()

    def on_blur(self) -> None:
        self.repaint()

    # ------------------------------------------------------------------ painting

    def repaint(self) -> None:
        """Compare what should stand here with what does, and mark the spans of lines that differ."""
        if not self.is_mounted or not self.placed:
            return
        width, height = self.size
        if not width or not height:
            return
        new = self._lines(width, height)
        old = self._painted
        self._painted = new
        regions = []
        for y in range(max(len(new), len(old))):
            before: Line = old[y] if y < len(old) else ()
            after: Line = new[y] if y < len(new) else ()
            if before != after:
                start, end = _span(before, after)
                self.spoil(y)
                regions.append(Region(start, y, max(min(end, width) - start, 1), 1))
        if regions:
            self.refresh(*regions)

    def _lines(self, width: int, height: int) -> list[Line]:
        try:
            lines = [] if self._broken else self.body(width, height - 1)  # first, as it says what the title counts
        except Exception as problem:
            lines = []
            self._break(problem)
        if self._broken:
            self.note = ""
            says = (f"This pane cannot show what came: {clean(self._broken)}", "The log of the dashboard says where.")
            lines = [[Cell(clip(f"  {part}", width), "alarm")] for part in says]
        return [self._title(width), *lines][:height]

    def _title(self, width: int) -> Line:
        role = "focus" if self.has_focus else "title"
        letter = f"{self.jump_letter} " if self.jump_letter else ""
        left = clip(letter + self.heading, width)
        note = clip(self.note, max(width - len(left) - 2, 0))
        gap = width - len(left) - len(note)
        return [Cell(letter, "alert"), Cell(left[len(letter) :], role), Cell(" " * gap), Cell(note, "dim")]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """None: the palette has every colour as the terminal takes it."""
        return ()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if not self._painted:
            self._painted = self._lines(width, height)
        if y >= len(self._painted):
            return Strip.blank(width, self.palette["text"])
        return strip(self._painted[y], width, self.palette)


def strip(line: Iterable[Cell], width: int, palette: Palette, *, raised: bool = False) -> Strip:
    """A line of cells as Textual draws it; a role that ends in `>` stands under the cursor."""
    ground = palette.raised if raised else palette.ground
    segments = []
    used = 0
    text, role = "", ""
    for part, wanted in line:
        if not part or used >= width:
            continue
        part = part[: width - used]
        used += len(part)
        if wanted == role or not text:  # neighbours of one role are one segment: fewer bytes to the terminal
            text, role = text + part, wanted
            continue
        segments.append(Segment(text, _style(role, ground, palette)))
        text, role = part, wanted
    if text:
        segments.append(Segment(text, _style(role, ground, palette)))
    if used < width:
        segments.append(Segment(" " * (width - used), ground["text"]))
    return Strip(segments, width)


def _style(role: str, ground: Mapping[str, Style], palette: Palette) -> Style:
    return palette.cursor[role[:-1]] if role.endswith(">") else ground[role]


def _span(before: Line, after: Line) -> tuple[int, int]:
    """The columns in which two lines differ."""
    start = x = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        x += len(one.text)
    start = x
    if len(before) == len(after):
        tail = 0
        for one, other in zip(reversed(before), reversed(after), strict=True):
            if one != other:
                break
            tail += len(one.text)
        total = sum(len(cell.text) for cell in after)
        if total == sum(len(cell.text) for cell in before):
            return start, max(total - tail, start + 1)
    return start, 10_000
