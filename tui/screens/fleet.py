"""A line for each engine and account, here and elsewhere, and what is known of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from tui import format as fmt
from tui.actions import Focus
from tui.fleet import BOARD, Berth
from tui.screens.base import DeckScreen
from tui.screens.dialog import wrapped
from tui.table import Cell, Context
from tui.tables.fleet import fleet_table
from tui.viewmodel import NOTHING
from tui.widgets.facts import Facts, pairs
from tui.widgets.grid import Grid
from tui.widgets.pane import Line, Pane


class Engines(Grid):
    """What can be changed here is of the engine that the dashboard shows: rows of others say so."""

    @property
    def berth(self) -> Berth | None:
        row = self.current
        return row if isinstance(row, Berth) else None

    def focus_of(self) -> Focus:
        berth = self.berth
        if berth is None:
            return Focus()
        if not berth.here:
            return Focus(engine=berth.post.station.name)
        return Focus(account=None if berth.money is None else berth.money.account)


class FleetScreen(DeckScreen):
    NAME = "fleet"

    def make_panes(self) -> Sequence[Pane]:
        watches = self.dashboard.watches
        self.engines = Engines(fleet_table(watches.berths, watches.fleet.problem), id="engines", numbered=False)
        self.facts = Facts("", self._facts, id="facts", rows=5)
        return self.engines, self.facts

    def on_mount(self) -> None:
        super().on_mount()
        self.dashboard.look_at_fleet()
        self.set_interval(1.0, self._second)

    def _second(self) -> None:
        """They are heard by lines of their own, not with the frames of this dashboard's engine."""
        if self.is_current:
            self.shown()
            self.apply(self.dashboard.view, NOTHING)

    def shown(self) -> None:
        self.engines.renew()

    def follow_cursor(self) -> None:
        self.facts.repaint()

    def do_open(self) -> None:
        berth = self.engines.berth
        if berth is None:
            return
        if berth.here:
            self.leave_for_overview()
            return
        self.dashboard.memory.screen = "overview"
        self.dashboard.exit(BOARD + berth.post.station.name)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self.do_open()

    def do_inspect(self) -> None:
        """All that is known stands beneath the table."""

    def _facts(self, context: Context, width: int) -> tuple[Sequence[Cell], list[Line]]:
        berth = self.engines.berth
        if berth is None:
            return (), []
        post, hello = berth.post, berth.post.view.hello
        heads = [Cell(fmt.clean(post.station.name), "bold"), Cell(f"  {fmt.clean(post.station.where)}", "dim")]
        lines: list[Line] = []
        if post.view.lost is not None:
            last = f"last heard {fmt.age(post.silent_ms)} ago, it may still be trading" if post.heard else "never heard"
            told = f"{post.view.lost.reason} - {last}"
            lines += [[Cell(f"  {part}", "alarm")] for part in wrapped(fmt.clean(told), width - 2)]
        if hello is not None:
            found = [
                ("VERSION", Cell(fmt.clean(hello.version))),
                ("PID", Cell(str(hello.pid))),
                ("UP", Cell(fmt.age(post.view.ts - hello.started))),
                ("SESSIONS", Cell(str(len(berth.sessions)))),
                ("STATE", Cell(fmt.clean(hello.state_dir), "dim")),
            ]
            lines += [[Cell("  "), *line] for line in pairs(found, width - 2)]
        why = [row for row in berth.sessions if row.halt is not None or row.state in ("FAULT", "DOWN")]
        for row in why:
            text = f"  {row.name}: {row.reason or row.blocked or row.halt or row.state}"
            lines.append([Cell(fmt.clip(fmt.clean(text), width), "alarm")])
        return heads, lines
