"""What operators asked for and what they were answered, and when the engine began: durable, so that a command that comes again
after a restart is not performed again.
"""

from __future__ import annotations

import logging
import sqlite3

import anyio
import anyio.to_thread

from qkt.runtime.control.answers import ANSWER, Answer, Failed
from qkt.runtime.control.commands import COMMAND, Command

SCHEMA = """
create table if not exists commands (
    id text primary key,
    ts integer not null,
    author text not null,
    command text not null,
    answer text
) without rowid;
create table if not exists starts (ts integer not null);
"""
KEPT = 100_000
"""Commands remembered; the oldest beyond that are forgotten when an engine begins."""
STARTS = 1_000

log = logging.getLogger(__name__)


class OperatorLog:
    """Keeps to the journal's database, over a connection of its own beside the loop: a disk that hangs holds nobody up but
    whoever waits for a record. What cannot be written while the disk refuses is logged: a halt is never refused for want of
    one."""

    def __init__(self, db: sqlite3.Connection, writer: sqlite3.Connection, now: int) -> None:
        self._db = db
        self._writer = writer
        self._one = anyio.Lock()
        for statement in SCHEMA.split(";"):
            db.execute(statement)
        oldest = "select id from commands order by ts desc limit -1 offset ?"
        db.execute(f"delete from commands where id in ({oldest})", (KEPT,))
        db.execute("insert into starts values (?)", (now,))

    def starts(self) -> list[int]:
        """When engines began on this state (epoch ms), oldest first."""
        rows = self._db.execute("select ts from starts order by ts desc limit ?", (STARTS,)).fetchall()
        return [row[0] for row in reversed(rows)]

    async def begin(self, command: Command, now: int) -> None:
        """The command is about to be performed."""
        await self._write("on conflict(id) do nothing", command, now, None)

    async def settle(self, command: Command, answer: Answer, now: int) -> None:
        """What came of it. A halt may be done before it was written that it begins."""
        await self._write("on conflict(id) do update set answer = excluded.answer", command, now, answer.model_dump_json())

    def recall(self, command_id: str) -> tuple[Command, Answer] | None:
        """A command of an earlier life of the engine and what it was answered.

        One that the engine ended under is answered as unknown: whether it acted is seen by looking.
        """
        row = self._db.execute("select command, answer from commands where id = ?", (command_id,)).fetchone()
        if row is None:
            return None
        command = COMMAND.validate_json(row[0])
        if row[1] is not None:
            return command, ANSWER.validate_json(row[1])
        found = "the engine ended before the command was settled: whether it acted is unknown"
        return command, Failed(id=command_id, kind="fault", found=found, remedy="look with qkt status, then ask under a new id")

    async def _write(self, known: str, command: Command, now: int, answer: str | None) -> None:
        """In the order of asking, and to the end whoever asked. `known` says what is done where the id is there."""
        values = command.id, now, command.author, command.model_dump_json(), answer
        statement = f"insert into commands(id, ts, author, command, answer) values (?, ?, ?, ?, ?) {known}"
        try:
            with anyio.CancelScope(shield=True):
                async with self._one:
                    await anyio.to_thread.run_sync(self._writer.execute, statement, values)
        except sqlite3.Error as problem:
            log.error("a command could not be recorded: %s", problem)
