"""The deploy form: a file, the name it shall have, and its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.screens.file_form import FileForm
from tui.screens.form import Field, parameters

if TYPE_CHECKING:
    from qkt.runtime.control.details import CheckReport


@dataclass(frozen=True, slots=True)
class Choice:
    """What shall be deployed."""

    path: str
    name: str
    params: dict[str, str]


class Deploy(FileForm[Choice | None]):
    TITLE_WORD = "Deploy"

    def more_fields(self) -> Sequence[Field]:
        return [Field("name", "as", "the name of the session"), Field("params", "with", "fast=20 slow=50")]

    def chosen(self, report: CheckReport) -> None:
        name = report.path.rpartition("/")[2].rpartition(".")[0]
        taken = self.dashboard.view.tables.strategies
        number = 2
        free = name
        while free in taken:
            free, number = f"{name}_{number}", number + 1
        self.put("name", free)

    def hint(self) -> str:
        return "Tab next field   Enter deploys   Esc leaves"

    def accept(self) -> None:
        report = self.report
        if report is None or not report.ok:
            self.problem = "" if report is not None else self.problem or "choose a file first"
            self.redraw()
            return
        try:
            params = parameters(self.value("params"))
        except ValueError as problem:
            self.problem = str(problem)
            self.redraw()
            return
        self.dismiss(Choice(report.path, self.value("name"), params))
