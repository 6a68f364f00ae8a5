"""What can be said to the palette: every action, every name, and what has no key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui import format as fmt
from tui.actions import ACTIONS, Action
from tui.styles.themes import PALETTES
from tui.viewmodel import View


@dataclass(frozen=True, slots=True)
class Entry:
    """Words, the verb that they stand for with what it is about, and the key that does the same."""

    words: str
    verb: str
    about: str = ""
    hint: str = ""


def of_actions(actions: Iterable[Action] = ACTIONS) -> list[Entry]:
    return [Entry(action.title, "do", action.id, action.label) for action in actions if action.id != "palette"]


def of_names(view: View) -> list[Entry]:
    """Everything that has a name: strategies, symbols, orders."""
    tables = view.tables
    return [
        *(Entry(f"strategy {name}", "strategy", name, "2") for name in sorted(tables.strategies)),
        *(Entry(f"symbol {fmt.symbol(name)}", "symbol", name, "4") for name in sorted(tables.market)),
        *(Entry(f"order {fmt.clean(row.order)}", "order", key, row.session) for key, row in sorted(tables.orders.items())),
    ]


def of_settings(view: View) -> list[Entry]:
    sessions = sorted(view.tables.strategies.values(), key=lambda row: row.name)
    return [
        *(Entry(f"theme {name}", "theme", name) for name in PALETTES),
        *(Entry(f"rate {rate}", "rate", str(rate), "frames a second") for rate in (1, 2, 4)),
        *(Entry(f"log level {level}", "log level", level) for level in ("DEBUG", "INFO", "WARN", "ERROR")),
        Entry("export csv", "export", "", "the focused pane"),
        Entry("diagnostics", "diagnostics", "", "a file for a report"),
        Entry("halt all", "halt all"),
        Entry("flatten all", "flatten all"),
        *(Entry(f"reconcile {row.name}", "reconcile", row.name) for row in sessions),
        *(Entry(f"resume {row.name}", "resume", row.name) for row in sessions if row.halt is not None),
    ]


def found(entries: Sequence[Entry], text: str) -> list[Entry]:
    """Those that hold the letters in order, the closest first: whole words, then beginnings, then scattered letters."""
    wanted = text.lower().strip()
    if not wanted:
        return list(entries)
    scored = [(_score(entry.words.lower(), wanted), i, entry) for i, entry in enumerate(entries)]
    return [entry for score, _, entry in sorted(scored, key=lambda one: (one[0] or 0, one[1])) if score is not None]


def _score(words: str, wanted: str) -> int | None:
    """Smaller is closer; None does not match."""
    if words.startswith(wanted):
        return 0
    if f" {wanted}" in words:
        return 1
    if wanted in words:
        return 2
    at = -1
    first = None
    for char in wanted.replace(" ", ""):
        at = words.find(char, at + 1)
        if at < 0:
            return None
        first = at if first is None else first
    return 3 + at - (first or 0)
