"""The log: JSON lines in files that rotate, one file for the engine and one for each session, and readable lines on a terminal.

Whoever logs only puts a record into a queue; a thread of its own words it, hides secrets, leaves out what repeats, and writes.
When the disk does not keep up, records are dropped and counted.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qkt.core.clock import SystemClock
from qkt.core.errors import QktError
from qkt.core.secrets import redacted
from qkt.observe.repeats import Repeats
from qkt.runtime.control.rows import Line
from qkt.runtime.lines import SESSION
from qkt.runtime.tally import sort_of

if TYPE_CHECKING:
    from structlog.dev import ConsoleRenderer
    from structlog.processors import JSONRenderer

WAITING = 10_000
GATHER = 0.02
AT_ONCE = 500
"""Records that are written as one batch."""
OPEN = 64
"""Files of sessions that are open at a time."""
MEGABYTE = 1 << 20
LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40}
QUIET = ("httpx", "httpcore", "websockets", "uvicorn", "apprise")
"""Libraries that tell too much below a warning."""

SAID = ("log", "fill", "order", "operator", "halt")
"""Kinds of lines that are always written, however often they repeat."""

Entry = dict[str, Any]
"""What is written: `event` is the text, the rest is about it."""


class LogFiles:
    """Writes to `engine.log` and `sessions/NAME.log` in a folder, each kept at `files` files of `megabytes`. `console`, if any,
    is given readable lines and must not block. `dropped` counts what could not be taken, `failures` what could not be
    written or shown. Raises QktError when the folder cannot be made."""

    def __init__(
        self,
        folder: Path,
        level: str,
        *,
        megabytes: int,
        files: int,
        console: Callable[[str], None] | None = None,
        colors: bool = False,
    ) -> None:
        try:
            for place in (folder.parent, folder):  # each for its user alone: parents made along the way would not be
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            found = f"the log cannot be written ({problem.strerror})"
            raise QktError(found, where=str(folder), expected="a folder that can be written to") from None
        self._folder = folder
        self.level = LEVELS[level.upper()]
        self._bytes, self._files = megabytes * MEGABYTE, files
        self._console = console
        self._colors = colors
        self._engine = self._opened(folder / "engine.log")
        self._sessions: dict[str, _File] = {}
        self._repeats = Repeats()
        self._clock = SystemClock()
        self._queue: queue.SimpleQueue[Entry | Line | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self.dropped = 0
        self._told_dropped = 0
        # Of files that are closed, and of what could not be put into words or shown.
        self._failures = 0

    @property
    def failures(self) -> int:
        return self._engine.failures + self._failures + sum(one.failures for one in self._sessions.values())

    def record(self, record: logging.LogRecord) -> None:
        """Take a record of the process."""
        level = "WARN" if record.levelname == "WARNING" else record.levelname
        entry: Entry = {"event": _said(record), "at": record.created, "level": level, "logger": record.name}
        session = SESSION.get()
        if session is not None:
            entry["session"] = session
        if record.exc_info:
            entry["exc_info"] = record.exc_info
        self._put(entry)

    def line(self, line: Line) -> None:
        """Take a line of the engine."""
        if LEVELS[line.level] >= self.level:
            self._put(line)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Write what waits, for two seconds at most."""
        self._queue.put(None)
        self._thread.join(2.0)

    def _put(self, item: Entry | Line) -> None:
        if self._queue.qsize() < WAITING:
            self._queue.put(item)
        else:
            self.dropped += 1

    # ------------------------------------------------------------- in the thread

    @cached_property
    def _json(self) -> JSONRenderer:
        from structlog.processors import JSONRenderer

        encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
        return JSONRenderer(serializer=lambda entry, **_: encode(entry))

    @cached_property
    def _readable(self) -> ConsoleRenderer:
        from structlog.dev import ConsoleRenderer, plain_traceback

        return ConsoleRenderer(colors=self._colors, pad_event_to=0, exception_formatter=plain_traceback)

    def _write_all(self) -> None:
        ended = False
        while not ended:
            entries = self._waiting()
            ended = None in entries
            now = time.monotonic()
            with self._counted():
                self._tell_left_out(now)
            for item in entries:
                with self._counted():
                    self._take(item, now)
            with self._counted():
                self._flush()
        for file in (self._engine, *self._sessions.values()):
            with self._counted():
                file.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """What fails in here is counted, and the thread goes on: without it nothing would be logged until the next start."""
        try:
            yield
        except Exception:
            self._failures += 1

    def _tell_left_out(self, now: float) -> None:
        for key, count in self._repeats.ended(now):
            self._word({**dict(key), "repeated": count})  # type: ignore[call-overload]
        if (dropped := self.dropped) > self._told_dropped:
            lost, self._told_dropped = dropped - self._told_dropped, dropped
            self._word({"event": f"{lost} records were dropped", "level": "WARN", "logger": __name__})

    def _take(self, item: Entry | Line | None, now: float) -> None:
        entry = _entry(item) if isinstance(item, Line) else item
        if entry is not None and self._passes(entry, now):
            self._word(entry)

    def _flush(self) -> None:
        self._engine.flush_lines()
        for session, file in list(self._sessions.items()):
            if file.last:
                self._close(session)
            else:
                file.flush_lines()

    def _waiting(self) -> list[Entry | Line | None]:
        """What has come, all of it: a batch is written at once."""
        try:
            entries = [self._queue.get(timeout=1.0)]
        except queue.Empty:
            return []
        time.sleep(GATHER)  # what comes together is written together, when whoever says it is done
        while len(entries) < AT_ONCE:
            try:
                entries.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return entries

    def _passes(self, entry: Entry, now: float) -> bool:
        """Warnings and errors of the same sort are written a few times; what strategies and orders say, always."""
        if entry["level"] in ("DEBUG", "INFO") or entry.get("kind") in SAID:
            return True
        kept = ("level", "logger", "session", "kind", "about")
        sort = (("event", sort_of(entry["event"])), *((key, entry[key]) for key in kept if key in entry))
        return self._repeats.passes(sort, now)

    def _word(self, entry: Entry) -> None:
        about = dict(entry)
        at = about.pop("at", None)
        moment = dt.datetime.fromtimestamp(self._clock.now() / 1000 if at is None else at, dt.UTC)
        if "exc_info" in about:
            from structlog.processors import format_exc_info

            about = dict(format_exc_info(None, "", about))
        text = str(self._json(None, "", {"ts": moment.isoformat(timespec="milliseconds"), **about}))
        if "number" not in about:  # lines of the engine were rid of secrets when they were said
            text = redacted(text)
        session = about.get("session", "engine")
        if session != "engine" and "logger" not in about:
            self._of(session, last=about.get("about") == "ended").lines.append(text)
        if "logger" in about or session == "engine" or about["level"] in ("WARN", "ERROR"):
            self._engine.lines.append(text)
        if self._console is not None:
            shown = {key: value for key, value in about.items() if key not in ("kind", "about", "number", "logger")}
            level = {"level": {"WARN": "warning"}.get(about["level"], about["level"].lower())}
            self._console(redacted(self._readable(None, "", {"timestamp": f"{moment:%H:%M:%S}", **shown, **level})))

    def _of(self, session: str, *, last: bool) -> _File:
        """The file of a session. One that ends, or was not written to for longest, is closed with the batch."""
        file = self._sessions.pop(session, None) or self._opened(self._folder / "sessions" / f"{file_name(session)}.log")
        self._sessions[session] = file
        file.last = last
        if len(self._sessions) > OPEN:
            self._close(next(iter(self._sessions)))
        return file

    def _close(self, session: str) -> None:
        file = self._sessions.pop(session)
        file.flush_lines()
        self._failures += file.failures
        file.close()

    def _opened(self, path: Path) -> _File:
        with suppress(OSError):  # what comes of it is counted when it is written to
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _File(path, maxBytes=self._bytes, backupCount=self._files - 1, encoding="utf-8", delay=True)


