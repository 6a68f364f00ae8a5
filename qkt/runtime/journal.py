"""The journal: what sessions are registered, and what their inputs led to. One SQLite database for a state directory.

The effects of one input are one transaction, durable when `commit` returns (write-ahead log, full synchronisation). Whatever
cannot be read is refused, never taken for empty.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns
from typing import Any

from qkt.runtime.effects import Effect
from qkt.runtime.errors import StateError
from qkt.runtime.figures import EngineFigures
from qkt.runtime.state import LOOK
from qkt.runtime.tape_blocks import StoredBlock

FILE = "journal.sqlite"
VERSION = 2
APPLICATION = 0x716B7401
SCHEMA = """
create table sessions (
    run integer primary key autoincrement,
    name text not null,
    current integer not null,
    wanted text not null,
    file text not null,
    source text not null,
    source_hash text not null,
    params text not null,
    settings text not null,
    created_at integer not null
);
create unique index one_current on sessions(name) where current = 1;
create table commits (
    run integer not null,
    input integer not null,
    primary key (run, input)
) without rowid;
create table effects (
    run integer not null,
    input integer not null,
    place integer not null,
    kind text not null,
    data text not null,
    primary key (run, input, place)
) without rowid;
create index by_kind on effects(run, kind, input);
create table kept (
    run integer not null,
    first integer not null,
    block blob not null,
    primary key (run, first)
) without rowid;
"""
ROWS = 100
"""Rows that one statement inserts."""
RESTORE = "restore it from a backup, or choose another state directory"


@dataclass(frozen=True, slots=True)
class Registration:
    """A session as it was deployed. `run` is its number for ever: a later session of the same name gets another one.

    `wanted` is what it shall be after a restart: `running` or `stopped`. `settings` say everything else that its results
    depend on. `created_at` epoch ms.
    """

    run: int
    name: str
    wanted: str
    file: str
    source: str
    source_hash: str
    params: dict[str, str]
    settings: dict[str, Any]
    created_at: int


@dataclass(frozen=True, slots=True)
class Portion:
    """What is committed of one run: inputs with their effects, the blocks of its tape that are not synced yet, and up to which
    input the tape's files are, 0 when that has not changed."""

    run: int
    inputs: Sequence[tuple[int, Sequence[Effect]]]
    kept: Sequence[StoredBlock] = ()
    synced: int = 0


