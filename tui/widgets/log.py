"""What happened, line by line: the newest at the bottom, following until someone scrolls."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tui import filter as narrowing
from tui import format as fmt
from tui.actions import Focus
from tui.placing import Want
from tui.said import Said
from tui.table import Cell
from tui.tables.risk import level_role
from tui.viewmodel import LINES_KEPT, ChangeSet, View
from tui.widgets.pane import Line, Pane

LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
STAMP = 8
"""Letters of a time of today; that of another day is longer."""


class LogPane(Pane):
    """A window on the lines of the view. `only` narrows it, the level and a filter narrow it further."""

    LEAST = 2
    filters = True

    def __init__(
        self, *, id: str, title: str = "LOG", only: Callable[[Said], bool] | None = None, scoped: bool = False
    ) -> None:
        super().__init__(title, id=id)
        self._word = title
        self._only = only
        self._scoped = scoped
        self.level = 1
        self.follow = True
        self.shown: list[Said] = []
        self.at = 0
        self._due = True
        self._stamp = STAMP

    def narrow(self, only: Callable[[Said], bool] | None) -> None:
        self._only = only
        self._due = True

    def apply(self, view: View, changes: ChangeSet) -> None:
        if self._due or changes.everything:
            self._gather(view)
        elif changes.lines:
            self._append(view, changes.lines)
        self.repaint()

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._gather(self.context.view)
        self.repaint()

    def step_level(self, step: int) -> None:
        self.level = min(max(self.level + step, 0), len(LEVELS) - 1)
        self._gather(self.context.view)
        self.repaint()

    def toggle_follow(self) -> None:
        self.follow = not self.follow
        if self.follow:
            self.at = max(len(self.shown) - 1, 0)
        self.repaint()

    def _wanted(self, line: Said) -> bool:
        if self._only is not None and not self._only(line):
            return False
        if LEVELS.index(line.level) < self.level:
            return False
        tests = narrowing.parse(self.filter_text)
        return not tests or narrowing.holds(f"{line.level} {line.kind} {line.scope} {line.text}", tests)

    def _gather(self, view: View) -> None:
        self._due = False
        current = self.current
        self.shown = [line for line in view.lines if self._wanted(line)]
        if self.follow or current is None:
            self.at = max(len(self.shown) - 1, 0)
        else:
            self.at = next(
                (i for i, line in enumerate(self.shown) if line.number >= current.number), max(len(self.shown) - 1, 0)
            )

    def _append(self, view: View, count: int) -> None:
        self.shown += [line for line in view.lines[-count:] if self._wanted(line)]
        surplus = len(self.shown) - LINES_KEPT
        if surplus > 0:
            del self.shown[:surplus]
            self.at = max(self.at - surplus, 0)
        if self.follow:
            self.at = max(len(self.shown) - 1, 0)

    @property
    def current(self) -> Said | None:
        return self.shown[self.at] if 0 <= self.at < len(self.shown) else None

    def want(self) -> Want:
        return Want(self.LEAST, 3, fills=True)

    def on_key(self, event: events.Key) -> None:
        page = max(self.size.height - 2, 1)
        last = len(self.shown)
        steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page, "home": -last, "end": last}
        if event.key in steps:
            self.scroll_by(steps[event.key])
            event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.scroll_by(3)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.scroll_by(-3)
        event.stop()

    def scroll_by(self, step: int) -> None:
        """Move the cursor. Going up stops following, reaching the end follows again."""
        last = max(len(self.shown) - 1, 0)
        self.at = min(max(self.at + step, 0), last)
        self.follow = self.at == last
        self.repaint()

    def body(self, width: int, height: int) -> list[Line]:
        level = LEVELS[self.level]
        words = [
            f"/{self.filter_text}  {len(self.shown)} lines" if self.filter_text else "",
            "" if self.follow else "PAUSED, f follows",
        ]
        self.heading = "  ".join(word for word in (self._word, *words) if word)
        missed = self.context.view.missed
        self.note = "  ".join(part for part in (f"{missed} missed" if missed else "", level if level != "INFO" else "") if part)
        if not self.shown:
            if self.context.view.state is None:
                return [[Cell("  waiting for data", "dim")]]
            what = f"Nothing matches '{self.filter_text}'. Esc shows all." if self.filter_text else "Nothing has happened yet."
            return [[Cell(fmt.clip(f"  {what}", width), "dim")]]
        end = min(max(self.at + 1, height), len(self.shown)) if not self.follow else len(self.shown)
        start = max(end - height, 0)
        scope_width = 0 if self._scoped else self._scope_width(width)
        present = self.context.view.present
        stamps = [fmt.when(line.ts, present(line.scope)) for line in self.shown[start:end]]
        self._stamp = max(self._stamp, *map(len, stamps))
        return [self._line(i, stamp, width, scope_width) for i, stamp in enumerate(stamps, start)]

    def _scope_width(self, width: int) -> int:
        longest = max((len(line.scope) for line in self.shown[-60:]), default=8)
        return min(max(longest, 8), 14 if width < 100 else 20)

    def on_resize(self) -> None:
        """What a column once had it keeps until the size changes, so that nothing jumps."""
        self._stamp = STAMP
        super().on_resize()

    def _line(self, index: int, stamp: str, width: int, scope_width: int) -> Line:
        line = self.shown[index]
        under = ">" if index == self.at and self.has_focus and not self.follow else ""
        role = level_role(line.level)
        if line.kind == "fill":
            role = "accent"
        elif line.kind == "operator":
            role = "title"
        cells = [
            Cell(f"{stamp:<{self._stamp}} ", "dim" + under),
            Cell(f"{line.level:<5} ", level_role(line.level) + under),
        ]
        if scope_width:
            cells.append(Cell(f"{fmt.clip(fmt.clean(line.scope), scope_width):<{scope_width}} ", "dim" + under))
        used = sum(len(cell.text) for cell in cells)
        room = width - used
        cells.append(Cell(f"{fmt.clip(fmt.clean(line.text), room):<{room if under else 0}}", role + under))
        return cells

    def focus_of(self) -> Focus:
        line = self.current
        if line is None or line.scope not in self.context.view.tables.strategies:
            return Focus()
        return Focus(session=line.scope)

    def copied(self) -> str:
        line = self.current
        return "" if line is None else f"{fmt.moment(line.ts)} {line.level} {line.scope} {line.text}"
