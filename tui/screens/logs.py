"""Everything that was said and done: the engine, the strategies, the venue, and the operators."""

from __future__ import annotations

from collections.abc import Sequence

from tui.screens.base import DeckScreen
from tui.screens.inspector import Inspector
from tui.widgets.log import LogPane
from tui.widgets.pane import Pane


class Logs(DeckScreen):
    NAME = "logs"

    def make_panes(self) -> Sequence[Pane]:
        self.story = LogPane(id="log")
        return (self.story,)

    def do_open(self) -> None:
        line = self.story.current
        if line is not None:
            self.app.push_screen(Inspector(f"Line {line.number}", line.whole))