class JournalReading:
    """What can be asked of an open database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @classmethod
    def beside(cls, folder: Path) -> JournalReading:
        """Of an engine that is writing it; nothing is changed and nobody waits. Raises StateError when it cannot be read."""
        path = folder / FILE
        try:
            return cls(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0))
        except sqlite3.Error as problem:
            raise StateError(f"the journal cannot be read ({problem})", where=str(path)) from None

    def registered(self) -> list[Registration]:
        """The current sessions, in order of deployment."""
        return [_registration(row) for row in self._db.execute(f"{SELECT} where current = 1 order by run")]

    def find(self, name: str) -> Registration | None:
        """The current session of a name."""
        row = self._db.execute(f"{SELECT} where current = 1 and name = ?", (name,)).fetchone()
        return None if row is None else _registration(row)

    def of_run(self, run: int) -> Registration:
        """A session by its number. Raises StateError for one that there is not."""
        row = self._db.execute(f"{SELECT} where run = ?", (run,)).fetchone()
        if row is None:
            raise StateError(f"there is no run {run}", where=FILE)
        return _registration(row)

    def kept(self, run: int) -> list[bytes]:
        """The blocks of a tape that were not synced when something came of them, oldest first."""
        rows = self._db.execute("select block from kept where run = ? order by first", (run,))
        return [block for (block,) in rows]

    def last_input(self, run: int) -> int:
        """The number of the last input whose effects are durable, 0 without one."""
        found: int | None = self._db.execute("select max(input) from commits where run = ?", (run,)).fetchone()[0]
        return found or 0

    def effects(self, run: int, since: int = 0) -> Iterator[tuple[int, list[Effect]]]:
        """The inputs that led to something, from number `since` on, with what they led to, in order."""
        query = "select input, kind, data from effects where run = ? and input >= ? order by input, place"
        number, found = 0, list[Effect]()
        for at, kind, data in self._db.execute(query, (run, since)):
            if at != number and found:
                yield number, found
                found = []
            number = at
            found.append(Effect(kind, data))
        if found:
            yield number, found

    def of_kind(self, run: int, kinds: Sequence[str], limit: int, *, before: int | None = None) -> list[tuple[int, Effect]]:
        """The newest `limit` effects of some kinds, oldest first; `before` leaves out that input and later ones."""
        marks = ",".join("?" * len(kinds))
        query = (
            f"select input, kind, data from effects where run = ? and kind in ({marks}) and input < ?"
            " order by input desc, place desc limit ?"
        )
        rows = self._db.execute(query, (run, *kinds, 1 << 62 if before is None else before, limit)).fetchall()
        return [(number, Effect(kind, data)) for number, kind, data in reversed(rows)]

    def count(self, run: int, kind: str) -> int:
        """How many effects of a kind there are."""
        query = "select count(*) from effects where run = ? and kind = ?"
        found: int = self._db.execute(query, (run, kind)).fetchone()[0]
        return found


class Journal(JournalReading):
    """The open journal. Raises StateError when it is damaged, newer, or no journal. `figures` counts its transactions."""

    def __init__(self, folder: Path, figures: EngineFigures | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / FILE
        self._figures = figures or EngineFigures()
        super().__init__(_open(self.path))
        self._writer = _connect(self.path)

    def close(self) -> None:
        self._writer.close()
        self._db.close()

    # ---------------------------------------------------------------- registry

    def register(
        self,
        name: str,
        *,
        file: str,
        source: str,
        source_hash: str,
        params: dict[str, str],
        settings: dict[str, Any],
        created_at: int,
    ) -> Registration:
        """Write a new session down; an older one of this name is kept, but is current no more."""
        values = (name, file, source, source_hash, json.dumps(params), json.dumps(settings), created_at)
        with self._transaction():
            self._db.execute("update sessions set current = 0 where name = ?", (name,))
            cursor = self._db.execute(
                "insert into sessions(name, current, wanted, file, source, source_hash, params, settings, created_at)"
                " values (?, 1, 'running', ?, ?, ?, ?, ?, ?)",
                values,
            )
            run = cursor.lastrowid
        assert run is not None
        return Registration(run, name, "running", file, source, source_hash, params, settings, created_at)

    def want(self, run: int, wanted: str) -> None:
        """Say what the session shall be after a restart."""
        with self._transaction():
            self._db.execute("update sessions set wanted = ? where run = ?", (wanted, run))

    def forget(self, run: int) -> None:
        """The name becomes free; what was journaled stays."""
        with self._transaction():
            self._db.execute("update sessions set current = 0 where run = ?", (run,))

    def make_current(self, run: int) -> None:
        """Let an older session have its name back."""
        with self._transaction():
            self._db.execute("update sessions set current = 0 where name = (select name from sessions where run = ?)", (run,))
            self._db.execute("update sessions set current = 1 where run = ?", (run,))

    # ----------------------------------------------------------------- effects

    def commit(self, portions: Sequence[Portion]) -> None:
        """Write what came of some inputs of some runs, all or nothing, durable on return. Raises sqlite3.Error, and may be
        called again with the same. The one method that another thread may call."""
        began, db = monotonic_ns(), self._writer
        try:
            with _Transaction(db):
                for portion in portions:
                    if portion.synced:
                        db.execute("delete from kept where run = ? and first <= ?", (portion.run, portion.synced))
                    for first, stored in portion.kept:
                        db.execute("insert or replace into kept values (?, ?, ?)", (portion.run, first, stored))
                _insert(db, "commits", [(portion.run, number) for portion in portions for number, _ in portion.inputs])
                _insert(
                    db,
                    "effects",
                    [
                        (portion.run, number, place, effect.kind, effect.data)
                        for portion in portions
                        for number, effects in portion.inputs
                        for place, effect in enumerate(effects)
                    ],
                )
        except sqlite3.Error:
            self._figures.commit_failures += 1
            raise
        self._figures.commit.add(monotonic_ns() - began)

    @property
    def connection(self) -> sqlite3.Connection:
        """The open database, for what else is kept beside the journal."""
        return self._db

    def another(self) -> sqlite3.Connection:
        """One more open connection, for a thread of its own."""
        return _connect(self.path)

    def check(self) -> list[str]:
        """What the database's own check finds wrong, nothing when it is sound."""
        return [row[0] for row in self._db.execute("pragma integrity_check") if row[0] != "ok"]

    def backup(self, target: Path) -> None:
        """A copy as of now, while the journal is in use."""
        copy = sqlite3.connect(target)
        try:
            self._db.backup(copy)
        finally:
            copy.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


