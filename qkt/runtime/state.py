"""The state directory: where it is, and who owns it."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from qkt.core.locks import lock
from qkt.runtime.errors import StateError

LOCK = "engine.lock"
LOOK = "see what qkt doctor finds"
PATIENCE = 0.5
"""Seconds in which whoever only looks for the owner has let go of the lock; an owner has not."""


def state_dir(given: Path | None = None) -> Path:
    """The directory that is given, else that of QKT_STATE_DIR, else the platform's."""
    if given is not None:
        return given
    named = os.environ.get("QKT_STATE_DIR")
    if named:
        return Path(named)
    from platformdirs import user_state_path

    return user_state_path("qkt", appauthor=False)


class StateLock:
    """Holds a state directory for one process. The operating system drops the lock with the process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file: IO[bytes] | None = None

    def __enter__(self) -> StateLock:
        """Raises StateError when another process holds it, naming that process, and when it cannot be written to."""
        where = str(self._path.parent)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with ExitStack() as stack:
                file = stack.enter_context(open(self._path, "a+b", buffering=0))
                if not lock(file, PATIENCE):
                    file.seek(0)
                    raise StateError(
                        f"is in use by process {file.read().decode('ascii').strip() or 'unknown'}",
                        where=where,
                        remedy="stop that engine, or choose another directory with --state-dir",
                    )
                file.truncate(0)
                file.write(str(os.getpid()).encode("ascii"))
                stack.pop_all()
        except OSError as problem:
            raise StateError(f"cannot be used ({problem.strerror})", where=where, remedy=LOOK) from None
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def owner(folder: Path) -> int | None:
    """The process that holds a state directory, None when nobody does. Raises StateError for one that may not be read."""
    try:
        with open(folder / LOCK, "r+", encoding="ascii") as file:
            if lock(file, shared=True):
                return None
            file.seek(0)
            text = file.read().strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise StateError(f"cannot be looked into ({problem.strerror})", where=str(folder), remedy=LOOK) from None
    return int(text) if text.isdigit() else None


def sync_folder(folder: Path) -> None:
    """Make the names of new files in a folder durable, where the platform can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
