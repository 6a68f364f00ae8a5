"""Outcomes on disk as they come: a file of JSON lines, each of them safe before the next one is worked on.

The first line says what job it is. A crash can tear the last line only; that outcome is told of and done again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from qkt.core.errors import QktError
from qkt.research.task import Outcome

SCHEMA = "qkt.research/1"
NAME = "outcomes.jsonl"


class Journal:
    """The outcomes of one job by key, those of an earlier sitting included. `torn` tells that the last line was incomplete."""

    def __init__(self, path: Path, known: dict[str, Outcome], torn: bool, descriptor: int) -> None:
        self.path = path
        self.torn = torn
        self._known = known
        self._descriptor = descriptor

    @classmethod
    def begin(cls, folder: Path, header: Mapping[str, Any]) -> Journal:
        """A new journal. Raises QktError where there is one with outcomes already, or none can be written."""
        path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_bytes().count(b"\n") <= 1:
                path.unlink()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        except FileExistsError:
            remedy = "go on with it by --resume, or give another --out"
            raise QktError("there are results already", where=str(folder), remedy=remedy) from None
        except OSError as problem:
            raise _unwritable(path, problem) from None
        journal = cls(path, {}, False, descriptor)
        journal._write({"schema": SCHEMA, **header})
        return journal

    @classmethod
    def resume(cls, folder: Path, header: Mapping[str, Any]) -> Journal:
        """This very job's journal, begun where there is none. Raises QktError for that of another job, or a damaged one."""
        path = folder / NAME
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return cls.begin(folder, header)
        except OSError as problem:
            raise QktError(f"cannot be read ({problem.strerror})", where=str(path)) from None
        whole, torn = data.rpartition(b"\n")[0], data.rpartition(b"\n")[2]
        lines = whole.split(b"\n") if whole else []
        if not lines:
            path.unlink()
            return cls.begin(folder, header)
        _require_same(path, lines[0], {"schema": SCHEMA, **header})
        known = {}
        for number, line in enumerate(lines[1:], 2):
            try:
                outcome = Outcome.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError):
                remedy = "give another --out, or remove the line: its run is done again"
                raise QktError("is no outcome", where=f"{path}:{number}", remedy=remedy) from None
            known[outcome.key] = outcome
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.truncate(path, len(whole) + 1)
        except OSError as problem:
            raise _unwritable(path, problem) from None
        return cls(path, known, bool(torn), descriptor)

    def get(self, key: str) -> Outcome | None:
        return self._known.get(key)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, outcome: Outcome) -> None:
        """Write an outcome; it is on disk when this returns. Raises QktError when it cannot be."""
        self._write(outcome.as_json())
        self._known[outcome.key] = outcome

    def _write(self, value: Mapping[str, Any]) -> None:
        line = json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError as problem:
            raise _unwritable(self.path, problem) from None

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _require_same(path: Path, line: bytes, header: Mapping[str, Any]) -> None:
    """Raises QktError, saying what differs, unless the first line is this header."""
    try:
        before = json.loads(line)
    except ValueError:
        before = None
    if not isinstance(before, dict) or before.get("schema") != SCHEMA:
        raise QktError("is no journal of results", where=f"{path}:1", remedy="give another --out") from None
    asked = json.loads(json.dumps(header))
    other = [name for name in {**before, **asked} if before.get(name) != asked.get(name)]
    if other:
        raise QktError(
            f"holds results of a job that differs in {', '.join(other)}",
            where=str(path.parent),
            remedy="give another --out, or ask for what was asked for then",
        )


def _unwritable(path: Path, problem: OSError) -> QktError:
    return QktError(f"cannot be written ({problem.strerror})", where=str(path), remedy="what is there already can be resumed")