SELECT = "select run, name, wanted, file, source, source_hash, params, settings, created_at from sessions"


def _registration(row: tuple[Any, ...]) -> Registration:
    run, name, wanted, file, source, source_hash, params, settings, created_at = row
    return Registration(run, name, wanted, file, source, source_hash, json.loads(params), json.loads(settings), created_at)


class _Transaction:
    """Begins at once, commits at the end, rolls back when anything fails, the commit included."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("begin immediate")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._db.execute("commit")
                return
            except sqlite3.Error:
                self._roll_back()
                raise
        self._roll_back()

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("rollback")


def _insert(db: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Few statements for many rows: each of them lets other threads in between."""
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        marks = ",".join(["(" + ",".join("?" * len(some[0])) + ")"] * len(some))
        db.execute(f"insert into {table} values {marks}", [value for row in some for value in row])


def _connect(path: Path) -> sqlite3.Connection:
    """A connection whose commits are durable. Only one thread at a time may use it."""
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    db.execute("pragma synchronous = full")
    if sys.platform == "darwin":
        db.execute("pragma fullfsync = on")
    return db


def _open(path: Path) -> sqlite3.Connection:
    fresh = not path.exists()
    try:
        db = _connect(path)
        try:
            _prepare(db, path, fresh)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as problem:
        damaged = getattr(problem, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
        remedy = RESTORE if damaged else LOOK
        raise StateError(f"the journal cannot be used ({problem})", where=str(path), remedy=remedy) from None
    return db


def _prepare(db: sqlite3.Connection, path: Path, fresh: bool) -> None:
    version = db.execute("pragma user_version").fetchone()[0]
    application = db.execute("pragma application_id").fetchone()[0]
    empty = not db.execute("select count(*) from sqlite_master").fetchone()[0]
    if not fresh and not empty and application != APPLICATION:
        raise StateError("is no journal of qkt", where=str(path), remedy=RESTORE)
    if version != VERSION and not empty:
        raise StateError(
            f"the journal has version {version} and this program knows {VERSION}",
            where=str(path),
            remedy="use the program that wrote it, or choose another state directory",
        )
    db.execute("pragma journal_mode = wal")
    if empty and (path.parent / "sessions").exists():
        raise StateError("the journal is empty and there are recordings of sessions", where=str(path), remedy=RESTORE)
    if empty:
        db.executescript(
            f"begin immediate;{SCHEMA}pragma application_id = {APPLICATION};pragma user_version = {VERSION};commit;"
        )
    damage = [row[0] for row in db.execute("pragma quick_check(3)") if row[0] != "ok"]
    if damage:
        raise StateError(f"the journal is damaged: {damage[0]}", where=str(path), remedy=RESTORE)
