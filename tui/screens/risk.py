"""How much of each limit is used, what is exposed, what is halted, and what somebody should have seen."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.base import WIDE, DeckScreen
from tui.tables.risk import ALERTS, EXPOSURE, HALTS, LIMITS
from tui.widgets.deck import Columns
from tui.widgets.grid import Grid
from tui.widgets.pane import Pane


class Risk(DeckScreen):
    NAME = "risk"

    def make_panes(self) -> Sequence[Pane]:
        self.limits = Grid(LIMITS, id="limits")
        self.halts = Grid(HALTS, id="halts")
        self.exposure = Grid(EXPOSURE, id="exposure")
        self.alerts = Grid(ALERTS, id="alerts")
        return self.limits, self.halts, self.exposure, self.alerts

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            return [(1, [self.limits, self.halts, self.exposure, self.alerts])]
        return [(1, [self.limits, self.exposure]), (1, [self.halts, self.alerts])]
