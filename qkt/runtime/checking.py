"""Strategy files before they are deployed: which there are, and what is wrong with one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qkt.core.errors import QktError
from qkt.runtime.control.details import CheckReport, CheckRequest, FileRow, ParamRow, Problem

if TYPE_CHECKING:
    from qkt.lang.loader import CheckResult

SUFFIXES = (".qkt", ".py")
LARGEST = 1 << 20
"""Bytes of a strategy file; what is larger is none."""
MOST_FILES = 1_000


def check_file(wanted: CheckRequest) -> CheckReport:
    """Everything that is wrong with a file, or with a text that is to stand in it. Python is only compiled, never run."""
    path = Path(wanted.path)
    try:
        if path.suffix == ".py":
            return _python(path, wanted.text)
        from qkt.lang import check
        from qkt.lang.loader import check_text

        found = check(path) if wanted.text is None else check_text(wanted.text, str(path), path=path)
    except QktError as refusal:
        return CheckReport(path=wanted.path, ok=False, error=str(refusal))
    return _report(wanted.path, found)


def _report(path: str, found: CheckResult) -> CheckReport:
    from qkt.lang import tree

    file = found.file
    problems = tuple(
        Problem(
            code=one.code,
            severity=one.severity,
            line=one.span.line,
            column=one.span.column,
            end_line=one.span.end_line,
            end_column=one.span.end_column,
            message=one.message,
            hint=one.hint,
        )
        for one in found.problems
    )
    if file is None:
        return CheckReport(path=path, ok=False, problems=problems)
    from qkt.lang.spelling import expression

    streams = [one for one in file.declarations if isinstance(one, tree.Stream)]
    return CheckReport(
        path=path,
        ok=found.ok,
        kind="strategy" if isinstance(file, tree.Strategy) else "portfolio",
        name=file.name.text,
        problems=problems,
        symbols=tuple(dict.fromkeys(stream.market for stream in streams)),
        params=tuple(ParamRow(name=param.name.text, value=expression(param.value)) for param in file.params),
    )


def _python(path: Path, text: str | None) -> CheckReport:
    from qkt.lang.source import read_source

    source = read_source(path) if text is None else text
    try:
        compile(source, str(path), "exec")
    except SyntaxError as problem:
        line, column = problem.lineno or 1, problem.offset or 1
        told = Problem(
            code="PYTHON",
            severity="error",
            line=line,
            column=column,
            end_line=problem.end_lineno or line,
            end_column=problem.end_offset or column,
            message=problem.msg,
        )
        return CheckReport(path=str(path), ok=False, kind="python", name=path.stem, problems=(told,))
    except ValueError as problem:  # a null byte
        return CheckReport(path=str(path), ok=False, kind="python", name=path.stem, error=str(problem))
    return CheckReport(path=str(path), ok=True, kind="python", name=path.stem)


def strategy_files(folder: Path | None, deployed: Mapping[str, str]) -> list[FileRow]:
    """The strategy files of a folder and of those below it, by path; `deployed` has the file of every session by name.

    Links and hidden folders are not followed, so that a folder cannot show what lies outside of it.
    """
    if folder is None or not folder.is_dir():
        return []
    sessions: dict[str, list[str]] = {}
    for name, file in deployed.items():
        sessions.setdefault(file, []).append(name)
    rows = []
    for path in _files(folder.resolve()):
        facts = path.stat()
        if facts.st_size > LARGEST:
            continue
        rows.append(
            FileRow(
                path=str(path),
                name=path.stem,
                folder=str(path.parent),
                kind="qkt" if path.suffix == ".qkt" else "python",
                modified=facts.st_mtime_ns // 1_000_000,
                size=facts.st_size,
                deployed=tuple(sessions.get(str(path), ())),
            )
        )
    return rows


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        found += [Path(current) / name for name in files if Path(name).suffix in SUFFIXES and not name.startswith((".", "_"))]
        if len(found) >= MOST_FILES:
            break
    return sorted(path for path in found[:MOST_FILES] if not path.is_symlink())
