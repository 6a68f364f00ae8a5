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
    """Words, what they do as an action of the app, and the key that does the same."""

    words: str
    action: str
    hint: str = ""


def of_actions(actions: Iterable[Action] = ACTIONS) -> list[Entry]:
    return [Entry(action.title, f"do({action.id!r})", action.label) for action in actions if action.id != "palette"]


def of_names(view: View) -> list[Entry]:
    """Everything that has a name: strategies, symbols, orders."""
    tables = view.tables
    return [
        *(Entry(f"strategy {name}", f"goto_strategy({name!r})", "2") for name in sorted(tables.strategies)),
        *(Entry(f"symbol {fmt.symbol(name)}", f"goto_symbol({name!r})", "4") for name in sorted(tables.market)),
        *(Entry(f"order {row.order}", f"goto_order({key!r})", "3") for key, row in sorted(tables.orders.items())),
    ]


def of_settings(view: View) -> list[Entry]:
    return [
        *(Entry(f"theme {name}", f"theme({name!r})") for name in PALETTES),
        *(Entry(f"rate {rate}", f"rate({rate})", "frames a second") for rate in (1, 2, 4)),
        *(Entry(f"log level {level}", f"log_level({level!r})") for level in ("DEBUG", "INFO", "WARN", "ERROR")),
        Entry("columns", "do('columns')", "w"),
        Entry("filter", "do('filter')", "/"),
        Entry("export csv", "export_csv", "the focused pane"),
        Entry("diagnostics", "diagnostics", "a file for a report"),
        Entry("halt all", "halt_all"),
        Entry("flatten all", "flatten_all"),
        *(Entry(f"reconcile {name}", f"reconcile({name!r})") for name in sorted(view.tables.strategies)),
        *(
            Entry(f"resume {row.name}", f"resume_named({row.name!r})")
            for row in sorted(view.tables.strategies.values(), key=lambda row: row.name)
            if row.halt is not None
        ),
    ]


def found(entries: Sequence[Entry], text: str) -> list[Entry]:
    """Those that hold the letters in order, the closest first: whole words, then beginnings, then scattered letters."""
    wanted = text.lower().strip()
    if not wanted:
        return list(entries)
    scored = [
        (score, i, entry) for i, entry in enumerate(entries) if (score := _score(entry.words.lower(), wanted)) is not None
    ]
    return [entry for _, _, entry in sorted(scored, key=lambda one: one[:2])]


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
