"""Everything that is known of a row, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from textual import events

from qkt.runtime import control
from tui import format as fmt
from tui.clipboard import copy_from
from tui.screens.dialog import Dialog, wrapped
from tui.table import Cell
from tui.widgets.pane import Line

TIMES = frozenset(
    {
        "ts", "started", "opened", "placed", "expires", "last_fill", "last_tick", "since", "until",
        "clock", "last_fired", "asked", "ended", "at", "first", "last", "closed", "due", "mended",
    }
)  # fmt: skip


class Inspector(Dialog[None]):
    """Shows a record until Esc; what is longer than the screen scrolls."""

    def __init__(self, title: str, record: object, extra: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self._title_words = title
        self._fields = [*fields(record), *extra]
        self.first = 0

    def title_text(self) -> str:
        return f"{fmt.clean(self._title_words)}"

    def lines(self, width: int) -> list[Line]:
        longest = max((len(name) for name, _ in self._fields), default=0)
        rows: list[Line] = []
        for name, value in self._fields:
            for i, part in enumerate(wrapped(value, width - longest - 2)):
                rows.append([Cell(f"{name if i == 0 else '':<{longest}}  ", "dim"), Cell(part)])
        room = max(self.app.size.height - 6, 3)
        self.first = max(min(self.first, len(rows) - room), 0)
        return rows[self.first : self.first + room]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": 10, "pageup": -10, "home": -1000, "end": 1000}
        if event.key in steps:
            self.first = max(self.first + steps[event.key], 0)
            self.redraw()
        elif event.key == "y":
            copy_from(self.dashboard, "\n".join(f"{name}\t{value}" for name, value in self._fields))
        elif event.key in ("escape", "backspace", "enter", "i", "q"):
            self.dismiss(None)


def fields(record: object) -> list[tuple[str, str]]:
    """Names and values in words; what stands inside another record is taken out of it."""
    inner = getattr(record, "of", None)
    if isinstance(inner, control.values.Word):
        record = inner
    if not isinstance(record, control.values.Word):
        return []
    found = []
    for name in type(record).model_fields:
        value = getattr(record, name)
        if value is None or value == ():
            continue
        found.append((name.replace("_", " "), _words(name, value)))
    return found


def _words(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in TIMES and value > 10_000_000_000:
        return f"{fmt.moment(value)}:{value // 1000 % 60:02} UTC"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, control.values.Word):
        return ", ".join(f"{key} {one}" for key, one in fields(value))
    if isinstance(value, tuple):
        return "; ".join(_words("", one) for one in value)
    return fmt.clean(str(value))
