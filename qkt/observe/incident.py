"""Everything that tells what a session did, in one file that can be handed on: without secrets, and bounded."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import re
import sqlite3
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import IO, Any

from qkt.config import Config, shown
from qkt.core.errors import UsageError
from qkt.core.events import Event, Tick
from qkt.core.secrets import redacted
from qkt.observe.logs import file_name
from qkt.runtime.control.errors import UnknownSessionError
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import CommandInput, GapInput, Input, TickInput, VenueInput
from qkt.runtime.inspection import opened
from qkt.runtime.journal import Journal, Registration
from qkt.runtime.recorder import session_folder, tape_folder
from qkt.runtime.tape import last_time, read_since

MEGABYTE = 1 << 20
MOST = 50 * MEGABYTE
"""Bytes of one file of the bundle; of what is longer the end is kept."""
OF_TICK = tuple(one.name for one in dataclasses.fields(Tick) if one not in dataclasses.fields(Event))
UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def span(text: str) -> int:
    """A length of time such as `90m`, `2h`, `1d`, in milliseconds. Raises UsageError."""
    found = re.fullmatch(r"(\d+)\s*([smhd])", text.strip())
    if found is None or not int(found[1]):
        raise UsageError(f"'{text}'", where="--since", expected="a length of time such as 90m, 2h or 1d")
    return int(found[1]) * UNITS[found[2]]


class Incident:
    """Collects what there is about one session. `now` is the machine's time; the slice reaches back by `length` (ms) from it,
    or from the session's last input where that is earlier.

    Raises UnknownSessionError, and StateError for a state that cannot be read.
    """

    def __init__(self, state: Path, name: str, length: int, now: int, *, most: int = MOST) -> None:
        self._state = state
        self._most = most
        self._now = now
        self._files: list[dict[str, Any]] = []
        journal = opened(state)
        try:
            registration = journal.find(name)
            if registration is None:
                raise UnknownSessionError(name, [one.name for one in journal.registered()])
        finally:
            journal.close()
        self._registration = registration
        self._tape = tape_folder(state, registration.run)
        self.since = min(now, self._last()) - length

    def write(self, target: Path, config: Config, live: dict[str, str]) -> None:
        """Write the bundle, readable by its user only. `live` holds documents of the running engine by name.

        Raises StateError when it cannot be written.
        """
        draft = target.with_name(f"{target.name}.new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                self._fill(file, config, live)
            draft.replace(target)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise StateError(f"cannot be written ({problem.strerror})", where=str(target)) from None

    def _fill(self, file: IO[bytes], config: Config, live: dict[str, str]) -> None:
        registration = self._registration
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            self._add(bundle, "config.json", [json.dumps(shown(config), indent=2)])
            self._add(bundle, "session.json", [json.dumps(_told(registration), indent=2)])
            self._add(bundle, f"strategy{Path(registration.file).suffix}", registration.source.splitlines())
            for name, text in live.items():
                self._add(bundle, name, [text])
            for path in self._kept():
                self._add(bundle, f"session/{path.name}", _lines_of(path))
            self._add(bundle, "recording.jsonl", self._recording())
            journal = opened(self._state)
            try:
                self._add(bundle, "journal.jsonl", self._effects(journal))
            finally:
                journal.close()
            for path in self._logs():
                self._add(bundle, f"logs/{path.name}", self._recent(path))
            bundle.writestr("manifest.json", json.dumps(self._manifest(), indent=2))

    def _add(self, bundle: zipfile.ZipFile, name: str, lines: Iterable[str]) -> None:
        kept = deque[bytes]()
        size = left_out = 0
        problem: str | None = None
        try:
            for line in lines:
                data = f"{redacted(line)}\n".encode()
                kept.append(data)
                size += len(data)
                while size > self._most and len(kept) > 1:
                    size -= len(kept.popleft())
                    left_out += 1
        except (StateError, OSError, sqlite3.Error) as trouble:  # what is damaged is part of what happened
            problem = redacted(str(trouble))
        content = b"".join(kept)
        bundle.writestr(name, content)
        digest = hashlib.sha256(content).hexdigest()
        about = {"name": name, "bytes": len(content), "sha256": digest, "lines_left_out": left_out, "problem": problem}
        self._files.append(about)

    def _manifest(self) -> dict[str, Any]:
        packages = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"]}
        return {
            "incident": 1,
            "session": self._registration.name,
            "run": self._registration.run,
            "since": self.since,
            "made": self._now,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": dict(sorted(packages.items())),
            "files": self._files,
        }

    def _last(self) -> int:
        """The time of the session's last input, now when that is not known."""
        try:
            return last_time(self._tape) or self._now
        except StateError:  # the bundle will say so
            return self._now

    def _recording(self) -> Iterator[str]:
        for number, item in read_since(self._tape, self.since):
            yield json.dumps({"input": number, **_plain(item)}, default=str)

    def _effects(self, journal: Journal) -> Iterator[str]:
        first = next((number for number, _ in read_since(self._tape, self.since)), 0)
        for number, effects in journal.effects(self._registration.run, first):
            for effect in effects:
                yield json.dumps({"input": number, "kind": effect.kind, **effect.value})

    def _kept(self) -> Iterator[Path]:
        """What the session keeps beside its tape: instruments, the source of a strategy in Python."""
        folder = session_folder(self._state, self._registration.run)
        return (path for path in sorted(folder.glob("*")) if path.is_file())

    def _logs(self) -> Iterator[Path]:
        logs = self._state / "logs"
        yield from sorted(logs.glob("engine.log*"))
        yield from sorted((logs / "sessions").glob(f"{file_name(self._registration.name)}.log*"))
        yield from (path for path in [self._state / "daemon.log"] if path.is_file())

    def _recent(self, path: Path) -> Iterator[str]:
        """Entries not before the slice; what has no time of its own is kept."""
        from qkt.data.times import parse_utc

        for line in _lines_of(path):
            found = re.match(r'\{"ts": "([^"]+)"', line)
            if found is None or parse_utc(found[1]) >= self.since:
                yield line


def _lines_of(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            yield line.rstrip("\n")


def _told(registration: Registration) -> dict[str, Any]:
    told = dataclasses.asdict(registration)
    del told["source"]
    return told


def _plain(item: Input) -> dict[str, Any]:
    """An input as data."""
    match item:
        case TickInput(tick=tick):
            sort = "history" if item.history else "tick"
            values = {key: getattr(tick, key) for key in OF_TICK}
            return {"sort": sort, "number": item.number, **values}
        case CommandInput():
            return {"sort": "command", "ts": item.ts, "command": item.command, "author": item.author, **item.arguments}
        case GapInput():
            return {"sort": "gap", "since": item.since, "until": item.until, "reason": item.reason}
        case VenueInput():
            return {"sort": "venue", "ts": item.ts, "report": item.report.as_json()}
        case _:
            return {"sort": "timer", "ts": item.ts}