class _File(RotatingFileHandler):
    """A file that rotates; `lines` are those of a batch. What cannot be written is counted; nobody is told on a terminal that
    may be frozen."""

    def __init__(self, path: Path, **settings: Any) -> None:
        super().__init__(path, **settings)
        self.lines: list[str] = []
        self.failures = 0
        self.last = False

    def flush_lines(self) -> None:
        """Write the batch, in pieces that fit into a file."""
        while self.lines:
            size = count = 0
            for text in self.lines:
                size += len(text) + 1
                if count and size > self.maxBytes // 2:
                    break
                count += 1
            batch, self.lines = self.lines[:count], self.lines[count:]
            self.handle(logging.makeLogRecord({"msg": "\n".join(batch)}))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        self.failures += 1


def _entry(line: Line) -> Entry:
    entry: Entry = {"event": line.text, "at": line.ts / 1000, "level": line.level, "number": line.number}
    entry |= {"session": line.scope, "kind": line.kind}
    if line.event:
        entry["about"] = line.event
    if line.order is not None:
        entry["order"] = line.order
    if line.trace is not None:
        entry["trace"] = line.trace
    return entry


def _said(record: logging.LogRecord) -> str:
    """The text of a record, or where one was made that has none: whoever logs is not to fail by it."""
    try:
        return record.getMessage()
    except Exception as problem:
        said = f"'{record.msg}'" if isinstance(record.msg, str) else f"a {type(record.msg).__name__}"
        return f"{said} cannot be worded ({type(problem).__name__}), from {record.filename}:{record.lineno}"


class _ToFiles(logging.Handler):
    def __init__(self, files: LogFiles) -> None:
        super().__init__()
        self._files = files

    def emit(self, record: logging.LogRecord) -> None:
        self._files.record(record)


@contextmanager
def logging_to(files: LogFiles) -> Iterator[LogFiles]:
    """Send the log of this process there for as long as this is entered."""
    handler = _ToFiles(files)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(files.level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    files.start()
    try:
        yield files
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        files.close()


def file_name(session: str) -> str:
    """The name of a session as a file's: a child of a portfolio has a slash in its own."""
    return session.replace("/", "__")
