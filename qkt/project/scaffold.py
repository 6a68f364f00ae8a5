"""A new project, copied from the files under `templates`: those of all kinds, then those of its own."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from qkt.core.errors import QktError

TEMPLATES = Path(__file__).parent / "templates"
RENAMED = {"gitignore": ".gitignore"}
"""Under its own name it would hide files of the templates themselves."""
NAME = "PROJECT"
"""Stands for the project's name in the one file that has it, its README."""


class Kind(StrEnum):
    MINIMAL = "minimal"
    MT5 = "mt5"
    PORTFOLIO = "portfolio"
    PYTHON = "python"


def create(folder: Path, kind: Kind = Kind.MINIMAL) -> list[Path]:
    """Make a project in a folder that does not exist yet or is empty; returns its files, relative to the folder.

    Raises QktError where something is there already or a file cannot be written.
    """
    name = folder.resolve().name
    if not name:
        raise QktError("is no name for a project", where=str(folder), expected="a folder")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise QktError("is there already, and nothing is overwritten", where=str(folder), remedy="choose another name")
        written = []
        for source, target in sorted(_files(kind), key=lambda pair: pair[1]):
            text = source.read_text(encoding="utf-8")
            path = folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text.replace(NAME, name) if target.name == "README.md" else text)
            written.append(target)
    except OSError as problem:
        raise QktError(f"cannot be written ({problem.strerror or problem})", where=str(problem.filename or folder)) from None
    return written


def _files(kind: Kind) -> Iterator[tuple[Path, Path]]:
    """Each template with the place it takes in a project."""
    for root in (TEMPLATES / "common", TEMPLATES / kind.value):
        for source in root.rglob("*"):
            if source.is_file() and "__pycache__" not in source.parts:
                yield source, source.relative_to(root).with_name(RENAMED.get(source.name, source.name))
