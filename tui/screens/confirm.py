"""The question before money moves. It ignores its first moments and pastes, so that nothing typed ahead can agree."""

from __future__ import annotations

from textual import events

from tui.asks import Ask, Chosen
from tui.format import clean, clip
from tui.screens.dialog import Dialog, wrapped
from tui.table import Cell
from tui.widgets.pane import Line

# Seconds in which a dialog takes no key.
DEAF = 0.3


class Confirm(Dialog[Chosen | None]):
    """Dismissed with what was ticked, or with None by whoever does not agree."""

    def __init__(self, ask: Ask, *, before: Ask | None = None) -> None:
        super().__init__()
        self.ask = ask
        self.before = before
        self.typed = ""
        self.ticked: set[str] = set()
        self.option = 0
        self.yes = False
        self._from = 0.0

    def on_mount(self) -> None:
        self._from = self.dashboard.clock()

    def title_text(self) -> str:
        what, _, whose = self.ask.title.replace("[", "(").partition(" -- ")
        return what if self._named_below() else f"{what} -- {whose}" if whose else what

    def _named_below(self) -> bool:
        """Whether the accounts are too many for the title. None of them is left out."""
        return len(self.ask.title) > min(self.inner_width(), self.app.size.width - 6) - 6

    def lines(self, width: int) -> list[Line]:
        ask = self.ask
        lines: list[Line] = []
        if self.before is not None:
            lines.append([Cell("Changed since you looked. Asked anew:", "warn")])
            for old, new in zip(self.before.facts, ask.facts, strict=False):
                if old != new:
                    lines.append([Cell(f"  was {old}, now {new}", "warn")])
        if (engine := self.dashboard.watches.name) != "":
            lines.append([Cell(clip(clean(f"On {engine}: {self.dashboard.watches.at.where}"), width), "bold")])
        if self._named_below():
            lines += [[Cell(part, "bold")] for part in wrapped(ask.title.partition(" -- ")[2], width)]
        for sentence in ask.lines:
            lines += [[Cell(part)] for part in wrapped(sentence, width)]
        if ask.warning:
            lines += [[Cell(part, "alarm")] for part in wrapped(ask.warning, width)]
        for index, option in enumerate(ask.options):
            here = index == self.option
            tick = "x" if option.id in self.ticked else " "
            lines.append([Cell("> " if here else "  ", "accent"), Cell(f"[{tick}] {option.label}", "bold" if here else "text")])
        lines.append([Cell("")])
        return [*lines, *self._answer(width)]

    def _answer(self, width: int) -> list[Line]:
        """What is typed, and what else can be done: beside it, or beneath where both would not fit."""
        word = self.ask.word
        hint = "Space ticks" if self.ask.options else ""
        if word:
            typed = " ".join((*self.typed, *("_" if len(self.typed) < len(word) else "")))
            right = "   ".join(part for part in (hint, "Esc leaves") if part)
            left = [Cell("Type "), Cell(word, "bold"), Cell(" and press Enter: ")]
            most = sum(len(cell.text) for cell in left) + 2 * len(word)
            left.append(Cell(typed if most <= width else typed.replace(" ", ""), "focus"))
        else:
            right = "   ".join(part for part in (hint, "y agrees, n or Esc leaves") if part)
            left = [Cell("Sure?  "), Cell(" Yes ", "text"), Cell("  "), Cell(" No ", "cursor"), Cell("")]
            most = sum(len(cell.text) for cell in left)
        if most + 3 + len(right) > width:
            return [left, [Cell(f"{right:>{width}}", "dim")]]
        gap = width - sum(len(cell.text) for cell in left) - len(right)
        return [[*left, Cell(" " * gap), Cell(right, "dim")]]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self.dashboard.clock() - self._from < DEAF:
            return
        key, char = event.key, event.character
        if key == "escape":
            self.dismiss(None)
        elif self.ask.options and (key in ("space", "tab") and (key == "tab" or " " not in self.ask.word)):
            self._tick(key)
        elif not self.ask.word:
            self._yes_or_no(key)
        elif key == "enter":
            if self.typed == self.ask.word:
                self.dismiss(frozenset(self.ticked))
        elif key == "backspace":
            self.typed = self.typed[:-1]
        elif char is not None and char.isprintable() and len(self.typed) < len(self.ask.word):
            self.typed += char
        if self.is_current:
            self.redraw()

    def _yes_or_no(self, key: str) -> None:
        if key == "y":
            self.dismiss(frozenset(self.ticked))
        elif key in ("n", "enter", "backspace"):
            self.dismiss(None)

    def _tick(self, key: str) -> None:
        if key == "tab":
            self.option = (self.option + 1) % len(self.ask.options)
            return
        self.ticked ^= {self.ask.options[self.option].id}
