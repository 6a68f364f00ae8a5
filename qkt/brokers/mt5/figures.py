"""How an account's link keeps up, in plain integers: calls of its terminal, those that failed, how often the way there broke.

The link's thread counts; whoever shows them reads whenever it likes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from qkt.brokers.mt5.constants import LastError
from qkt.brokers.mt5.terminal import Terminal, TerminalError


@dataclass(slots=True)
class LinkFigures:
    """One link since it was made. `calls` are by function, `failures` by function and class, the name of a `LastError` or
    `other`; `losses` counts how often the way to the terminal broke, `up` is whether it stands."""

    calls: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    losses: int = 0
    up: bool = False


class _Counted:
    """A terminal whose calls are counted."""

    def __init__(self, terminal: Terminal, figures: LinkFigures) -> None:
        self._terminal = terminal
        self._figures = figures

    def __getattr__(self, name: str) -> Any:
        call, figures = getattr(self._terminal, name), self._figures

        def counted(*arguments: Any) -> Any:
            figures.calls[name] += 1
            try:
                return call(*arguments)
            except TerminalError as problem:
                figures.failures[name, class_of(problem.code)] += 1
                raise

        setattr(self, name, counted)
        return counted


def counted(terminal: Terminal, figures: LinkFigures) -> Terminal:
    """The same terminal, whose calls these figures count."""
    return cast("Terminal", _Counted(terminal, figures))


def class_of(code: int) -> str:
    """What a failure is called."""
    try:
        return LastError(code).name.lower()
    except ValueError:
        return "other"
