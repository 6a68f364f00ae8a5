"""What all screens are: the account, where one is, panes, and what can be done."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from qkt.core.errors import QktError
from tui import opening
from tui.actions import Focus
from tui.clipboard import copy_from
from tui.terminal.spans import SpansCompositor
from tui.viewmodel import ChangeSet, View
from tui.widgets.account_line import AccountLine
from tui.widgets.deck import Columns, Deck
from tui.widgets.grid import Grid
from tui.widgets.lines import Footer, NavLine
from tui.widgets.log import LogPane
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from tui.app import Dashboard

NORMAL, WIDE, HUGE = 100, 150, 210
"""Widths at which a screen may show more side by side."""

# What a pane is jumped to by; letters that move a cursor are not among them.
LETTERS = "asdfgertuiop"
SIDEWAYS = ("h", "l", "left", "right")


class DeckScreen(Screen[None]):
    """A screen of panes. Subclasses name themselves, make their panes, and say in which columns they stand."""

    NAME: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self) -> None:
        super().__init__()
        self._compositor = SpansCompositor()
        self.zoomed: Pane | None = None
        self.jumping = False
        self._filtered: Pane | None = None
        self.panes = list(self.make_panes())
        self.deck = Deck(*self.panes)

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    # ------------------------------------------------------- what subclasses say

    def make_panes(self) -> Sequence[Pane]:
        raise NotImplementedError

    def columns(self, width: int, height: int) -> Columns:
        """The panes that this size has room for."""
        return [(1, self.panes)]

    def foot(self, width: int, height: int) -> Pane | None:
        """A pane beneath all columns; it takes the height that they leave."""
        return None

    def subject(self) -> str | None:
        """The session whose rules the engine should send."""
        return None

    def shown(self) -> None:
        """Called when the screen comes to the front."""

    # ---------------------------------------------------------------------- life

    def compose(self) -> ComposeResult:
        yield AccountLine()
        yield NavLine()
        yield self.deck
        yield Footer()
        yield Input(id="filter", placeholder="hedge sell !paper pnl<0 state:halt", select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one("#filter", Input).cursor_blink = False
        self._recall()
        first = next((pane for pane in self.panes if pane.can_focus), None)
        if first is not None:
            self.set_focus(first)
        if not self.app.is_headless:  # a screen lasts: no search for garbage is to go through it in the middle of a frame
            self.call_after_refresh(gc.freeze)
        self.apply(self.dashboard.view, ChangeSet(everything=True))

    def on_resize(self, event: events.Resize) -> None:
        """Where nothing else fits, the account stays."""
        self.set_class(event.size.width < 40 or event.size.height < 10, "-tiny")
        self.show_lines()

    def _recall(self) -> None:
        """Sort and filter as they were left."""
        memory = self.dashboard.memory
        for pane in self.panes:
            name = f"{self.NAME}.{pane.id}"
            pane.filter_text = memory.filters.get(name, "") if pane.filters else ""
            if isinstance(pane, Grid) and name in memory.sorts:
                pane.sort_by(*memory.sorts[name])

    def on_screen_resume(self) -> None:
        self.shown()
        self.apply(self.dashboard.view, ChangeSet(everything=True))

    def apply(self, view: View, changes: ChangeSet) -> None:
        """Take a frame: what is seen is compared and repainted where it differs."""
        if not self.is_mounted:
            return
        for pane in self.panes:
            pane.take(view, changes)
        self.deck.settle()
        self.show_lines()

    def show_lines(self) -> None:
        """The lines around the panes."""
        app = self.dashboard
        self.query_one(AccountLine).show(app.view, app.subject.account_for(app.view, self.focus_of()))
        self.query_one(NavLine).show(self.NAME, app.notice(), app.marks())
        self.query_one(Footer).show(app.keyboard.available())

    def look(self, name: str, work: Callable[[], Awaitable[object]], failed: Callable[[str], None] | None = None) -> None:
        """Ask the engine something and show what it says; asking again gives the last question up."""

        async def looked() -> None:
            try:
                await work()
            except QktError as problem:
                if failed is not None:
                    failed(str(problem))

        self.dashboard.background(looked, f"look.{self.NAME}.{name}", exclusive=True)

    # --------------------------------------------------------------------- focus

    @property
    def pane(self) -> Pane | None:
        return self.focused if isinstance(self.focused, Pane) else None

    @property
    def grid(self) -> Grid | None:
        return self.focused if isinstance(self.focused, Grid) else None

    def focus_of(self) -> Focus:
        pane = self.pane
        return Focus() if pane is None else pane.focus_of()

    def on_grid_moved(self) -> None:
        self.show_lines()
        self.follow_cursor()

    def follow_cursor(self) -> None:
        """Bring panes along that show what the cursor stands on."""

    def on_key(self, event: events.Key) -> None:
        if self.jumping:
            event.stop()
            event.prevent_default()
            self.jump(event.key)
        elif event.key in SIDEWAYS and not isinstance(self.focused, Input):
            event.stop()
            self.focus_next(Pane) if event.key in ("l", "right") else self.focus_previous(Pane)

    def jump(self, letter: str) -> None:
        """To the pane with this letter; any other key only takes the letters away."""
        target = next((pane for pane in self.panes if pane.jump_letter == letter), None)
        self._label(())
        if target is not None:
            target.focus()

    def _label(self, panes: Sequence[Pane]) -> None:
        self.jumping = bool(panes)
        for pane in self.panes:
            pane.jump_letter = LETTERS[panes.index(pane)] if pane in panes else ""
            pane.repaint()

    async def on_nav_line_chosen(self, event: NavLine.Chosen) -> None:
        await self.dashboard.action_show(event.screen_name)

    async def on_footer_asked(self, event: Footer.Asked) -> None:
        await self.dashboard.action_do(event.action)

    # ------------------------------------------------- what looking actions do here

    def do_jump(self) -> None:
        self._label([pane for pane in self.deck.seen if pane.can_focus][: len(LETTERS)])

    def do_zoom(self) -> None:
        self.zoomed = self.pane if self.zoomed is None else None
        self.deck.rearrange()

    def do_back(self) -> None:
        """Undo the last narrowing: the filter, then the maximised pane, then the screen."""
        pane = self.pane
        if pane is not None and pane.filter_text:
            self._filter(pane, "")
        elif self.zoomed is not None:
            self.do_zoom()
        else:
            self.leave_for_overview()

    def leave_for_overview(self) -> None:
        if self.NAME != "overview":
            self.app.call_later(self.dashboard.action_show, "overview")

    def do_open(self) -> None:
        if self.grid is not None:
            self.grid.open_row()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        opening.open_row(self.dashboard, event.grid.table.name, event.row)

    def do_inspect(self) -> None:
        row = None if self.grid is None else self.grid.current
        if row is not None:
            opening.inspect(self.dashboard, row)

    def do_next(self) -> None:
        self.dashboard.step_session(1)

    def do_previous(self) -> None:
        self.dashboard.step_session(-1)

    def do_sort_left(self) -> None:
        self._sort(-1)

    def do_sort_right(self) -> None:
        self._sort(1)

    def _sort(self, step: int) -> None:
        if self.grid is not None:
            self.grid.sort_step(step)
            self._remember_sort(self.grid)

    def do_reverse(self) -> None:
        if self.grid is not None:
            self.grid.reverse()
            self._remember_sort(self.grid)

    def _remember_sort(self, grid: Grid) -> None:
        title, descending = grid.sorting
        self.dashboard.memory.sorts[f"{self.NAME}.{grid.id}"] = (title, descending)
        self.dashboard.memory.keep()
        self.dashboard.say(f"sorted by {title}, {'descending' if descending else 'ascending'}")

    def do_columns(self) -> None:
        if self.grid is not None:
            self.grid.next_columns()

    def do_follow(self) -> None:
        log = self.log_pane
        if log is not None:
            log.toggle_follow()

    def do_plus(self) -> None:
        self._level(-1)

    def do_minus(self) -> None:
        self._level(1)

    def _level(self, step: int) -> None:
        """More of the log shows lower levels too."""
        log = self.log_pane
        if log is not None:
            log.step_level(step)

    @property
    def log_pane(self) -> LogPane | None:
        if isinstance(self.pane, LogPane):
            return self.pane
        return next((pane for pane in self.panes if isinstance(pane, LogPane)), None)

    # -------------------------------------------------------------------- filter

    def do_filter(self) -> None:
        """A field in the place of the footer; what is typed narrows the focused pane at once."""
        pane = self.pane
        if pane is None or not pane.filters:
            return
        field = self.query_one("#filter", Input)
        field.value = pane.filter_text
        self._filtered = pane
        field.add_class("open")
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter" and self._filtered is not None:
            self._filter(self._filtered, event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter":
            self.close_filter()

    def close_filter(self) -> None:
        self.query_one("#filter", Input).remove_class("open")
        if self._filtered is not None:
            self._filtered.focus()
            self._filtered = None

    def key_escape(self, event: events.Key) -> None:
        """In the field, Esc gives the filter up."""
        if isinstance(self.focused, Input):
            event.stop()
            if self._filtered is not None:
                self._filter(self._filtered, "")
            self.close_filter()

    def _filter(self, pane: Pane, text: str) -> None:
        pane.set_filter(text)
        memory = self.dashboard.memory
        memory.filters[f"{self.NAME}.{pane.id}"] = text
        memory.keep()

    def do_next_match(self) -> None:
        if self.grid is not None:
            self.grid.move(1)

    # ---------------------------------------------------------------------- copy

    def do_copy(self) -> None:
        pane = self.pane
        if pane is not None:
            copy_from(self.dashboard, pane.copied())
