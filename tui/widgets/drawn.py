"""Widgets that are lines of text. They draw them themselves, once for every change and not once for every look."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from tui.app import Dashboard


class Drawn(Widget):
    """Keeps its lines as they were drawn. Subclasses give `render_line`, and call `spoil` for what looks different from now on.

    Stock widgets are styled anew line by line; these have neither borders nor padding, and their colours from the palette.
    """

    def __init__(self, *children: Widget, id: str) -> None:
        super().__init__(*children, id=id)
        self._drawn: dict[int, Strip] = {}
        self._drawn_as: object = None

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    @property
    def size(self) -> Size:
        """All of it: nothing surrounds the lines."""
        return self.outer_size

    def spoil(self, *lines: int) -> None:
        """These lines, or all of them, look different."""
        if not lines:
            self._drawn.clear()
        for y in lines:
            self._drawn.pop(y, None)

    def render_lines(self, crop: Region) -> list[Strip]:
        width, looks = self.size.width, (self.dashboard.palette, self.size)
        if looks != self._drawn_as:
            self._drawn.clear()
            self._drawn_as = looks
        drawn = self._drawn
        lines = []
        for y in range(crop.y, crop.bottom):
            if (line := drawn.get(y)) is None:
                line = drawn[y] = self.render_line(y)
            lines.append(line)
        return lines if crop.width == width else [line.crop(crop.x, crop.right) for line in lines]
