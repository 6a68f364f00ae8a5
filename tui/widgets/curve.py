"""A curve over time with its values at the left and times below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tui import format as fmt
from tui.format import DAY
from tui.placing import Want
from tui.plot import curve, sampled
from tui.table import Cell
from tui.widgets.pane import Line, Pane


class Point(NamedTuple):
    ts: int
    value: float


Label = Callable[[float], str]

# What must lie between two times below a curve.
TIME_EVERY = 14


class CurvePane(Pane):
    """Points that a screen gives it; figures of the curve stand in the title."""

    can_focus = False
    LEAST = 4

    def __init__(
        self, title: str, *, id: str, label: Label, rows: int = 6, role: str = "accent", times: bool = True, fills: bool = False
    ) -> None:
        super().__init__(title, id=id)
        self._points: Sequence[Point] = ()
        self._value_text = label
        self.rows_asked = rows
        self._role = role
        self._times = times
        self._fills = fills
        self.problem = ""

    @property
    def most(self) -> int:
        """Points that can be told apart at this width, or at that of the screen while it has none yet."""
        return 2 * (self.size.width or self.app.size.width)

    def give(self, points: Sequence[Point], note: str = "") -> None:
        self._points = points
        self.note = note
        self.problem = ""
        self.repaint()

    def fail(self, problem: str) -> None:
        self.problem = problem
        self.repaint()

    def want(self) -> Want:
        return Want(min(self.LEAST, self.rows_asked + 1), self.rows_asked + 1, self._fills)

    def body(self, width: int, height: int) -> list[Line]:
        if self.problem:
            return [[Cell(fmt.clip(f"  {fmt.clean(self.problem)}", width), "warn")]]
        if len(self._points) < 2:
            return [[Cell("  nothing to draw yet", "dim")]]
        times = self._times and height >= 4
        rows = height - (1 if times else 0)
        values = [point.value for point in self._points]
        top, bottom = self._value_text(max(values)), self._value_text(min(values))
        room = max(len(top), len(bottom)) + 1
        rule = self.context.glyphs.rule
        drawn = curve(values, width - room - 2, rows, braille=self.context.glyphs.braille)
        lines: list[Line] = []
        for i, text in enumerate(drawn):
            label = top if i == (0 if bottom != top else rows // 2) else bottom if i == rows - 1 and bottom != top else ""
            lines.append([Cell(f"{label:>{room}}", "dim"), Cell(rule, "faint"), Cell(text, self._role)])
        if times:
            lines.append([Cell(" " * (room + 1)), Cell(self._times_below(width - room - 2), "dim")])
        return lines

    def _times_below(self, width: int) -> str:
        first, last = self._points[0].ts, self._points[-1].ts
        show = fmt.minute if last - first < 2 * DAY else fmt.day
        marks = max(width // TIME_EVERY, 2)
        stamps = [show(int(ts)) for ts in sampled([float(point.ts) for point in self._points], marks)]
        text = stamps[0]
        for i, stamp in enumerate(stamps[1:], 1):
            at = round(i * (width - len(stamp)) / (len(stamps) - 1))
            text = f"{text:<{at}}{stamp}" if at > len(text) else text
        return text[:width]
