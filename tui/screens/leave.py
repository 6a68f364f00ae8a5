"""Leaving a dashboard that hosts its engine: does trading go on?"""

from __future__ import annotations

from textual import events

from tui import asks
from tui.screens.dialog import Dialog, wrapped
from tui.table import Cell
from tui.widgets.pane import Line


class Leave(Dialog[str | None]):
    """Dismissed with `keep`, `stop`, or None."""

    TITLE_WORD = "Leave"

    def lines(self, width: int) -> list[Line]:
        view = self.dashboard.view
        rows = asks.running(view)
        held = asks.positions_of(view, [row.name for row in rows])
        sessions = f"{len(rows)} session{'' if len(rows) == 1 else 's'}"
        what = f"{sessions}, {asks.holdings(held)}" if view.hello is not None else "it is still starting"
        text = f"This process hosts the engine: {what}."
        tour = view.hello is not None and view.hello.demo
        stop = "end the tour; nothing of it is kept" if tour else "stop all sessions and end the engine"
        return [
            *([Cell(part)] for part in wrapped(text, width)),
            [Cell("")],
            [Cell("k", "focus"), Cell("  keep trading without a dashboard; what brings it back:")],
            *([Cell(f"     {part}", "bold")] for part in wrapped(self.dashboard.watches.elsewhere("qkt attach"), width - 5)),
            [Cell("s", "focus"), Cell(f"  {stop}")],
            [Cell("Esc", "focus"), Cell(" stay here")],
        ]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        answer = {"k": "keep", "s": "stop", "escape": None, "backspace": None}
        if event.key in answer:
            self.dismiss(answer[event.key])
