"""The form of a back-test: a file, the span, and its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.screens.file_form import FileForm
from tui.screens.form import Field, parameters


@dataclass(frozen=True, slots=True)
class Span:
    """What shall be run over which part of history. Without data, the engine's own is taken."""

    path: str
    data: tuple[str, ...]
    start: str | None
    end: str | None
    params: dict[str, str]


class BackTestForm(FileForm[Span | None]):
    TITLE_WORD = "New back-test"

    def more_fields(self) -> Sequence[Field]:
        return [
            Field("data", "data", "files or a folder; empty takes the engine's own"),
            Field("start", "from", "2024-01-01, or empty"),
            Field("end", "to", "2024-07-01, or empty"),
            Field("params", "with", "fast=20 slow=50"),
        ]

    def hint(self) -> str:
        return "Tab next field   Enter runs   Esc leaves"

    def accept(self) -> None:
        if self.report is None or not self.report.ok:
            self.redraw()
            return
        try:
            params = parameters(self.value("params"))
        except ValueError as problem:
            self.problem = str(problem)
            self.redraw()
            return
        data = tuple(self.value("data").split())
        self.dismiss(Span(self.report.path, data, self.value("start") or None, self.value("end") or None, params))
