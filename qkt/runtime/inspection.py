"""The state of an engine seen from outside, while it runs or not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from qkt.core.errors import QktError
from qkt.runtime.errors import StateError
from qkt.runtime.journal import FILE, VERSION, Journal
from qkt.runtime.recorder import tape_folder
from qkt.runtime.replay import replay
from qkt.runtime.state import owner
from qkt.runtime.tape import segments


def inspected(state: Path) -> dict[str, Any]:
    """What is registered and recorded. Raises StateError when there is no state or it cannot be read."""
    journal = opened(state)
    try:
        sessions = [
            {
                "name": one.name,
                "run": one.run,
                "wanted": one.wanted,
                "file": one.file,
                "source_hash": one.source_hash,
                "params": one.params,
                "created_at": one.created_at,
                "committed": journal.last_input(one.run),
                "fills": journal.count(one.run, "fill"),
                "tape_bytes": sum(file.stat().st_size for file in segments(tape_folder(state, one.run))),
            }
            for one in journal.registered()
        ]
    finally:
        journal.close()
    return {"state_dir": str(state), "version": VERSION, "owner": owner(state), "sessions": sessions}


def back_up(state: Path, target: Path) -> None:
    """Copy a state. The journal goes first: a tape that is longer than its journal is complete, the other way round it is not.

    Raises StateError when the target exists or cannot be written.
    """
    if target.exists():
        raise StateError("exists already", where=str(target), expected="a folder that does not exist yet")
    journal = opened(state)
    try:
        target.mkdir(parents=True, mode=0o700)
        journal.backup(target / FILE)
        if (state / "sessions").exists():
            shutil.copytree(state / "sessions", target / "sessions")
    except OSError as problem:
        raise StateError(f"the copy failed ({problem.strerror})", where=str(target)) from None
    finally:
        journal.close()


def verified(state: Path) -> list[dict[str, Any]]:
    """What is wrong with a state, nothing when it is sound. Raises StateError when there is none."""
    journal = opened(state)
    try:
        problems: list[dict[str, Any]] = [{"where": FILE, "found": text} for text in journal.check()]
        names = [one.name for one in journal.registered()]
    finally:
        journal.close()
    for name in names:
        try:
            divergence = replay(state, name).divergence
        except QktError as problem:
            divergence = str(problem)
        if divergence is not None:
            problems.append({"where": name, "found": divergence})
    return problems


def opened(state: Path) -> Journal:
    """The journal of a state that is there already. Raises StateError."""
    if not (state / FILE).exists():
        raise StateError("holds no state", where=str(state), remedy="name the right one with --state-dir")
    return Journal(state)
