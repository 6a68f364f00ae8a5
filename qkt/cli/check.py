"""`qkt check`: every mistake of strategy files, without running them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qkt.cli.errors import as_data as error_data
from qkt.cli.errors import sentence
from qkt.cli.options import new_app
from qkt.core.errors import QktError

if TYPE_CHECKING:
    from qkt.lang.diagnostics import Diagnostic

app = new_app()

SCHEMA = "qkt.check/1"


@dataclass(slots=True)
class Verdict:
    """What was found in one file. `refused` is set when it could not be looked into at all, `children` are the strategies
    that a portfolio imports."""

    path: Path
    problems: tuple[Diagnostic, ...] = ()
    source: str = ""
    refused: QktError | None = None
    children: tuple[Verdict, ...] = ()
    errors: int = field(init=False)
    warnings: int = field(init=False)

    def __post_init__(self) -> None:
        self.errors = sum(problem.severity == "error" for problem in self.problems) + (self.refused is not None)
        self.warnings = sum(problem.severity == "warning" for problem in self.problems)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Strategies and portfolios, .qkt or .py.")],
    published: Annotated[
        bool, typer.Option("--published", help="Refuse what the published engine of the language would not take the same way.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look for mistakes in strategy files. All of a file are shown; the exit code is 1 when there are errors."""
    verdicts = [look_into(path, published=published) for path in files]
    if as_json:
        print(json.dumps(_as_data(verdicts), indent=2))
    else:
        for verdict in verdicts:
            _show(verdict)
    if any(verdict.errors for verdict in verdicts):
        raise typer.Exit(1)


def look_into(path: Path, *, published: bool = False) -> Verdict:
    """Check one file; a Python strategy is imported to see whether it can be used."""
    try:
        if path.suffix == ".py":
            from qkt.strategy.loader import load_python

            load_python(path)
            return Verdict(path)
        from qkt.lang import check as check_file

        found = check_file(path, published=published)
    except QktError as refused:
        return Verdict(path, refused=refused)
    several = {(child.path, child.problems): child.source for child in found.children}  # a file imported twice is told once
    children = tuple(Verdict(path, problems, source) for (path, problems), source in several.items())
    return Verdict(path, found.problems, found.source, children=children)


def _show(verdict: Verdict) -> None:
    if verdict.problems:
        from qkt.lang.diagnostics import render

        print(render(str(verdict.path), verdict.source, verdict.problems))
    if verdict.refused is not None:
        print(sentence(verdict.refused).removeprefix("qkt: "))
    else:
        print(f"{verdict.path}: {_in_words(verdict)}")
    for child in verdict.children:
        _show(child)


def _in_words(verdict: Verdict) -> str:
    counts = [(verdict.errors, "error"), (verdict.warnings, "warning")]
    text = ", ".join(f"{count} {noun}{'s' if count != 1 else ''}" for count, noun in counts if count)
    return text if verdict.errors else "ok" + (f", {text}" if text else "")


def _as_data(verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "ok": not any(verdict.errors for verdict in verdicts),
        "files": [_file_data(verdict) for verdict in verdicts],
    }


def _file_data(verdict: Verdict) -> dict[str, Any]:
    from qkt.lang.diagnostics import as_data

    data: dict[str, Any] = {
        "path": str(verdict.path),
        "ok": verdict.errors == 0,
        "errors": verdict.errors,
        "warnings": verdict.warnings,
        "problems": as_data(verdict.problems),
        "error": None if verdict.refused is None else error_data(verdict.refused),
    }
    if verdict.children:
        data["children"] = [_file_data(child) for child in verdict.children]
    return data
