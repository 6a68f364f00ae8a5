"""`qkt fmt`: strategy files in their canonical form."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from qkt.cli.errors import say, sentence
from qkt.cli.options import new_app
from qkt.core.errors import QktError, StrategyError, UsageError

app = new_app()

STDIN = Path("-")


@app.command("fmt")
def format_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files, folders of .qkt files, or - for stdin.")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; list what would change and return 1.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Write nothing; print the canonical form.")] = False,
) -> None:
    """Bring strategies and portfolios into their canonical form: one spelling, the same meaning, every comment kept."""
    if stdout and (check or diff):
        raise UsageError("--stdout beside --check or --diff", remedy="print the files or compare them")
    changed = failed = 0
    paths = list(_expanded(files))
    for path in paths:
        try:
            before, after = _formatted(path)
            if not (check or diff or stdout or path == STDIN) and before != after:
                _write(path, after)
        except QktError as refused:
            print(sentence(refused), file=sys.stderr)
            failed += 1
            continue
        changed += before != after
        if diff:
            print(_diff(path, before, after), end="")
        elif stdout or (path == STDIN and not check):
            print(after, end="")
        if check and before != after:
            print(path)
    if not stdout and STDIN not in paths:
        say(_summary(len(paths), changed, failed, dry=check or diff))
    if failed or (check and changed):
        raise typer.Exit(1)


def _expanded(files: Sequence[Path]) -> Iterator[Path]:
    """The files, and those in folders, each once and in order."""
    found: dict[Path, None] = {}
    for path in files:
        if path.is_dir():
            inside = sorted(path.rglob("*.qkt"))
            if not inside:
                raise UsageError("no .qkt file in this folder", where=str(path))
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    yield from found


def _formatted(path: Path) -> tuple[str, str]:
    """The text as it is and in its canonical form. A mark of byte order in front counts as a difference."""
    from qkt.lang.formatter import format_source
    from qkt.lang.source import read_source

    if path == STDIN:
        try:
            source = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise StrategyError(f"is not UTF-8 text (byte {problem.start})", where="<stdin>") from None
        return source, format_source(source, "<stdin>")
    source = read_source(path)
    after = format_source(source, str(path))
    return path.read_bytes().decode("utf-8"), after


def _diff(path: Path, before: str, after: str) -> str:
    name = "<stdin>" if path == STDIN else str(path)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), name, f"{name} (canonical)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no line end\n" for line in lines)


def _write(path: Path, text: str) -> None:
    """Replace a file's text at once: a reader, or a crash, never meets half of it. Links and permissions stay."""
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as problem:
        raise StrategyError(f"cannot be written ({problem.strerror})", where=str(path)) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o7777)
        os.replace(name, target)
    except BaseException as problem:
        os.unlink(name)
        if isinstance(problem, OSError):
            raise StrategyError(f"cannot be written ({problem.strerror})", where=str(path)) from None
        raise


def _summary(files: int, changed: int, failed: int, *, dry: bool) -> str:
    parts = [f"{changed} {'would change' if dry else 'formatted'}", f"{files - changed - failed} in canonical form already"]
    if failed:
        parts.append(f"{failed} with errors, left as they are")
    return ", ".join(parts)
