"""A strategy file to be chosen, and checked as soon as it is: what deploying and back-testing have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.widgets import Input

from qkt.core.errors import QktError
from qkt.runtime import control
from tui import format as fmt
from tui.screens.dialog import Box, wrapped
from tui.screens.form import Field, Form
from tui.table import Cell
from tui.widgets.pane import Line

if TYPE_CHECKING:
    from qkt.runtime.control.details import CheckReport, FileRow

R = TypeVar("R")

# Files shown at once, and seconds between two checks of the one that is chosen: it may be edited meanwhile.
SHOWN = 5
CHECK_EVERY = 2.0


class FileForm(Form[R]):
    """The first field narrows the files; Up and Down choose one of them. A path of one's own may be typed."""

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self._given = path
        self._files: Sequence[FileRow] = ()
        self._matches: list[FileRow] = []
        self._at = 0
        self.report: CheckReport | None = None
        self.problem = ""

    def more_fields(self) -> Sequence[Field]:
        return ()

    def fields(self) -> Sequence[Field]:
        return [Field("file", "file", "type to find, Up and Down choose", self._given), *self.more_fields()]

    def below(self, field: str) -> ComposeResult:
        if field == "file":
            yield Box(id="files")

    def on_mount(self) -> None:
        self._show_files()
        self.dashboard.background(self._ask_files, "look.files", exclusive=True)
        self.set_interval(CHECK_EVERY, self._check)

    @property
    def path(self) -> str:
        """The chosen file; what was typed when no file of that name is offered."""
        if self._matches:
            return self._matches[min(self._at, len(self._matches) - 1)].path
        return self.value("file")

    async def _ask_files(self) -> None:
        try:
            self._files = await self.dashboard.link.files()
        except QktError as problem:
            self.problem = str(problem)
        self._narrow()

    def _narrow(self) -> None:
        typed = self.value("file").lower()
        self._matches = [one for one in self._files if all(word in one.path.lower() for word in typed.split())]
        self._at = next((i for i, one in enumerate(self._matches) if one.path == self._given), 0)
        self._show_files()
        self._check()

    def _show_files(self) -> None:
        first = max(min(self._at - SHOWN // 2, len(self._matches) - SHOWN), 0)
        lines: list[Line] = []
        for i in range(first, first + SHOWN):
            if i >= len(self._matches):
                text = "no file of that name; Enter takes what is typed" if i == first and self._files else ""
                lines.append([Cell(f"  {text}", "dim")])
                continue
            file = self._matches[i]
            under = ">" if i == self._at else ""
            note = f"runs as {', '.join(file.deployed)}" if file.deployed else ""
            sign = self.dashboard.context.glyphs.cursor if under else " "
            name = fmt.clip(fmt.clean(file.path.rpartition("/")[2]), 34)
            cells = [Cell(f"{sign} ", "accent" + under), Cell(f"{name:<36}", "text" + under)]
            lines.append([*cells, Cell(fmt.clip(fmt.clean(note), 34), "dim" + under)])
        self.query_one("#files", Box).show(lines)

    # ------------------------------------------------------------------ checking

    def _check(self) -> None:
        if self.path:
            self.dashboard.background(partial(self._checked, self.path), "look.check", exclusive=True)
        elif self.is_current:
            self.redraw()

    async def _checked(self, path: str) -> None:
        before = self.report
        try:
            self.report = await self.dashboard.link.check(control.details.CheckRequest(path=path))
            self.problem = ""
        except QktError as problem:
            self.report, self.problem = None, str(problem)
        if not self.is_current:
            return
        if self.report is not None and (before is None or before.path != self.report.path):
            self.chosen(self.report)
        self.redraw()

    def chosen(self, report: CheckReport) -> None:
        """Another file was checked: take its name over."""

    def redraw(self) -> None:
        self.query_one("#box", Box).show(self.lines(max(min(self.app.size.width - 6, self.inner_width()), 20)))

    def lines(self, width: int) -> list[Line]:
        lines: list[Line] = [[Cell("")]]
        if self.problem:
            lines += [[Cell(part, "alarm")] for part in wrapped(fmt.clean(self.problem), width)]
        elif self.report is not None:
            lines += _report(self.report, width, max(self.app.size.height - 16, 3))
        else:
            lines.append([Cell("checking" if self.path else "choose a file", "dim")])
        lines.append([Cell(f"{self.hint():>{width}}", "dim")])
        return lines

    def hint(self) -> str:
        return "Tab next field   Enter goes on   Esc leaves"

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "field-file" and event.value != self._given:
            self._given = ""
            self._narrow()

    def on_key(self, event: events.Key) -> None:
        step = {"down": 1, "up": -1}.get(event.key)
        if step is not None and self._matches:
            event.stop()
            self._at = min(max(self._at + step, 0), len(self._matches) - 1)
            self._show_files()
            self._check()


def _report(report: CheckReport, width: int, most: int) -> list[Line]:
    """What the checker says, errors with their places first."""
    if report.error is not None:
        return [[Cell(part, "alarm")] for part in wrapped(fmt.clean(report.error), width)]
    if report.ok and not report.problems:
        symbols = ", ".join(fmt.symbol(name) for name in report.symbols)
        given = "  ".join(f"{one.name}={one.value}" for one in report.params)
        lines: list[Line] = [[Cell("checked, no problems", "up"), Cell(f"   {report.kind} {symbols}", "dim")]]
        return [*lines, [Cell(fmt.clip(f"PARAM {fmt.clean(given)}", width), "dim")]] if given else lines
    lines = []
    for problem in sorted(report.problems, key=lambda one: (one.severity != "error", one.line)):
        role = "alarm" if problem.severity == "error" else "warn"
        place = f"{problem.line}:{problem.column} "
        hint = f" ({problem.hint})" if problem.hint else ""
        words = wrapped(fmt.clean(f"{problem.code}: {problem.message}{hint}"), width - len(place))
        for i, part in enumerate(words):
            lines.append([Cell(place if i == 0 else " " * len(place), "dim"), Cell(part, role)])
    errors = sum(one.severity == "error" for one in report.problems)
    total = f"{errors} errors, {len(report.problems) - errors} warnings"
    return [*lines[:most], [Cell(total, "alarm" if errors else "warn")]]
